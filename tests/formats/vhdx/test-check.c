/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the check of VHDX images. */
#include "formats/vhdx/source.h"
#include "io/error.h"
#include "io/interrupt.h"
#include "tests/check-main.h"
#include "tests/formats/vhdx/image.h"

static Image image;
static VcReport report;

static void
set_up(void)
{
    image = (Image){ 0 };
    image_build(&image);
    vc_report_init(&report);
}

static void
tear_down(void)
{
    image_clear(&image);
    vc_report_clear(&report);
}

/* Checks, and expects so many findings of each kind. */
static void
finds(unsigned notes, unsigned warnings, unsigned leaks, unsigned corruptions)
{
    g_autoptr(GError) error = NULL;
    vc_report_clear(&report);
    vc_report_init(&report);
    bool ok = vhdx_check(image.file, &report, &error);
    assert_no_error(error);
    ck_assert(ok);
    ck_assert_uint_eq(report.count[VC_FINDING_NOTE], notes);
    ck_assert_uint_eq(report.count[VC_FINDING_WARNING], warnings);
    ck_assert_uint_eq(report.count[VC_FINDING_LEAK], leaks);
    ck_assert_uint_eq(report.count[VC_FINDING_CORRUPT], corruptions);
}

START_TEST(there_is_nothing_to_find_in_a_good_image)
{
    finds(0, 0, 0, 0);
    image_add(&image, 3, PRESENT, 1);
    image_add(&image, 1, PRESENT, 1);
    finds(0, 0, 0, 0);
    ck_assert_uint_eq(report.total, 8);
    ck_assert_uint_eq(report.allocated, 2);
    ck_assert_uint_eq(report.end, image.end);
}
END_TEST

START_TEST(the_file_is_lent_and_can_be_checked_again)
{
    image_dirty(&image);
    image_log(&image, &(LogEntry){ .sequence = 1 });
    finds(1, 0, 0, 0);
    finds(1, 0, 0, 0);
}
END_TEST

START_TEST(a_damaged_copy_of_a_header_is_a_warning)
{
    image_fill(&image, IMAGE_HEADER1 + 100, 1, 1);
    finds(0, 1, 0, 0);
}
END_TEST

START_TEST(a_damaged_region_table_is_a_warning)
{
    image_fill(&image, IMAGE_REGIONS2 + 100, 1, 1);
    finds(0, 1, 0, 0);
}
END_TEST

START_TEST(what_keeps_an_image_from_opening_is_a_corruption)
{
    image_store32(&image, image_item(&image, 0), 3 * MIB);
    finds(0, 0, 0, 1);
    ck_assert(vc_file_truncate(image.file, 100, NULL));
    finds(0, 0, 0, 1);
}
END_TEST

START_TEST(what_vconv_does_not_know_cannot_be_checked)
{
    g_autoptr(GError) error = NULL;
    image_store16(&image, IMAGE_HEADER1 + 66, 2);
    image_store16(&image, IMAGE_HEADER2 + 66, 2);
    image_mend(&image);
    ck_assert(!vhdx_check(image.file, &report, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(each_bad_entry_is_a_corruption)
{
    uint64_t place = image_add(&image, 0, PRESENT, 1);
    image_block(&image, 1, PRESENT, place);
    image_block(&image, 2, 4, 0);
    image_block(&image, 3, PRESENT, 1000 * MIB);
    image_block(&image, 4, PARTIAL, place);
    image_block(&image, 5, PRESENT, image.bat);
    finds(0, 0, 0, 5);
    ck_assert_uint_eq(report.allocated, 3);
    const VcFinding *f = &g_array_index(report.findings, VcFinding, 0);
    ck_assert_str_eq(f->text,
                     "BAT: block 1 at 0x400000 lies on another block; entry at "
                     "0x300008");
    f = &g_array_index(report.findings, VcFinding, 4);
    ck_assert_str_eq(f->text, "BAT: block 5 at 0x300000 lies on the BAT; entry at "
                              "0x300028");
}
END_TEST

START_TEST(odd_entries_are_one_warning_for_each_kind)
{
    uint64_t place = image_add(&image, 0, PRESENT, 1);
    image_block(&image, 0, PRESENT | 16, place);
    image_block(&image, 1, 5, 0);
    image_block(&image, 2, 5, 0);
    image_bitmap(&image, 0, PRESENT, place);
    /* Only the entries that the disk needs are looked at: its bitmap's is not one. */
    finds(0, 2, 0, 0);
}
END_TEST

/* A child's table has entries for whole chunks. */
START_TEST(entries_behind_the_disk_mean_nothing)
{
    image_clear(&image);
    image = (Image){ .flags = 2,
                     .locator = (const char *const[]){
                         "parent_linkage", "{aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa}",
                         "relative_path", "base.vhdx", NULL } };
    image_build(&image);
    finds(0, 0, 0, 0);
    for (unsigned state = 0; state < 8; state++) {
        image_block(&image, 8 + 195, state, 0);
        finds(0, 0, 0, 0);
    }
}
END_TEST

START_TEST(space_that_nothing_refers_to_is_a_leak)
{
    image_add(&image, 0, PRESENT, 1);
    image_add(&image, 1, PRESENT, 1);
    image_add(&image, 2, PRESENT, 1);
    image_block(&image, 1, UNMAPPED, 0);
    finds(0, 0, 1, 0);
    const VcFinding *f = &g_array_index(report.findings, VcFinding, 0);
    ck_assert_str_eq(f->text, "1 MiB at 0x500000 that nothing refers to");
}
END_TEST

START_TEST(a_little_space_before_the_first_block_is_no_leak)
{
    image.end += 4 * MIB;
    image_add(&image, 0, PRESENT, 1);
    finds(0, 0, 0, 0);
    image.end = image.payload + 20 * MIB;
    image_add(&image, 0, PRESENT, 1);
    finds(0, 0, 1, 0);
}
END_TEST

START_TEST(bytes_behind_the_last_structure_are_a_note)
{
    ck_assert(vc_file_truncate(image.file, image.end + 512, NULL));
    finds(1, 0, 0, 0);
    ck_assert_uint_eq(report.end, image.end);
}
END_TEST

START_TEST(a_check_ends_after_a_thousand_corruptions)
{
    image_clear(&image);
    image = (Image){ .disk_size = 100000 * MIB };
    image_build(&image);
    for (uint64_t block = 0; block < 100000; block++)
        image_block(&image, block, 4, 0);
    finds(1, 0, 0, VC_FINDINGS_MAX);
}
END_TEST

START_TEST(a_log_to_replay_is_told_in_figures)
{
    Change changes[] = { { .position = image.bat, .byte = 0 },
                         { .position = image.bat + 8192, .zeros = 8192 } };
    image_dirty(&image);
    image_log(&image,
              &(LogEntry){
                  .sequence = 1, .changes = changes, .n = 2, .last = image.end + MIB });
    finds(3, 0, 0, 0);
    const VcFinding *f = &g_array_index(report.findings, VcFinding, 0);
    ck_assert_str_eq(f->text,
                     "log: 1 entries to replay, which change 1 pages and clear "
                     "8192 bytes; they count as replayed here");
}
END_TEST

START_TEST(a_check_ends_when_interrupted)
{
    g_autoptr(GError) error = NULL;
    vc_interrupt();
    ck_assert(!vhdx_check(image.file, &report, &error));
    assert_error(error, VC_ERROR_CANCELLED);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/check");
    TCase *tests = tcase_create("check");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, there_is_nothing_to_find_in_a_good_image);
    tcase_add_test(tests, the_file_is_lent_and_can_be_checked_again);
    tcase_add_test(tests, a_damaged_copy_of_a_header_is_a_warning);
    tcase_add_test(tests, a_damaged_region_table_is_a_warning);
    tcase_add_test(tests, what_keeps_an_image_from_opening_is_a_corruption);
    tcase_add_test(tests, what_vconv_does_not_know_cannot_be_checked);
    tcase_add_test(tests, each_bad_entry_is_a_corruption);
    tcase_add_test(tests, odd_entries_are_one_warning_for_each_kind);
    tcase_add_test(tests, entries_behind_the_disk_mean_nothing);
    tcase_add_test(tests, space_that_nothing_refers_to_is_a_leak);
    tcase_add_test(tests, a_little_space_before_the_first_block_is_no_leak);
    tcase_add_test(tests, bytes_behind_the_last_structure_are_a_note);
    tcase_add_test(tests, a_check_ends_after_a_thousand_corruptions);
    tcase_add_test(tests, a_log_to_replay_is_told_in_figures);
    /* The last: nothing takes an interruption back, and not every run forks. */
    tcase_add_test(tests, a_check_ends_when_interrupted);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
