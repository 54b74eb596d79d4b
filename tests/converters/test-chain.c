/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of differencing chains: which parents are taken, and what is said of others. */
#include "converters/image.h"
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/converters/vhd.h"
#include "tests/io/scratch.h"

#include <string.h>

static void
make_directory(const char *name)
{
    g_autofree char *path = scratch_path(name);
    ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void
write_vhd(const char *name, Vhd vhd)
{
    g_autofree char *path = scratch_path(name);
    vhd_write(&vhd, path);
}

static bool
open_image(VcImage *image, const char *name, bool follow, GError **error)
{
    VcImageOptions options = { .follow_chain = follow };
    g_autofree char *path = scratch_path(name);
    return vc_image_open(image, path, &options, error);
}

/* NAME opens, with DEPTH parents, and its first byte is FILL. */
static void
assert_opens(const char *name, bool follow, unsigned depth, uint8_t fill)
{
    g_autoptr(GError) error = NULL;
    VcImage image;
    uint8_t byte;
    bool ok = open_image(&image, name, follow, &error);
    assert_no_error(error);
    ck_assert(ok);
    ck_assert_uint_eq(image.parents->len, depth);
    ck_assert(vc_source_read(image.source, 0, 0, &byte, 1, NULL));
    ck_assert_uint_eq(byte, fill);
    vc_image_clear(&image);
}

/* NAME is refused with a message of one line that begins with its path and has each of
 * the NULL-terminated texts in it. */
static void
assert_refused(bool follow, const char *name, ...)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path(name);
    VcImage image;
    ck_assert(!open_image(&image, name, follow, &error));
    assert_error(error, VC_ERROR_PARENT);
    ck_assert_msg(g_str_has_prefix(error->message, path), "%s", error->message);
    ck_assert_ptr_null(strchr(error->message, '\n'));

    va_list texts;
    va_start(texts, name);
    for (const char *text = va_arg(texts, const char *); text;
         text = va_arg(texts, const char *))
        ck_assert_msg(strstr(error->message, text), "'%s' is not in: %s", text,
                      error->message);
    va_end(texts);
}

static const Vhd base = { .id = 1, .fill = 0xb5 };

START_TEST(a_parent_in_the_same_directory_is_adopted)
{
    write_vhd("base.vhd", base);
    write_vhd("child.vhd", (Vhd){ .id = 2, .parent = 1, .relative = ".\\base.vhd" });
    assert_opens("child.vhd", false, 1, 0xb5);
}
END_TEST

START_TEST(of_a_windows_path_the_base_name_is_looked_for_beside_the_child)
{
    static const char *const paths[] = { "C:\\disks\\base.vhd", "c:base.vhd",
                                         "\\\\?\\D:\\vm\\base.vhd" };
    write_vhd("base.vhd", base);
    write_vhd("child.vhd", (Vhd){ .id = 2, .parent = 1, .absolute = paths[_i] });
    assert_opens("child.vhd", false, 1, 0xb5);
}
END_TEST

START_TEST(a_relative_path_that_comes_back_to_the_directory_is_taken)
{
    make_directory("disks");
    write_vhd("disks/base.vhd", base);
    write_vhd("disks/child.vhd",
              (Vhd){ .id = 2, .parent = 1, .relative = "..\\disks\\base.vhd" });
    assert_opens("disks/child.vhd", false, 1, 0xb5);
}
END_TEST

START_TEST(a_parent_in_another_directory_needs_the_option)
{
    static const char *const paths[] = { "..\\other\\base.vhd", "below\\base.vhd" };
    make_directory("other");
    make_directory("disks");
    make_directory("disks/below");
    write_vhd("other/base.vhd", base);
    write_vhd("disks/below/base.vhd", base);
    write_vhd("disks/child.vhd", (Vhd){ .id = 2, .parent = 1, .relative = paths[_i] });

    assert_refused(false, "disks/child.vhd", "base.vhd", "another directory", "--chain",
                   NULL);
    assert_opens("disks/child.vhd", true, 1, 0xb5);
}
END_TEST

START_TEST(an_absolute_path_needs_the_option)
{
    g_autofree char *path = scratch_path("other/base.vhd");
    make_directory("other");
    make_directory("disks");
    write_vhd("other/base.vhd", base);
    write_vhd("disks/child.vhd", (Vhd){ .id = 2, .parent = 1, .absolute = path });

    assert_refused(false, "disks/child.vhd", path, "--chain", NULL);
    assert_opens("disks/child.vhd", true, 1, 0xb5);
}
END_TEST

START_TEST(a_parent_of_the_childs_own_name_elsewhere_is_no_cycle)
{
    make_directory("a");
    make_directory("b");
    write_vhd("a/disk.vhd", base);
    write_vhd("b/disk.vhd",
              (Vhd){ .id = 2, .parent = 1, .relative = "..\\a\\disk.vhd" });

    assert_refused(false, "b/disk.vhd", "another directory", "--chain", NULL);
    assert_opens("b/disk.vhd", true, 1, 0xb5);
}
END_TEST

START_TEST(a_symbolic_link_does_not_lead_out_of_the_directory)
{
    g_autofree char *link = scratch_path("disks/base.vhd");
    make_directory("other");
    make_directory("disks");
    write_vhd("other/base.vhd", base);
    ck_assert_int_eq(symlink("../other/base.vhd", link), 0);
    write_vhd("disks/child.vhd",
              (Vhd){ .id = 2, .parent = 1, .relative = ".\\base.vhd" });

    assert_refused(false, "disks/child.vhd", "another directory", "--chain", NULL);
    assert_opens("disks/child.vhd", true, 1, 0xb5);
}
END_TEST

START_TEST(a_child_named_by_a_symbolic_link_has_its_parent_where_it_lies)
{
    g_autofree char *link = scratch_path("link.vhd");
    make_directory("disks");
    write_vhd("disks/base.vhd", base);
    write_vhd("disks/child.vhd",
              (Vhd){ .id = 2, .parent = 1, .relative = ".\\base.vhd" });
    ck_assert_int_eq(symlink("disks/child.vhd", link), 0);
    assert_opens("link.vhd", false, 1, 0xb5);
}
END_TEST

START_TEST(a_fifo_is_no_parent)
{
    g_autofree char *fifo = scratch_path("base.vhd");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    write_vhd("child.vhd", (Vhd){ .id = 2, .parent = 1, .relative = ".\\base.vhd" });
    assert_refused(true, "child.vhd", "base.vhd", "not a regular file", NULL);
}
END_TEST

START_TEST(a_wrong_parent_is_refused_with_both_ids)
{
    write_vhd("base.vhd", (Vhd){ .id = 7, .fill = 1 });
    write_vhd("child.vhd", (Vhd){ .id = 2, .parent = 1, .relative = ".\\base.vhd" });
    assert_refused(false, "child.vhd", "0707070707", "0101010101", NULL);
}
END_TEST

START_TEST(a_parent_without_an_id_needs_the_option)
{
    static const Vhd child = { .id = 2, .raw_parent = TRUE, .relative = ".\\base" };
    g_autofree char *bytes = g_malloc(VHD_DISK_SIZE);
    memset(bytes, 0x5a, VHD_DISK_SIZE);
    write_vhd("child.vhd", child);
    assert_refused(false, "child.vhd", "was not found", NULL);
    scratch_write("base", bytes, VHD_DISK_SIZE);
    assert_refused(false, "child.vhd", "/base;", "no id", "--chain", NULL);
    assert_opens("child.vhd", true, 1, 0x5a);

    VcImage image;
    ck_assert(open_image(&image, "child.vhd", true, NULL));
    ck_assert_uint_eq(image.source->warnings->len, 1);
    ck_assert_ptr_nonnull(strstr(image.source->warnings->pdata[0], "verified"));
    vc_image_clear(&image);
}
END_TEST

START_TEST(a_parent_without_an_id_is_raw_whatever_it_looks_like)
{
    static const Vhd child = { .id = 2, .raw_parent = TRUE, .relative = ".\\base" };
    write_vhd("child.vhd", child);
    scratch_write("base", "VMA\0", 4);
    assert_opens("child.vhd", true, 1, 'V');
    write_vhd("base", base);
    assert_refused(false, "child.vhd", "no id", "--chain", NULL);
    assert_opens("child.vhd", true, 1, 'c');
}
END_TEST

START_TEST(a_raw_file_is_no_parent_where_an_id_is_expected)
{
    write_vhd("child.vhd", (Vhd){ .id = 2, .parent = 1, .relative = ".\\base.vhd" });
    scratch_write("base.vhd", "raw", 3);
    assert_refused(false, "child.vhd", "0101010101", "has none", NULL);
    assert_refused(true, "child.vhd", "0101010101", "has none", NULL);
}
END_TEST

/* As a guest can make its fixed disk begin. */
START_TEST(a_parent_that_looks_like_two_formats_has_that_of_its_child)
{
    g_autofree char *path = scratch_path("base.vhd"), *bytes = NULL;
    gsize length;
    write_vhd("base.vhd", base);
    write_vhd("child.vhd", (Vhd){ .id = 2, .parent = 1, .relative = ".\\base.vhd" });
    ck_assert(g_file_get_contents(path, &bytes, &length, NULL));
    memcpy(bytes, "vhdxfile", 8);
    scratch_write("base.vhd", bytes, length);

    g_autoptr(GError) error = NULL;
    VcImage image;
    ck_assert(!open_image(&image, "base.vhd", false, &error));
    assert_error(error, VC_ERROR_USAGE);
    assert_opens("child.vhd", false, 1, 0xb5);
}
END_TEST

START_TEST(a_later_candidate_is_taken_when_the_first_is_wrong)
{
    make_directory("below");
    write_vhd("below/base.vhd", (Vhd){ .id = 7, .fill = 1 });
    write_vhd("base.vhd", base);
    write_vhd("child.vhd",
              (Vhd){ .id = 2, .parent = 1, .relative = "below\\base.vhd" });
    assert_opens("child.vhd", true, 1, 0xb5);
}
END_TEST

START_TEST(a_missing_parent_is_named_with_the_place_where_it_belongs)
{
    g_autofree char *real = realpath(scratch, NULL);
    write_vhd("child.vhd",
              (Vhd){ .id = 2, .parent = 1, .absolute = "C:\\disks\\base.vhd" });
    assert_refused(false, "child.vhd", "C:/disks/base.vhd", "0101010101", real, NULL);
}
END_TEST

START_TEST(control_characters_of_the_path_do_not_reach_the_message)
{
    write_vhd("child.vhd",
              (Vhd){ .id = 2, .parent = 1, .relative = ".\\ba\nse\x1b[2J.vhd" });
    assert_refused(false, "child.vhd", "ba\\x0ase\\x1b", NULL);
}
END_TEST

START_TEST(an_image_that_is_its_own_parent_is_a_cycle)
{
    write_vhd("child.vhd", (Vhd){ .id = 2, .parent = 2, .relative = ".\\child.vhd" });
    assert_refused(false, "child.vhd", "cycle", NULL);
}
END_TEST

START_TEST(two_images_that_are_each_others_parents_are_a_cycle)
{
    g_autofree char *second = scratch_path("b.vhd");
    g_autoptr(GError) error = NULL;
    VcImage image;
    write_vhd("a.vhd", (Vhd){ .id = 1, .parent = 2, .relative = ".\\b.vhd" });
    write_vhd("b.vhd", (Vhd){ .id = 2, .parent = 1, .relative = ".\\a.vhd" });

    ck_assert(!open_image(&image, "a.vhd", false, &error));
    assert_error(error, VC_ERROR_PARENT);
    ck_assert(g_str_has_prefix(error->message, second));
    ck_assert_ptr_nonnull(strstr(error->message, "cycle"));
}
END_TEST

/* Writes 0.vhd … LEVELS.vhd, each the parent of the next. */
static void
write_chain(unsigned levels)
{
    write_vhd("0.vhd", base);
    for (unsigned i = 1; i <= levels; i++) {
        g_autofree char *name = g_strdup_printf("%u.vhd", i);
        g_autofree char *parent = g_strdup_printf(".\\%u.vhd", i - 1);
        write_vhd(
            name,
            (Vhd){ .id = (guint8)(i + 1), .parent = (guint8)i, .relative = parent });
    }
}

START_TEST(sixty_four_parents_are_followed)
{
    write_chain(64);
    assert_opens("64.vhd", false, 64, 0xb5);
}
END_TEST

START_TEST(sixty_five_parents_are_too_many)
{
    write_chain(65);
    assert_refused(false, "65.vhd", "64", NULL);
}
END_TEST

START_TEST(warnings_of_a_parent_are_passed_on_with_its_path)
{
    g_autofree char *parent = scratch_path("base.vhd");
    VcImage image;
    write_vhd("base.vhd", (Vhd){ .id = 1, .fill = 1, .damaged_footer = TRUE });
    write_vhd("child.vhd", (Vhd){ .id = 2, .parent = 1, .relative = ".\\base.vhd" });

    ck_assert(open_image(&image, "child.vhd", false, NULL));
    const GPtrArray *warnings = image.source->warnings;
    ck_assert_uint_ge(warnings->len, 1);
    ck_assert(g_str_has_prefix(warnings->pdata[0], parent));
    vc_image_clear(&image);
}
END_TEST

START_TEST(without_a_look_for_parents_the_child_opens_alone)
{
    VcImageOptions options = { .no_parent = true };
    g_autofree char *path = scratch_path("child.vhd");
    VcImage image;
    write_vhd("child.vhd", (Vhd){ .id = 2, .parent = 1, .relative = ".\\base.vhd" });

    ck_assert(vc_image_open(&image, path, &options, NULL));
    ck_assert_uint_eq(image.parents->len, 0);
    ck_assert_ptr_nonnull(image.source->parent);
    vc_image_clear(&image);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/chain");
    TCase *tests = scratch_case(suite, "chain");
    tcase_add_test(tests, a_parent_in_the_same_directory_is_adopted);
    tcase_add_loop_test(
        tests, of_a_windows_path_the_base_name_is_looked_for_beside_the_child, 0, 3);
    tcase_add_test(tests, a_relative_path_that_comes_back_to_the_directory_is_taken);
    tcase_add_loop_test(tests, a_parent_in_another_directory_needs_the_option, 0, 2);
    tcase_add_test(tests, an_absolute_path_needs_the_option);
    tcase_add_test(tests, a_parent_of_the_childs_own_name_elsewhere_is_no_cycle);
    tcase_add_test(tests, a_symbolic_link_does_not_lead_out_of_the_directory);
    tcase_add_test(tests,
                   a_child_named_by_a_symbolic_link_has_its_parent_where_it_lies);
    tcase_add_test(tests, a_fifo_is_no_parent);
    tcase_add_test(tests, a_wrong_parent_is_refused_with_both_ids);
    tcase_add_test(tests, a_parent_without_an_id_needs_the_option);
    tcase_add_test(tests, a_parent_without_an_id_is_raw_whatever_it_looks_like);
    tcase_add_test(tests, a_raw_file_is_no_parent_where_an_id_is_expected);
    tcase_add_test(tests, a_parent_that_looks_like_two_formats_has_that_of_its_child);
    tcase_add_test(tests, a_later_candidate_is_taken_when_the_first_is_wrong);
    tcase_add_test(tests, a_missing_parent_is_named_with_the_place_where_it_belongs);
    tcase_add_test(tests, control_characters_of_the_path_do_not_reach_the_message);
    tcase_add_test(tests, an_image_that_is_its_own_parent_is_a_cycle);
    tcase_add_test(tests, two_images_that_are_each_others_parents_are_a_cycle);
    tcase_add_test(tests, sixty_four_parents_are_followed);
    tcase_add_test(tests, sixty_five_parents_are_too_many);
    tcase_add_test(tests, warnings_of_a_parent_are_passed_on_with_its_path);
    tcase_add_test(tests, without_a_look_for_parents_the_child_opens_alone);
    return run_suite(suite);
}
