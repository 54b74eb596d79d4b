/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of which entries of a log count. */
#include "formats/vhdx/log-ring.h"
#include "io/bytes.h"
#include "io/checksum.h"
#include "tests/formats/vhdx/log-image.h"

START_TEST(a_log_without_entries_is_corrupt)
{
    refuses(VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(entries_before_the_tail_are_not_replayed)
{
    uint32_t second = put(0, 0, 10, PAGE(0), 1);
    uint32_t third = put(second, 0, 11, PAGE(1), 2);
    put(third, second, 12, PAGE(2), 3);
    ck_assert_uint_eq(replays().entries, 2);
    ck_assert_uint_eq(page_at(PAGE(0)), 0);
    ck_assert_uint_eq(page_at(PAGE(1)), 2);
    ck_assert_uint_eq(page_at(PAGE(2)), 3);
}
END_TEST

START_TEST(later_entries_win_over_earlier_ones)
{
    uint32_t second = put(0, 0, 10, PAGE(0), 1);
    put(second, 0, 11, PAGE(0), 2);
    replays();
    ck_assert_uint_eq(page_at(PAGE(0)), 2);
}
END_TEST

START_TEST(a_torn_last_entry_ends_the_sequence_before_it)
{
    uint32_t second = put(0, 0, 10, PAGE(0), 1);
    uint32_t end = put(second, 0, 11, PAGE(1), 2);
    /* The last bytes of its data sector were never written. */
    image_fill(&image, IMAGE_LOG + end - 512, 0, 512);
    ck_assert_uint_eq(replays().entries, 1);
    ck_assert_uint_eq(page_at(PAGE(0)), 1);
    ck_assert_uint_eq(page_at(PAGE(1)), 0);
}
END_TEST

START_TEST(a_torn_descriptor_ends_the_sequence_before_it)
{
    uint32_t second = put(0, 0, 10, PAGE(0), 1);
    put(second, 0, 11, PAGE(1), 2);
    image_fill(&image, IMAGE_LOG + second + 64, 0, 32);
    ck_assert_uint_eq(replays().entries, 1);
    ck_assert_uint_eq(page_at(PAGE(1)), 0);
}
END_TEST

START_TEST(a_gap_in_sequence_numbers_ends_the_sequence)
{
    uint32_t second = put(0, 0, 10, PAGE(0), 1);
    put(second, 0, 12, PAGE(1), 2);
    /* 12 names the first entry as its tail, but 11 is missing between them. */
    ck_assert_uint_eq(replays().entries, 1);
    ck_assert_uint_eq(page_at(PAGE(1)), 0);
}
END_TEST

START_TEST(a_stale_entry_behind_the_head_is_not_replayed)
{
    uint32_t second = put(0, 0, 90, PAGE(0), 1);
    put(second, second, 41, PAGE(1), 2);
    ck_assert_uint_eq(replays().entries, 1);
    ck_assert_uint_eq(page_at(PAGE(0)), 1);
    ck_assert_uint_eq(page_at(PAGE(1)), 0);
}
END_TEST

START_TEST(the_sequence_with_the_newest_head_is_active)
{
    uint32_t old = put(0, 0, 40, PAGE(0), 1);
    old = put(old, 0, 41, PAGE(1), 2);
    put(old + 65536, old + 65536, 90, PAGE(2), 3);
    ck_assert_uint_eq(replays().entries, 1);
    ck_assert_uint_eq(page_at(PAGE(0)), 0);
    ck_assert_uint_eq(page_at(PAGE(2)), 3);
}
END_TEST

START_TEST(a_newer_sequence_without_its_tail_does_not_count)
{
    uint32_t end = put(0, 0, 40, PAGE(0), 1);
    put(end + 65536, end + 4096, 90, PAGE(2), 3);
    ck_assert_uint_eq(replays().entries, 1);
    ck_assert_uint_eq(page_at(PAGE(0)), 1);
    ck_assert_uint_eq(page_at(PAGE(2)), 0);
}
END_TEST

START_TEST(a_tail_in_the_wrong_sequence_does_not_count)
{
    uint32_t second = put(0, 0, 40, PAGE(0), 1);
    put(second, 0, 41, PAGE(1), 2);
    put(65536, second, 90, PAGE(2), 3);
    ck_assert_uint_eq(replays().entries, 2);
    ck_assert_uint_eq(page_at(PAGE(0)), 1);
    ck_assert_uint_eq(page_at(PAGE(2)), 0);
}
END_TEST

START_TEST(an_entry_may_wrap_around_the_end_of_the_ring)
{
    uint32_t at = image.log_length - 4096;
    ck_assert_uint_eq(put(at, at, 3, PAGE(0), 0xaa), 4096);
    ck_assert_uint_eq(replays().entries, 1);
    ck_assert_uint_eq(page_at(PAGE(0)), 0xaa);
}
END_TEST

START_TEST(a_sequence_may_wrap_around_the_end_of_the_ring)
{
    uint32_t first = image.log_length - 8192, at = first;
    for (unsigned i = 0; i < 4; i++)
        at = put(at, first, 50 + i, PAGE(i), (uint8_t)(i + 1));
    ck_assert_uint_eq(at, 3 * 8192);
    ck_assert_uint_eq(replays().entries, 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(page_at(PAGE(i)), i + 1);
}
END_TEST

START_TEST(a_ring_filled_by_one_sequence_is_replayed)
{
    unsigned n = image.log_length / 8192;
    uint32_t first = 20 * 8192, at = first;
    for (unsigned i = 0; i < n; i++)
        at = put(at, first, 1000 + i, PAGE(i), (uint8_t)(i + 1));
    ck_assert_uint_eq(at, first);
    ck_assert_uint_eq(replays().entries, n);
    for (unsigned i = 0; i < n; i++)
        ck_assert_uint_eq(page_at(PAGE(i)), (uint8_t)(i + 1));
}
END_TEST

START_TEST(every_flipped_byte_makes_an_entry_invalid)
{
    uint8_t raw[8192];
    put(0, 0, 5, PAGE(0), 0xaa);
    ck_assert(vc_file_read(image.file, IMAGE_LOG, raw, sizeof raw, NULL));
    for (unsigned i = 0; i < sizeof raw; i++) {
        raw[i] ^= 1;
        image_write(&image, IMAGE_LOG, raw, sizeof raw);
        refuses(VC_ERROR_CORRUPT);
        raw[i] ^= 1;
    }
    image_write(&image, IMAGE_LOG, raw, sizeof raw);
    replays();
}
END_TEST

/* Fields that make an entry none although its checksum is right. */
START_TEST(an_entry_with_a_field_out_of_range_is_none)
{
    static const struct {
        unsigned at, bytes;
        uint64_t value;
    } fields[] = {
        { 8, 4, 0 },           /* length */
        { 8, 4, 4096 + 512 },  /* not in sectors */
        { 8, 4, 4096 },        /* no place for the data */
        { 8, 4, 2u << 20 },    /* longer than the log */
        { 12, 4, 512 },        /* tail */
        { 12, 4, 1u << 20 },   /* outside */
        { 16, 8, 0 },          /* sequence number */
        { 16, 8, 6 },          /* not the descriptors' */
        { 24, 4, 2 },          /* more descriptors than there are */
        { 24, 4, 0xffffffff }, /* many more */
        { 64, 4, 0x6d6f6f64 }, /* unknown descriptor */
        { 64 + 16, 8, PAGE0 + 512 },
        { 64 + 24, 8, 4 },
        { 4096, 4, 0 }, /* not a data sector */
        { 4100, 4, 1 }, /* its upper sequence number */
        { 8188, 4, 4 }, /* its lower one */
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
        uint8_t raw[8192], value[8];
        put(0, 0, 5, PAGE(0), 0xaa);
        ck_assert(vc_file_read(image.file, IMAGE_LOG, raw, sizeof raw, NULL));
        store_le64(value, fields[i].value);
        memcpy(raw + fields[i].at, value, fields[i].bytes);
        memset(raw + 4, 0, 4);
        size_t length = load_le32(raw + 8);
        store_le32(raw + 4, vc_crc32c(0, raw, MIN(length, sizeof raw)));
        image_write(&image, IMAGE_LOG, raw, sizeof raw);
        refuses(VC_ERROR_CORRUPT);
    }
}
END_TEST

START_TEST(an_entry_with_sequence_number_0_is_none)
{
    put(0, 0, 0, PAGE(0), 0xaa);
    refuses(VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(an_entry_of_another_log_is_none)
{
    put(0, 0, 5, PAGE(0), 0xaa);
    VhdxLog log = { .offset = IMAGE_LOG, .length = image.log_length };
    VhdxReplay result;
    memset(log.guid.bytes, 1, 16);
    ck_assert(!vhdx_log_replay(&log, image.file, &result, NULL));
}
END_TEST

START_TEST(the_memory_of_a_sequence_is_counted_from_each_entry_on)
{
    g_autoptr(GError) error = NULL;
    VhdxLog log = { .offset = IMAGE_LOG, .length = image.log_length };
    memcpy(log.guid.bytes, image_log_guid, 16);
    Change changes[] = { { .position = PAGE(1), .zeros = MIB },
                         { .position = PAGE(0), .byte = 1 },
                         { .position = PAGE(1), .zeros = 4096 } };
    uint32_t second = image_log(
        &image, &(LogEntry){ .sequence = 5, .changes = changes, .n = 3 });
    put(second, 0, 6, PAGE(0), 1);
    g_autoptr(GArray) entries = vhdx_ring_entries(&log, image.file, &error);
    assert_no_error(error);
    ck_assert_uint_eq(entries->len, 2);
    ck_assert_uint_eq(g_array_index(entries, VhdxRingEntry, 0).memory,
                      2 * 4096 + 4 * 128);
    ck_assert_uint_eq(g_array_index(entries, VhdxRingEntry, 1).memory, 4096 + 128);
}
END_TEST

START_TEST(an_entry_longer_than_what_it_holds_is_corrupt)
{
    Change changes[] = { { .position = PAGE(1), .zeros = 4096 },
                         { .position = PAGE(0), .byte = 1 } };
    for (unsigned n = 0; n <= 2; n++) {
        uint32_t next = put(0, 0, 5, PAGE(2), 2);
        /* Not even where it is no part of the sequence. */
        image_log(&image, &(LogEntry){ .at = next,
                                       .sequence = 6 + n,
                                       .changes = changes,
                                       .n = n,
                                       .slack = n == 0 ? 253 : 1 });
        refuses(VC_ERROR_CORRUPT);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/log-ring");
    TCase *tests = tcase_create("log-ring");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_log_without_entries_is_corrupt);
    tcase_add_test(tests, entries_before_the_tail_are_not_replayed);
    tcase_add_test(tests, later_entries_win_over_earlier_ones);
    tcase_add_test(tests, a_torn_last_entry_ends_the_sequence_before_it);
    tcase_add_test(tests, a_torn_descriptor_ends_the_sequence_before_it);
    tcase_add_test(tests, a_gap_in_sequence_numbers_ends_the_sequence);
    tcase_add_test(tests, a_stale_entry_behind_the_head_is_not_replayed);
    tcase_add_test(tests, the_sequence_with_the_newest_head_is_active);
    tcase_add_test(tests, a_newer_sequence_without_its_tail_does_not_count);
    tcase_add_test(tests, a_tail_in_the_wrong_sequence_does_not_count);
    tcase_add_test(tests, an_entry_may_wrap_around_the_end_of_the_ring);
    tcase_add_test(tests, a_sequence_may_wrap_around_the_end_of_the_ring);
    tcase_add_test(tests, a_ring_filled_by_one_sequence_is_replayed);
    tcase_add_test(tests, every_flipped_byte_makes_an_entry_invalid);
    tcase_add_test(tests, an_entry_with_a_field_out_of_range_is_none);
    tcase_add_test(tests, an_entry_with_sequence_number_0_is_none);
    tcase_add_test(tests, an_entry_of_another_log_is_none);
    tcase_add_test(tests, the_memory_of_a_sequence_is_counted_from_each_entry_on);
    tcase_add_test(tests, an_entry_longer_than_what_it_holds_is_corrupt);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
