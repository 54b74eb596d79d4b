/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of waits that end early. */
#include "io/compress.h"
#include "io/error.h"
#include "io/interrupt.h"
#include "io/memory.h"
#include "io/null.h"
#include "io/ordered.h"
#include "tests/check-main.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct {
    int pipe[2];
    int event;
} Descriptors;

static void
open_descriptors(Descriptors *d)
{
    ck_assert_int_eq(pipe(d->pipe), 0);
    d->event = eventfd(0, EFD_CLOEXEC);
    ck_assert_int_ge(d->event, 0);
}

static void
close_descriptors(Descriptors *d)
{
    close(d->pipe[0]);
    close(d->pipe[1]);
    close(d->event);
}

static void
signal_event(const Descriptors *d)
{
    uint64_t one = 1;
    ck_assert_int_eq(write(d->event, &one, sizeof one), sizeof one);
}

START_TEST(a_wait_ends_when_bytes_arrive)
{
    Descriptors d;
    open_descriptors(&d);
    vc_interrupt_watch(d.event);

    ck_assert_int_eq(write(d.pipe[1], "x", 1), 1);
    ck_assert(vc_interrupt_poll(d.pipe[0], POLLIN, NULL));

    vc_interrupt_watch(-1);
    close_descriptors(&d);
}
END_TEST

START_TEST(a_watched_descriptor_comes_before_bytes)
{
    g_autoptr(GError) error = NULL;
    Descriptors d;
    open_descriptors(&d);
    vc_interrupt_watch(d.event);

    ck_assert_int_eq(write(d.pipe[1], "x", 1), 1);
    signal_event(&d);
    ck_assert(!vc_interrupt_poll(d.pipe[0], POLLIN, &error));
    assert_error(error, VC_ERROR_CANCELLED);

    vc_interrupt_watch(-1);
    ck_assert(vc_interrupt_poll(d.pipe[0], POLLIN, NULL));
    close_descriptors(&d);
}
END_TEST

static void *
wait_for_bytes(void *user)
{
    const Descriptors *d = user;
    g_autoptr(GError) error = NULL;
    vc_interrupt_watch(d->event);
    bool ready = vc_interrupt_poll(d->pipe[0], POLLIN, &error);
    return GINT_TO_POINTER(!ready &&
                           g_error_matches(error, VC_ERROR, VC_ERROR_CANCELLED));
}

START_TEST(a_waiting_thread_is_ended_through_what_it_watches)
{
    Descriptors d;
    open_descriptors(&d);
    pthread_t thread;
    void *cancelled = NULL;

    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_bytes, &d), 0);
    signal_event(&d);
    ck_assert_int_eq(pthread_join(thread, &cancelled), 0);
    ck_assert_ptr_nonnull(cancelled);
    close_descriptors(&d);
}
END_TEST

/* Below a compressor nothing waits, and a hole may take hours. */
START_TEST(zeros_that_are_written_end)
{
    g_autoptr(GError) error = NULL;
    VcCompressOptions options;
    ck_assert(vc_compress_options_parse("zstd", &options, NULL));
    VcFile *file = vc_compress_file(vc_null_file("packed"), &options, NULL);
    vc_interrupt();
    ck_assert(!vc_file_truncate(file, 1 << 20, &error));
    assert_error(error, VC_ERROR_CANCELLED);
    g_clear_error(&error);

    g_autoptr(VcFile) ordered = vc_ordered_file(file);
    ck_assert(!vc_file_settle(ordered, 1 << 20, &error));
    assert_error(error, VC_ERROR_CANCELLED);
}
END_TEST

/* A file waits nowhere, and what is passed over in it may be without end. */
START_TEST(what_is_passed_over_in_a_compressed_stream_ends)
{
    /* A frame to be skipped, and one of a byte. */
    static const uint8_t packed[] = { 0x50, 0x2a, 0x4d, 0x18, 0,    0,
                                      0,    0,    0x28, 0xb5, 0x2f, 0xfd,
                                      0x20, 0x01, 0x09, 0x00, 0x00, 'a' };
    g_autoptr(GError) error = NULL;
    VcFile *file = vc_memory_file_from("packed", packed, sizeof packed);
    g_autoptr(VcStream)
        stream = vc_decompress(vc_stream_from_file(file), VC_COMPRESSION_ZSTD,
                               VC_DECOMPRESS_MEMORY_DEFAULT, NULL);
    uint8_t byte;
    size_t got;
    vc_interrupt();
    ck_assert(!vc_stream_pull(stream, &byte, 1, &got, &error));
    assert_error(error, VC_ERROR_CANCELLED);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/interrupt");
    TCase *tests = tcase_create("interrupt");
    tcase_add_test(tests, a_wait_ends_when_bytes_arrive);
    tcase_add_test(tests, a_watched_descriptor_comes_before_bytes);
    tcase_add_test(tests, a_waiting_thread_is_ended_through_what_it_watches);
    suite_add_tcase(suite, tests);
    /* Nothing takes an interruption back, and not every run forks: these come last. */
    TCase *last = tcase_create("interruption");
    tcase_add_test(last, zeros_that_are_written_end);
    tcase_add_test(last, what_is_passed_over_in_a_compressed_stream_ends);
    suite_add_tcase(suite, last);
    return run_suite(suite);
}
