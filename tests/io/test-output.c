/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of outputs that are complete or absent. */
#include "io/error.h"
#include "io/output.h"
#include "tests/check-main.h"
#include "tests/io/scratch.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int odd_readlink; /* the error of looking at a link; 0: none */

/* Goes before that of the library. */
ssize_t
readlink(const char *path, char *text, size_t length)
{
    if (odd_readlink) {
        errno = odd_readlink;
        return -1;
    }
    return syscall(SYS_readlinkat, AT_FDCWD, path, text, length);
}

static bool odd_close; /* what was written does not fit, says a close */

int
close(int fd)
{
    int result = (int)syscall(SYS_close, fd);
    if (!odd_close)
        return result;
    errno = EDQUOT;
    return -1;
}

static VcOutput *
open_scratch(const char *name, VcOutputMode mode, GError **error)
{
    g_autofree char *path = scratch_path(name);
    return vc_output_open(path, mode, VC_CACHE_AUTO, true, error);
}

static VcOutput *
open_and_write(const char *name, VcOutputMode mode, const char *text)
{
    g_autoptr(GError) error = NULL;
    VcOutput *output = open_scratch(name, mode, &error);
    assert_no_error(error);
    ck_assert(vc_file_write(vc_output_file(output), 0, text, strlen(text), &error));
    assert_no_error(error);
    return output;
}

START_TEST(only_commit_gives_the_name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcOutput) output = open_and_write("disk.raw", VC_OUTPUT_NEW, "abc");
    ck_assert(!scratch_exists("disk.raw"));
    ck_assert(vc_output_commit(output, &error));
    assert_no_error(error);
    scratch_assert("disk.raw", "abc", 3);
    ck_assert_uint_eq(scratch_count(), 1);
}
END_TEST

START_TEST(without_commit_nothing_is_left)
{
    vc_output_free(open_and_write("disk.raw", VC_OUTPUT_NEW, "abc"));
    ck_assert_uint_eq(scratch_count(), 0);
    scratch_write("disk.raw", "old", 3);
    vc_output_free(open_and_write("disk.raw", VC_OUTPUT_FORCE, "abc"));
    ck_assert_uint_eq(scratch_count(), 1);
    scratch_assert("disk.raw", "old", 3);
}
END_TEST

START_TEST(the_temporary_name_can_be_told)
{
    g_autoptr(VcOutput) output = open_and_write("disk.raw", VC_OUTPUT_NEW, "abc");
    ck_assert_ptr_nonnull(output);
    g_autoptr(GDir) dir = g_dir_open(scratch, 0, NULL);
    const char *name = g_dir_read_name(dir);
    g_autofree char *begin = g_strdup_printf(".disk.raw.%ld-", (long)getpid());
    ck_assert(g_str_has_prefix(name, begin));
    ck_assert(g_str_has_suffix(name, VC_OUTPUT_TEMPORARY_SUFFIX));
}
END_TEST

/* The number of leftovers of NAME. */
static unsigned
count_leftovers(const char *name)
{
    g_autofree char *path = scratch_path(name);
    g_autoptr(GPtrArray) found = vc_output_leftovers(path);
    return found->len;
}

/* Taken for no link, it would be replaced, and what it leads to stay as it was. */
START_TEST(what_may_be_a_link_is_not_replaced)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *a = scratch_path("a");
    scratch_write("b", "old", 3);
    ck_assert_int_eq(symlink("b", a), 0);
    odd_readlink = EIO;
    ck_assert_ptr_null(vc_output_open(a, VC_OUTPUT_FORCE, VC_CACHE_AUTO, true, &error));
    ck_assert_ptr_nonnull(strstr(error->message, g_strerror(EIO)));
    odd_readlink = 0;
    scratch_assert("b", "old", 3);
}
END_TEST

START_TEST(what_a_killed_run_left_is_found)
{
    /* No process has a number above PID_MAX_LIMIT. */
    scratch_write(".disk.raw.2000000000-01234567.vconv-tmp", "a", 1);
    ck_assert_uint_eq(count_leftovers("disk.raw"), 1);
    ck_assert_uint_eq(count_leftovers("disk.ra"), 0);
    ck_assert_uint_eq(count_leftovers("disk.raw2"), 0);
    ck_assert_uint_eq(count_leftovers("disk"), 0);

    g_autofree char *path = scratch_path("disk.raw");
    g_autoptr(GPtrArray) found = vc_output_leftovers(path);
    g_autofree char *expected = scratch_path(".disk.raw.2000000000-01234567.vconv-tmp");
    ck_assert_str_eq(found->pdata[0], expected);
}
END_TEST

START_TEST(what_a_running_process_writes_is_no_leftover)
{
    g_autofree char *name = g_strdup_printf(".disk.raw.%ld-01234567.vconv-tmp",
                                            (long)getppid());
    scratch_write(name, "a", 1);
    ck_assert_uint_eq(count_leftovers("disk.raw"), 0);
}
END_TEST

/* In containers each run may have the number of the one before. */
START_TEST(what_another_process_of_our_number_left_is_found)
{
    g_autofree char *name = g_strdup_printf(".disk.raw.%ld-01234567.vconv-tmp",
                                            (long)getpid());
    scratch_write(name, "a", 1);
    ck_assert_uint_eq(count_leftovers("disk.raw"), 1);
}
END_TEST

START_TEST(names_that_only_resemble_are_no_leftovers)
{
    static const char *const names[] = {
        ".disk.raw.2000000000-0123456.vconv-tmp",   ".disk.raw.-01234567.vconv-tmp",
        ".disk.raw.2000000000-0123456x.vconv-tmp",  ".2000000000-01234567.vconv-tmp",
        ".disk.raw.99999999999-01234567.vconv-tmp", ".disk.raw.0-01234567.vconv-tmp",
        "disk.raw.2000000000-01234567.vconv-tmp",   ".vconv-tmp",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        scratch_write(names[i], "a", 1);
    ck_assert_uint_eq(count_leftovers("disk.raw"), 0);
}
END_TEST

START_TEST(a_leftover_of_a_long_name_is_found)
{
    g_autoptr(GString) name = g_string_new(NULL);
    while (name->len < 255)
        g_string_append_c(name, 'x');
    g_autofree char *left = g_strdup_printf(".%.224s.2000000000-01234567.vconv-tmp",
                                            name->str);
    g_autofree char *path = scratch_path(left);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_uint_eq(count_leftovers(name->str), 1);
}
END_TEST

START_TEST(the_longest_names_can_be_written)
{
    g_autoptr(GString) name = g_string_new("x"); /* so that a character is cut */
    while (name->len < 255)
        g_string_append(name, "\xc3\xa4");
    g_autoptr(VcOutput) output = open_and_write(name->str, VC_OUTPUT_NEW, "abc");
    g_autoptr(GDir) dir = g_dir_open(scratch, 0, NULL);
    ck_assert(g_utf8_validate(g_dir_read_name(dir), -1, NULL));
    ck_assert(vc_output_commit(output, NULL));
    scratch_assert(name->str, "abc", 3);
}
END_TEST

START_TEST(an_existing_file_is_not_replaced_unless_forced)
{
    g_autoptr(GError) error = NULL;
    scratch_write("disk.raw", "old", 3);
    ck_assert_ptr_null(open_scratch("disk.raw", VC_OUTPUT_NEW, &error));
    assert_error(error, VC_ERROR_EXISTS);
    ck_assert_ptr_nonnull(strstr(error->message, "--force"));

    g_autoptr(VcOutput) output = open_and_write("disk.raw", VC_OUTPUT_FORCE, "new one");
    scratch_assert("disk.raw", "old", 3);
    ck_assert(vc_output_commit(output, NULL));
    scratch_assert("disk.raw", "new one", 7);
    ck_assert_uint_eq(scratch_count(), 1);
}
END_TEST

START_TEST(of_two_that_make_one_name_the_first_wins)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcOutput) a = open_and_write("disk.raw", VC_OUTPUT_NEW, "a");
    g_autoptr(VcOutput) b = open_and_write("disk.raw", VC_OUTPUT_NEW, "b");
    ck_assert(vc_output_commit(b, NULL));
    ck_assert(!vc_output_commit(a, &error));
    assert_error(error, VC_ERROR_EXISTS);
    g_clear_pointer(&a, vc_output_free);
    scratch_assert("disk.raw", "b", 1);
    ck_assert_uint_eq(scratch_count(), 1);
}
END_TEST

START_TEST(a_replaced_file_keeps_its_permissions)
{
    g_autofree char *path = scratch_path("disk.raw");
    struct stat status;
    scratch_write("disk.raw", "old", 3);
    chmod(path, 0640);
    g_autoptr(VcOutput) output = open_and_write("disk.raw", VC_OUTPUT_FORCE, "new");
    ck_assert_int_eq(fstat(vc_output_file(output)->fd, &status), 0);
    ck_assert_int_eq(status.st_mode & 0077, 0); /* nobody else looks in before */
    ck_assert(vc_output_commit(output, NULL));
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0640);
}
END_TEST

START_TEST(a_new_file_has_the_permissions_of_the_umask)
{
    g_autofree char *path = scratch_path("disk.raw");
    struct stat status;
    mode_t old = umask(0027);
    g_autoptr(VcOutput) output = open_and_write("disk.raw", VC_OUTPUT_NEW, "new");
    umask(old);
    ck_assert(vc_output_commit(output, NULL));
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0640);
}
END_TEST

START_TEST(a_symbolic_link_stays_and_its_file_is_replaced)
{
    g_autofree char *there = scratch_path("there"), *link1 = scratch_path("link1"),
                    *link2 = scratch_path("link2");
    ck_assert_int_eq(mkdir(there, 0777), 0);
    ck_assert_int_eq(symlink("there/disk.raw", link1), 0);
    ck_assert_int_eq(symlink(link1, link2), 0);

    /* To nowhere, at first. */
    g_autoptr(VcOutput) first = open_and_write("link2", VC_OUTPUT_NEW, "one");
    ck_assert(vc_output_commit(first, NULL));
    scratch_assert("there/disk.raw", "one", 3);
    ck_assert_ptr_null(open_scratch("link2", VC_OUTPUT_NEW, NULL));
    g_autoptr(VcOutput) second = open_and_write("link2", VC_OUTPUT_FORCE, "two");
    ck_assert(vc_output_commit(second, NULL));
    scratch_assert("there/disk.raw", "two", 3);
    ck_assert(g_file_test(link1, G_FILE_TEST_IS_SYMLINK));
    ck_assert(g_file_test(link2, G_FILE_TEST_IS_SYMLINK));
    ck_assert_uint_eq(scratch_count(), 3);
}
END_TEST

START_TEST(a_symbolic_link_is_replaced_where_it_is_not_to_be_followed)
{
    g_autofree char *link1 = scratch_path("link1");
    ck_assert_int_eq(symlink("there", link1), 0);
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(open_scratch("link1", VC_OUTPUT_NEW_NO_LINK, &error));
        ck_assert(g_error_matches(error, VC_ERROR, VC_ERROR_EXISTS));
        g_autoptr(VcOutput)
            dropped = open_and_write("link1", VC_OUTPUT_FORCE_NO_LINK, "dropped");
        g_clear_pointer(&dropped, vc_output_free);
        ck_assert(g_file_test(link1, G_FILE_TEST_IS_SYMLINK));
        scratch_write("there", "old", 3);
    }
    g_autoptr(VcOutput)
        output = open_and_write("link1", VC_OUTPUT_FORCE_NO_LINK, "new");
    ck_assert(vc_output_commit(output, NULL));
    ck_assert(!g_file_test(link1, G_FILE_TEST_IS_SYMLINK));
    scratch_assert("link1", "new", 3);
    scratch_assert("there", "old", 3);
}
END_TEST

START_TEST(links_in_a_circle_are_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *a = scratch_path("a"), *b = scratch_path("b");
    ck_assert_int_eq(symlink("b", a), 0);
    ck_assert_int_eq(symlink("a", b), 0);
    ck_assert_ptr_null(open_scratch("a", VC_OUTPUT_NEW, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error->message, g_strerror(ELOOP)));
    g_autoptr(GPtrArray) left = vc_output_leftovers(a);
    ck_assert_uint_eq(left->len, 0);
}
END_TEST

START_TEST(in_place_writes_into_the_file_that_is_there)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(open_scratch("disk.raw", VC_OUTPUT_IN_PLACE, &error));
    assert_error(error, VC_ERROR_IO);

    scratch_write("disk.raw", "abcdef", 6);
    VcOutput *output = open_and_write("disk.raw", VC_OUTPUT_IN_PLACE, "xyz");
    ck_assert(!vc_output_file(output)->reads_zero);
    scratch_assert("disk.raw", "xyzdef", 6);
    vc_output_free(output);
    scratch_assert("disk.raw", "xyzdef", 6);
    g_autoptr(VcOutput) again = open_and_write("disk.raw", VC_OUTPUT_IN_PLACE, "12");
    ck_assert(vc_output_commit(again, NULL));
    scratch_assert("disk.raw", "12zdef", 6);
}
END_TEST

START_TEST(in_place_keeps_others_out)
{
    g_autoptr(GError) error = NULL;
    scratch_write("disk.raw", "abcdef", 6);
    g_autoptr(VcOutput) output = open_and_write("disk.raw", VC_OUTPUT_IN_PLACE, "x");
    ck_assert_ptr_nonnull(output);
    ck_assert_ptr_null(open_scratch("disk.raw", VC_OUTPUT_IN_PLACE, &error));
    assert_error(error, VC_ERROR_IO);
}
END_TEST

START_TEST(what_cannot_be_an_output_says_why)
{
    g_autoptr(GError) directory = NULL, nowhere = NULL, empty = NULL, slash = NULL;
    ck_assert_ptr_null(
        vc_output_open(scratch, VC_OUTPUT_FORCE, VC_CACHE_AUTO, true, &directory));
    assert_error(directory, VC_ERROR_IO);
    ck_assert_ptr_null(open_scratch("no/disk.raw", VC_OUTPUT_NEW, &nowhere));
    assert_error(nowhere, VC_ERROR_IO);
    ck_assert_ptr_null(vc_output_open("", VC_OUTPUT_NEW, VC_CACHE_AUTO, true, &empty));
    assert_error(empty, VC_ERROR_IO);
    ck_assert_ptr_null(open_scratch("no/", VC_OUTPUT_NEW, &slash));
    assert_error(slash, VC_ERROR_IO);
    ck_assert_uint_eq(scratch_count(), 0);
}
END_TEST

static void *
read_fifo(void *path)
{
    char *text = g_malloc0(10);
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(read(fd, text, 9), 0);
    close(fd);
    return text;
}

START_TEST(a_fifo_is_written_as_it_is)
{
    g_autofree char *path = scratch_path("fifo");
    pthread_t thread;
    void *text;
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    pthread_create(&thread, NULL, read_fifo, path);
    g_autoptr(VcOutput) output = open_and_write("fifo", VC_OUTPUT_NEW, "abc");
    ck_assert(!vc_output_file(output)->seekable);
    ck_assert(vc_output_commit(output, NULL));
    pthread_join(thread, &text);
    ck_assert_str_eq(text, "abc");
    g_free(text);
}
END_TEST

START_TEST(a_dash_is_standard_output)
{
    g_autoptr(VcOutput)
        output = vc_output_open("-", VC_OUTPUT_NEW, VC_CACHE_AUTO, true, NULL);
    ck_assert_str_eq(vc_output_file(output)->name, "standard output");
    ck_assert(!vc_output_file(output)->seekable);
    ck_assert(vc_output_commit(output, NULL));
}
END_TEST

START_TEST(without_sync_it_gets_its_name_all_the_same)
{
    g_autofree char *path = scratch_path("disk.raw");
    g_autoptr(VcOutput)
        output = vc_output_open(path, VC_OUTPUT_NEW, VC_CACHE_WRITEBACK, false, NULL);
    ck_assert(vc_file_write(vc_output_file(output), 0, "abc", 3, NULL));
    ck_assert(vc_file_sync(vc_output_file(output), NULL));
    ck_assert(vc_output_commit(output, NULL));
    scratch_assert("disk.raw", "abc", 3);
}
END_TEST

/* Without sync it is the only moment at which a network file system tells. */
START_TEST(without_sync_a_close_that_fails_is_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path("disk.raw");
    g_autoptr(VcOutput)
        output = vc_output_open(path, VC_OUTPUT_NEW, VC_CACHE_WRITEBACK, false, NULL);
    odd_close = true;
    bool well = vc_output_commit(output, &error);
    odd_close = false;
    ck_assert(!well);
    assert_error(error, VC_ERROR_IO);
    ck_assert(!scratch_exists("disk.raw"));
}
END_TEST

START_TEST(what_was_new_can_be_taken_back_but_nothing_else)
{
    g_autofree char *theirs = scratch_path("theirs"), *path = scratch_path("taken");
    scratch_write("replaced", "old", 3);
    g_autoptr(VcOutput) new = open_and_write("new", VC_OUTPUT_NEW, "a");
    g_autoptr(VcOutput) replaced = open_and_write("replaced", VC_OUTPUT_FORCE, "b");
    g_autoptr(VcOutput) taken = open_and_write("taken", VC_OUTPUT_NEW, "c");
    ck_assert(vc_output_commit(new, NULL) && vc_output_commit(replaced, NULL) &&
              vc_output_commit(taken, NULL));
    scratch_write("theirs", "d", 1);
    ck_assert_int_eq(rename(theirs, path), 0);
    vc_output_revert(new);
    vc_output_revert(replaced);
    vc_output_revert(taken);
    ck_assert(!scratch_exists("new"));
    scratch_assert("replaced", "b", 1);
    scratch_assert("taken", "d", 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/output");
    TCase *tests = scratch_case(suite, "output");
    tcase_add_test(tests, only_commit_gives_the_name);
    tcase_add_test(tests, without_commit_nothing_is_left);
    tcase_add_test(tests, the_temporary_name_can_be_told);
    tcase_add_test(tests, what_a_killed_run_left_is_found);
    tcase_add_test(tests, what_may_be_a_link_is_not_replaced);
    tcase_add_test(tests, what_a_running_process_writes_is_no_leftover);
    tcase_add_test(tests, what_another_process_of_our_number_left_is_found);
    tcase_add_test(tests, names_that_only_resemble_are_no_leftovers);
    tcase_add_test(tests, a_leftover_of_a_long_name_is_found);
    tcase_add_test(tests, the_longest_names_can_be_written);
    tcase_add_test(tests, an_existing_file_is_not_replaced_unless_forced);
    tcase_add_test(tests, of_two_that_make_one_name_the_first_wins);
    tcase_add_test(tests, a_replaced_file_keeps_its_permissions);
    tcase_add_test(tests, a_new_file_has_the_permissions_of_the_umask);
    tcase_add_test(tests, a_symbolic_link_stays_and_its_file_is_replaced);
    tcase_add_test(tests, a_symbolic_link_is_replaced_where_it_is_not_to_be_followed);
    tcase_add_test(tests, links_in_a_circle_are_an_error);
    tcase_add_test(tests, in_place_writes_into_the_file_that_is_there);
    tcase_add_test(tests, in_place_keeps_others_out);
    tcase_add_test(tests, what_cannot_be_an_output_says_why);
    tcase_add_test(tests, a_fifo_is_written_as_it_is);
    tcase_add_test(tests, a_dash_is_standard_output);
    tcase_add_test(tests, without_sync_it_gets_its_name_all_the_same);
    tcase_add_test(tests, without_sync_a_close_that_fails_is_an_error);
    tcase_add_test(tests, what_was_new_can_be_taken_back_but_nothing_else);
    return run_suite(suite);
}
