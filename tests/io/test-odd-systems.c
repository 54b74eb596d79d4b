/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what other systems do than the one that runs the tests: no way to rename
 * without replacing, no hard links, no holes, requests that are cut or interrupted.
 *
 * The functions of the system that are defined here go before those of the library. */
#include "io/error.h"
#include "io/output.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"
#include "tests/io/scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a function does instead: fails with this error; 0: what it always does. */
static struct {
    int renameat2, rename, link, fsync_file, fsync_directory, fallocate, seek_data,
        fchown, fchmod, pread, pwrite;
    unsigned working;     /* so many pread and pwrite work before */
    unsigned interrupted; /* so many pread and pwrite are interrupted */
    size_t piece;         /* no pread or pwrite does more; 0: all */
    const char
        *cut_when_seen; /* this file becomes empty when its data are looked for */
} odd;

static int
fail_with(int errnum)
{
    errno = errnum;
    return -1;
}

int
renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    if (odd.renameat2)
        return fail_with(odd.renameat2);
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int
rename(const char *from, const char *to)
{
    if (odd.rename)
        return fail_with(odd.rename);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
link(const char *from, const char *to)
{
    if (odd.link)
        return fail_with(odd.link);
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
fsync(int fd)
{
    struct stat status;
    ck_assert_int_eq(fstat(fd, &status), 0);
    int errnum = S_ISDIR(status.st_mode) ? odd.fsync_directory : odd.fsync_file;
    return errnum ? fail_with(errnum) : (int)syscall(SYS_fsync, fd);
}

int
fallocate(int fd, int mode, off_t position, off_t length)
{
    if (odd.fallocate)
        return fail_with(odd.fallocate);
    return (int)syscall(SYS_fallocate, fd, mode, position, length);
}

off_t
lseek(int fd, off_t position, int whence)
{
    if (whence == SEEK_DATA && odd.cut_when_seen)
        ck_assert_int_eq(truncate(odd.cut_when_seen, 0), 0);
    if (whence == SEEK_DATA && odd.seek_data)
        return fail_with(odd.seek_data);
    return syscall(SYS_lseek, fd, position, whence);
}

int
fchown(int fd, uid_t user, gid_t group)
{
    return odd.fchown ? fail_with(odd.fchown)
                      : (int)syscall(SYS_fchown, fd, user, group);
}

int
fchmod(int fd, mode_t mode)
{
    return odd.fchmod ? fail_with(odd.fchmod) : (int)syscall(SYS_fchmod, fd, mode);
}

/* Whether a transfer goes wrong; else *LENGTH is what it may do. */
static bool
transfer_fails(int errnum, size_t *length)
{
    if (odd.interrupted > 0) {
        odd.interrupted--;
        errno = EINTR;
        return true;
    }
    if (errnum && odd.working == 0) {
        errno = errnum;
        return true;
    }
    if (odd.working > 0)
        odd.working--;
    if (odd.piece > 0)
        *length = MIN(*length, odd.piece);
    return false;
}

ssize_t
pread(int fd, void *buffer, size_t length, off_t position)
{
    if (transfer_fails(odd.pread, &length))
        return -1;
    return syscall(SYS_pread64, fd, buffer, length, position);
}

ssize_t
pwrite(int fd, const void *buffer, size_t length, off_t position)
{
    if (transfer_fails(odd.pwrite, &length))
        return -1;
    return syscall(SYS_pwrite64, fd, buffer, length, position);
}

static void
set_up(void)
{
    memset(&odd, 0, sizeof odd);
    umask(022);
    scratch_setup();
}

static VcOutput *
write_output(const char *name, VcOutputMode mode)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path(name);
    VcOutput *output = vc_output_open(path, mode, VC_CACHE_WRITEBACK, true, &error);
    assert_no_error(error);
    ck_assert(vc_file_write(vc_output_file(output), 0, "new", 3, &error));
    assert_no_error(error);
    return output;
}

/* Commits an output to "disk" and frees it; gives the error, NULL for none. */
static GError *
commit(VcOutputMode mode)
{
    GError *error = NULL;
    g_autoptr(VcOutput) output = write_output("disk", mode);
    bool ok = vc_output_commit(output, &error);
    ck_assert(ok == (error == NULL));
    return error;
}

/* As a network file system, or FAT. */
static void
set_without_renameat2(int way)
{
    odd.renameat2 = way % 2 == 0 ? EINVAL : ENOSYS;
    if (way >= 2)
        odd.link = way % 2 == 0 ? EPERM : EOPNOTSUPP;
}

START_TEST(a_name_is_given_without_the_call_for_it)
{
    set_without_renameat2(_i);
    g_autoptr(GError) error = commit(VC_OUTPUT_NEW);
    assert_no_error(error);
    scratch_assert("disk", "new", 3);
    ck_assert_uint_eq(scratch_count(), 1);
}
END_TEST

START_TEST(a_name_that_another_program_took_is_never_replaced)
{
    g_autoptr(GError) error = NULL;
    set_without_renameat2(_i);
    {
        g_autoptr(VcOutput) output = write_output("disk", VC_OUTPUT_NEW);
        scratch_write("disk", "theirs", 6);
        ck_assert(!vc_output_commit(output, &error));
    }
    assert_error(error, VC_ERROR_EXISTS);
    scratch_assert("disk", "theirs", 6);
    ck_assert_uint_eq(scratch_count(), 1);
}
END_TEST

START_TEST(a_rename_that_fails_leaves_nothing)
{
    set_without_renameat2(2);
    odd.rename = EIO;
    g_autoptr(GError) error = commit(VC_OUTPUT_NEW);
    assert_error(error, VC_ERROR_IO);
    ck_assert_uint_eq(scratch_count(), 0);
}
END_TEST

START_TEST(a_rename_that_is_refused_otherwise_is_not_tried_again)
{
    static const struct {
        int renameat2, link;
    } rows[] = { { EACCES, 0 }, { ENOSYS, EIO } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        odd.renameat2 = rows[i].renameat2;
        odd.link = rows[i].link;
        g_autoptr(GError) error = commit(VC_OUTPUT_NEW);
        ck_assert_ptr_nonnull(error);
        ck_assert_ptr_nonnull(strstr(error->message, "cannot rename from"));
        ck_assert_uint_eq(scratch_count(), 0);
    }
}
END_TEST

START_TEST(a_replacement_that_cannot_be_renamed_leaves_the_old_file)
{
    scratch_write("disk", "old", 3);
    odd.rename = EIO;
    g_autoptr(GError) error = commit(VC_OUTPUT_FORCE);
    assert_error(error, VC_ERROR_IO);
    scratch_assert("disk", "old", 3);
    ck_assert_uint_eq(scratch_count(), 1);
}
END_TEST

START_TEST(what_cannot_be_written_back_gets_no_name)
{
    odd.fsync_file = EIO;
    g_autoptr(GError) error = commit(VC_OUTPUT_NEW);
    assert_error(error, VC_ERROR_IO);
    ck_assert_uint_eq(scratch_count(), 0);
}
END_TEST

START_TEST(what_went_out_and_cannot_be_written_back_is_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path("f");
    g_autoptr(VcFile) file = vc_posix_append(creat(path, 0666), true, "f");
    odd.fsync_file = EIO;
    ck_assert(!vc_file_sync(file, &error));
    assert_error(error, VC_ERROR_IO);
}
END_TEST

START_TEST(a_directory_that_cannot_be_written_back_is_told)
{
    odd.fsync_directory = EIO;
    g_autoptr(GError) error = NULL;
    g_autoptr(VcOutput) output = write_output("disk", VC_OUTPUT_NEW);
    ck_assert(!vc_output_commit(output, &error));
    assert_error(error, VC_ERROR_IO);
    vc_output_revert(output);
    ck_assert_uint_eq(scratch_count(), 0);
}
END_TEST

START_TEST(a_file_system_that_does_not_sync_directories_is_well)
{
    odd.fsync_directory = EINVAL;
    g_autoptr(GError) error = commit(VC_OUTPUT_NEW);
    assert_no_error(error);
    scratch_assert("disk", "new", 3);
}
END_TEST

START_TEST(permissions_that_cannot_be_kept_leave_the_old_file)
{
    scratch_write("disk", "old", 3);
    odd.fchmod = EIO;
    g_autoptr(GError) error = commit(VC_OUTPUT_FORCE);
    assert_error(error, VC_ERROR_IO);
    scratch_assert("disk", "old", 3);
}
END_TEST

/* As FAT mounted for all by another user, where only that one may set anything. */
START_TEST(permissions_that_are_right_are_not_set)
{
    g_autofree char *path = scratch_path("disk");
    scratch_write("disk", "old", 3);
    ck_assert_int_eq(syscall(SYS_chmod, path, 0600), 0);
    odd.fchmod = odd.fchown = EPERM;
    g_autoptr(GError) error = commit(VC_OUTPUT_FORCE);
    assert_no_error(error);
    scratch_assert("disk", "new", 3);
}
END_TEST

/* Only root can make a file of another group here. */
START_TEST(another_group_gets_no_rights)
{
    g_autofree char *path = scratch_path("disk");
    struct stat status;
    scratch_write("disk", "old", 3);
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(syscall(SYS_chown, path, 0, 12345), 0);
    ck_assert_int_eq(syscall(SYS_chmod, path, 0664), 0);
    odd.fchown = EPERM;
    g_autoptr(GError) error = commit(VC_OUTPUT_FORCE);
    assert_no_error(error);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0604);
}
END_TEST

/* An open file "f" that holds a pattern of LENGTH bytes. */
static VcFile *
open_pattern(size_t length, const uint8_t *pattern)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path("f");
    scratch_write("f", pattern, length);
    VcFile *file = vc_posix_open(path, VC_CACHE_WRITEBACK, &error);
    assert_no_error(error);
    return file;
}

#define LENGTH ((size_t)300000)

START_TEST(without_a_search_for_data_all_is_data)
{
    g_autofree uint8_t *model = pattern_new(LENGTH, 1);
    g_autoptr(VcFile) file = open_pattern(LENGTH, model);
    odd.seek_data = EINVAL;
    for (int i = 0; i < 2; i++) {
        bool data = false;
        uint64_t length;
        ck_assert(vc_file_run(file, 1000, &data, &length, NULL));
        ck_assert(data);
        ck_assert_uint_eq(length, LENGTH - 1000);
    }
}
END_TEST

/* Not a hole up to where the end was. */
START_TEST(a_file_that_is_cut_while_its_holes_are_sought_is_short)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *model = pattern_new(LENGTH, 1);
    g_autoptr(VcFile) file = open_pattern(LENGTH, model);
    g_autofree char *path = scratch_path("f");
    odd.cut_when_seen = path;
    bool data;
    uint64_t length;
    ck_assert(!vc_file_run(file, 1000, &data, &length, &error));
    assert_error(error, VC_ERROR_SHORT);
}
END_TEST

START_TEST(reads_that_are_cut_and_interrupted_are_whole)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *model = pattern_new(LENGTH, 1), *back = g_malloc(LENGTH);
    g_autoptr(VcFile) file = open_pattern(LENGTH, model);
    odd.interrupted = 3;
    odd.piece = 1009;
    ck_assert(vc_file_read(file, 0, back, LENGTH, &error));
    assert_no_error(error);
    ck_assert_mem_eq(back, model, LENGTH);
}
END_TEST

START_TEST(a_read_that_fails_says_where)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *model = pattern_new(LENGTH, 1), *back = g_malloc(LENGTH);
    g_autoptr(VcFile) file = open_pattern(LENGTH, model);
    odd.pread = EIO;
    odd.working = 2;
    odd.piece = 0x10000;
    ck_assert(!vc_file_read(file, 0, back, LENGTH, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error->message, "at 0x20000"));
}
END_TEST

START_TEST(writes_that_are_cut_and_interrupted_are_whole)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *model = pattern_new(LENGTH, 1);
    g_autoptr(VcOutput) output = write_output("disk", VC_OUTPUT_NEW);
    odd.interrupted = 3;
    odd.piece = 1009;
    ck_assert(vc_file_write(vc_output_file(output), 0, model, LENGTH, &error));
    ck_assert(vc_output_commit(output, &error));
    assert_no_error(error);
    scratch_assert("disk", model, LENGTH);
}
END_TEST

START_TEST(a_write_that_fails_half_way_is_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *model = pattern_new(LENGTH, 1);
    g_autoptr(VcOutput) output = write_output("disk", VC_OUTPUT_NEW);
    odd.pwrite = ENOSPC;
    odd.working = 2;
    odd.piece = 1000;
    ck_assert(!vc_file_write(vc_output_file(output), 0, model, LENGTH, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_ptr_nonnull(strstr(error->message, g_strerror(ENOSPC)));
}
END_TEST

START_TEST(zeros_are_written_where_no_holes_can_be_made)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *model = pattern_new(LENGTH, 1);
    g_autoptr(VcOutput) output = write_output("disk", VC_OUTPUT_NEW);
    VcFile *file = vc_output_file(output);
    odd.fallocate = EOPNOTSUPP;
    ck_assert(vc_file_write(file, 0, model, LENGTH, &error));
    ck_assert(vc_file_zero(file, 1000, 280000, &error));
    ck_assert(vc_output_commit(output, &error));
    assert_no_error(error);
    memset(model + 1000, 0, 280000);
    scratch_assert("disk", model, LENGTH);
}
END_TEST

START_TEST(zeros_that_cannot_be_written_are_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *model = pattern_new(LENGTH, 1);
    g_autoptr(VcOutput) output = write_output("disk", VC_OUTPUT_NEW);
    VcFile *file = vc_output_file(output);
    ck_assert(vc_file_write(file, 0, model, LENGTH, &error));
    odd.fallocate = EOPNOTSUPP;
    odd.pwrite = EIO;
    ck_assert(!vc_file_zero(file, 1000, 280000, &error));
    assert_error(error, VC_ERROR_IO);
    g_clear_error(&error);
    ck_assert(!vc_file_zero(file, 1000, 2 * LENGTH, &error));
    assert_error(error, VC_ERROR_IO);
}
END_TEST

START_TEST(the_temporary_name_of_a_long_one_is_cut_between_characters)
{
    g_autoptr(GString) name = g_string_new("a");
    while (name->len + 3 <= 255)
        g_string_append(name, "\xe2\x82\xac"); /* the sign of the euro */
    g_autoptr(VcOutput) output = write_output(name->str, VC_OUTPUT_NEW);
    g_autoptr(GDir) dir = g_dir_open(scratch, 0, NULL);
    const char *temporary = g_dir_read_name(dir);
    ck_assert(g_utf8_validate(temporary, -1, NULL));
    ck_assert(vc_output_commit(output, NULL));
    ck_assert(scratch_exists(name->str));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/odd-systems");
    TCase *names = tcase_create("names"), *content = tcase_create("content");
    tcase_add_checked_fixture(names, set_up, scratch_teardown);
    tcase_add_checked_fixture(content, set_up, scratch_teardown);
    tcase_add_loop_test(names, a_name_is_given_without_the_call_for_it, 0, 4);
    tcase_add_loop_test(names, a_name_that_another_program_took_is_never_replaced, 0,
                        4);
    tcase_add_test(names, a_rename_that_fails_leaves_nothing);
    tcase_add_test(names, a_rename_that_is_refused_otherwise_is_not_tried_again);
    tcase_add_test(names, a_replacement_that_cannot_be_renamed_leaves_the_old_file);
    tcase_add_test(names, what_cannot_be_written_back_gets_no_name);
    tcase_add_test(names, what_went_out_and_cannot_be_written_back_is_an_error);
    tcase_add_test(names, a_directory_that_cannot_be_written_back_is_told);
    tcase_add_test(names, a_file_system_that_does_not_sync_directories_is_well);
    tcase_add_test(names, permissions_that_cannot_be_kept_leave_the_old_file);
    tcase_add_test(names, permissions_that_are_right_are_not_set);
    tcase_add_test(names, another_group_gets_no_rights);
    tcase_add_test(names, the_temporary_name_of_a_long_one_is_cut_between_characters);
    tcase_add_test(content, without_a_search_for_data_all_is_data);
    tcase_add_test(content, a_file_that_is_cut_while_its_holes_are_sought_is_short);
    tcase_add_test(content, reads_that_are_cut_and_interrupted_are_whole);
    tcase_add_test(content, a_read_that_fails_says_where);
    tcase_add_test(content, writes_that_are_cut_and_interrupted_are_whole);
    tcase_add_test(content, a_write_that_fails_half_way_is_an_error);
    tcase_add_test(content, zeros_are_written_where_no_holes_can_be_made);
    tcase_add_test(content, zeros_that_cannot_be_written_are_an_error);
    suite_add_tcase(suite, names);
    suite_add_tcase(suite, content);
    return run_suite(suite);
}
