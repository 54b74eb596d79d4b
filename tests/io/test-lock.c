/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the locks. Each open file has its own, also within one process.
 *
 * The functions of the system that are defined here go before those of the library. */
#include "io/error.h"
#include "io/lock.h"
#include "io/memory.h"
#include "io/posix.h"
#include "tests/check-main.h"
#include "tests/io/scratch.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/syscall.h>

/* The error numbers with which they fail; 0: they work. */
static int odd_flock, odd_open_directory;

static int
fail_with(int errnum)
{
    errno = errnum;
    return -1;
}

int
flock(int fd, int operation)
{
    return odd_flock ? fail_with(odd_flock) : (int)syscall(SYS_flock, fd, operation);
}

int
open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if ((flags & O_DIRECTORY) && odd_open_directory)
        return fail_with(odd_open_directory);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static VcFile *
open_image(void)
{
    g_autofree char *path = scratch_path("image");
    return vc_posix_open(path, VC_CACHE_AUTO, NULL);
}

static VcFile *
open_image_to_write(void)
{
    g_autofree char *path = scratch_path("image");
    return vc_posix_output(open(path, O_RDWR | O_CLOEXEC), NULL, path, VC_CACHE_AUTO,
                           NULL);
}

START_TEST(readers_share)
{
    scratch_write("image", "x", 1);
    g_autoptr(VcFile) a = open_image();
    g_autoptr(VcFile) b = open_image();
    ck_assert(vc_lock(a, false, NULL));
    ck_assert(vc_lock(b, false, NULL));
}
END_TEST

START_TEST(a_writer_keeps_others_out_until_it_is_done)
{
    scratch_write("image", "x", 1);
    VcFile *writer = open_image_to_write();
    g_autoptr(VcFile) reader = open_image();
    g_autoptr(VcFile) second = open_image_to_write();
    g_autoptr(GError) read_error = NULL, write_error = NULL;

    ck_assert(vc_lock(writer, true, NULL));
    ck_assert(!vc_lock(reader, false, &read_error));
    assert_error(read_error, VC_ERROR_IO);
    ck_assert_str_eq(read_error->message, "another program is writing to it");
    ck_assert(!vc_lock(second, true, &write_error));
    assert_error(write_error, VC_ERROR_IO);

    vc_file_free(writer);
    g_clear_pointer(&second, vc_file_free);
    g_autoptr(VcFile) later = open_image();
    ck_assert(vc_lock(later, false, NULL));
}
END_TEST

START_TEST(a_reader_keeps_writers_out)
{
    scratch_write("image", "x", 1);
    g_autoptr(VcFile) reader = open_image();
    g_autoptr(VcFile) writer = open_image_to_write();
    g_autoptr(GError) error = NULL;
    ck_assert(vc_lock(reader, false, NULL));
    ck_assert(!vc_lock(writer, true, &error));
    assert_error(error, VC_ERROR_IO);
}
END_TEST

/* Who locks the whole file for itself, as some programs do. */
START_TEST(a_lock_that_is_not_shared_keeps_everybody_out)
{
    scratch_write("image", "x", 1);
    g_autoptr(VcFile) other = open_image_to_write();
    g_autoptr(VcFile) reader = open_image();
    g_autoptr(GError) error = NULL;
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    ck_assert_int_eq(fcntl(other->fd, F_OFD_SETLK, &lock), 0);
    ck_assert(!vc_lock(reader, false, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_str_eq(error->message, "another program uses it and does not share it");
}
END_TEST

START_TEST(a_directory_is_locked_where_there_are_locks)
{
    static const struct {
        int open_directory, flock;
        bool well;
    } rows[] = { { 0, 0, true },      { EACCES, 0, true }, { 0, ENOLCK, true },
                 { EIO, 0, false },   { 0, EIO, false },   { 0, EOPNOTSUPP, true },
                 { EMFILE, 0, false } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        int fd = -1;
        odd_open_directory = rows[i].open_directory;
        odd_flock = rows[i].flock;
        ck_assert(vc_lock_directory(scratch, &fd, &error) == rows[i].well);
        ck_assert((error == NULL) == rows[i].well);
        if (error)
            ck_assert(g_str_has_prefix(error->message, scratch));
        if (rows[i].well && fd >= 0)
            close(fd);
    }
    odd_open_directory = odd_flock = 0;
}
END_TEST

START_TEST(what_has_no_descriptor_needs_no_lock)
{
    g_autoptr(VcFile) memory = vc_memory_file("m");
    ck_assert(vc_lock(memory, true, NULL));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/lock");
    TCase *tests = scratch_case(suite, "lock");
    tcase_add_test(tests, readers_share);
    tcase_add_test(tests, a_writer_keeps_others_out_until_it_is_done);
    tcase_add_test(tests, a_reader_keeps_writers_out);
    tcase_add_test(tests, a_lock_that_is_not_shared_keeps_everybody_out);
    tcase_add_test(tests, a_directory_is_locked_where_there_are_locks);
    tcase_add_test(tests, what_has_no_descriptor_needs_no_lock);
    return run_suite(suite);
}
