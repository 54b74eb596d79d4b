/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of outputs that only grow. */
#include "io/error.h"
#include "io/interrupt.h"
#include "io/posix.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"
#include "tests/io/scratch.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

#define SIZE ((size_t)600001)

typedef struct {
    int fd;
    uint8_t *back;
    size_t got;
} Reader;

static void *
drain(void *user)
{
    Reader *r = user;
    ssize_t n;
    while ((n = read(r->fd, r->back + r->got, MIN(10007, SIZE + 1 - r->got))) > 0) {
        r->got += (size_t)n;
        g_usleep(100);
    }
    close(r->fd);
    return NULL;
}

static void
write_pipe(int flags)
{
    g_autofree uint8_t *model = pattern_new(SIZE, 1), *back = g_malloc(SIZE + 1);
    int fds[2];
    pthread_t thread;
    ck_assert_int_eq(pipe(fds), 0);
    fcntl(fds[1], F_SETFL, flags);
    Reader reader = { fds[0], back, 0 };
    pthread_create(&thread, NULL, drain, &reader);

    VcFile *file = vc_posix_append(fds[1], true, "pipe");
    ck_assert(!file->seekable);
    ck_assert(vc_file_write(file, 0, model, 10, NULL));
    ck_assert(vc_file_write(file, 10, model + 10, SIZE - 10, NULL));
    ck_assert(vc_file_sync(file, NULL));
    vc_file_free(file);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(reader.got, SIZE);
    ck_assert_mem_eq(back, model, SIZE);
}

START_TEST(what_is_written_comes_out)
{
    write_pipe(0);
}
END_TEST

START_TEST(a_pipe_that_does_not_block_is_waited_for)
{
    write_pipe(O_NONBLOCK);
}
END_TEST

START_TEST(waiting_for_a_full_pipe_can_be_ended)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *data = g_malloc0(SIZE);
    int fds[2], stop = eventfd(1, EFD_CLOEXEC);
    ck_assert_int_eq(pipe(fds), 0);
    g_autoptr(VcFile) file = vc_posix_append(fds[1], true, "pipe");

    vc_interrupt_watch(stop);
    ck_assert(!vc_file_write(file, 0, data, SIZE, &error));
    vc_interrupt_watch(-1);
    assert_error(error, VC_ERROR_CANCELLED);
    close(fds[0]);
    close(stop);
}
END_TEST

START_TEST(only_the_end_can_be_written)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path("f");
    g_autoptr(VcFile)
        file = vc_posix_append(open(path, O_WRONLY | O_CREAT, 0666), true, "f");
    ck_assert(vc_file_write(file, 0, "abc", 3, NULL));
    ck_assert(!vc_file_write(file, 4, "x", 1, &error));
    assert_error(error, VC_ERROR_USAGE);
    ck_assert(!vc_file_write(file, 2, "x", 1, NULL));
    ck_assert(vc_file_write(file, 3, "d", 1, NULL));
    scratch_assert("f", "abcd", 4);
}
END_TEST

START_TEST(truncating_fills_up_with_zeros)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path("f");
    g_autoptr(VcFile)
        file = vc_posix_append(open(path, O_WRONLY | O_CREAT, 0666), true, "f");
    ck_assert(vc_file_write(file, 0, "abc", 3, NULL));
    ck_assert(vc_file_truncate(file, 3, NULL));
    ck_assert(vc_file_truncate(file, 6, NULL));
    ck_assert(!vc_file_truncate(file, 5, &error));
    assert_error(error, VC_ERROR_USAGE);
    ck_assert(vc_file_zero(file, 6, 1, NULL));
    scratch_assert("f", "abc\0\0\0\0", 7);
}
END_TEST

/* Writes "ab" and a zero from the third byte of "0123456789", opened with FLAGS, makes
 * that the end, and has somebody else go on with "d". */
static void
end_in_the_middle(int flags)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path("f");
    scratch_write("f", "0123456789", 10);
    int fd = open(path, O_WRONLY | flags);
    ck_assert_int_eq(lseek(fd, 2, SEEK_SET), 2);
    g_autoptr(VcFile) file = vc_posix_append(fd, true, "f");
    ck_assert(vc_file_write(file, 0, "ab", 2, NULL));
    ck_assert(vc_file_end(file, 3, &error));
    assert_no_error(error);
    ck_assert_int_eq(write(fd, "d", 1), 1);
    ck_assert(!vc_file_end(file, 2, NULL));
}

START_TEST(an_end_cuts_off_what_was_behind_it)
{
    end_in_the_middle(0);
    scratch_assert("f", "01ab\0d", 6);
}
END_TEST

START_TEST(nothing_is_behind_what_is_appended)
{
    end_in_the_middle(O_APPEND);
    scratch_assert("f", "0123456789ab\0d", 14);
}
END_TEST

/* Its offset is 0 until something is written. */
START_TEST(an_end_without_a_byte_cuts_off_nothing_that_is_appended_to)
{
    g_autofree char *path = scratch_path("f");
    scratch_write("f", "0123456789", 10);
    g_autoptr(VcFile)
        file = vc_posix_append(open(path, O_WRONLY | O_APPEND), true, "f");
    ck_assert(vc_file_end(file, 0, NULL));
    scratch_assert("f", "0123456789", 10);
}
END_TEST

START_TEST(a_pipe_has_nothing_behind_its_end)
{
    char back[4];
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    g_autoptr(VcFile) file = vc_posix_append(fds[1], true, "pipe");
    ck_assert(vc_file_write(file, 0, "abc", 3, NULL));
    ck_assert(vc_file_end(file, 3, NULL));
    ck_assert_int_eq(read(fds[0], back, sizeof back), 3);
    close(fds[0]);
}
END_TEST

START_TEST(a_broken_pipe_is_an_error_with_its_name)
{
    g_autoptr(GError) error = NULL;
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    g_autoptr(VcFile) file = vc_posix_append(fds[1], true, "pipe");
    ck_assert(!vc_file_write(file, 0, "abc", 3, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_str_eq(error->message, "write of 3 bytes at 0x0: Broken pipe");
    signal(SIGPIPE, SIG_DFL);
}
END_TEST

START_TEST(a_full_disk_is_an_error_with_its_name)
{
    g_autoptr(GError) error = NULL;
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0)
        return; /* not everywhere */
    g_autoptr(VcFile) file = vc_posix_append(fd, true, "full");
    ck_assert(!vc_file_write(file, 0, "abc", 3, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_str_eq(error->message,
                     "write of 3 bytes at 0x0: No space left on device");
}
END_TEST

START_TEST(a_lent_descriptor_stays_open)
{
    g_autofree char *path = scratch_path("f");
    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    vc_file_free(vc_posix_append(fd, false, "f"));
    ck_assert_int_eq(write(fd, "x", 1), 1);
    close(fd);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/posix-append");
    TCase *tests = scratch_case(suite, "posix-append");
    tcase_add_test(tests, what_is_written_comes_out);
    tcase_add_test(tests, a_pipe_that_does_not_block_is_waited_for);
    tcase_add_test(tests, waiting_for_a_full_pipe_can_be_ended);
    tcase_add_test(tests, only_the_end_can_be_written);
    tcase_add_test(tests, truncating_fills_up_with_zeros);
    tcase_add_test(tests, an_end_cuts_off_what_was_behind_it);
    tcase_add_test(tests, nothing_is_behind_what_is_appended);
    tcase_add_test(tests, an_end_without_a_byte_cuts_off_nothing_that_is_appended_to);
    tcase_add_test(tests, a_pipe_has_nothing_behind_its_end);
    tcase_add_test(tests, a_broken_pipe_is_an_error_with_its_name);
    tcase_add_test(tests, a_full_disk_is_an_error_with_its_name);
    tcase_add_test(tests, a_lent_descriptor_stays_open);
    return run_suite(suite);
}
