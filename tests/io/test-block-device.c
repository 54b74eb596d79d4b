/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of block devices, over a loop device; skipped where one cannot be had (only
 * root can make one). */
#include "io/error.h"
#include "io/output.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"
#include "tests/io/scratch.h"

#include <linux/loop.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define SIZE ((size_t)1 << 20)

static char device[64];

static unsigned synced; /* how often anything was written back */

/* Goes before that of the library. */
int
fsync(int fd)
{
    synced++;
    return (int)syscall(SYS_fsync, fd);
}

/* Makes a loop device of SIZE bytes over the file "backing"; false when that cannot be.
 */
static bool
attach(const uint8_t *content)
{
    scratch_write("backing", content, SIZE);
    g_autofree char *path = scratch_path("backing");
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int number = control >= 0 ? ioctl(control, LOOP_CTL_GET_FREE) : -1;
    if (control >= 0)
        close(control);
    if (number < 0)
        return false;

    g_snprintf(device, sizeof device, "/dev/loop%d", number);
    int loop = open(device, O_RDWR | O_CLOEXEC),
        backing = open(path, O_RDWR | O_CLOEXEC);
    bool done = loop >= 0 && ioctl(loop, LOOP_SET_FD, backing) == 0;
    if (loop >= 0)
        close(loop);
    close(backing);
    return done;
}

static void
detach(void)
{
    int loop = open(device, O_RDWR | O_CLOEXEC);
    if (loop >= 0) {
        ioctl(loop, LOOP_CLR_FD, 0);
        close(loop);
    }
}

START_TEST(a_block_device_is_read_and_written_in_place)
{
    g_autofree uint8_t *model = pattern_new(SIZE, 1), *back = g_malloc(SIZE);
    g_autoptr(GError) error = NULL, too_small = NULL, wrong_mode = NULL;
    uint64_t size;
    if (!attach(model))
        return;

    VcFile *source = vc_posix_open(device, VC_CACHE_AUTO, NULL);
    ck_assert(source->seekable);
    ck_assert(vc_file_size(source, &size, NULL));
    ck_assert_uint_eq(size, SIZE);
    ck_assert(vc_file_read(source, 0, back, SIZE, NULL));
    ck_assert_mem_eq(back, model, SIZE);
    vc_file_free(source);

    ck_assert_ptr_null(
        vc_output_open(device, VC_OUTPUT_FORCE, VC_CACHE_AUTO, true, &wrong_mode));
    assert_error(wrong_mode, VC_ERROR_USAGE);

    VcOutput *output = vc_output_open(device, VC_OUTPUT_IN_PLACE, VC_CACHE_AUTO, true,
                                      &error);
    assert_no_error(error);
    VcFile *file = vc_output_file(output);
    ck_assert(!file->reads_zero);
    ck_assert(vc_file_truncate(file, SIZE, NULL));
    ck_assert(!vc_file_truncate(file, SIZE + 1, &too_small));
    assert_error(too_small, VC_ERROR_IO);

    static const struct {
        uint64_t position, length;
    } ranges[] = { { 0, 4096 }, { 5000, 100 }, { 9999, 70000 }, { SIZE - 5000, 5000 } };
    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
        ck_assert(vc_file_zero(file, ranges[i].position, ranges[i].length, &error));
        memset(model + ranges[i].position, 0, ranges[i].length);
    }
    ck_assert(vc_file_write(file, 100001, "hello", 5, NULL));
    memcpy(model + 100001, "hello", 5);
    ck_assert(vc_file_read(file, 0, back, SIZE, NULL));
    ck_assert_mem_eq(back, model, SIZE);
    ck_assert(vc_output_commit(output, &error));
    assert_no_error(error);
    vc_output_free(output);
    detach();
    scratch_assert("backing", model, SIZE);
}
END_TEST

START_TEST(what_goes_out_to_a_block_device_ends_in_zeros)
{
    g_autofree uint8_t *model = pattern_new(SIZE, 1);
    g_autoptr(GError) error = NULL;
    if (!attach(model))
        return;

    int fd = open(device, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(lseek(fd, 512, SEEK_SET), 512);
    VcFile *file = vc_posix_append(fd, true, "device");
    ck_assert(vc_file_write(file, 0, "hello", 5, NULL));
    ck_assert(vc_file_end(file, 5, &error));
    assert_no_error(error);
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 517);
    unsigned before = synced;
    ck_assert(vc_file_sync(file, NULL));
    ck_assert_uint_eq(synced, before + 1);
    vc_file_free(file);
    detach();
    memcpy(model + 512, "hello", 5);
    memset(model + 517, 0, SIZE - 517);
    scratch_assert("backing", model, SIZE);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/block-device");
    TCase *tests = scratch_case(suite, "block-device");
    tcase_add_test(tests, a_block_device_is_read_and_written_in_place);
    tcase_add_test(tests, what_goes_out_to_a_block_device_ends_in_zeros);
    return run_suite(suite);
}
