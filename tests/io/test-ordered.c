/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the append-only file that lets its writer come back. */
#include "io/error.h"
#include "io/lent.h"
#include "io/memory.h"
#include "io/ordered.h"
#include "tests/check-main.h"

/* The memory file behind stands for the pipe; ordered writes reach it front to back. */
static void
assert_content(VcFile *file, const char *expected, size_t length)
{
    g_autofree char *have = g_malloc0(length + 1);
    uint64_t size;
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, length);
    ck_assert(vc_file_read(file, 0, have, length, NULL));
    ck_assert_mem_eq(have, expected, length);
}

START_TEST(what_is_written_ahead_waits_for_what_comes_before)
{
    g_autoptr(VcFile) pipe = vc_memory_file("pipe");
    g_autoptr(VcFile) file = vc_ordered_file(vc_lent_file(pipe));

    ck_assert(vc_file_write(file, 4, "efgh", 4, NULL));
    ck_assert(vc_file_write(file, 2, "cd", 2, NULL));
    assert_content(pipe, "", 0);
    ck_assert(vc_file_write(file, 0, "ab", 2, NULL));
    assert_content(pipe, "abcdefgh", 8);
}
END_TEST

START_TEST(settled_gaps_are_zeros)
{
    g_autoptr(VcFile) pipe = vc_memory_file("pipe");
    g_autoptr(VcFile) file = vc_ordered_file(vc_lent_file(pipe));

    ck_assert(vc_file_write(file, 2, "c", 1, NULL));
    ck_assert(vc_file_settle(file, 2, NULL));
    assert_content(pipe, "\0\0c", 3);
    ck_assert(vc_file_truncate(file, 5, NULL));
    assert_content(pipe, "\0\0c\0\0", 5);
}
END_TEST

START_TEST(a_piece_that_begins_below_the_settled_position_goes_out_whole)
{
    g_autoptr(VcFile) pipe = vc_memory_file("pipe");
    g_autoptr(VcFile) file = vc_ordered_file(vc_lent_file(pipe));

    ck_assert(vc_file_write(file, 1, "bcd", 3, NULL));
    ck_assert(vc_file_settle(file, 2, NULL));
    assert_content(pipe, "\0bcd", 4);
}
END_TEST

START_TEST(preloaded_content_fills_the_gaps)
{
    g_autoptr(VcFile) pipe = vc_memory_file("pipe");
    g_autoptr(VcFile) content = vc_memory_file_from("meta", "ABCDEF", 6);
    g_autoptr(VcFile) file = vc_ordered_file(vc_lent_file(pipe));

    vc_ordered_preload(file, content);
    ck_assert(vc_file_write(file, 2, "xy", 2, NULL));
    ck_assert(vc_file_settle(file, 4, NULL));
    ck_assert(vc_file_truncate(file, 8, NULL));
    assert_content(pipe, "ABxyEF\0\0", 8);
}
END_TEST

START_TEST(what_has_gone_out_cannot_be_written_again)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_ordered_file(vc_memory_file("pipe"));

    ck_assert(vc_file_write(file, 0, "abc", 3, NULL));
    ck_assert(!vc_file_write(file, 1, "b", 1, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
    g_clear_error(&error);
    ck_assert(!vc_file_truncate(file, 2, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(what_waits_cannot_be_written_again)
{
    g_autoptr(VcFile) pipe = vc_memory_file("pipe");
    g_autoptr(VcFile) file = vc_ordered_file(vc_lent_file(pipe));
    static const struct {
        uint64_t position;
        size_t length;
    } overlapping[] = { { 4, 4 }, { 3, 2 }, { 7, 2 }, { 5, 1 }, { 1, 20 }, { 0, 5 } };

    ck_assert(vc_file_write(file, 4, "efgh", 4, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(overlapping); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert(!vc_file_write(file, overlapping[i].position, "xxxxxxxxxxxxxxxxxxxx",
                                 overlapping[i].length, &error));
        assert_error(error, VC_ERROR_UNSUPPORTED);
    }
    ck_assert(vc_file_write(file, 8, "ij", 2, NULL));
    ck_assert(vc_file_write(file, 3, "d", 1, NULL));
    ck_assert(vc_file_write(file, 5, "", 0, NULL));
    ck_assert(vc_file_write(file, 0, "abc", 3, NULL));
    assert_content(pipe, "abcdefghij", 10);
}
END_TEST

START_TEST(what_waits_is_not_forgotten_by_sync)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_ordered_file(vc_memory_file("pipe"));

    ck_assert(vc_file_write(file, 1, "b", 1, NULL));
    ck_assert(!vc_file_sync(file, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
    ck_assert(vc_file_write(file, 0, "a", 1, NULL));
    ck_assert(vc_file_sync(file, NULL));
}
END_TEST

START_TEST(the_memory_for_what_waits_is_bounded)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_ordered_file(vc_memory_file("pipe"));
    size_t piece = 16 << 20;
    g_autofree char *data = g_malloc0(piece);

    for (unsigned i = 0; i < VC_ORDERED_PENDING_MAX / piece; i++)
        ck_assert(vc_file_write(file, 1 + i * piece, data, piece, NULL));
    ck_assert(!vc_file_write(file, 1 + VC_ORDERED_PENDING_MAX, data, 1, &error));
    assert_error(error, VC_ERROR_LIMIT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/ordered");
    TCase *tests = tcase_create("ordered");
    tcase_add_test(tests, what_is_written_ahead_waits_for_what_comes_before);
    tcase_add_test(tests, settled_gaps_are_zeros);
    tcase_add_test(tests,
                   a_piece_that_begins_below_the_settled_position_goes_out_whole);
    tcase_add_test(tests, preloaded_content_fills_the_gaps);
    tcase_add_test(tests, what_has_gone_out_cannot_be_written_again);
    tcase_add_test(tests, what_waits_cannot_be_written_again);
    tcase_add_test(tests, what_waits_is_not_forgotten_by_sync);
    tcase_add_test(tests, the_memory_for_what_waits_is_bounded);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
