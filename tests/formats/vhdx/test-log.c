/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what replay changes. */
#include "formats/vhdx/log-entry.h"
#include "io/bytes.h"
#include "tests/formats/vhdx/log-image.h"

START_TEST(one_entry_is_replayed)
{
    put(0, 0, 7, PAGE(0), 0xaa);
    VhdxReplay result = replays();
    ck_assert_uint_eq(result.entries, 1);
    ck_assert_uint_eq(result.data_pages, 1);
    ck_assert_uint_eq(page_at(PAGE(0)), 0xaa);
    ck_assert_uint_eq(page_at(PAGE(1)), 0);
}
END_TEST

START_TEST(leading_and_trailing_bytes_come_from_the_descriptor)
{
    uint8_t page[4096];
    VhdxLogDescriptor descriptor;
    uint8_t raw[32] = "desc\1\2\3\4ABCDEFGH", data[4096];

    store_le64(raw + 16, 8192);
    store_le64(raw + 24, 5);
    memset(data, 'x', sizeof data);
    ck_assert(vhdx_log_descriptor_decode(raw, 5, &descriptor));
    vhdx_log_page(&descriptor, data, page);
    ck_assert_mem_eq(page, "ABCDEFGHxx", 10);
    ck_assert_mem_eq(page + 4090, "xx\1\2\3\4", 6);
}
END_TEST

START_TEST(an_empty_entry_replays_nothing)
{
    image_log(&image, &(LogEntry){ .sequence = 9 });
    VhdxReplay result = replays();
    ck_assert_uint_eq(result.entries, 1);
    ck_assert_uint_eq(result.data_pages, 0);
}
END_TEST

START_TEST(an_entry_may_have_201_descriptors)
{
    Change changes[201];
    for (unsigned i = 0; i < 201; i++)
        changes[i] = (Change){ .position = PAGE(i), .byte = (uint8_t)(i + 1) };
    image_log(&image, &(LogEntry){ .sequence = 1, .changes = changes, .n = 201 });
    ck_assert_uint_eq(replays().data_pages, 201);
    for (unsigned i = 0; i < 201; i++)
        ck_assert_uint_eq(page_at(PAGE(i)), (uint8_t)(i + 1));
}
END_TEST

START_TEST(descriptor_sectors_hold_126_and_then_128)
{
    static const unsigned counts[] = { 0, 1, 126, 127, 254, 255 };
    static const unsigned sectors[] = { 1, 1, 1, 2, 2, 3 };
    for (unsigned i = 0; i < G_N_ELEMENTS(counts); i++) {
        VhdxLogEntry entry = { .descriptors = counts[i] };
        uint32_t first, sum = 0, n = vhdx_log_descriptor_sectors(&entry);
        ck_assert_uint_eq(n, sectors[i]);
        for (uint32_t k = 0; k < n; k++)
            sum += vhdx_log_descriptors_in(&entry, k, &first);
        ck_assert_uint_eq(sum, counts[i]);
    }
}
END_TEST

START_TEST(zero_descriptors_write_zeros)
{
    image_fill(&image, PAGE(0), 0x55, 4 * 4096);
    Change changes[] = { { .position = PAGE(3), .byte = 9 },
                         { .position = PAGE(1), .zeros = 8192 } };
    image_log(&image, &(LogEntry){ .sequence = 1, .changes = changes, .n = 2 });
    VhdxReplay result = replays();
    ck_assert_uint_eq(result.zero_bytes, 8192);
    ck_assert_uint_eq(page_at(PAGE(0)), 0x55);
    ck_assert_uint_eq(page_at(PAGE(1)), 0);
    ck_assert_uint_eq(page_at(PAGE(2)), 0);
    ck_assert_uint_eq(page_at(PAGE(3)), 9);
}
END_TEST

START_TEST(a_zero_descriptor_before_data_does_not_shift_the_data)
{
    Change changes[] = { { .position = PAGE(1), .zeros = 4096 },
                         { .position = PAGE(2), .byte = 2 },
                         { .position = PAGE(4), .zeros = 4096 },
                         { .position = PAGE(5), .byte = 5 } };
    image_log(&image, &(LogEntry){ .sequence = 1, .changes = changes, .n = 4 });
    replays();
    ck_assert_uint_eq(page_at(PAGE(2)), 2);
    ck_assert_uint_eq(page_at(PAGE(5)), 5);
}
END_TEST

START_TEST(the_file_grows_to_what_the_log_announces)
{
    Change change = { .position = PAGE(0), .byte = 1 };
    image_log(
        &image,
        &(LogEntry){ .sequence = 5, .changes = &change, .n = 1, .last = 64 * MIB });
    VhdxReplay result = replays();
    uint64_t size;
    ck_assert(vc_file_size(image.file, &size, NULL));
    ck_assert_uint_eq(size, 64 * MIB);
    ck_assert_uint_eq(result.size_before, FILE_SIZE);
    ck_assert_uint_eq(result.size_after, 64 * MIB);
    ck_assert_uint_eq(result.beyond_last, 0);
}
END_TEST

START_TEST(a_change_beyond_the_announced_end_extends_the_file_and_is_told)
{
    put(0, 0, 5, 32 * MIB, 1);
    VhdxReplay result = replays();
    ck_assert_uint_eq(result.size_after, 32 * MIB + 4096);
    ck_assert_uint_eq(result.beyond_last, 32 * MIB);
    ck_assert_uint_eq(page_at(32 * MIB), 1);
}
END_TEST

START_TEST(a_file_shorter_than_its_head_remembers_was_cut)
{
    image_log(&image, &(LogEntry){ .sequence = 5, .flushed = FILE_SIZE + MIB });
    refuses(VC_ERROR_SHORT);
}
END_TEST

START_TEST(only_the_head_knows_the_length_of_the_file)
{
    uint32_t second = image_log(
        &image, &(LogEntry){ .sequence = 5, .flushed = FILE_SIZE + MIB });
    put(second, 0, 6, PAGE(0), 1);
    ck_assert_uint_eq(replays().entries, 2);
}
END_TEST

START_TEST(a_log_beyond_the_end_of_the_file_is_short)
{
    ck_assert(vc_file_truncate(image.file, IMAGE_LOG + MIB - 1, NULL));
    refuses(VC_ERROR_SHORT);
}
END_TEST

START_TEST(headers_are_never_changed_by_the_log)
{
    static const uint64_t targets[] = { 0, 64 << 10, 128 << 10, 188 << 10 };
    for (unsigned i = 0; i < G_N_ELEMENTS(targets); i++) {
        put(0, 0, 5, targets[i], 1);
        refuses(VC_ERROR_CORRUPT);
    }
    put(0, 0, 5, 192 << 10, 1);
    replays();
}
END_TEST

START_TEST(the_log_never_changes_itself)
{
    put(0, 0, 5, IMAGE_LOG + image.log_length - 4096, 1);
    refuses(VC_ERROR_CORRUPT);
    Change around = { .position = IMAGE_LOG - 4096, .zeros = 3 * MIB };
    image_log(&image, &(LogEntry){ .sequence = 6, .changes = &around, .n = 1 });
    refuses(VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(changes_beside_the_log_are_none_of_it)
{
    uint64_t end = IMAGE_LOG + image.log_length;
    put(0, 0, 5, IMAGE_LOG - 4096, 1);
    replays();
    ck_assert_uint_eq(page_at(IMAGE_LOG - 4096), 1);
    put(0, 0, 6, end, 2);
    replays();
    ck_assert_uint_eq(page_at(end), 2);
}
END_TEST

START_TEST(changes_and_sizes_beyond_every_file_are_refused)
{
    Change huge = { .position = PAGE(0), .zeros = (uint64_t)1 << 60 };
    image_log(&image, &(LogEntry){ .sequence = 5, .changes = &huge, .n = 1 });
    refuses(VC_ERROR_LIMIT);
    image_log(&image, &(LogEntry){ .sequence = 6, .last = (uint64_t)1 << 62 });
    refuses(VC_ERROR_LIMIT);
}
END_TEST

START_TEST(a_change_that_wraps_around_2_to_64_is_not_an_entry)
{
    Change wrap = { .position = PAGE(0), .zeros = -(uint64_t)4096 };
    image_log(&image, &(LogEntry){ .sequence = 5, .changes = &wrap, .n = 1 });
    refuses(VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(more_to_replay_than_memory_should_hold_is_limited)
{
    image_clear(&image);
    image = (Image){ .log_length = (uint32_t)(80 * MIB) };
    image_build(&image);
    /* 8 MiB of descriptors for each entry, of zeros that take 32 MiB to remember. */
    unsigned n = 2048 * 128 - 2;
    g_autofree Change *changes = g_new0(Change, n);
    for (unsigned i = 0; i < n; i++)
        changes[i] = (Change){ .position = image.payload, .zeros = 4096 };
    uint32_t at = 0;
    for (unsigned i = 0; i < 9; i++) {
        at = image_log(
            &image,
            &(LogEntry){ .at = at, .sequence = 1 + i, .changes = changes, .n = n });
        if (i == 7)
            ck_assert_uint_eq(replays().entries, 8);
    }
    refuses(VC_ERROR_LIMIT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/log");
    TCase *tests = tcase_create("log");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, one_entry_is_replayed);
    tcase_add_test(tests, leading_and_trailing_bytes_come_from_the_descriptor);
    tcase_add_test(tests, an_empty_entry_replays_nothing);
    tcase_add_test(tests, an_entry_may_have_201_descriptors);
    tcase_add_test(tests, descriptor_sectors_hold_126_and_then_128);
    tcase_add_test(tests, zero_descriptors_write_zeros);
    tcase_add_test(tests, a_zero_descriptor_before_data_does_not_shift_the_data);
    tcase_add_test(tests, the_file_grows_to_what_the_log_announces);
    tcase_add_test(tests,
                   a_change_beyond_the_announced_end_extends_the_file_and_is_told);
    tcase_add_test(tests, a_file_shorter_than_its_head_remembers_was_cut);
    tcase_add_test(tests, only_the_head_knows_the_length_of_the_file);
    tcase_add_test(tests, a_log_beyond_the_end_of_the_file_is_short);
    tcase_add_test(tests, headers_are_never_changed_by_the_log);
    tcase_add_test(tests, the_log_never_changes_itself);
    tcase_add_test(tests, changes_beside_the_log_are_none_of_it);
    tcase_add_test(tests, changes_and_sizes_beyond_every_file_are_refused);
    tcase_add_test(tests, a_change_that_wraps_around_2_to_64_is_not_an_entry);
    tcase_add_test(tests, more_to_replay_than_memory_should_hold_is_limited);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
