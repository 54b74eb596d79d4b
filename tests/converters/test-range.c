/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of a part of a disk as an image of its own. */
#include "converters/range.h"

#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/converters/scripted.h"

#define SIZE ((uint64_t)64 << 10)

/* Data, zeros, data. */
static VcSource *
make_whole(ScriptedKind kind)
{
    VcSource *whole = scripted_source("whole", kind, SIZE);
    scripted_add_data(whole, 0, 16384, NULL);
    scripted_add_zero(whole, 16384, 16384, true);
    scripted_add_data(whole, 32768, 32768, NULL);
    return whole;
}

START_TEST(a_range_has_the_bytes_of_the_disk_from_its_offset)
{
    static const struct {
        uint64_t offset, length;
    } parts[] = {
        { 0, SIZE },     { 512, 1024 }, { 16383, 2 },
        { 20000, 5000 }, { 0, 1 },      { SIZE - 1, 1 },
    };
    g_autoptr(VcSource) whole = make_whole(SCRIPTED_MAP);
    g_autoptr(VcSource) range = vc_range(whole, 0, parts[_i].offset, parts[_i].length);
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *got = g_malloc(parts[_i].length),
                       *wanted = g_malloc(parts[_i].length);

    ck_assert_uint_eq(range->layout.n_disks, 1);
    ck_assert_uint_eq(range->layout.disks[0].size, parts[_i].length);
    ck_assert(vc_source_index(range, &error));
    ck_assert(vc_source_read(range, 0, 0, got, parts[_i].length, &error));
    assert_no_error(error);
    ck_assert(
        vc_source_read(whole, 0, parts[_i].offset, wanted, parts[_i].length, &error));
    ck_assert_mem_eq(got, wanted, parts[_i].length);
}
END_TEST

START_TEST(a_range_keeps_what_is_known_to_be_zero)
{
    g_autoptr(VcSource) whole = make_whole(SCRIPTED_MAP);
    g_autoptr(VcSource) range = vc_range(whole, 0, 16000, 1000);
    VcExtent extent;

    ck_assert(vc_source_map(range, 0, 384, &extent, NULL));
    ck_assert_int_eq(extent.kind, VC_ZERO);
    ck_assert_uint_eq(extent.offset, 384);
    ck_assert_uint_eq(extent.length, 616);
    ck_assert(extent.absent);
}
END_TEST

START_TEST(a_range_of_a_stream_is_cut_from_what_comes_by)
{
    g_autoptr(VcSource) whole = make_whole(SCRIPTED_STORED);
    g_autoptr(VcSource) range = vc_range(whole, 0, 16000, 20000);
    static const struct {
        VcKind kind;
        uint64_t offset, length, position;
    } expected[] = {
        { VC_DATA, 0, 384, SCRIPTED_SHIFT + 16000 },
        { VC_ZERO, 384, 16384, 0 },
        { VC_DATA, 16768, 3232, SCRIPTED_SHIFT + 32768 },
    };

    VcExtent extent;
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        ck_assert(vc_source_next(range, &extent, NULL));
        ck_assert_int_eq(extent.kind, expected[i].kind);
        ck_assert_uint_eq(extent.offset, expected[i].offset);
        ck_assert_uint_eq(extent.length, expected[i].length);
        if (extent.kind == VC_DATA)
            ck_assert_uint_eq(extent.position, expected[i].position);
    }
    ck_assert(vc_source_next(range, &extent, NULL));
    ck_assert_int_eq(extent.kind, VC_END);
}
END_TEST

START_TEST(what_only_touches_a_range_is_none_of_it)
{
    g_autoptr(VcSource) whole = make_whole(SCRIPTED_STORED);
    g_autoptr(VcSource) range = vc_range(whole, 0, 16384, 16384);
    VcExtent extent;

    ck_assert(vc_source_next(range, &extent, NULL));
    ck_assert_int_eq(extent.kind, VC_ZERO);
    ck_assert_uint_eq(extent.offset, 0);
    ck_assert_uint_eq(extent.length, 16384);
    ck_assert(vc_source_next(range, &extent, NULL));
    ck_assert_int_eq(extent.kind, VC_END);
}
END_TEST

/* One run of each disk, the second one first. */
static bool
next_of_two(VcSource *source, VcExtent *extent, GError **error G_GNUC_UNUSED)
{
    unsigned *told = &source->cursor.disk;
    if (*told == 2)
        return true;
    *extent = (VcExtent){ .disk = 1 - *told, .kind = VC_ZERO, .length = SIZE };
    ++*told;
    return true;
}

static void
free_two(VcSource *source)
{
    vc_source_clear(source);
    g_free(source);
}

START_TEST(a_range_has_nothing_of_other_disks)
{
    static const VcSourceOps ops = { .next = next_of_two, .free = free_two };
    g_autoptr(VcSource) whole = g_new0(VcSource, 1);
    VcExtent extent;
    vc_source_init(whole, &ops, vc_memory_file("two"));
    vc_layout_add_disk(&whole->layout, "a", SIZE);
    vc_layout_add_disk(&whole->layout, "b", SIZE);
    g_autoptr(VcSource) range = vc_range(whole, 0, 4096, 8192);
    ck_assert(!whole->skip[0] && whole->skip[1]);
    ck_assert(vc_source_next(range, &extent, NULL));
    ck_assert_uint_eq(extent.length, 8192);
    ck_assert(vc_source_next(range, &extent, NULL));
    ck_assert_int_eq(extent.kind, VC_END);
}
END_TEST

START_TEST(a_range_that_begins_inside_of_a_cell_says_so)
{
    g_autoptr(VcSource) whole = make_whole(SCRIPTED_MAP);
    g_autoptr(VcSource) aligned = vc_range(whole, 0, 4096, 1000);
    g_autoptr(VcSource) odd = vc_range(whole, 0, 4096 + 512, 8192);
    ck_assert(!aligned->unaligned);
    ck_assert(odd->unaligned);
}
END_TEST

START_TEST(an_error_names_the_file_once)
{
    g_autoptr(VcSource) whole = scripted_source("whole", SCRIPTED_MAP, SIZE);
    g_autoptr(VcSource) range = vc_range(whole, 0, 0, SIZE);
    g_autoptr(GError) error = NULL;
    VcExtent extent;

    ck_assert(!vc_source_map(range, 0, 0, &extent, &error));
    ck_assert(g_str_has_prefix(error->message, "whole: "));
    ck_assert_ptr_null(strstr(error->message + strlen("whole: "), "whole: "));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/range");
    TCase *tests = tcase_create("range");
    tcase_add_loop_test(tests, a_range_has_the_bytes_of_the_disk_from_its_offset, 0, 6);
    tcase_add_test(tests, a_range_keeps_what_is_known_to_be_zero);
    tcase_add_test(tests, a_range_of_a_stream_is_cut_from_what_comes_by);
    tcase_add_test(tests, what_only_touches_a_range_is_none_of_it);
    tcase_add_test(tests, a_range_has_nothing_of_other_disks);
    tcase_add_test(tests, a_range_that_begins_inside_of_a_cell_says_so);
    tcase_add_test(tests, an_error_names_the_file_once);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
