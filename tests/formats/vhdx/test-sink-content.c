/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the sink: what was put in reads back, also in used files, and faults leave
 * no image behind. */
#include "io/error.h"
#include "tests/formats/vhdx/making.h"

/* --- content ------------------------------------------------------------------------
 */

START_TEST(disks_of_all_sizes_and_kinds_read_back_as_written)
{
    static const uint64_t sizes[] = {
        512,      4096,           540672,         MIB - 512,     MIB,     MIB + 512,
        32 * MIB, 32 * MIB + 512, 33 * MIB - 512, 4 * GIB - 512, 4 * GIB, 4 * GIB + 512
    };
    static const char *const options[] = {
        "",
        "block_size=1M",
        "block_size=1M,logical_sector_size=4096",
        "block_size=256M",
        "block_size=1M,subformat=fixed",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes) * G_N_ELEMENTS(options); i++) {
        uint64_t size = sizes[i / G_N_ELEMENTS(options)];
        g_autoptr(VcFile) file = vc_memory_file("x");
        g_autoptr(VcFile) flat = vc_memory_file("flat");
        g_autoptr(VcSink)
            sink = must_create(file, size, options[i % G_N_ELEMENTS(options)]);
        g_autoptr(GRand) chance = g_rand_new_with_seed((uint32_t)i);

        put_at_random(sink, flat, chance, 40);
        must_finish(sink);
        Strict s = strict(file);
        ck_assert_uint_eq(s.size, sink->layout.disks[0].size);
        same_as(&s, flat);
    }
}
END_TEST

START_TEST(blocks_that_are_never_placed_are_not_allocated)
{
    static const uint8_t data[VC_CELL] = { 1 };
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, 64 * GIB, "");

    for (unsigned i = 0; i < 10; i++)
        put(sink, NULL, i * 5 * GIB, data, sizeof data);
    must_finish(sink);
    Strict s = strict(file);
    ck_assert_uint_eq(s.allocated, 10);
    ck_assert_uint_eq(s.file_size, 4 * MIB + 10 * 32 * MIB);
}
END_TEST

static bool
count_bytes(void *user, uint64_t position G_GNUC_UNUSED, const void *data G_GNUC_UNUSED,
            size_t length, GError **error G_GNUC_UNUSED)
{
    *(uint64_t *)user += length;
    return true;
}

START_TEST(an_empty_disk_of_64_tib_writes_less_than_a_mebibyte)
{
    static const struct {
        const char *options;
        uint64_t file_size;
    } cases[] = {
        { "", 20 * MIB },
        { "block_size=1M", 516 * MIB },
        { "block_size=1M,logical_sector_size=4096", 516 * MIB },
        { "block_size=256M", 6 * MIB },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(VcFile) file = vc_memory_file("x");
        g_autoptr(VcSink) sink = must_create(file, 64 * TIB, cases[i].options);
        uint64_t written = 0;
        must_finish(sink);
        ck_assert(vc_memory_file_visit(file, count_bytes, &written, NULL));
        ck_assert_uint_lt(written, MIB);
        ck_assert_uint_eq(strict(file).file_size, cases[i].file_size);
    }
}
END_TEST

START_TEST(the_ends_of_the_largest_disk_read_back)
{
    uint8_t data[VC_CELL], back[VC_CELL];
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, 64 * TIB, "block_size=1M");

    memset(data, 0x5a, sizeof data);
    put(sink, NULL, 64 * TIB - VC_CELL, data, sizeof data);
    put(sink, NULL, 0, data, sizeof data);
    must_finish(sink);
    Strict s = strict(file);
    ck_assert_uint_eq(s.file_size, 518 * MIB);
    strict_read(&s, 64 * TIB - VC_CELL, back, sizeof back);
    ck_assert_mem_eq(back, data, sizeof data);
    strict_read(&s, 0, back, sizeof back);
    ck_assert_mem_eq(back, data, sizeof data);
}
END_TEST

/* --- files that were not empty ------------------------------------------------------
 */

/* A file full of 0xee that does not read as zero, as a device that was used before. */
static VcFile *
used_file(uint64_t size)
{
    VcFile *file = vc_memory_file("used");
    g_autofree uint8_t *data = g_malloc(MIB);
    memset(data, 0xee, MIB);
    for (uint64_t at = 0; at < size; at += MIB)
        vc_file_write(file, at, data, MIB, NULL);
    file->reads_zero = false;
    return file;
}

START_TEST(a_dynamic_disk_in_a_used_file_keeps_all_rules)
{
    static const uint8_t data[VC_CELL] = { 9 };
    g_autoptr(VcFile) file = used_file(40 * MIB);
    g_autoptr(VcFile) flat = vc_memory_file("flat");
    g_autoptr(VcSink) sink = must_create(file, 100 * MIB, "block_size=1M");

    /* The payload's space is zeroed by the engine, before. */
    ck_assert(vc_file_zero(file, 4 * MIB, 36 * MIB, NULL));
    put(sink, flat, 50 * MIB, data, sizeof data);
    put(sink, flat, 2 * MIB + VC_CELL, data, sizeof data);
    must_finish(sink);
    Strict s = strict(file);
    ck_assert_uint_eq(s.file_size, 6 * MIB);
    same_as(&s, flat);
}
END_TEST

START_TEST(a_fixed_disk_in_a_used_file_leaves_nothing_behind_its_end)
{
    g_autoptr(VcFile) file = used_file(40 * MIB);
    g_autoptr(VcSink)
        sink = must_create(file, 5 * MIB + 512, "subformat=fixed,block_size=2M");
    uint64_t position, run;

    ck_assert(vc_sink_place(sink, 0, 0, 5 * MIB + 512, &position, &run, NULL));
    ck_assert(vc_file_zero(file, position, run, NULL)); /* as the engine does */
    must_finish(sink);
    Strict s = strict(file);
    ck_assert_uint_eq(s.file_size, 10 * MIB);
    ck_assert(strict_zero(file, position, s.file_size));
}
END_TEST

START_TEST(a_fixed_disk_in_a_used_file_is_zero_where_nothing_fills_it)
{
    static const uint8_t data[VC_CELL] = { 9 };
    g_autoptr(VcFile) file = used_file(40 * MIB), flat = vc_memory_file("flat");
    g_autoptr(VcSink)
        sink = must_create(file, 9 * MIB, "subformat=fixed,block_size=2M");

    put(sink, flat, 0, data, sizeof data);
    must_finish(sink);
    Strict s = strict(file);
    same_as(&s, flat);
}
END_TEST

START_TEST(a_fixed_disk_in_a_used_file_keeps_what_was_placed_in_any_order)
{
    static const uint8_t data[VC_CELL] = { 9 };
    g_autoptr(VcFile) file = used_file(40 * MIB), flat = vc_memory_file("flat");
    g_autoptr(VcSink)
        sink = must_create(file, 9 * MIB, "subformat=fixed,block_size=2M");

    ck_assert(vc_file_zero(file, 4 * MIB, 9 * MIB, NULL)); /* as the engine does */
    put(sink, flat, 8 * MIB, data, sizeof data);
    put(sink, flat, 0, data, sizeof data);
    must_finish(sink);
    Strict s = strict(file);
    same_as(&s, flat);
}
END_TEST

START_TEST(an_older_image_is_none_any_more_once_a_block_is_placed)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) older = must_create(file, 10 * MIB, "");
    uint64_t position, run;
    Strict s;

    must_finish(older);
    file->reads_zero = false;
    g_autoptr(VcSink) sink = must_create(file, 10 * MIB, "");
    ck_assert_ptr_null(strict_open(&s, file)); /* creating alone touches nothing */
    ck_assert(vc_sink_place(sink, 0, 0, VC_CELL, &position, &run, NULL));
    ck_assert(strict_zero(file, 0, MIB));
}
END_TEST

START_TEST(asking_for_the_first_time_after_finish_harms_nothing)
{
    g_autoptr(VcFile) file = used_file(8 * MIB);
    g_autoptr(VcSink)
        sink = must_create(file, 2 * MIB, "subformat=fixed,block_size=2M");
    uint64_t position, run;

    must_finish(sink);
    ck_assert(vc_sink_place(sink, 0, MIB, MIB, &position, &run, NULL));
    ck_assert_uint_eq(position, 5 * MIB);
    strict(file);
}
END_TEST

/* --- faults -------------------------------------------------------------------------
 */

typedef struct {
    VcFile base;
    VcFile *below; /* borrowed */
    unsigned left; /* operations until one fails */
} Faulty;

static bool
spend(VcFile *file, GError **error)
{
    Faulty *f = (Faulty *)file;
    if (f->left-- > 0)
        return true;
    f->left = 0;
    vc_fail(error, VC_ERROR_IO, "the disk is full");
    return false;
}

static bool
faulty_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
             GError **error)
{
    return spend(file, error) &&
           vc_file_write(((Faulty *)file)->below, position, buffer, length, error);
}

static bool
faulty_zero(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    return spend(file, error) &&
           vc_file_zero(((Faulty *)file)->below, position, length, error);
}

static bool
faulty_truncate(VcFile *file, uint64_t size, GError **error)
{
    return spend(file, error) && vc_file_truncate(((Faulty *)file)->below, size, error);
}

static const VcFileOps faulty_ops = {
    .write = faulty_write,
    .zero = faulty_zero,
    .truncate = faulty_truncate,
};

START_TEST(a_fault_at_any_moment_leaves_no_vhdx)
{
    static const uint8_t data[VC_CELL] = { 1 };
    static const char *const options[] = { "block_size=1M",
                                           "block_size=1M,subformat=fixed" };
    for (unsigned i = 0; i < 4; i++) {
        unsigned operations = 0;
        for (bool done = false; !done; operations++) {
            /* The file holds an older image where it does not read as zero. */
            g_autoptr(VcFile) below = vc_memory_file("x");
            g_autoptr(VcSink) older = must_create(below, 10 * MIB, "");
            if (i >= 2)
                must_finish(older);
            Faulty f = { .below = below, .left = operations };
            vc_file_init(&f.base, &faulty_ops, "faulty", true);
            f.base.reads_zero = i < 2;

            g_autoptr(VcSink) sink = must_create(&f.base, 10 * MIB, options[i % 2]);
            g_autoptr(GError) error = NULL;
            uint64_t position, run;
            done = vc_sink_place(sink, 0, 0, sizeof data, &position, &run, &error) &&
                   vc_file_write(&f.base, position, data, sizeof data, &error) &&
                   vc_sink_finish(sink, &error);
            ck_assert_int_eq(done, error == NULL);

            Strict s;
            uint8_t signature[8];
            if (done) {
                s = strict(below);
                ck_assert_uint_eq(s.size, 10 * MIB);
            } else if (i < 2 || operations > 0) {
                size_t got;
                ck_assert(vc_file_read_some(below, 0, signature, 8, &got, NULL));
                ck_assert(got == 0 || vc_is_zero(signature, got));
                ck_assert_ptr_nonnull(strict_open(&s, below));
            }
            vc_file_clear(&f.base);
        }
        ck_assert_uint_gt(operations, 8);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/sink-content");
    TCase *tests = tcase_create("content");
    tcase_set_timeout(tests, 60); /* under sanitizers */
    tcase_add_test(tests, disks_of_all_sizes_and_kinds_read_back_as_written);
    tcase_add_test(tests, blocks_that_are_never_placed_are_not_allocated);
    tcase_add_test(tests, an_empty_disk_of_64_tib_writes_less_than_a_mebibyte);
    tcase_add_test(tests, the_ends_of_the_largest_disk_read_back);
    suite_add_tcase(suite, tests);

    tests = tcase_create("used files");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_dynamic_disk_in_a_used_file_keeps_all_rules);
    tcase_add_test(tests, a_fixed_disk_in_a_used_file_leaves_nothing_behind_its_end);
    tcase_add_test(tests, a_fixed_disk_in_a_used_file_is_zero_where_nothing_fills_it);
    tcase_add_test(tests,
                   a_fixed_disk_in_a_used_file_keeps_what_was_placed_in_any_order);
    tcase_add_test(tests, an_older_image_is_none_any_more_once_a_block_is_placed);
    tcase_add_test(tests, asking_for_the_first_time_after_finish_harms_nothing);
    tcase_add_test(tests, a_fault_at_any_moment_leaves_no_vhdx);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
