/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of asking the page cache. */
#include "io/resident.h"
#include "tests/check-main.h"
#include "tests/io/scratch.h"

#define SIZE ((size_t)1 << 20)

static int
make_file(void)
{
    g_autofree uint8_t *bytes = g_malloc0(SIZE);
    scratch_write("f", bytes, SIZE);
    g_autofree char *path = scratch_path("f");
    int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(what_was_just_written_is_in_the_cache)
{
    int fd = make_file();
    ck_assert(vc_resident(fd, 0, SIZE));
    ck_assert(vc_resident(fd, 65536, 4096));
    close(fd);
}
END_TEST

START_TEST(what_was_dropped_is_not_but_the_rest_is)
{
    int fd = make_file();
    ck_assert_int_eq(fsync(fd), 0);
    ck_assert_int_eq(posix_fadvise(fd, SIZE / 2, SIZE / 2, POSIX_FADV_DONTNEED), 0);
    /* A tmpfs drops nothing. */
    bool dropped = !vc_resident(fd, SIZE / 2, SIZE / 2);
    ck_assert(vc_resident(fd, 0, SIZE / 4));
    ck_assert(vc_resident(fd, 0, SIZE) == !dropped);
    close(fd);
}
END_TEST

START_TEST(what_cannot_be_asked_counts_as_cached)
{
    int fd = make_file();
    ck_assert(vc_resident(fd, 0, VC_RESIDENT_MAX + 1));
    ck_assert(vc_resident(fd, 0, 0));
    ck_assert(vc_resident(-1, 0, 4096));
    close(fd);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/resident");
    TCase *tests = scratch_case(suite, "resident");
    tcase_add_test(tests, what_was_just_written_is_in_the_cache);
    tcase_add_test(tests, what_was_dropped_is_not_but_the_rest_is);
    tcase_add_test(tests, what_cannot_be_asked_counts_as_cached);
    return run_suite(suite);
}
