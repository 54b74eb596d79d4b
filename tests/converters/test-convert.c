/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of whole conversions between files: what stands under the final name, when. */
#include "converters/convert.h"
#include "io/error.h"
#include "io/watch.h"
#include "tests/check-main.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE ((size_t)3 << 20)

static char *directory;

static void
set_up(void)
{
    directory = g_dir_make_tmp("vconv-convert-XXXXXX", NULL);
    g_autofree uint8_t *content = g_malloc0(SIZE);
    for (size_t i = 0; i < SIZE / 2; i++)
        content[i] = (uint8_t)(i * 31 >> 7);
    g_autofree char *path = g_build_filename(directory, "source.raw", NULL);
    ck_assert(g_file_set_contents(path, (char *)content, (gssize)SIZE, NULL));
}

static unsigned
count_files(void)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    unsigned count = 0;
    while (g_dir_read_name(dir))
        count++;
    return count;
}

static void
tear_down(void)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        unlink(path);
    }
    rmdir(directory);
    g_free(directory);
}

static char *
in_directory(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

/* Converts source.raw to TARGET. SIZE_OF_SOURCE claims another size of the disk. */
static bool
convert(const char *target_name, VcOutputMode mode, uint64_t claimed, GError **error)
{
    const VcFormat *raw = vc_format_find("raw", NULL);
    g_autofree char *from = in_directory("source.raw");
    g_autofree char *to = in_directory(target_name);
    g_autoptr(VcSource) source = vc_format_open(
        raw, vc_posix_open(from, VC_CACHE_AUTO, NULL), NULL, NULL);
    ck_assert_ptr_nonnull(source);
    source->layout.disks[0].size = claimed;

    VcConversion conversion;
    vc_conversion_init(&conversion);
    VcTarget target = {
        .path = to, .format = raw, .layout = source->layout, .mode = mode
    };
    vc_conversion_add_route(&conversion, source, 0,
                            vc_conversion_add_target(&conversion, &target), 0);
    VcConvertOptions options = { .workers = 2,
                                 .sparse = VC_SPARSE_DEFAULT,
                                 .sync = true };
    bool ok = vc_conversion_run(&conversion, &options, NULL, error);
    vc_conversion_clear(&conversion);
    return ok;
}

static void
assert_same_as_source(const char *name)
{
    g_autofree char *from = in_directory("source.raw"), *to = in_directory(name);
    g_autofree char *a = NULL, *b = NULL;
    gsize length_a, length_b;
    ck_assert(g_file_get_contents(from, &a, &length_a, NULL));
    ck_assert(g_file_get_contents(to, &b, &length_b, NULL));
    ck_assert_uint_eq(length_a, length_b);
    ck_assert(memcmp(a, b, length_a) == 0);
}

START_TEST(an_image_arrives_under_its_name)
{
    g_autoptr(GError) error = NULL;
    ck_assert(convert("target.raw", VC_OUTPUT_NEW, SIZE, &error));
    assert_no_error(error);
    assert_same_as_source("target.raw");
    ck_assert_uint_eq(count_files(), 2);
}
END_TEST

START_TEST(after_an_error_nothing_is_left)
{
    g_autoptr(GError) error = NULL;
    ck_assert(!convert("target.raw", VC_OUTPUT_NEW, SIZE + (1 << 20), &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(an_existing_output_is_kept_without_force)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_directory("target.raw"), *content = NULL;
    ck_assert(g_file_set_contents(path, "old", 3, NULL));

    ck_assert(!convert("target.raw", VC_OUTPUT_NEW, SIZE, &error));
    assert_error(error, VC_ERROR_EXISTS);
    ck_assert(g_file_get_contents(path, &content, NULL, NULL));
    ck_assert_str_eq(content, "old");

    ck_assert(convert("target.raw", VC_OUTPUT_FORCE, SIZE, NULL));
    assert_same_as_source("target.raw");
}
END_TEST

START_TEST(a_failed_replacement_keeps_the_old_file)
{
    g_autofree char *path = in_directory("target.raw"), *content = NULL;
    ck_assert(g_file_set_contents(path, "old", 3, NULL));

    ck_assert(!convert("target.raw", VC_OUTPUT_FORCE, SIZE + (1 << 20), NULL));
    ck_assert(g_file_get_contents(path, &content, NULL, NULL));
    ck_assert_str_eq(content, "old");
    ck_assert_uint_eq(count_files(), 2);
}
END_TEST

START_TEST(the_source_under_another_name_is_refused_as_target)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *from = in_directory("source.raw"), *to = in_directory("link.raw");
    ck_assert_int_eq(symlink(from, to), 0);

    ck_assert(!convert("link.raw", VC_OUTPUT_FORCE, SIZE, &error));
    assert_error(error, VC_ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(error->message, "is the source as well"));
}
END_TEST

START_TEST(what_is_read_without_a_route_is_refused_as_target)
{
    g_autofree char *from = in_directory("source.raw"), *to = in_directory("link.raw");
    ck_assert_int_eq(link(from, to), 0);
    VcImageOptions reading = { .format = vc_format_find("raw", NULL) };
    g_autoptr(GPtrArray) images = g_ptr_array_new(), inputs = g_ptr_array_new();
    VcImage image;
    ck_assert(vc_image_open(&image, from, &reading, NULL));

    VcTarget target = { .path = to, .format = reading.format, .mode = VC_OUTPUT_FORCE };
    vc_layout_add_disk(&target.layout, "", SIZE);
    VcConvertOptions options = { 0 };
    for (unsigned as_input = 0; as_input < 2; as_input++) {
        g_autoptr(GError) error = NULL;
        if (as_input)
            g_ptr_array_add(inputs, from);
        else
            g_ptr_array_add(images, &image);
        VcConversion conversion;
        vc_conversion_init(&conversion);
        vc_conversion_add_target(&conversion, &target);
        conversion.images = images;
        conversion.inputs = inputs;
        ck_assert(!vc_conversion_run(&conversion, &options, NULL, &error));
        assert_error(error, VC_ERROR_USAGE);
        ck_assert_ptr_nonnull(strstr(error->message, "a source is never written"));
        vc_conversion_clear(&conversion);
        g_ptr_array_set_size(images, 0);
    }
    vc_layout_clear(&target.layout);
    vc_image_clear(&image);
    ck_assert_uint_eq(count_files(), 2);
}
END_TEST

/* It would be the end of all its children. */
START_TEST(a_parent_of_the_source_is_refused_as_target)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *from = in_directory("source.raw"), *to = in_directory("base.raw");
    ck_assert(g_file_set_contents(to, "base", 4, NULL));
    VcImageOptions reading = { .format = vc_format_find("raw", NULL) };
    g_autoptr(GPtrArray) images = g_ptr_array_new();
    VcImage image;
    ck_assert(vc_image_open(&image, from, &reading, NULL));
    VcAncestor *parent = g_new0(VcAncestor, 1);
    parent->path = g_strdup(to);
    g_ptr_array_add(image.parents, parent);
    g_ptr_array_add(images, &image);

    VcConversion conversion;
    vc_conversion_init(&conversion);
    VcTarget target = { .path = to,
                        .format = reading.format,
                        .layout = image.source->layout,
                        .mode = VC_OUTPUT_FORCE };
    vc_conversion_add_route(&conversion, image.source, 0,
                            vc_conversion_add_target(&conversion, &target), 0);
    conversion.images = images;
    VcConvertOptions options = { 0 };
    ck_assert(!vc_conversion_run(&conversion, &options, NULL, &error));
    assert_error(error, VC_ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(error->message, "is the parent of the source"));
    vc_conversion_clear(&conversion);
    vc_image_clear(&image);
}
END_TEST

/* Two sources make one archive, TARGET; the second one is changed meanwhile, or not. */
static bool
pack_two(const char *target_name, bool change, GError **error)
{
    const VcFormat *raw = vc_format_find("raw", NULL);
    g_autofree char *to = in_directory(target_name);
    g_autofree char *first = in_directory("source.raw"),
                    *second = in_directory("2.raw");
    const char *const names[] = { first, second };
    VcSource *sources[2];
    g_autoptr(GPtrArray)
        watches = g_ptr_array_new_with_free_func((GDestroyNotify)vc_watch_free);
    VcTarget target = { .path = to,
                        .format = vc_format_find("vma", NULL),
                        .mode = VC_OUTPUT_FORCE };
    ck_assert(g_file_set_contents(names[1], "second", 6, NULL));
    for (unsigned i = 0; i < 2; i++) {
        VcWatch *watch;
        VcFile *file = vc_posix_open(names[i], VC_CACHE_AUTO, NULL);
        ck_assert(vc_watch_new(file, &watch, NULL));
        g_ptr_array_add(watches, watch);
        sources[i] = vc_format_open(raw, file, NULL, NULL);
        vc_layout_add_disk(&target.layout, "", sources[i]->layout.disks[0].size);
    }
    ck_assert(!change || truncate(names[1], 7) == 0);

    VcConversion conversion;
    vc_conversion_init(&conversion);
    vc_conversion_add_target(&conversion, &target);
    for (unsigned i = 0; i < 2; i++)
        vc_conversion_add_route(&conversion, sources[i], 0, 0, i);
    conversion.watches = watches;
    VcConvertOptions options = { .sparse = VC_SPARSE_DEFAULT };
    bool ok = vc_conversion_run(&conversion, &options, NULL, error);
    vc_conversion_clear(&conversion);
    vc_layout_clear(&target.layout);
    vc_source_free(sources[0]);
    vc_source_free(sources[1]);
    return ok;
}

START_TEST(each_of_many_sources_is_refused_as_target)
{
    g_autoptr(GError) error = NULL;
    ck_assert(!pack_two("2.raw", false, &error));
    assert_error(error, VC_ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(error->message, "is the source as well"));
}
END_TEST

START_TEST(each_of_many_sources_must_stay_as_it_was)
{
    g_autoptr(GError) error = NULL;
    ck_assert(pack_two("a.vma", false, NULL));
    ck_assert(!pack_two("b.vma", true, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error->message, "2.raw: was changed while"));
    ck_assert_uint_eq(count_files(), 3);
}
END_TEST

START_TEST(what_was_in_a_file_written_in_place_does_not_shine_through)
{
    g_autofree char *path = in_directory("target.raw");
    g_autofree char *old = g_malloc(2 * SIZE);
    memset(old, 0xee, 2 * SIZE);
    ck_assert(g_file_set_contents(path, old, (gssize)(2 * SIZE), NULL));

    ck_assert(convert("target.raw", VC_OUTPUT_IN_PLACE, SIZE, NULL));
    assert_same_as_source("target.raw");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/convert");
    TCase *tests = tcase_create("convert");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_image_arrives_under_its_name);
    tcase_add_test(tests, after_an_error_nothing_is_left);
    tcase_add_test(tests, an_existing_output_is_kept_without_force);
    tcase_add_test(tests, a_failed_replacement_keeps_the_old_file);
    tcase_add_test(tests, the_source_under_another_name_is_refused_as_target);
    tcase_add_test(tests, what_is_read_without_a_route_is_refused_as_target);
    tcase_add_test(tests, a_parent_of_the_source_is_refused_as_target);
    tcase_add_test(tests, each_of_many_sources_is_refused_as_target);
    tcase_add_test(tests, each_of_many_sources_must_stay_as_it_was);
    tcase_add_test(tests, what_was_in_a_file_written_in_place_does_not_shine_through);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
