/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the overlay: against a flat model, and that the file below stays as it is.
 */
#include "io/checksum.h"
#include "io/error.h"
#include "io/memory.h"
#include "io/overlay.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"

#include <pthread.h>
#include <string.h>

#define BASE ((size_t)300000)
#define SPACE ((size_t)400000)

/* What the file should hold: SIZE bytes. */
static uint8_t model[SPACE];
static size_t model_size;
static uint8_t original[BASE];
static VcFile *base, *overlay;

static void
setup(void)
{
    pattern_fill(original, BASE, 1);
    base = vc_memory_file_from("base", original, BASE);
    overlay = vc_overlay_file(base);
    memset(model, 0, SPACE);
    memcpy(model, original, BASE);
    model_size = BASE;
}

static void
teardown(void)
{
    vc_file_free(overlay);
}

static void
put(size_t position, size_t length, uint32_t seed)
{
    g_autofree uint8_t *data = pattern_new(length, seed);
    ck_assert(vc_file_write(overlay, position, data, length, NULL));
    memcpy(model + position, data, length);
    if (length > 0)
        model_size = MAX(model_size, position + length);
}

static void
zero(size_t position, size_t length)
{
    ck_assert(vc_file_zero(overlay, position, length, NULL));
    memset(model + position, 0, length);
    if (length > 0)
        model_size = MAX(model_size, position + length);
}

static void
truncate_to(size_t size)
{
    ck_assert(vc_file_truncate(overlay, size, NULL));
    if (size < model_size)
        memset(model + size, 0, model_size - size);
    model_size = size;
}

static void
assert_same(void)
{
    static uint8_t back[SPACE];
    uint64_t size, length;
    size_t got;
    bool data;

    ck_assert(vc_file_size(overlay, &size, NULL));
    ck_assert_uint_eq(size, model_size);
    ck_assert(vc_file_read_some(overlay, 0, back, SPACE, &got, NULL));
    ck_assert_uint_eq(got, model_size);
    ck_assert_mem_eq(back, model, model_size);

    for (uint64_t at = 0; at < size; at += length) {
        ck_assert(vc_file_run(overlay, at, &data, &length, NULL));
        ck_assert_uint_gt(length, 0);
        ck_assert_uint_le(length, size - at);
        ck_assert(data || vc_is_zero(model + at, length));
        if (vc_overlay_untouched(overlay, at, length))
            ck_assert_mem_eq(model + at, original + at, length);
    }
    ck_assert(vc_file_read(base, 0, back, BASE, NULL));
    ck_assert_mem_eq(back, original, BASE);
    ck_assert(vc_file_size(base, &size, NULL));
    ck_assert_uint_eq(size, BASE);
}

START_TEST(without_changes_it_is_the_file_below)
{
    assert_same();
    ck_assert_ptr_eq(vc_overlay_base(overlay), base);
    ck_assert(vc_overlay_untouched(overlay, 0, BASE));
    ck_assert(!vc_overlay_untouched(overlay, 0, BASE + 1));
    ck_assert(!vc_overlay_untouched(overlay, UINT64_MAX, 10));
}
END_TEST

START_TEST(writes_are_seen_and_the_file_below_is_not_changed)
{
    put(0, 1, 2);
    put(4095, 2, 3);
    put(8192, 4096, 4);
    put(BASE - 10, 20, 5);
    put(350000, 5000, 6);
    put(100, 0, 7);
    assert_same();
}
END_TEST

START_TEST(zeros_are_seen_and_can_be_written_over)
{
    zero(4096, 40960);
    zero(60000, 10);
    zero(BASE - 5000, 5000);
    assert_same();
    put(8192, 4096, 1);
    put(20000, 100, 2);
    assert_same();
    zero(0, BASE);
    assert_same();
    zero(BASE + 5000, 50000);
    assert_same();
}
END_TEST

START_TEST(what_was_cut_off_does_not_come_back)
{
    put(10000, 100, 1);
    zero(16384, 8192);
    truncate_to(10050);
    assert_same();
    truncate_to(BASE);
    assert_same();
    truncate_to(0);
    truncate_to(SPACE);
    assert_same();
}
END_TEST

START_TEST(what_was_touched_can_be_told)
{
    put(8192, 1, 1);
    zero(65536, 8192);
    ck_assert(vc_overlay_untouched(overlay, 0, 8192));
    ck_assert(!vc_overlay_untouched(overlay, 0, 8193));
    ck_assert(!vc_overlay_untouched(overlay, 12287, 1));
    ck_assert(vc_overlay_untouched(overlay, 12288, 65536 - 12288));
    ck_assert(!vc_overlay_untouched(overlay, 12288, 65537 - 12288));
    ck_assert(vc_overlay_untouched(overlay, 73728, BASE - 73728));
    ck_assert(vc_overlay_untouched(overlay, 8192, 0));
}
END_TEST

START_TEST(random_changes_agree_with_a_flat_model)
{
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)_i);
    for (int step = 0; step < 60; step++) {
        size_t position = (size_t)g_rand_int_range(random, 0, SPACE);
        size_t length = (size_t)g_rand_int_range(random, 0, 30000);
        if (g_rand_boolean(random)) {
            position -= position % 4096;
            length -= length % 4096;
        }
        length = MIN(length, SPACE - position);
        switch (g_rand_int_range(random, 0, 8)) {
        case 0:
            truncate_to(position);
            break;
        case 1:
        case 2:
        case 3:
            zero(position, length);
            break;
        default:
            put(position, length, (uint32_t)step);
        }
        assert_same();
    }
}
END_TEST

START_TEST(huge_zero_ranges_cost_nothing)
{
    /* An exabyte in a thousand ranges, then in one. */
    for (uint64_t i = 0; i < 1000; i++)
        ck_assert(vc_file_zero(overlay, i << 50, (uint64_t)1 << 49, NULL));
    ck_assert(vc_file_zero(overlay, 100, (uint64_t)1 << 60, NULL));
    uint64_t length, size;
    bool data;
    ck_assert(vc_file_run(overlay, 4096, &data, &length, NULL));
    ck_assert(!data);
    ck_assert_uint_eq(length, ((uint64_t)1 << 60) - 4096);
    ck_assert(vc_file_size(overlay, &size, NULL));
    ck_assert_uint_eq(size, ((uint64_t)1 << 60) + 100);
}
END_TEST

START_TEST(the_end_of_the_numbers_is_an_error)
{
    g_autoptr(GError) error = NULL;
    ck_assert(!vc_file_write(overlay, UINT64_MAX, "ab", 2, &error));
    assert_error(error, VC_ERROR_LIMIT);
    ck_assert(!vc_file_zero(overlay, UINT64_MAX - 1, 1, NULL));
    ck_assert(!vc_file_truncate(overlay, UINT64_MAX, NULL));
    assert_same();
}
END_TEST

START_TEST(a_base_that_shrinks_is_an_error)
{
    g_autoptr(GError) read_error = NULL, write_error = NULL;
    uint8_t back[10];
    ck_assert(vc_file_truncate(base, 1000, NULL));
    ck_assert(!vc_file_read(overlay, 2000, back, 10, &read_error));
    assert_error(read_error, VC_ERROR_SHORT);
    ck_assert(!vc_file_write(overlay, 2000, "ab", 2, &write_error));
    assert_error(write_error, VC_ERROR_SHORT);
    ck_assert(vc_file_write(overlay, 4096, original, 4096, NULL));
}
END_TEST

static void *
read_all(void *unused G_GNUC_UNUSED)
{
    g_autofree uint8_t *back = g_malloc(SPACE);
    size_t got;
    for (int i = 0; i < 20; i++) {
        ck_assert(vc_file_read_some(overlay, 0, back, SPACE, &got, NULL));
        ck_assert_uint_eq(got, model_size);
        ck_assert_mem_eq(back, model, model_size);
    }
    return NULL;
}

START_TEST(many_threads_may_read)
{
    pthread_t threads[4];
    put(5000, 70000, 1);
    zero(100000, 100000);
    put(150000, 10, 2);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, read_all, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

static bool
no_size(VcFile *file G_GNUC_UNUSED, uint64_t *size G_GNUC_UNUSED, GError **error)
{
    vc_fail(error, VC_ERROR_IO, "no size");
    return false;
}

START_TEST(a_base_without_a_size_is_an_error_everywhere)
{
    VcFile *broken = vc_memory_file("broken");
    VcFileOps ops = *broken->ops;
    ops.size = no_size;
    broken->ops = &ops;
    g_autoptr(VcFile) file = vc_overlay_file(broken);
    g_autoptr(GError) error = NULL;
    uint64_t size, length;
    uint8_t byte;
    bool data;
    ck_assert(!vc_file_size(file, &size, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert(!vc_file_read(file, 0, &byte, 1, NULL));
    ck_assert(!vc_file_write(file, 0, &byte, 1, NULL));
    ck_assert(!vc_file_zero(file, 0, 1, NULL));
    ck_assert(!vc_file_truncate(file, 0, NULL));
    ck_assert(!vc_file_run(file, 0, &data, &length, NULL));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/overlay");
    TCase *tests = tcase_create("overlay");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, without_changes_it_is_the_file_below);
    tcase_add_test(tests, writes_are_seen_and_the_file_below_is_not_changed);
    tcase_add_test(tests, zeros_are_seen_and_can_be_written_over);
    tcase_add_test(tests, what_was_cut_off_does_not_come_back);
    tcase_add_test(tests, what_was_touched_can_be_told);
    tcase_add_loop_test(tests, random_changes_agree_with_a_flat_model, 0, 10);
    tcase_add_test(tests, huge_zero_ranges_cost_nothing);
    tcase_add_test(tests, the_end_of_the_numbers_is_an_error);
    tcase_add_test(tests, a_base_that_shrinks_is_an_error);
    tcase_add_test(tests, many_threads_may_read);
    tcase_add_test(tests, a_base_without_a_size_is_an_error_everywhere);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
