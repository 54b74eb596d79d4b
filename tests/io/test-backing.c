/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what lies on what, as a directory tells that stands for the system. */
#include "io/backing.h"
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/io/scratch.h"

#include <sys/sysmacros.h>

/* Writes what the system would tell of a device in FILE. */
static void
tell(const char *file, const char *text)
{
    g_autofree char *path = scratch_path(file), *directory = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(directory, 0777), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void
lead(const char *from, const char *to)
{
    g_autofree char *path = scratch_path(from);
    ck_assert_int_eq(symlink(to, path), 0);
}

static struct stat
device(unsigned minor)
{
    return (struct stat){ .st_mode = S_IFBLK, .st_rdev = makedev(8, minor) };
}

static struct stat
file(const char *name)
{
    g_autofree char *path = scratch_path(name);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    return status;
}

static bool
same(struct stat a, struct stat b)
{
    g_autoptr(GError) error = NULL;
    bool forth, back;
    ck_assert(vc_backing_same(scratch, &a, &b, &forth, &error));
    assert_no_error(error);
    ck_assert(vc_backing_same(scratch, &b, &a, &back, NULL));
    ck_assert_int_eq(forth, back);
    return forth;
}

/* A disk, 8:0, with the partitions 8:1 and 8:2. */
static void
tell_disk(void)
{
    tell("disk/dev", "8:0\n");
    tell("disk/one/partition", "1\n");
    tell("disk/one/dev", "8:1\n");
    tell("disk/two/partition", "2\n");
    tell("disk/two/dev", "8:2\n");
    tell("dev/block/note", "");
    lead("dev/block/8:0", "../../disk");
    lead("dev/block/8:1", "../../disk/one");
    lead("dev/block/8:2", "../../disk/two");
}

/* The loop device 8:MINOR over the file NAME, from OFFSET. */
static void
tell_loop(unsigned minor, const char *name, const char *offset)
{
    g_autofree char *directory = g_strdup_printf("dev/block/8:%u/loop", minor),
                    *backing = g_build_filename(directory, "backing_file", NULL),
                    *begin = g_build_filename(directory, "offset", NULL),
                    *limit = g_build_filename(directory, "sizelimit", NULL),
                    *path = scratch_path(name), *line = g_strdup_printf("%s\n", path);
    tell(backing, line);
    tell(begin, offset);
    tell(limit, "0\n");
}

START_TEST(a_partition_lies_on_its_disk_and_beside_others)
{
    tell_disk();
    ck_assert(same(device(1), device(1)));
    ck_assert(same(device(0), device(1)));
    ck_assert(same(device(0), device(2)));
    ck_assert(!same(device(1), device(2)));
    ck_assert(!same(device(0), device(3)));
}
END_TEST

START_TEST(a_loop_device_lies_on_its_file)
{
    tell("a", "a");
    tell("b", "b");
    tell_loop(5, "a", "0\n");
    tell_loop(6, "b", "0\n");
    tell_loop(7, "a", "0\n");
    tell_loop(8, "a", "512\n");
    ck_assert(same(device(5), file("a")));
    ck_assert(!same(device(5), file("b")));
    ck_assert(!same(device(5), device(6)));
    ck_assert(same(device(5), device(7)));
    ck_assert(same(device(5), device(8)));
    ck_assert(same(device(8), file("a")));
}
END_TEST

START_TEST(a_mapped_device_lies_on_its_slaves_and_all_below)
{
    tell_disk();
    tell("dev/block/8:9/slaves/note/dev", "8:1\n");
    tell("dev/block/8:10/slaves/note/dev", "8:1\n");
    tell("dev/block/8:11/slaves/note/dev", "8:9\n");
    ck_assert(same(device(9), device(1)));
    ck_assert(same(device(9), device(0)));
    ck_assert(!same(device(9), device(2)));
    ck_assert(!same(device(9), device(10)));
    ck_assert(same(device(11), device(0)));
}
END_TEST

START_TEST(what_cannot_be_seen_is_an_error)
{
    g_autoptr(GError) error = NULL, lost = NULL;
    bool is;
    struct stat a, other = device(0), disk = device(12);
    tell("a", "a");
    a = file("a");
    tell_loop(300, "gone", "0\n");
    struct stat loop = device(300);
    ck_assert(!vc_backing_same(scratch, &loop, &a, &is, &error));
    assert_error(error, VC_ERROR_IO);
    tell("dev/block/8:12/partition", "1\n");
    ck_assert(!vc_backing_same(scratch, &disk, &other, &is, &lost));
    assert_error(lost, VC_ERROR_IO);
}
END_TEST

START_TEST(without_the_system_only_one_device_is_the_same)
{
    ck_assert(same(device(0), device(0)));
    ck_assert(!same(device(0), device(1)));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/backing");
    TCase *tests = scratch_case(suite, "backing");
    tcase_add_test(tests, a_partition_lies_on_its_disk_and_beside_others);
    tcase_add_test(tests, a_loop_device_lies_on_its_file);
    tcase_add_test(tests, a_mapped_device_lies_on_its_slaves_and_all_below);
    tcase_add_test(tests, what_cannot_be_seen_is_an_error);
    tcase_add_test(tests, without_the_system_only_one_device_is_the_same);
    return run_suite(suite);
}
