/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the stream that is read ahead. */
#include "converters/ahead.h"
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/converters/scripted.h"

#include <unistd.h>

/* Pulls LENGTH bytes in pieces of uneven sizes; *GOT are there and are the pattern. */
static bool
pull_uneven(VcStream *stream, size_t length, size_t *got, GError **error)
{
    static const size_t sizes[] = { 1, 4096, 12288, 1000003, 65536, 2 << 20 };
    g_autofree uint8_t *bytes = g_malloc(length);
    g_autofree uint8_t *expected = g_malloc(length);
    bool ok = true;

    scripted_pattern(0, expected, length);
    *got = 0;
    for (size_t i = 0; ok && *got < length; i++) {
        size_t wanted = MIN(sizes[i % G_N_ELEMENTS(sizes)], length - *got), piece = 0;
        ok = vc_stream_pull(stream, bytes + *got, wanted, &piece, error);
        *got += piece;
        if (piece < wanted)
            break;
    }
    if (*got > 0)
        ck_assert_mem_eq(bytes, expected, *got);
    return ok;
}

START_TEST(the_bytes_are_those_of_the_stream_below)
{
    static const size_t lengths[] = {
        0, 1, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (20 << 20) + 77
    };
    g_autoptr(GError) error = NULL;
    size_t length = lengths[_i], got;
    uint8_t surplus;
    g_autoptr(VcStream) stream = vc_ahead(scripted_stream(length, false), &error);
    assert_no_error(error);

    ck_assert(pull_uneven(stream, length, &got, &error));
    ck_assert_uint_eq(got, length);
    for (int again = 0; again < 2; again++) {
        ck_assert(vc_stream_pull(stream, &surplus, 1, &got, &error));
        ck_assert_uint_eq(got, 0);
    }
}
END_TEST

START_TEST(an_error_comes_behind_the_bytes_before_it)
{
    static const size_t lengths[] = { 0, 100, 1 << 20, (9 << 20) + 5 };
    g_autoptr(GError) error = NULL;
    size_t length = lengths[_i], got;
    g_autoptr(VcStream) stream = vc_ahead(scripted_stream(length, true), NULL);

    ck_assert(pull_uneven(stream, length, &got, &error));
    ck_assert_uint_eq(got, length);
    for (int again = 0; again < 2; again++) {
        uint8_t surplus;
        ck_assert(!vc_stream_pull(stream, &surplus, 1, &got, &error));
        assert_error(error, VC_ERROR_CORRUPT);
        g_clear_error(&error);
    }
}
END_TEST

START_TEST(freeing_does_not_wait_for_a_full_ring)
{
    uint8_t byte;
    size_t got;
    VcStream *stream = vc_ahead(scripted_stream((uint64_t)1 << 40, false), NULL);

    ck_assert(vc_stream_pull(stream, &byte, 1, &got, NULL));
    vc_stream_free(stream);
}
END_TEST

START_TEST(freeing_ends_a_wait_for_a_pipe_that_nobody_writes_to)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "some", 4), 4);

    vc_stream_free(vc_ahead(vc_stream_from_fd(ends[0], true), NULL));
    close(ends[1]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/ahead");
    TCase *tests = tcase_create("ahead");
    tcase_add_loop_test(tests, the_bytes_are_those_of_the_stream_below, 0, 7);
    tcase_add_loop_test(tests, an_error_comes_behind_the_bytes_before_it, 0, 4);
    tcase_add_test(tests, freeing_does_not_wait_for_a_full_ring);
    tcase_add_test(tests, freeing_ends_a_wait_for_a_pipe_that_nobody_writes_to);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
