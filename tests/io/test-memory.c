/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the file in memory, and of the small ones over it. */
#include "io/error.h"
#include "io/lent.h"
#include "io/memory.h"
#include "io/null.h"
#include "tests/check-main.h"

START_TEST(what_was_written_reads_back)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    char back[5];

    ck_assert(vc_file_write(file, 65534, "hello", 5, &error));
    ck_assert(vc_file_read(file, 65534, back, 5, &error));
    assert_no_error(error);
    ck_assert_mem_eq(back, "hello", 5);
}
END_TEST

START_TEST(what_was_not_written_is_a_hole_and_reads_zero)
{
    g_autoptr(VcFile) file = vc_memory_file("m");
    uint8_t back[4] = { 1, 1, 1, 1 };
    bool data;
    uint64_t length;

    ck_assert(vc_file_write(file, 1 << 20, "x", 1, NULL));
    ck_assert(vc_file_read(file, 100, back, 4, NULL));
    ck_assert_mem_eq(back, "\0\0\0\0", 4);
    ck_assert(vc_file_run(file, 100, &data, &length, NULL));
    ck_assert(!data);
    ck_assert_uint_eq(length, (1 << 20) - 100);
    ck_assert(vc_file_run(file, 1 << 20, &data, &length, NULL));
    ck_assert(data);
    ck_assert_uint_eq(length, 1);
}
END_TEST

START_TEST(reading_beyond_the_end_is_short)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file_from("m", "abc", 3);
    char back[4];

    ck_assert(!vc_file_read(file, 0, back, 4, &error));
    assert_error(error, VC_ERROR_SHORT);
}
END_TEST

START_TEST(truncating_forgets_what_was_behind)
{
    g_autoptr(VcFile) file = vc_memory_file_from("m", "abcdef", 6);
    char back[6];

    ck_assert(vc_file_truncate(file, 2, NULL));
    ck_assert(vc_file_truncate(file, 6, NULL));
    ck_assert(vc_file_read(file, 0, back, 6, NULL));
    ck_assert_mem_eq(back, "ab\0\0\0\0", 6);
}
END_TEST

/* The same page in many places is kept once, and each place stays its own. */
START_TEST(pages_that_were_written_alike_do_not_change_together)
{
    enum { PAGE = 4096, COUNT = 6 };
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autofree uint8_t *page = g_malloc(PAGE), *back = g_malloc(PAGE);
    memset(page, 0xee, PAGE);
    for (uint64_t i = 0; i < COUNT; i++)
        ck_assert(vc_file_write(file, i * PAGE, page, PAGE, NULL));
    ck_assert(vc_file_write(file, 1 * PAGE + 5, "x", 1, NULL));
    ck_assert(vc_file_zero(file, 2 * PAGE + 5, 1, NULL));
    ck_assert(vc_file_write(file, 5 * PAGE + 5, "y", 1, NULL));
    ck_assert(vc_file_truncate(file, 4 * PAGE + 5, NULL));
    ck_assert(vc_file_truncate(file, 5 * PAGE, NULL));

    static const uint8_t expected[] = { 0xee, 'x', 0, 0xee, 0 };
    for (uint64_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        ck_assert(vc_file_read(file, i * PAGE, back, PAGE, NULL));
        page[5] = expected[i];
        ck_assert_mem_eq(back, page, i == 4 ? 6 : PAGE);
    }
    ck_assert_uint_eq(back[4095], 0);
}
END_TEST

START_TEST(nothing_written_far_away_makes_a_file_no_longer)
{
    g_autoptr(VcFile) file = vc_memory_file_from("m", "abc", 3);
    uint64_t size;

    ck_assert(vc_file_write(file, 1000, "", 0, NULL));
    ck_assert(vc_file_zero(file, 1000, 0, NULL));
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 3);
}
END_TEST

START_TEST(nothing_goes_beyond_2_to_64)
{
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) file = vc_memory_file("m");
        bool ok = i == 0 ? vc_file_write(file, UINT64_MAX - 1, "abc", 3, &error)
                         : vc_file_zero(file, 2, UINT64_MAX, &error);
        ck_assert(!ok);
        assert_error(error, VC_ERROR_LIMIT);
        uint64_t size;
        ck_assert(vc_file_size(file, &size, NULL));
        ck_assert_uint_eq(size, 0);
    }
}
END_TEST

static bool
sum_pages(void *user, uint64_t position, const void *data G_GNUC_UNUSED, size_t length,
          GError **error)
{
    uint64_t *sum = user;
    if (position == 0)
        return vc_fail(error, VC_ERROR_IO, "the first is not wanted"), false;
    *sum += position + length;
    return true;
}

START_TEST(a_visit_ends_with_the_file_or_with_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    uint64_t sum = 0;
    ck_assert(vc_file_write(file, 8192, "x", 1, NULL));
    ck_assert(vc_file_write(file, 1 << 20, "x", 1, NULL));
    ck_assert(vc_memory_file_visit(file, sum_pages, &sum, &error));
    assert_no_error(error);
    ck_assert_uint_eq(sum, 8192 + 4096 + (1 << 20) + 1);

    ck_assert(vc_file_write(file, 5, "x", 1, NULL));
    ck_assert(!vc_memory_file_visit(file, sum_pages, &sum, &error));
    assert_error(error, VC_ERROR_IO);
}
END_TEST

START_TEST(an_output_that_keeps_nothing_knows_its_size_and_is_not_read)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_null_file("n");
    uint64_t size;
    char byte;
    ck_assert(vc_file_write(file, 100, "x", 1, NULL));
    ck_assert(vc_file_zero(file, 1000, 24, NULL));
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 1024);
    ck_assert(!vc_file_read(file, 0, &byte, 1, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(what_is_lent_changes_with_its_owner)
{
    g_autoptr(VcFile) file = vc_memory_file_from("m", "abcdef", 6);
    g_autoptr(VcFile) lent = vc_lent_file(file);
    char back[6];
    ck_assert(vc_file_zero(lent, 1, 2, NULL));
    ck_assert(vc_file_write(lent, 5, "x", 1, NULL));
    ck_assert(vc_file_read(file, 0, back, 6, NULL));
    ck_assert_mem_eq(back, "a\0\0dex", 6);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/memory");
    TCase *tests = tcase_create("memory");
    tcase_add_test(tests, what_was_written_reads_back);
    tcase_add_test(tests, what_was_not_written_is_a_hole_and_reads_zero);
    tcase_add_test(tests, reading_beyond_the_end_is_short);
    tcase_add_test(tests, truncating_forgets_what_was_behind);
    tcase_add_test(tests, pages_that_were_written_alike_do_not_change_together);
    tcase_add_test(tests, nothing_written_far_away_makes_a_file_no_longer);
    tcase_add_test(tests, nothing_goes_beyond_2_to_64);
    tcase_add_test(tests, a_visit_ends_with_the_file_or_with_an_error);
    tcase_add_test(tests, an_output_that_keeps_nothing_knows_its_size_and_is_not_read);
    tcase_add_test(tests, what_is_lent_changes_with_its_owner);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
