/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what lasts before what: payload and tables before what leads to them in a
 * file that is written in place, all outputs before the first one has its name.
 *
 * The functions of the system that are defined here go before those of the library. */
#include "converters/convert.h"
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/io/scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE ((size_t)3 << 20)
#define PAYLOAD 0x5a /* each byte of the sources */

static struct {
    bool payload, any;       /* was written since the last fsync */
    bool led;                /* something leads to it */
    bool led_early, led_any; /* before the payload, or anything, lasted */
    int fail_file;           /* the fsync of a file that fails; 1 is the first */
    bool fail_directory;
    unsigned locked; /* how often a lock was asked for */
} seen;

/* How every image begins, a footer does, and the header of a VHDX. */
static bool
leads(const uint8_t *bytes, size_t length)
{
    static const char *const signs[] = { "conectix", "vhdxfile", "head", "VMA\0" };
    for (size_t i = 0; i < G_N_ELEMENTS(signs); i++) {
        size_t sign = MAX(strlen(signs[i]), 4);
        if (length >= sign && memcmp(bytes, signs[i], sign) == 0)
            return true;
    }
    return false;
}

static bool
has_payload(const uint8_t *bytes, size_t length)
{
    unsigned run = 0;
    for (size_t i = 0; i < length && run < 64; i++)
        run = bytes[i] == PAYLOAD ? run + 1 : 0;
    return run == 64;
}

ssize_t
pwrite(int fd, const void *bytes, size_t length, off_t position)
{
    bool payload = has_payload(bytes, length);
    if (!seen.led && leads(bytes, length)) {
        seen.led = true;
        seen.led_early = seen.payload || payload;
        seen.led_any = seen.any;
    }
    seen.payload |= payload;
    seen.any = true;
    return syscall(SYS_pwrite64, fd, bytes, length, position);
}

int
fsync(int fd)
{
    struct stat status;
    ck_assert_int_eq(fstat(fd, &status), 0);
    bool directory = S_ISDIR(status.st_mode);
    if (directory ? seen.fail_directory : --seen.fail_file == 0) {
        errno = EIO;
        return -1;
    }
    seen.payload = seen.any = false;
    return (int)syscall(SYS_fsync, fd);
}

int
flock(int fd, int operation)
{
    seen.locked++;
    return (int)syscall(SYS_flock, fd, operation);
}

static VcSource *
open_source(void)
{
    g_autofree char *path = scratch_path("source.raw");
    VcSource *source = vc_format_open(vc_format_find("raw", NULL),
                                      vc_posix_open(path, VC_CACHE_WRITEBACK, NULL),
                                      NULL, NULL);
    ck_assert_ptr_nonnull(source);
    return source;
}

/* Converts the source to each of NAMES, which end with a NULL. */
static bool
convert(const char *const *names, const char *format, const char *text,
        VcOutputMode mode, GError **error)
{
    g_autoptr(GPtrArray)
        sources = g_ptr_array_new_with_free_func((GDestroyNotify)vc_source_free);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(VcOptions) options = vc_options_new();
    ck_assert(vc_options_parse(options, text, NULL));

    VcConversion conversion;
    vc_conversion_init(&conversion);
    conversion.directory = scratch;
    for (; *names; names++) {
        VcSource *source = open_source();
        VcTarget target = { .path = scratch_path(*names),
                            .format = vc_format_find(format, NULL),
                            .options = options,
                            .layout = source->layout,
                            .mode = mode };
        g_ptr_array_add(sources, source);
        g_ptr_array_add(paths, (char *)target.path);
        vc_conversion_add_route(&conversion, source, 0,
                                vc_conversion_add_target(&conversion, &target), 0);
    }
    VcConvertOptions how = { .sparse = VC_SPARSE_DEFAULT, .sync = true };
    bool ok = vc_conversion_run(&conversion, &how, NULL, error);
    vc_conversion_clear(&conversion);
    return ok;
}

static void
set_up(void)
{
    g_autofree uint8_t *bytes = g_malloc(SIZE);
    memset(bytes, PAYLOAD, SIZE);
    scratch_setup();
    scratch_write("source.raw", bytes, SIZE);
    memset(&seen, 0, sizeof seen);
}

START_TEST(in_place_what_leads_to_the_disk_comes_when_that_lasts)
{
    static const struct {
        const char *format, *options;
        bool tables; /* which must last, too */
    } cases[] = { { "vma", "", false },
                  { "vpc", "subformat=fixed", false },
                  { "vpc", "", true },
                  { "vhdx", "block_size=1M", true } };
    static const char *const names[] = { "disk", NULL };
    g_autoptr(GError) error = NULL;
    scratch_write("disk", "old", 3);
    convert(names, cases[_i].format, cases[_i].options, VC_OUTPUT_IN_PLACE, &error);
    assert_no_error(error);
    ck_assert(seen.led);
    ck_assert(!seen.led_early);
    ck_assert(!cases[_i].tables || !seen.led_any);
    ck_assert(!seen.any);
}
END_TEST

START_TEST(no_output_gets_its_name_before_all_of_them_last)
{
    static const char *const names[] = { "a", "b", NULL };
    g_autoptr(GError) error = NULL;
    scratch_write("a", "old", 3);
    seen.fail_file = 2;
    ck_assert(!convert(names, "raw", "", VC_OUTPUT_FORCE, &error));
    assert_error(error, VC_ERROR_IO);
    scratch_assert("a", "old", 3);
    ck_assert_uint_eq(scratch_count(), 2);
}
END_TEST

START_TEST(an_output_whose_name_does_not_last_is_taken_back)
{
    static const char *const names[] = { "a", "b", NULL };
    g_autoptr(GError) error = NULL;
    seen.fail_directory = true;
    ck_assert(!convert(names, "raw", "", VC_OUTPUT_NEW, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_uint_eq(scratch_count(), 1);
}
END_TEST

START_TEST(names_in_one_directory_are_given_under_its_lock)
{
    static const char *const names[] = { "a", "b", NULL };
    g_autoptr(GError) error = NULL;
    convert(names, "raw", "", VC_OUTPUT_NEW, &error);
    assert_no_error(error);
    ck_assert_uint_eq(seen.locked, 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/lasting");
    TCase *tests = tcase_create("lasting");
    tcase_add_checked_fixture(tests, set_up, scratch_teardown);
    tcase_add_loop_test(tests, in_place_what_leads_to_the_disk_comes_when_that_lasts, 0,
                        4);
    tcase_add_test(tests, no_output_gets_its_name_before_all_of_them_last);
    tcase_add_test(tests, an_output_whose_name_does_not_last_is_taken_back);
    tcase_add_test(tests, names_in_one_directory_are_given_under_its_lock);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
