/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the bitmap of taken space. */
#include "formats/vhdx/space.h"
#include "tests/check-main.h"

#define MIB VHDX_MIB

START_TEST(what_is_taken_twice_is_told)
{
    g_autoptr(VhdxSpace) space = vhdx_space_new(1000 * MIB, NULL);
    ck_assert(vhdx_space_take(space, 60 * MIB, 10 * MIB));
    ck_assert(vhdx_space_take(space, 70 * MIB, 300 * MIB));
    ck_assert(!vhdx_space_take(space, 69 * MIB, MIB));
    ck_assert(!vhdx_space_take(space, 369 * MIB, 5 * MIB));
    ck_assert(vhdx_space_take(space, 374 * MIB, MIB));
    ck_assert(!vhdx_space_take(space, 0, 1000 * MIB));
}
END_TEST

START_TEST(lengths_are_rounded_up)
{
    g_autoptr(VhdxSpace) space = vhdx_space_new(10 * MIB, NULL);
    ck_assert(vhdx_space_take(space, MIB, 1));
    ck_assert(!vhdx_space_take(space, MIB, MIB));
    ck_assert(vhdx_space_take(space, 2 * MIB, 0));
    ck_assert(vhdx_space_take(space, 2 * MIB, MIB));
}
END_TEST

START_TEST(gaps_lie_between_what_is_taken)
{
    g_autoptr(VhdxSpace) space = vhdx_space_new(300 * MIB, NULL);
    uint64_t begin, end;
    ck_assert(!vhdx_space_gap(space, 0, &begin, &end));
    ck_assert_uint_eq(vhdx_space_end(space), 0);
    vhdx_space_take(space, 0, MIB);
    vhdx_space_take(space, 2 * MIB, 100 * MIB);
    vhdx_space_take(space, 50 * MIB, 10 * MIB);
    vhdx_space_take(space, 200 * MIB, MIB);
    ck_assert(vhdx_space_gap(space, 0, &begin, &end));
    ck_assert_uint_eq(begin, MIB);
    ck_assert_uint_eq(end, 2 * MIB);
    ck_assert(vhdx_space_gap(space, end, &begin, &end));
    ck_assert_uint_eq(begin, 102 * MIB);
    ck_assert_uint_eq(end, 200 * MIB);
    ck_assert(!vhdx_space_gap(space, end, &begin, &end));
    ck_assert_uint_eq(vhdx_space_end(space), 201 * MIB);
}
END_TEST

START_TEST(what_lies_beyond_the_file_is_left_out)
{
    g_autoptr(VhdxSpace) space = vhdx_space_new(2 * MIB + 1, NULL);
    ck_assert(vhdx_space_take(space, 2 * MIB, 64 * MIB));
    ck_assert(!vhdx_space_take(space, 2 * MIB, MIB));
    ck_assert(vhdx_space_take(space, UINT64_MAX - MIB + 1, MIB));
    ck_assert(vhdx_space_take(space, 3 * MIB, UINT64_MAX));
    ck_assert_uint_eq(vhdx_space_end(space), 3 * MIB);
}
END_TEST

START_TEST(a_file_of_any_size_can_be_looked_at)
{
    g_autoptr(VhdxSpace) space = vhdx_space_new(UINT64_MAX, NULL);
    ck_assert(vhdx_space_take(space, VHDX_FILE_SIZE_MAX - MIB, MIB));
    ck_assert(!vhdx_space_take(space, VHDX_FILE_SIZE_MAX - MIB, MIB));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/space");
    TCase *tests = tcase_create("space");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_is_taken_twice_is_told);
    tcase_add_test(tests, lengths_are_rounded_up);
    tcase_add_test(tests, gaps_lie_between_what_is_taken);
    tcase_add_test(tests, what_lies_beyond_the_file_is_left_out);
    tcase_add_test(tests, a_file_of_any_size_can_be_looked_at);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
