/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of streams and of the file that is made of one. */
#include "io/error.h"
#include "io/interrupt.h"
#include "io/memory.h"
#include "io/stream.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#define SIZE ((size_t)400 << 10)

static uint8_t *model;

static void
setup(void)
{
    model = pattern_new(SIZE, 1);
}

static void
teardown(void)
{
    g_clear_pointer(&model, g_free);
}

static VcFile *
stream_of(const void *data, size_t length)
{
    return vc_stream_file(vc_stream_from_file(vc_memory_file_from("m", data, length)),
                          "s");
}

static void
assert_reads(VcFile *file, uint64_t position, size_t length)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *back = g_malloc(length);
    ck_assert(vc_file_read(file, position, back, length, &error));
    assert_no_error(error);
    ck_assert_mem_eq(back, model + position, length);
}

START_TEST(the_first_bytes_can_be_read_again)
{
    g_autoptr(VcFile) file = stream_of(model, SIZE);
    assert_reads(file, 0, 512);
    assert_reads(file, VC_STREAM_LOOKBACK - 10, 10);
    assert_reads(file, 100, 1000);
    assert_reads(file, 0, VC_STREAM_LOOKBACK);
    assert_reads(file, 0, SIZE);
}
END_TEST

START_TEST(a_read_across_the_lookback_is_whole)
{
    g_autoptr(VcFile) file = stream_of(model, SIZE);
    assert_reads(file, 5, 5);
    assert_reads(file, VC_STREAM_LOOKBACK - 7, 20);
    assert_reads(file, VC_STREAM_LOOKBACK + 13, 1000);
}
END_TEST

START_TEST(going_back_beyond_the_lookback_is_refused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = stream_of(model, SIZE);
    uint8_t byte;
    assert_reads(file, VC_STREAM_LOOKBACK, 1);
    ck_assert(!vc_file_read(file, VC_STREAM_LOOKBACK, &byte, 1, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(what_is_skipped_is_thrown_away)
{
    g_autoptr(VcFile) file = stream_of(model, SIZE);
    assert_reads(file, 10, 10);
    assert_reads(file, 300 << 10, 100);
    assert_reads(file, SIZE - 1, 1);
}
END_TEST

START_TEST(the_end_of_a_stream_is_where_it_ends)
{
    static const size_t sizes[] = {
        0, 10, VC_STREAM_LOOKBACK - 1, VC_STREAM_LOOKBACK, VC_STREAM_LOOKBACK + 1, SIZE
    };
    g_autofree uint8_t *back = g_malloc(2 * SIZE);

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        size_t got;
        g_autoptr(VcFile) whole = stream_of(model, sizes[i]);
        ck_assert(vc_file_read_some(whole, 0, back, SIZE + 1, &got, NULL));
        ck_assert_uint_eq(got, sizes[i]);
        ck_assert_mem_eq(back, model, got);

        g_autoptr(VcFile) behind = stream_of(model, sizes[i]);
        ck_assert(vc_file_read_some(behind, sizes[i] + 1, back, 10, &got, NULL));
        ck_assert_uint_eq(got, 0);
        ck_assert(vc_file_read_some(behind, UINT64_MAX - 5, back, 10, &got, NULL));
        ck_assert_uint_eq(got, 0);

        g_autoptr(VcFile) across = stream_of(model, sizes[i]);
        ck_assert(vc_file_read_some(across, sizes[i] / 2, back, SIZE, &got, NULL));
        ck_assert_uint_eq(got, sizes[i] - sizes[i] / 2);
        ck_assert(!vc_file_read(across, sizes[i], back, 1, NULL));
    }
}
END_TEST

START_TEST(a_stream_has_no_size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = stream_of(model, SIZE);
    uint64_t size;
    ck_assert(!file->seekable);
    ck_assert(!vc_file_size(file, &size, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
}
END_TEST

/* Writes the model into a pipe in odd pieces, with pauses. */
static void *
feed(void *user)
{
    int fd = *(int *)user;
    for (size_t at = 0, n = 1; at < SIZE; n = n * 3 % 7001 + 1) {
        ssize_t put = write(fd, model + at, MIN(n, SIZE - at));
        if (put > 0)
            at += (size_t)put;
        if (n % 5 == 0)
            g_usleep(200);
    }
    close(fd);
    return NULL;
}

static void
nothing(int signal G_GNUC_UNUSED)
{
}

static void
read_pipe(bool nonblocking, bool storm)
{
    int fds[2];
    pthread_t thread;
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *back = g_malloc(SIZE + 1);
    size_t got;

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    if (nonblocking)
        fcntl(fds[0], F_SETFL, O_NONBLOCK);
    if (storm) {
        struct sigaction action = { .sa_handler = nothing };
        struct itimerval timer = { { 0, 300 }, { 0, 300 } };
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &timer, NULL);
    }
    g_autoptr(VcStream) stream = vc_stream_from_fd(fds[0], true);
    pthread_create(&thread, NULL, feed, &fds[1]);
    ck_assert(vc_stream_pull(stream, back, SIZE + 1, &got, &error));
    assert_no_error(error);
    setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(got, SIZE);
    ck_assert_mem_eq(back, model, SIZE);
}

START_TEST(a_pipe_that_drips_is_read_whole)
{
    read_pipe(false, false);
}
END_TEST

START_TEST(a_pipe_that_does_not_block_is_waited_for)
{
    read_pipe(true, false);
}
END_TEST

START_TEST(signals_do_not_disturb_a_pipe)
{
    read_pipe(false, true);
}
END_TEST

START_TEST(waiting_for_a_silent_pipe_can_be_ended)
{
    g_autoptr(GError) error = NULL;
    int fds[2], stop = eventfd(1, EFD_CLOEXEC);
    uint8_t byte;
    size_t got;
    ck_assert_int_eq(pipe(fds), 0);
    g_autoptr(VcStream) stream = vc_stream_from_fd(fds[0], true);

    vc_interrupt_watch(stop);
    ck_assert(!vc_stream_pull(stream, &byte, 1, &got, &error));
    vc_interrupt_watch(-1);
    assert_error(error, VC_ERROR_CANCELLED);
    close(fds[1]);
    close(stop);
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_read_is_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcStream) stream = vc_stream_from_fd(open("/", O_RDONLY), true);
    uint8_t byte;
    size_t got;
    ck_assert(!vc_stream_pull(stream, &byte, 1, &got, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_str_eq(error->message, "read of 1 bytes at 0x0: Is a directory");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/stream");
    TCase *tests = tcase_create("stream");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_first_bytes_can_be_read_again);
    tcase_add_test(tests, a_read_across_the_lookback_is_whole);
    tcase_add_test(tests, going_back_beyond_the_lookback_is_refused);
    tcase_add_test(tests, what_is_skipped_is_thrown_away);
    tcase_add_test(tests, the_end_of_a_stream_is_where_it_ends);
    tcase_add_test(tests, a_stream_has_no_size);
    tcase_add_test(tests, a_pipe_that_drips_is_read_whole);
    tcase_add_test(tests, a_pipe_that_does_not_block_is_waited_for);
    tcase_add_test(tests, signals_do_not_disturb_a_pipe);
    tcase_add_test(tests, waiting_for_a_silent_pipe_can_be_ended);
    tcase_add_test(tests, a_descriptor_that_cannot_be_read_is_an_error);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
