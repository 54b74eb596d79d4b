/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of opening a VHDX: headers, log, region tables, metadata, in that order. */
#include "formats/vhdx/wire.h"
#include "io/overlay.h"
#include "tests/formats/vhdx/reading.h"

#include <string.h>

#define SEQUENCE 8
#define DATA_WRITE 32

static Image image;

static void
set_up(void)
{
    image = (Image){ 0 };
    image_build(&image);
}

static void
tear_down(void)
{
    image_clear(&image);
}

static void
opens_with_warnings(unsigned count)
{
    g_autoptr(VcSource) source = opens_indexed(&image);
    ck_assert_uint_eq(source->warnings->len, count);
}

START_TEST(the_newer_header_counts)
{
    image_fill(&image, IMAGE_HEADER1 + DATA_WRITE, 0x11, 16);
    image_store64(&image, IMAGE_HEADER1 + SEQUENCE, UINT64_MAX);
    image_mend(&image);
    g_autoptr(VcSource) source = opens(&image);
    ck_assert_str_eq(source->identity, "{11111111-1111-1111-1111-111111111111}");
}
END_TEST

START_TEST(an_invalid_header_leaves_the_other)
{
    image_fill(&image, IMAGE_HEADER1 + DATA_WRITE, 0x11, 16);
    image_mend(&image);
    image_fill(&image, IMAGE_HEADER2 + 100, 1, 1);
    g_autoptr(VcSource) source = opens(&image);
    ck_assert_str_eq(source->identity, "{11111111-1111-1111-1111-111111111111}");
}
END_TEST

START_TEST(two_invalid_headers_are_corrupt)
{
    image_fill(&image, IMAGE_HEADER1 + 100, 1, 1);
    image_fill(&image, IMAGE_HEADER2 + 100, 1, 1);
    refuses_to_open(&image, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(headers_of_one_sequence_number_must_be_identical)
{
    image_store64(&image, IMAGE_HEADER1 + SEQUENCE, 2);
    image_mend(&image);
    opens_with_warnings(0);

    image_build(&image);
    image_store64(&image, IMAGE_HEADER1 + SEQUENCE, 2);
    image_fill(&image, IMAGE_HEADER1 + DATA_WRITE, 0x11, 16);
    image_mend(&image);
    refuses_to_open(&image, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(an_empty_log_may_be_nowhere)
{
    image_store32(&image, IMAGE_HEADER2 + 68, 0);
    image_mend(&image);
    opens_with_warnings(1);

    image_build(&image);
    image_store64(&image, IMAGE_HEADER2 + 72, 1000 * MIB);
    image_mend(&image);
    opens_with_warnings(1);
}
END_TEST

START_TEST(a_log_to_replay_must_be_somewhere)
{
    image_store64(&image, IMAGE_HEADER2 + 72, 1000 * MIB);
    image_dirty(&image);
    refuses_to_open(&image, VC_ERROR_SHORT);
}
END_TEST

START_TEST(the_second_region_table_is_used_where_the_first_is_damaged)
{
    image_fill(&image, IMAGE_REGIONS1 + 4000, 1, 1);
    opens_with_warnings(1);
}
END_TEST

START_TEST(a_damaged_second_region_table_is_told)
{
    image_fill(&image, IMAGE_REGIONS2 + 4000, 1, 1);
    opens_with_warnings(1);
}
END_TEST

START_TEST(different_region_tables_are_told)
{
    image_fill(&image, IMAGE_REGIONS2 + 4000, 1, 1);
    image_mend(&image);
    opens_with_warnings(1);
}
END_TEST

START_TEST(two_damaged_region_tables_are_corrupt)
{
    image_fill(&image, IMAGE_REGIONS1 + 4000, 1, 1);
    image_fill(&image, IMAGE_REGIONS2 + 4000, 1, 1);
    refuses_to_open(&image, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(a_bat_too_short_for_the_disk_is_corrupt)
{
    image_store64(&image, image_item(&image, 1), 200 * 1024 * MIB);
    refuses_to_open(&image, VC_ERROR_CORRUPT);

    /* 1 MiB has room for 131072 entries, of which 31 are of bitmaps. */
    image_build(&image);
    image_store64(&image, image_item(&image, 1), 131041 * MIB);
    opens_with_warnings(0);
    image_build(&image);
    image_store64(&image, image_item(&image, 1), 131042 * MIB);
    refuses_to_open(&image, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(a_locator_without_a_parent_is_told)
{
    static const char *const locator[] = { "relative_path", "x", NULL };
    image_clear(&image);
    image = (Image){ .locator = locator };
    image_build(&image);
    opens_with_warnings(1);
}
END_TEST

START_TEST(every_truncation_before_the_payload_is_refused)
{
    static const uint64_t sizes[] = {
        0,           7,       519,         65536,  69000, 131072,  135167,
        135168,      196608,  262143,      327679, MIB,   2 * MIB, 2 * MIB + 65600,
        3 * MIB - 1, 3 * MIB, 4 * MIB - 1,
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;
        image_clear(&image);
        image_build(&image);
        ck_assert(vc_file_truncate(image.file, sizes[i], NULL));
        g_autoptr(VcSource) source = vhdx_open(image_take(&image), NULL, &error);
        ck_assert_ptr_null(source);
        assert_error(error, VC_ERROR_SHORT);
    }
}
END_TEST

/* --- logs
 * ----------------------------------------------------------------------------- */

/* The log clears the first page of the BAT, and with it the entry of block 0. */
START_TEST(the_log_is_replayed_in_memory_and_the_file_stays_as_it_is)
{
    image_add(&image, 0, PRESENT, 0xaa);
    uint64_t place = image_add(&image, 600, PRESENT, 0xbb);
    ck_assert(place > 0);
    image_store64(&image, image_item(&image, 1), 700 * MIB);
    image_dirty(&image);
    Change change = { .position = image.bat, .zeros = 4096 };
    image_log(&image, &(LogEntry){ .sequence = 1, .changes = &change, .n = 1 });

    VcFile *file = image.file;
    uint8_t before[4096], after[4096];
    ck_assert(vc_file_read(file, image.bat, before, sizeof before, NULL));
    g_autoptr(VcSource) source = opens_indexed(&image);
    assert_zero(source, 0, 600 * MIB, true);
    assert_data(source, 600 * MIB, MIB, place);
    ck_assert(vc_file_read(file, image.bat, after, sizeof after, NULL));
    ck_assert_mem_eq(before, after, sizeof before);
    ck_assert_uint_eq(source->warnings->len, 0);
}
END_TEST

START_TEST(payload_that_the_log_did_not_touch_lies_in_the_file_itself)
{
    uint64_t first = image_add(&image, 0, PRESENT, 0xaa);
    image_add(&image, 2, PRESENT, 0xbb);
    image_dirty(&image);
    Change changes[] = { { .position = first + 8192, .zeros = 4096 },
                         { .position = first + 16384, .byte = 0x11 } };
    image_log(&image, &(LogEntry){ .sequence = 1, .changes = changes, .n = 2 });

    VcFile *file = image.file;
    g_autoptr(VcSource) source = opens_indexed(&image);
    ck_assert_ptr_eq(vc_overlay_base(source->file), file);
    assert_data(source, 0, 8192, first);
    assert_zero(source, 8192, 4096, false);
    ck_assert_ptr_eq(map_at(source, 0).file, file);
    ck_assert_ptr_eq(map_at(source, 16384).file, source->file);
    ck_assert_ptr_eq(map_at(source, 2 * MIB).file, file);
    ck_assert_uint_eq(filled_with(source, 0, 8192), 0xaa);
    ck_assert_uint_eq(filled_with(source, 8192, 4096), 0);
    ck_assert_uint_eq(filled_with(source, 12288, 4096), 0xaa);
    ck_assert_uint_eq(filled_with(source, 16384, 4096), 0x11);
    ck_assert_uint_eq(filled_with(source, 20480, MIB - 20480), 0xaa);
    ck_assert_uint_eq(filled_with(source, 2 * MIB, MIB), 0xbb);
}
END_TEST

START_TEST(a_block_in_what_the_log_added_to_the_file_is_read)
{
    /* The block is announced, the file has not grown yet. */
    image_block(&image, 1, PRESENT, image.payload);
    image_dirty(&image);
    image_log(&image, &(LogEntry){ .sequence = 1, .last = image.payload + MIB });
    g_autoptr(VcSource) source = opens_indexed(&image);
    assert_zero(source, MIB, MIB, false);
    ck_assert_uint_eq(filled_with(source, MIB, MIB), 0);
}
END_TEST

START_TEST(region_tables_and_metadata_are_read_after_replay)
{
    uint8_t table[4096];
    image_add(&image, 3, PRESENT, 0x77);
    image_dirty(&image);
    /* Rubbish in the file where the log has the truth. */
    Change changes[] = { { .position = IMAGE_REGIONS1, .zeros = 4096 },
                         { .position = image.metadata + 61440, .zeros = 4096 } };
    image_log(&image, &(LogEntry){ .sequence = 1, .changes = changes, .n = 2 });
    ck_assert(vc_file_read(image.file, IMAGE_REGIONS1, table, sizeof table, NULL));
    image_fill(&image, image.metadata + 61440, 0xff, 4096);
    g_autoptr(VcSource) source = opens_indexed(&image);
    /* The first table is gone, so the second one was used. */
    ck_assert_uint_eq(source->warnings->len, 1);
    ck_assert_uint_eq(filled_with(source, 3 * MIB, MIB), 0x77);
}
END_TEST

START_TEST(a_log_that_changes_what_lies_beyond_the_file_is_told)
{
    image_dirty(&image);
    Change change = { .position = 100 * MIB, .byte = 1 };
    image_log(&image, &(LogEntry){ .sequence = 1, .changes = &change, .n = 1 });
    opens_with_warnings(1);
}
END_TEST

START_TEST(a_log_without_a_sequence_is_corrupt)
{
    image_dirty(&image);
    refuses_to_open(&image, VC_ERROR_CORRUPT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/open");
    TCase *tests = tcase_create("open");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_newer_header_counts);
    tcase_add_test(tests, an_invalid_header_leaves_the_other);
    tcase_add_test(tests, two_invalid_headers_are_corrupt);
    tcase_add_test(tests, headers_of_one_sequence_number_must_be_identical);
    tcase_add_test(tests, an_empty_log_may_be_nowhere);
    tcase_add_test(tests, a_log_to_replay_must_be_somewhere);
    tcase_add_test(tests, the_second_region_table_is_used_where_the_first_is_damaged);
    tcase_add_test(tests, a_damaged_second_region_table_is_told);
    tcase_add_test(tests, different_region_tables_are_told);
    tcase_add_test(tests, two_damaged_region_tables_are_corrupt);
    tcase_add_test(tests, a_bat_too_short_for_the_disk_is_corrupt);
    tcase_add_test(tests, a_locator_without_a_parent_is_told);
    tcase_add_test(tests, every_truncation_before_the_payload_is_refused);
    tcase_add_test(tests, the_log_is_replayed_in_memory_and_the_file_stays_as_it_is);
    tcase_add_test(tests, payload_that_the_log_did_not_touch_lies_in_the_file_itself);
    tcase_add_test(tests, a_block_in_what_the_log_added_to_the_file_is_read);
    tcase_add_test(tests, region_tables_and_metadata_are_read_after_replay);
    tcase_add_test(tests, a_log_that_changes_what_lies_beyond_the_file_is_told);
    tcase_add_test(tests, a_log_without_a_sequence_is_corrupt);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
