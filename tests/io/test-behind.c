/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of buffered writes that are sent on their way, waited for and dropped.
 *
 * sync_file_range as defined here goes before that of the library. */
#include "io/behind.h"
#include "io/error.h"
#include "io/posix.h"
#include "io/resident.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"
#include "tests/io/scratch.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define MIB ((size_t)1 << 20)
#define COUNT 64u /* writes; more than are ever on their way */

/* The calls fail with these error numbers; 0: they work. */
static int start_fails, wait_fails;
static unsigned starts, waits;
static off_t first; /* where the first one began */

int
sync_file_range(int fd, off_t position, off_t length, unsigned flags)
{
    bool wait = flags & SYNC_FILE_RANGE_WAIT_AFTER;
    if (starts + waits == 0)
        first = position;
    *(wait ? &waits : &starts) += 1;
    int errnum = wait ? wait_fails : start_fails;
    if (errnum == 0)
        return (int)syscall(SYS_sync_file_range, fd, position, length, flags);
    /* An interruption comes once. */
    if (errnum == EINTR)
        wait_fails = 0;
    errno = errnum;
    return -1;
}

static void
set_up(void)
{
    start_fails = wait_fails = 0;
    starts = waits = 0;
    scratch_setup();
}

static VcFile *
open_output(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path("f");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    ck_assert_int_ge(fd, 0);
    VcFile *file = vc_posix_output(fd, path, "f", VC_CACHE_WRITEBACK, &error);
    assert_no_error(error);
    return file;
}

/* Writes COUNT mebibytes; false when one was not written. */
static bool
write_all(VcFile *file, GError **error)
{
    g_autofree uint8_t *model = pattern_new(MIB, 1);
    for (unsigned i = 0; i < COUNT; i++)
        if (!vc_file_write(file, i * MIB, model, MIB, error))
            return false;
    return true;
}

static bool
is_in_memory(int fd)
{
    struct statfs status;
    ck_assert_int_eq(fstatfs(fd, &status), 0);
    return status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC;
}

START_TEST(what_was_written_leaves_the_page_cache)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = open_output();
    ck_assert(write_all(file, &error));
    assert_no_error(error);
    ck_assert_uint_eq(starts, COUNT);
    ck_assert_uint_gt(waits, COUNT / 2);
    if (is_in_memory(file->fd))
        return;
    unsigned resident = 0;
    for (unsigned i = 0; i < COUNT; i++)
        resident += vc_resident(file->fd, i * MIB, MIB);
    ck_assert_uint_lt(resident, COUNT / 2);
}
END_TEST

/* Both calls may take it from the later fsync, so it must not be lost. */
START_TEST(an_error_of_writing_back_is_one_of_a_write)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = open_output();
    int errnum = _i % 2 == 0 ? EIO : ENOSPC;
    *(_i < 2 ? &wait_fails : &start_fails) = errnum;
    ck_assert(!write_all(file, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_ptr_nonnull(strstr(error->message, g_strerror(errnum)));
}
END_TEST

START_TEST(an_interrupted_wait_is_repeated)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = open_output();
    wait_fails = EINTR;
    ck_assert(write_all(file, &error));
    assert_no_error(error);
}
END_TEST

START_TEST(without_the_call_files_are_written_all_the_same)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = open_output();
    start_fails = _i == 0 ? ENOSYS : ESPIPE;
    wait_fails = EIO; /* not to be asked */
    ck_assert(write_all(file, &error));
    ck_assert(vc_file_sync(file, &error));
    assert_no_error(error);
    ck_assert_uint_eq(starts, 1);
    ck_assert_uint_eq(waits, 0);
}
END_TEST

START_TEST(a_call_that_stops_working_is_not_made_again)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = open_output();
    wait_fails = ENOSYS;
    ck_assert(write_all(file, &error));
    ck_assert(vc_file_sync(file, &error));
    assert_no_error(error);
    ck_assert_uint_eq(waits, 1);
    ck_assert_uint_lt(starts, COUNT);
}
END_TEST

START_TEST(small_writes_and_files_that_are_not_synced_are_left_to_the_kernel)
{
    g_autofree uint8_t *model = pattern_new(4096, 1);
    g_autoptr(VcFile) file = open_output();
    for (unsigned i = 0; i < COUNT; i++)
        ck_assert(vc_file_write(file, i * 4096, model, 4096, NULL));
    ck_assert_uint_eq(starts, 0);
    vc_posix_no_sync(file);
    ck_assert(write_all(file, NULL));
    ck_assert_uint_eq(starts, 0);
}
END_TEST

START_TEST(a_file_that_only_grows_is_written_behind_too)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path("f");
    int flags = _i == 0 ? 0 : O_APPEND;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0666);
    ck_assert_int_ge(fd, 0);
    /* As a shell hands it over: others have written before. */
    ck_assert_int_eq(write(fd, "1234567", 7), 7);
    if (_i > 0)
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    g_autoptr(VcFile) file = vc_posix_append(fd, true, "f");
    ck_assert(write_all(file, &error));
    assert_no_error(error);
    ck_assert_uint_eq(starts, COUNT);
    ck_assert_uint_gt(waits, COUNT / 2);
    ck_assert_int_eq(first, 7);
    wait_fails = EIO;
    ck_assert(!vc_file_zero(file, COUNT * MIB, MIB, &error));
    assert_error(error, VC_ERROR_IO);
}
END_TEST

START_TEST(a_pipe_is_no_file_to_write_behind)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_ge(fcntl(fds[1], F_SETPIPE_SZ, (int)MIB), 0);
    g_autofree uint8_t *model = pattern_new(MIB, 1);
    VcFile *file = vc_posix_append(fds[1], true, "pipe");
    ck_assert(vc_file_write(file, 0, model, MIB, NULL));
    ck_assert_uint_eq(starts, 0);
    vc_file_free(file);
    close(fds[0]);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/behind");
    TCase *tests = tcase_create("behind");
    tcase_add_checked_fixture(tests, set_up, scratch_teardown);
    tcase_add_test(tests, what_was_written_leaves_the_page_cache);
    tcase_add_loop_test(tests, an_error_of_writing_back_is_one_of_a_write, 0, 4);
    tcase_add_test(tests, an_interrupted_wait_is_repeated);
    tcase_add_loop_test(tests, without_the_call_files_are_written_all_the_same, 0, 2);
    tcase_add_test(tests, a_call_that_stops_working_is_not_made_again);
    tcase_add_test(tests,
                   small_writes_and_files_that_are_not_synced_are_left_to_the_kernel);
    tcase_add_loop_test(tests, a_file_that_only_grows_is_written_behind_too, 0, 2);
    tcase_add_test(tests, a_pipe_is_no_file_to_write_behind);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
