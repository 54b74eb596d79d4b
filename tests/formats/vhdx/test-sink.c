/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the sink: the layout of its files, sizes, options, identity. */
#include "io/error.h"
#include "tests/formats/vhdx/making.h"

/* --- layout -------------------------------------------------------------------------
 */

START_TEST(an_empty_dynamic_disk_is_four_mebibytes_as_windows_makes_it)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, 10 * GIB, "");

    must_finish(sink);
    Strict s = strict(file);
    ck_assert_uint_eq(s.file_size, 4 * MIB);
    ck_assert_uint_eq(s.log, 1 * MIB);
    ck_assert_uint_eq(s.metadata, 2 * MIB);
    ck_assert_uint_eq(s.bat, 3 * MIB);
    ck_assert_uint_eq(s.block_size, 32 * MIB);
    ck_assert_uint_eq(s.size, 10 * GIB);
    ck_assert_uint_eq(s.logical_sector, 512);
    ck_assert_uint_eq(s.physical_sector, 4096);
    ck_assert(!s.fixed);
    ck_assert_uint_eq(s.allocated, 0);
    ck_assert_uint_eq(sink->warnings->len, 0);
}
END_TEST

START_TEST(blocks_are_packed_in_the_order_in_which_they_are_placed)
{
    static const uint8_t data[VC_CELL] = { 7 };
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, 5 * GIB, "block_size=1M");

    put(sink, NULL, 4096 * MIB, data,
        sizeof data); /* first block of the second chunk */
    put(sink, NULL, 10 * MIB - VC_CELL, data, sizeof data);
    put(sink, NULL, 4097 * MIB - VC_CELL, data, sizeof data); /* the first again */
    put(sink, NULL, 5 * GIB - VC_CELL, data, sizeof data);
    must_finish(sink);

    Strict s = strict(file);
    ck_assert_uint_eq(s.file_size, 7 * MIB);
    ck_assert_uint_eq(strict_entry(&s, 4096), 4 * MIB + 6);
    ck_assert_uint_eq(strict_entry(&s, 9), 5 * MIB + 6);
    ck_assert_uint_eq(strict_entry(&s, 5119), 6 * MIB + 6);
}
END_TEST

START_TEST(a_run_ends_where_its_block_ends)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, 5 * MIB, "block_size=2M");
    uint64_t position, run;

    ck_assert(vc_sink_place(sink, 0, MIB, 4 * MIB, &position, &run, NULL));
    ck_assert_uint_eq(position, 5 * MIB);
    ck_assert_uint_eq(run, MIB);
    ck_assert(vc_sink_place(sink, 0, 4 * MIB, MIB, &position, &run, NULL));
    ck_assert_uint_eq(position, 6 * MIB);
    ck_assert_uint_eq(run, MIB);
}
END_TEST

START_TEST(after_finish_the_same_question_has_the_same_answer)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, 64 * MIB, "block_size=1M");
    uint64_t first, second, run, size;

    ck_assert(vc_sink_place(sink, 0, 40 * MIB, MIB, &first, &run, NULL));
    ck_assert(vc_sink_place(sink, 0, 20 * MIB, MIB, &second, &run, NULL));
    must_finish(sink);
    ck_assert(vc_sink_place(sink, 0, 20 * MIB, MIB, &run, &size, NULL));
    ck_assert_uint_eq(run, second);
    ck_assert(vc_sink_place(sink, 0, 40 * MIB, MIB, &run, &size, NULL));
    ck_assert_uint_eq(run, first);
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 6 * MIB);
}
END_TEST

START_TEST(after_finish_another_block_is_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, 64 * MIB, "block_size=1M");
    uint64_t position, run;

    must_finish(sink);
    ck_assert(!vc_sink_place(sink, 0, 20 * MIB, MIB, &position, &run, &error));
    ck_assert(g_error_matches(error, VC_ERROR, VC_ERROR_IO));
}
END_TEST

START_TEST(a_fixed_disk_has_all_its_blocks_in_order)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, 65 * MIB, "subformat=fixed");
    uint64_t position, run;

    ck_assert(sink->identity && sink->unit == 0 && !sink->append_only);
    ck_assert(vc_sink_place(sink, 0, 30 * MIB, 35 * MIB, &position, &run, NULL));
    ck_assert_uint_eq(position, 34 * MIB);
    ck_assert_uint_eq(run, 35 * MIB);
    must_finish(sink);
    Strict s = strict(file);
    ck_assert(s.fixed);
    ck_assert_uint_eq(s.file_size, (4 + 96) * MIB);
}
END_TEST

START_TEST(the_table_of_a_fixed_disk_leaves_out_the_entries_of_bitmaps)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink)
        sink = must_create(file, 20 * GIB + 512, "subformat=fixed,block_size=1M");
    must_finish(sink);
    Strict s = strict(file); /* knows which entries must be 0 */
    ck_assert_uint_eq(s.allocated, 20 * 1024 + 1);
    ck_assert_uint_eq(strict_entry(&s, 4096), (4 + 4096) * MIB + 6);
}
END_TEST

START_TEST(the_log_may_be_longer)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, GIB, "log_size=16M");
    must_finish(sink);
    Strict s = strict(file);
    ck_assert_uint_eq(s.log_length, 16 * MIB);
    ck_assert_uint_eq(s.metadata, 17 * MIB);
    ck_assert_uint_eq(s.file_size, 19 * MIB);
}
END_TEST

START_TEST(both_regions_are_required_as_virtualbox_wants_them)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, GIB, "");
    uint8_t raw[80];

    must_finish(sink);
    for (unsigned copy = 192; copy <= 256; copy += 64) {
        ck_assert(vc_file_read(file, copy << 10, raw, sizeof raw, NULL));
        ck_assert_uint_eq(load_le32(raw + 16 + 28), 1);
        ck_assert_uint_eq(load_le32(raw + 48 + 28), 1);
    }
}
END_TEST

START_TEST(the_flags_of_the_metadata_are_those_that_virtualbox_compares)
{
    static const uint32_t flags[] = { 4, 6, 6, 6, 6 };
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, GIB, "subformat=fixed");
    uint8_t raw[32 + 5 * 32];

    must_finish(sink);
    ck_assert(vc_file_read(file, 2 * MIB, raw, sizeof raw, NULL));
    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++)
        ck_assert_uint_eq(load_le32(raw + 32 + i * 32 + 24), flags[i]);
}
END_TEST

START_TEST(entries_of_absent_blocks_are_zero_as_hyper_v_wants_them)
{
    static const uint8_t data[VC_CELL] = { 7 };
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, 20 * MIB, "block_size=1M");

    put(sink, NULL, 7 * MIB, data, sizeof data);
    must_finish(sink);
    Strict s = strict(file);
    for (uint64_t block = 0; block < s.blocks; block++)
        ck_assert_uint_eq(strict_entry(&s, block), block == 7 ? 4 * MIB + 6 : 0);
    ck_assert(strict_zero(file, 3 * MIB + 20 * 8, 4 * MIB));
}
END_TEST

START_TEST(headers_are_those_of_a_file_that_was_closed_cleanly)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, GIB, "");
    uint8_t raw[80];

    must_finish(sink);
    for (uint64_t sequence = 0; sequence < 2; sequence++) {
        ck_assert(vc_file_read(file, (64 + 64 * sequence) << 10, raw, 80, NULL));
        ck_assert_uint_eq(load_le64(raw + 8), sequence);
        ck_assert(vc_is_zero(raw + 48, 16));             /* no log to replay */
        ck_assert_uint_eq(load_le32(raw + 64), 0x10000); /* log version 0, version 1 */
        ck_assert_uint_eq(load_le32(raw + 68), MIB);
        ck_assert_uint_eq(load_le64(raw + 72), MIB);
    }
    ck_assert(strict_zero(file, MIB, 2 * MIB));
}
END_TEST

START_TEST(a_disk_of_no_bytes_is_possible_and_said)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(VcFile) file = vc_memory_file("x");
        g_autoptr(VcSink) sink = must_create(file, 0, i ? "subformat=fixed" : "");
        must_finish(sink);
        Strict s = strict(file);
        ck_assert_uint_eq(s.size, 0);
        ck_assert_uint_eq(s.file_size, 4 * MIB);
        ck_assert_uint_eq(sink->warnings->len, 1);
    }
}
END_TEST

/* --- sizes, sectors, options --------------------------------------------------------
 */

START_TEST(sizes_are_rounded_up_to_the_logical_sector_and_said)
{
    static const struct {
        uint64_t size, stored;
        uint32_t sector;
    } cases[] = {
        { 1, 512, 512 },         { 511, 512, 512 },
        { 512, 512, 512 },       { 513, 1024, 512 },
        { 512, 4096, 4096 },     { 4097, 8192, 4096 },
        { 540672, 540672, 512 }, { 64 * TIB - 1, 64 * TIB, 512 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(VcFile) file = vc_memory_file("x");
        g_autoptr(VcSink) sink = create(file, cases[i].size, cases[i].sector, "", NULL);
        must_finish(sink);
        Strict s = strict(file);
        ck_assert_uint_eq(s.size, cases[i].stored);
        ck_assert_uint_eq(s.logical_sector, cases[i].sector);
        ck_assert_uint_eq(sink->layout.disks[0].size, cases[i].stored);
        ck_assert_uint_eq(sink->layout.disks[0].physical_sector, 4096);
        ck_assert_uint_eq(sink->warnings->len, cases[i].size != cases[i].stored);
        if (sink->warnings->len > 0)
            ck_assert_ptr_nonnull(strstr(sink->warnings->pdata[0], "rounded up to"));
    }
}
END_TEST

START_TEST(sector_sizes_follow_the_options)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(
        file, GIB, "logical_sector_size=4096,physical_sector_size=512");
    must_finish(sink);
    Strict s = strict(file);
    ck_assert_uint_eq(s.logical_sector, 4096);
    ck_assert_uint_eq(s.physical_sector, 512);
    ck_assert_uint_eq(sink->warnings->len, 0);
}
END_TEST

START_TEST(a_disk_that_loses_its_4096_byte_sectors_is_warned_of)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = create(file, GIB, 4096, "logical_sector_size=512", NULL);
    ck_assert_uint_eq(sink->warnings->len, 1);
    ck_assert_uint_eq(sink->layout.disks[0].logical_sector, 512);
}
END_TEST

START_TEST(the_disk_may_be_made_larger_than_its_source)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, GIB, "size=2G");
    must_finish(sink);
    ck_assert_uint_eq(strict(file).size, 2 * GIB);
}
END_TEST

START_TEST(zero_blocks_as_qemu_names_them_change_nothing)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, GIB, "block_state_zero=on,block_size=0");
    must_finish(sink);
    Strict s = strict(file);
    ck_assert_uint_eq(strict_entry(&s, 0), 0);
    ck_assert_uint_eq(s.block_size, 32 * MIB);
}
END_TEST

START_TEST(what_a_vhdx_cannot_be_is_refused)
{
    static const struct {
        uint64_t size;
        const char *options;
        VcError code;
    } cases[] = {
        { 64 * TIB + 1, "", VC_ERROR_LIMIT },
        { UINT64_MAX - 1, "", VC_ERROR_LIMIT },
        { VC_SIZE_UNKNOWN, "", VC_ERROR_UNSUPPORTED },
        { VC_SIZE_UNKNOWN, "size=1G", VC_ERROR_UNSUPPORTED },
        { GIB, "size=65T", VC_ERROR_LIMIT },
        { GIB, "size=512M", VC_ERROR_USAGE },
        { GIB, "block_size=512k", VC_ERROR_USAGE },
        { GIB, "block_size=3M", VC_ERROR_USAGE },
        { GIB, "block_size=512M", VC_ERROR_USAGE },
        { GIB, "block_size=4097M", VC_ERROR_USAGE },
        { GIB, "log_size=0", VC_ERROR_USAGE },
        { GIB, "log_size=1536k", VC_ERROR_USAGE },
        { GIB, "log_size=4G", VC_ERROR_USAGE },
        { GIB, "logical_sector_size=1024", VC_ERROR_USAGE },
        { GIB, "physical_sector_size=0", VC_ERROR_USAGE },
        { GIB, "subformat=differencing", VC_ERROR_USAGE },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(VcFile) file = vc_memory_file("x");
        g_autoptr(GError) error = NULL;
        VcSink *sink = create(file, cases[i].size, 512, cases[i].options, &error);
        ck_assert_msg(!sink, "case %zu", i);
        assert_error(error, cases[i].code);
    }
}
END_TEST

START_TEST(a_layout_without_a_disk_is_refused)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(GError) error = NULL;
    VcLayout none = { 0 };
    ck_assert_ptr_null(
        vc_format_create(&vc_format_vhdx, file, &none, NULL, NULL, &error));
    assert_error(error, VC_ERROR_USAGE);
}
END_TEST

/* --- identity -----------------------------------------------------------------------
 */

START_TEST(the_guids_of_a_file_differ_and_are_random_unless_told)
{
    g_autoptr(VcFile) first = vc_memory_file("x");
    g_autoptr(VcFile) second = vc_memory_file("x");
    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "d", MIB);
    g_autoptr(VcSink) a = vhdx_create(first, &layout, NULL, NULL, NULL);
    g_autoptr(VcSink) b = vhdx_create(second, &layout, NULL, NULL, NULL);
    vc_layout_clear(&layout);
    must_finish(a);
    must_finish(b);
    Strict s = strict(first), t = strict(second);
    ck_assert_mem_ne(s.file_write, s.data_write, 16);
    ck_assert_mem_ne(s.data_write, s.disk_id, 16);
    ck_assert_mem_ne(s.file_write, t.file_write, 16);
    ck_assert_mem_ne(s.data_write, t.data_write, 16);
    ck_assert_mem_ne(s.disk_id, t.disk_id, 16);
    /* Version 4 of RFC 4122, seen through the order of Windows' memory. */
    ck_assert_uint_eq(s.disk_id[7] >> 4, 4);
    ck_assert_uint_eq(s.disk_id[8] >> 6, 2);
}
END_TEST

static bool
visit(void *user, uint64_t position, const void *data, size_t length,
      GError **error G_GNUC_UNUSED)
{
    g_byte_array_append(user, (const uint8_t *)&position, sizeof position);
    g_byte_array_append(user, data, (unsigned)length);
    return true;
}

/* All that a reproducible run writes; the same at each call. */
static GByteArray *
one_run(void)
{
    g_autoptr(VcFile) file = vc_memory_file("x");
    g_autoptr(VcSink) sink = must_create(file, 70 * MIB, "block_size=4M");
    g_autoptr(GRand) chance = g_rand_new_with_seed(3);
    GByteArray *all = g_byte_array_new();
    put_at_random(sink, NULL, chance, 50);
    must_finish(sink);
    ck_assert(vc_memory_file_visit(file, visit, all, NULL));
    return all;
}

START_TEST(reproducible_runs_give_the_same_bytes)
{
    g_autoptr(GByteArray) first = one_run();
    g_autoptr(GByteArray) second = one_run();
    ck_assert_uint_eq(first->len, second->len);
    ck_assert_mem_eq(first->data, second->data, first->len);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/sink");
    TCase *tests = tcase_create("layout");
    tcase_add_test(tests, an_empty_dynamic_disk_is_four_mebibytes_as_windows_makes_it);
    tcase_add_test(tests, blocks_are_packed_in_the_order_in_which_they_are_placed);
    tcase_add_test(tests, a_run_ends_where_its_block_ends);
    tcase_add_test(tests, after_finish_the_same_question_has_the_same_answer);
    tcase_add_test(tests, after_finish_another_block_is_an_error);
    tcase_add_test(tests, a_fixed_disk_has_all_its_blocks_in_order);
    tcase_add_test(tests, the_table_of_a_fixed_disk_leaves_out_the_entries_of_bitmaps);
    tcase_add_test(tests, the_log_may_be_longer);
    tcase_add_test(tests, both_regions_are_required_as_virtualbox_wants_them);
    tcase_add_test(tests, the_flags_of_the_metadata_are_those_that_virtualbox_compares);
    tcase_add_test(tests, entries_of_absent_blocks_are_zero_as_hyper_v_wants_them);
    tcase_add_test(tests, headers_are_those_of_a_file_that_was_closed_cleanly);
    tcase_add_test(tests, a_disk_of_no_bytes_is_possible_and_said);
    suite_add_tcase(suite, tests);

    tests = tcase_create("options");
    tcase_add_test(tests, sizes_are_rounded_up_to_the_logical_sector_and_said);
    tcase_add_test(tests, sector_sizes_follow_the_options);
    tcase_add_test(tests, a_disk_that_loses_its_4096_byte_sectors_is_warned_of);
    tcase_add_test(tests, the_disk_may_be_made_larger_than_its_source);
    tcase_add_test(tests, zero_blocks_as_qemu_names_them_change_nothing);
    tcase_add_test(tests, what_a_vhdx_cannot_be_is_refused);
    tcase_add_test(tests, a_layout_without_a_disk_is_refused);
    suite_add_tcase(suite, tests);

    tests = tcase_create("identity");
    tcase_add_test(tests, the_guids_of_a_file_differ_and_are_random_unless_told);
    tcase_add_test(tests, reproducible_runs_give_the_same_bytes);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
