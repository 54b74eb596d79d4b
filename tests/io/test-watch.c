/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of files that must not change. */
#include "io/watch.h"

#include "io/error.h"
#include "io/memory.h"
#include "io/posix.h"
#include "tests/check-main.h"
#include "tests/io/scratch.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Into the file that is there. */
static void
overwrite(const char *content)
{
    g_autofree char *path = scratch_path("image");
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(content, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static VcFile *
open_image(void)
{
    overwrite("as it was");
    g_autofree char *path = scratch_path("image");
    VcFile *file = vc_posix_open(path, VC_CACHE_AUTO, NULL);
    ck_assert_ptr_nonnull(file);
    return file;
}

START_TEST(a_change_is_seen_also_when_the_file_is_closed)
{
    static const char *const contents[] = { "as it was", "longer than it was" };
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        g_autoptr(GError) error = NULL;
        VcFile *file = open_image();
        VcWatch *watch;
        ck_assert(vc_watch_new(file, &watch, NULL));
        vc_file_free(file);
        ck_assert(vc_watch_check(watch, NULL));
        usleep(20000); /* the clock of file systems ticks a hundred times a second */
        overwrite(contents[i]);
        ck_assert(!vc_watch_check(watch, &error));
        assert_error(error, VC_ERROR_IO);
        vc_watch_free(watch);
    }
}
END_TEST

static void
set_time(const char *path, struct timespec time)
{
    const struct timespec times[] = { time, time };
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Who restores a file may give it the time that it had. */
START_TEST(length_seconds_and_nanoseconds_tell_each_by_itself)
{
    static const struct {
        const char *content;
        struct timespec time;
        bool changed;
    } cases[] = { { "as it was", { 1000, 500 }, false },
                  { "as it was!", { 1000, 500 }, true },
                  { "as it was", { 1001, 500 }, true },
                  { "as it was", { 1000, 501 }, true } };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = scratch_path("image");
        g_autoptr(VcFile) file = open_image();
        VcWatch *watch;
        set_time(path, cases[0].time);
        ck_assert(vc_watch_new(file, &watch, NULL));
        overwrite(cases[i].content);
        set_time(path, cases[i].time);
        ck_assert(vc_watch_check(watch, NULL) == !cases[i].changed);
        vc_watch_free(watch);
    }
}
END_TEST

START_TEST(what_does_not_tell_has_no_watch)
{
    g_autoptr(VcFile) memory = vc_memory_file("m"),
                      device = vc_posix_open("/dev/zero", VC_CACHE_AUTO, NULL);
    VcFile *const files[] = { memory, device };
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        VcWatch *watch;
        ck_assert(vc_watch_new(files[i], &watch, NULL));
        ck_assert_ptr_null(watch);
    }
}
END_TEST

START_TEST(a_watch_that_cannot_be_had_is_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = open_image();
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    VcWatch *watch;
    bool well = vc_watch_new(file, &watch, &error);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert(!well);
    assert_error(error, VC_ERROR_IO);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/watch");
    TCase *tests = tcase_create("watch");
    tcase_add_checked_fixture(tests, scratch_setup, scratch_teardown);
    tcase_add_test(tests, a_change_is_seen_also_when_the_file_is_closed);
    tcase_add_test(tests, length_seconds_and_nanoseconds_tell_each_by_itself);
    tcase_add_test(tests, what_does_not_tell_has_no_watch);
    tcase_add_test(tests, a_watch_that_cannot_be_had_is_an_error);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
