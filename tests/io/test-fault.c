/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests with files that go wrong: what lies over them says so, each time. */
#include "io/ordered.h"
#include "io/overlay.h"
#include "tests/check-main.h"
#include "tests/io/fault.h"
#include "tests/io/packed.h"
#include "tests/io/pattern.h"

#include <pthread.h>

/* More operations than any of the tests takes. */
#define OPERATIONS_MAX 10000

static const char *const compressions[] = { "gzip", "zstd:1", "lzo" };

START_TEST(faults_are_what_the_plan_says)
{
    VcFaultPlan plan = { .operations = VC_FAULT_READ, .nth = 2 };
    g_autoptr(VcFile)
        file = vc_fault_file(vc_memory_file_from("m", "abcdefgh", 8), &plan);
    g_autoptr(GError) error = NULL;
    char back[8];
    size_t got;

    ck_assert(vc_file_write(file, 0, "A", 1, NULL)); /* does not count */
    ck_assert(vc_file_read(file, 0, back, 8, NULL));
    ck_assert(!plan.happened);
    ck_assert(!vc_file_read(file, 0, back, 8, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert(plan.happened);
    ck_assert(vc_file_read(file, 0, back, 8, NULL));
    ck_assert_uint_eq(plan.count, 3);

    plan = (VcFaultPlan){ .kind = VC_FAULT_SHORT, .nth = 1 };
    ck_assert(vc_file_read_some(file, 0, back, 8, &got, NULL));
    ck_assert_uint_eq(got, 4);
    plan = (VcFaultPlan){ .kind = VC_FAULT_SHORT, .nth = 1 };
    g_clear_error(&error);
    ck_assert(!vc_file_write(file, 8, "ijkl", 4, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert(vc_file_read_some(file, 0, back, 8, &got, NULL));

    plan = (VcFaultPlan){ .kind = VC_FAULT_GARBAGE, .nth = 1 };
    ck_assert(vc_file_read(file, 0, back, 8, NULL));
    ck_assert_mem_eq(back, "Abcd", 4);
    ck_assert_int_eq(back[4], 'e' ^ 0x10);

    plan = (VcFaultPlan){ .kind = VC_FAULT_DELAY, .nth = 1, .delay_us = 1000 };
    ck_assert(vc_file_sync(file, NULL));
    ck_assert(plan.happened);

    plan = (VcFaultPlan){ .nth = 1, .lasting = true };
    uint64_t number;
    bool data;
    ck_assert(!vc_file_size(file, &number, NULL));
    ck_assert(!vc_file_run(file, 0, &data, &number, NULL));
    ck_assert(!vc_file_zero(file, 0, 1, NULL));
    ck_assert(!vc_file_truncate(file, 1, NULL));
    ck_assert(!vc_file_sync(file, NULL));
    ck_assert_uint_eq(plan.count, 5);
}
END_TEST

/* Writes and ends a compressed file over one that goes wrong at operation N; false when
 * nothing did. */
static bool
pack_with_fault(const char *words, const uint8_t *data, size_t length, VcFaultPlan plan)
{
    VcCompressOptions options;
    g_autoptr(GError) error = NULL;
    ck_assert(vc_compress_options_parse(words, &options, NULL));
    g_autoptr(VcFile) file = vc_compress_file(vc_fault_file(vc_memory_file("m"), &plan),
                                              &options, NULL);
    bool ok = true;
    for (size_t at = 0, n; ok && at < length; at += n) {
        n = MIN(65536, length - at);
        ok = vc_file_write(file, at, data + at, n, &error);
    }
    ok = ok && vc_file_sync(file, &error);
    ck_assert_msg(ok == !plan.happened, "operation %u", plan.nth);
    if (!ok)
        assert_error(error, VC_ERROR_IO);
    return plan.happened;
}

START_TEST(each_fault_below_a_compressed_output_is_an_error)
{
    size_t length = 1000000;
    g_autofree uint8_t *data = pattern_new(length, 1);
    if (g_str_equal(compressions[_i], "lzo") && !lzo_is_there())
        return;
    for (VcFaultKind kind = VC_FAULT_FAIL; kind <= VC_FAULT_SHORT; kind++)
        for (unsigned n = 1; pack_with_fault(compressions[_i], data, length,
                                             (VcFaultPlan){ .kind = kind, .nth = n });
             n++)
            ck_assert_uint_lt(n, OPERATIONS_MAX);
}
END_TEST

START_TEST(each_fault_below_a_compressed_source_is_an_error)
{
    size_t length = 1200000, got;
    g_autofree uint8_t *data = pattern_new(length, 1), *back = g_malloc(length + 1);
    if (g_str_equal(compressions[_i], "lzo") && !lzo_is_there())
        return;
    g_autoptr(GByteArray) packed = pack(compressions[_i], data, length, 65536);
    VcCompression compression = vc_compression_probe(packed->data, 16);

    for (VcFaultKind kind = VC_FAULT_FAIL; kind <= VC_FAULT_GARBAGE; kind++) {
        for (unsigned n = 1;; n++) {
            g_autoptr(GError) error = NULL;
            VcFaultPlan plan = { .kind = kind, .nth = n };
            VcFile *file = vc_fault_file(
                vc_memory_file_from("m", packed->data, packed->len), &plan);
            g_autoptr(VcStream)
                stream = vc_decompress(vc_stream_from_file(file), compression,
                                       VC_DECOMPRESS_MEMORY_DEFAULT, NULL);
            bool ok = vc_stream_pull(stream, back, length + 1, &got, &error);
            if (!plan.happened) {
                ck_assert(ok && got == length);
                break;
            }
            /* The read at the end finds nothing that it could spoil. */
            if (ok && kind != VC_FAULT_FAIL) {
                ck_assert_uint_eq(got, length);
                ck_assert_mem_eq(back, data, length);
                continue;
            }
            ck_assert_msg(!ok, "operation %u", n);
            ck_assert_int_eq(error->code, kind == VC_FAULT_FAIL    ? VC_ERROR_IO
                                          : kind == VC_FAULT_SHORT ? VC_ERROR_SHORT
                                                                   : VC_ERROR_CORRUPT);
        }
    }
}
END_TEST

START_TEST(each_fault_below_an_overlay_is_an_error)
{
    for (unsigned n = 1; n < OPERATIONS_MAX; n++) {
        VcFaultPlan plan = { .nth = n, .lasting = true };
        g_autofree uint8_t *data = pattern_new(100000, 1);
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) file = vc_overlay_file(
            vc_fault_file(vc_memory_file_from("m", data, 100000), &plan));
        uint64_t length;
        bool is_data;
        bool ok = vc_file_write(file, 5000, "abc", 3, &error) &&
                  vc_file_zero(file, 20001, 30000, &error) &&
                  vc_file_run(file, 100, &is_data, &length, &error) &&
                  vc_file_read(file, 0, data, 100000, &error);
        ck_assert(ok == !plan.happened);
        if (ok)
            return;
        assert_error(error, VC_ERROR_IO);
    }
    ck_abort_msg("no end");
}
END_TEST

START_TEST(each_fault_below_an_ordered_output_is_an_error)
{
    g_autofree uint8_t *data = pattern_new(300000, 1);
    g_autoptr(VcFile) content = vc_memory_file_from("c", data, 300000);
    for (unsigned n = 1; n < OPERATIONS_MAX; n++) {
        VcFaultPlan plan = { .nth = n };
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile)
            file = vc_ordered_file(vc_fault_file(vc_memory_file("m"), &plan));
        vc_ordered_preload(file, content);
        bool ok = vc_file_write(file, 100000, data, 50000, &error) &&
                  vc_file_write(file, 0, data, 1000, &error) &&
                  vc_file_settle(file, 100000, &error) &&
                  vc_file_truncate(file, 300000, &error) && vc_file_sync(file, &error);
        ck_assert(ok == !plan.happened);
        if (ok)
            return;
        assert_error(error, VC_ERROR_IO);
    }
    ck_abort_msg("no end");
}
END_TEST

static void *
count_reads(void *file)
{
    uint8_t byte;
    for (int i = 0; i < 1000; i++)
        (void)vc_file_read(file, 0, &byte, 1, NULL);
    return NULL;
}

START_TEST(threads_count_together)
{
    VcFaultPlan plan = { .nth = 2500 };
    g_autoptr(VcFile) file = vc_fault_file(vc_memory_file_from("m", "a", 1), &plan);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, count_reads, file);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(plan.count, 4000);
    ck_assert(plan.happened);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/fault");
    TCase *tests = tcase_create("fault");
    int n = G_N_ELEMENTS(compressions);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, faults_are_what_the_plan_says);
    tcase_add_loop_test(tests, each_fault_below_a_compressed_output_is_an_error, 0, n);
    tcase_add_loop_test(tests, each_fault_below_a_compressed_source_is_an_error, 0, n);
    tcase_add_test(tests, each_fault_below_an_overlay_is_an_error);
    tcase_add_test(tests, each_fault_below_an_ordered_output_is_an_error);
    tcase_add_test(tests, threads_count_together);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
