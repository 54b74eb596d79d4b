/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the blob buffer. */
#include "formats/vma/blobs.h"
#include "tests/check-main.h"

#include <string.h>

static bool
finds(const void *bytes, size_t size, uint32_t pointer, const char *expected)
{
    VmaBlobs blobs;
    const uint8_t *data = NULL;
    size_t length = 0;
    /* A copy of its exact size, so that reading beyond it is seen. */
    g_autofree uint8_t *copy = g_memdup2(bytes, size);
    ck_assert(vma_blobs_init(&blobs, copy, size, NULL));
    bool found = vma_blobs_find(&blobs, pointer, &data, &length);
    vma_blobs_clear(&blobs);
    if (found && expected) {
        ck_assert_uint_eq(length, strlen(expected));
        ck_assert_mem_eq(data, expected, length);
    }
    return found;
}

#define TWO "\0\3\0abc\2\0xy"

START_TEST(a_pointer_to_the_beginning_of_a_blob_finds_it)
{
    ck_assert(finds(TWO, 10, 1, "abc"));
    ck_assert(finds(TWO, 10, 6, "xy"));
}
END_TEST

START_TEST(a_pointer_into_the_middle_of_a_blob_finds_nothing)
{
    for (uint32_t pointer = 0; pointer < 20; pointer++)
        if (pointer != 1 && pointer != 6)
            ck_assert(!finds(TWO, 10, pointer, NULL));
    ck_assert(!finds(TWO, 10, UINT32_MAX, NULL));
}
END_TEST

START_TEST(a_blob_that_would_pass_the_end_is_none)
{
    ck_assert(finds(TWO, 9, 1, "abc"));
    for (size_t size = 0; size < 10; size++)
        ck_assert(!finds(TWO, size, 6, NULL));
    ck_assert(!finds("\0\xff\xff"
                     "abc",
                     6, 1, NULL));
}
END_TEST

START_TEST(a_byte_left_over_and_an_empty_blob_are_fine)
{
    ck_assert(finds("\0\3\0abc\7", 7, 1, "abc"));
    ck_assert(finds("\0\0\0\0\0", 5, 3, ""));
}
END_TEST

START_TEST(a_blob_is_written_with_a_little_endian_length)
{
    VmaBlobWriter writer;
    g_autofree uint8_t *zeros = g_malloc0(VMA_BLOB_MAX);
    vma_blob_writer_init(&writer);
    ck_assert_uint_eq(vma_blob_writer_add(&writer, "ab", 3), 1);
    ck_assert_uint_eq(vma_blob_writer_add(&writer, NULL, 0), 6);
    ck_assert_uint_eq(vma_blob_writer_add(&writer, zeros, 300), 8);
    ck_assert_uint_eq(vma_blob_writer_add(&writer, zeros, VMA_BLOB_MAX), 310);
    ck_assert_mem_eq(writer.bytes->data, "\0\3\0ab\0\0\0\x2c\1", 10);
    ck_assert_mem_eq(writer.bytes->data + 310, "\xff\xff", 2);
    vma_blob_writer_clear(&writer);
}
END_TEST

static uint64_t
table_of(const size_t *lengths, size_t n)
{
    VmaBlobWriter writer;
    g_autofree uint8_t *zeros = g_malloc0(VMA_BLOB_MAX);
    vma_blob_writer_init(&writer);
    for (size_t i = 0; i < n; i++)
        vma_blob_writer_add(&writer, zeros, lengths[i]);
    uint64_t table = vma_blob_writer_table(&writer);
    ck_assert_uint_ge(table, writer.bytes->len);
    vma_blob_writer_clear(&writer);
    return table;
}

START_TEST(the_table_grows_as_that_of_the_reference_writer)
{
    ck_assert_uint_eq(table_of((size_t[]){ 12 }, 1), 512);
    ck_assert_uint_eq(table_of((size_t[]){ 508 }, 1), 512);
    ck_assert_uint_eq(table_of((size_t[]){ 511 }, 1), 1024);
    /* 17 + 276 fit into the first 512; the third needs 250 more and gets 512. */
    ck_assert_uint_eq(table_of((size_t[]){ 17, 276 }, 2), 512);
    ck_assert_uint_eq(table_of((size_t[]){ 17, 276, 250 }, 3), 1024);
    /* A blob that does not fit gets all of its own size, whatever was free. */
    ck_assert_uint_eq(table_of((size_t[]){ 17, 1000 }, 2), 512 + 1024);
}
END_TEST

START_TEST(the_table_always_has_room_for_all_blobs_and_is_never_empty)
{
    ck_assert_uint_eq(table_of(NULL, 0), 512);
    ck_assert_uint_eq(table_of((size_t[]){ 510 }, 1), 1024);
    ck_assert_uint_eq(table_of((size_t[]){ 1022 }, 1), 1536);
    ck_assert_uint_eq(table_of((size_t[]){ 509 }, 1), 512);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vma/blobs");
    TCase *tests = tcase_create("blobs");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_pointer_to_the_beginning_of_a_blob_finds_it);
    tcase_add_test(tests, a_pointer_into_the_middle_of_a_blob_finds_nothing);
    tcase_add_test(tests, a_blob_that_would_pass_the_end_is_none);
    tcase_add_test(tests, a_byte_left_over_and_an_empty_blob_are_fine);
    tcase_add_test(tests, a_blob_is_written_with_a_little_endian_length);
    tcase_add_test(tests, the_table_grows_as_that_of_the_reference_writer);
    tcase_add_test(tests, the_table_always_has_room_for_all_blobs_and_is_never_empty);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
