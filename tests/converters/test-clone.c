/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of conversions that share extents, on a file system that seems to do so.
 *
 * The functions of the system that are defined here go before those of the library. */
#include "converters/convert.h"
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"
#include "tests/io/scratch.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define UNIT ((uint64_t)1 << 20) /* of the targets */
#define UNITS 24u
#define LONG ((size_t)256 << 10)
#define SHORT ((size_t)4096)

static bool can_clone;
static unsigned clones;

/* Copies, where a real file system would share. */
static int
clone_range(int to, const struct file_clone_range *range)
{
    static uint8_t bytes[UNIT];
    if (!can_clone) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (range->src_offset % 4096 != 0 || range->src_length > sizeof bytes) {
        errno = EINVAL;
        return -1;
    }
    clones++;
    long n = (long)range->src_length;
    ck_assert_int_eq(
        syscall(SYS_pread64, (int)range->src_fd, bytes, n, range->src_offset), n);
    ck_assert_int_eq(syscall(SYS_pwrite64, to, bytes, n, range->dest_offset), n);
    return 0;
}

int
ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return request == FICLONERANGE ? clone_range(fd, argument)
                                   : (int)syscall(SYS_ioctl, fd, request, argument);
}

/* Windows are filled late, so that what was gathered first would come last. */
ssize_t
pread(int fd, void *buffer, size_t length, off_t position)
{
    g_usleep(2000);
    return syscall(SYS_pread64, fd, buffer, length, position);
}

/* A disk whose units hold now a little that is copied, now more that is cloned. */
static void
make_source(void)
{
    g_autofree uint8_t *disk = g_malloc0(UNITS * UNIT);
    for (unsigned i = 0; i < UNITS; i++)
        pattern_fill(disk + i * UNIT, i % 2 == 0 ? SHORT : LONG, i + 1);
    scratch_write("source.raw", disk, UNITS * UNIT);

    /* What is zero shall be a hole. */
    g_autofree char *path = scratch_path("source.raw");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    for (unsigned i = 0; i < UNITS; i++) {
        size_t data = i % 2 == 0 ? SHORT : LONG;
        ck_assert_int_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                   (off_t)(i * UNIT + data), (off_t)(UNIT - data)),
                         0);
    }
    close(fd);
}

static VcSource *
open_source(const char *name, const char *format)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path(name);
    VcSource *source = vc_format_open(vc_format_find(format, NULL),
                                      vc_posix_open(path, VC_CACHE_AUTO, NULL), NULL,
                                      &error);
    assert_no_error(error);
    return source;
}

static bool
convert(const char *name, const char *format, unsigned workers, VcReflink reflink,
        GError **error)
{
    g_autoptr(VcSource) source = open_source("source.raw", "raw");
    g_autoptr(VcOptions) options = vc_options_new();
    g_autofree char *path = scratch_path(name);
    if (strcmp(format, "raw") != 0)
        vc_options_set(options, "block_size", "1M");

    VcConversion conversion;
    vc_conversion_init(&conversion);
    VcTarget target = { .path = path,
                        .format = vc_format_find(format, NULL),
                        .options = options,
                        .layout = source->layout,
                        .mode = VC_OUTPUT_FORCE };
    vc_conversion_add_route(&conversion, source, 0,
                            vc_conversion_add_target(&conversion, &target), 0);
    VcConvertOptions how = { .workers = workers,
                             .sparse = VC_SPARSE_DEFAULT,
                             .reflink = reflink,
                             .identity = { .reproducible = true } };
    bool ok = vc_conversion_run(&conversion, &how, NULL, error);
    vc_conversion_clear(&conversion);
    return ok;
}

static void
assert_same(const char *name, const char *format)
{
    g_autoptr(VcSource) a = open_source("source.raw", "raw");
    g_autoptr(VcSource) b = open_source(name, format);
    g_autofree uint8_t *x = g_malloc(UNIT), *y = g_malloc(UNIT);
    for (unsigned i = 0; i < UNITS; i++) {
        ck_assert(vc_source_read(a, 0, i * UNIT, x, UNIT, NULL));
        ck_assert(vc_source_read(b, 0, i * UNIT, y, UNIT, NULL));
        ck_assert_mem_eq(x, y, UNIT);
    }
}

static void
must_convert(const char *name, const char *format, unsigned workers, VcReflink reflink)
{
    g_autoptr(GError) error = NULL;
    convert(name, format, workers, reflink, &error);
    assert_no_error(error);
}

static void
set_up(void)
{
    scratch_setup();
    can_clone = true;
    clones = 0;
    make_source();
}

static const char *const formats[] = { "raw", "vpc", "vhdx" };

START_TEST(what_is_partly_cloned_is_the_disk)
{
    must_convert("out", formats[_i], 4, VC_REFLINK_AUTO);
    ck_assert_uint_ge(clones, UNITS / 2);
    assert_same("out", formats[_i]);
}
END_TEST

/* Each unit of the target takes its part of a long run. */
START_TEST(a_run_over_many_units_is_cloned_piece_by_piece)
{
    g_autofree uint8_t *disk = pattern_new(UNITS * UNIT, 7);
    scratch_write("source.raw", disk, UNITS * UNIT);
    must_convert("out", formats[_i + 1], 4, VC_REFLINK_AUTO);
    ck_assert_uint_eq(clones, UNITS);
    assert_same("out", formats[_i + 1]);
}
END_TEST

START_TEST(the_bytes_do_not_depend_on_the_workers)
{
    g_autofree char *first = NULL, *path = scratch_path("out");
    gsize first_length;
    for (unsigned workers = 0; workers <= 8; workers += 4) {
        g_autofree char *bytes = NULL;
        gsize length;
        must_convert("out", formats[_i], workers, VC_REFLINK_AUTO);
        ck_assert(g_file_get_contents(path, &bytes, &length, NULL));
        if (!first) {
            first = g_steal_pointer(&bytes);
            first_length = length;
            continue;
        }
        ck_assert_uint_eq(length, first_length);
        if (memcmp(bytes, first, length) != 0)
            ck_abort_msg("%u workers make other bytes", workers);
    }
}
END_TEST

START_TEST(nothing_is_cloned_that_shall_not_or_cannot_be)
{
    can_clone = _i == 0;
    must_convert("out", "vhdx", 4, _i == 0 ? VC_REFLINK_NEVER : VC_REFLINK_AUTO);
    ck_assert_uint_eq(clones, 0);
}
END_TEST

START_TEST(always_is_an_error_where_nothing_can_be_shared)
{
    g_autoptr(GError) error = NULL;
    can_clone = false;
    ck_assert(!convert("out", "vhdx", 4, VC_REFLINK_ALWAYS, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
    ck_assert(!scratch_exists("out"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/clone");
    TCase *tests = tcase_create("clone");
    tcase_add_checked_fixture(tests, set_up, scratch_teardown);
    tcase_set_timeout(tests, 60);
    int n = (int)G_N_ELEMENTS(formats);
    tcase_add_loop_test(tests, what_is_partly_cloned_is_the_disk, 0, n);
    tcase_add_loop_test(tests, a_run_over_many_units_is_cloned_piece_by_piece, 0,
                        n - 1);
    tcase_add_loop_test(tests, the_bytes_do_not_depend_on_the_workers, 0, n);
    tcase_add_loop_test(tests, nothing_is_cloned_that_shall_not_or_cannot_be, 0, 2);
    tcase_add_test(tests, always_is_an_error_where_nothing_can_be_shared);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
