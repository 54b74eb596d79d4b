/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An empty directory for one test, and what tests do with files in it. */
#ifndef VC_TESTS_IO_SCRATCH_H
#define VC_TESTS_IO_SCRATCH_H

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char *scratch; /* the directory's path */

static int
scratch_remove_one(const char *path, const struct stat *s G_GNUC_UNUSED,
                   int type G_GNUC_UNUSED, struct FTW *walk G_GNUC_UNUSED)
{
    return remove(path);
}

/* Checked fixtures of each test case. */
static inline void
scratch_setup(void)
{
    scratch = g_dir_make_tmp("vconv-test-XXXXXX", NULL);
    ck_assert_ptr_nonnull(scratch);
}

static inline void
scratch_teardown(void)
{
    nftw(scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    g_clear_pointer(&scratch, g_free);
}

/* Gives the path of NAME in the directory. */
static inline char *
scratch_path(const char *name)
{
    return g_build_filename(scratch, name, NULL);
}

static inline void
scratch_write(const char *name, const void *data, size_t length)
{
    g_autofree char *path = scratch_path(name);
    ck_assert(g_file_set_contents(path, data, (gssize)length, NULL));
}

/* Asserts that NAME holds exactly these bytes. */
static inline void
scratch_assert(const char *name, const void *data, size_t length)
{
    g_autofree char *path = scratch_path(name), *found = NULL;
    gsize found_length;
    ck_assert_msg(g_file_get_contents(path, &found, &found_length, NULL), "no %s",
                  name);
    ck_assert_uint_eq(found_length, length);
    if (length > 0)
        ck_assert_mem_eq(found, data, length);
}

static inline bool
scratch_exists(const char *name)
{
    g_autofree char *path = scratch_path(name);
    struct stat status;
    return lstat(path, &status) == 0;
}

/* How many names the directory holds. */
static inline unsigned
scratch_count(void)
{
    unsigned n = 0;
    g_autoptr(GDir) dir = g_dir_open(scratch, 0, NULL);
    while (g_dir_read_name(dir))
        n++;
    return n;
}

/* A tcase with the directory as its fixture. */
static inline TCase *
scratch_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, scratch_setup, scratch_teardown);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return tests;
}

#endif
