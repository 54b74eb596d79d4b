/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of opening images as users name them: names, compression, pipes, disks. */
#include "converters/image.h"
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/converters/hash.h"
#include "tests/converters/scripted.h"
#include "tests/converters/vhd.h"
#include "tests/io/scratch.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define MIB ((size_t)1 << 20)
#define SIZE (3 * MIB + 512)

static const VcImageOptions serial = { 0 }, ahead = { .readahead = 1 };
static const VcImageOptions *const variants[] = { &serial, &ahead };

static uint8_t *
make_bytes(void)
{
    uint8_t *bytes = g_malloc(SIZE);
    scripted_pattern(0, bytes, SIZE);
    return bytes;
}

static void
write_pattern(const char *name)
{
    g_autofree uint8_t *bytes = make_bytes();
    scratch_write(name, bytes, SIZE);
}

static void
write_gzip(const char *name, const void *data, size_t length)
{
    g_autofree char *path = scratch_path(name);
    gzFile file = gzopen(path, "wb1");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, data, (unsigned)length), (int)length);
    ck_assert_int_eq(gzclose(file), Z_OK);
}

static void
write_zstd(const char *name, const void *data, size_t length)
{
    size_t bound = ZSTD_compressBound(length);
    g_autofree void *packed = g_malloc(bound);
    size_t size = ZSTD_compress(packed, bound, data, length, 1);
    ck_assert(!ZSTD_isError(size));
    scratch_write(name, packed, size);
}

static bool
open_image(VcImage *image, const char *name, const VcImageOptions *options,
           GError **error)
{
    g_autofree char *path = scratch_path(name);
    return vc_image_open(image, path, options, error);
}

/* IMAGE holds one disk with the bytes of the pattern. Clears it. */
static void
assert_pattern(VcImage *image)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *bytes = make_bytes();
    g_autofree char *expected = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes,
                                                            SIZE);
    g_autofree char *found = vc_hash_disk(image->source, 0, NULL, &error);
    assert_no_error(error);
    ck_assert_str_eq(found, expected);
    vc_image_clear(image);
}

START_TEST(a_plain_file_can_be_read_at_random)
{
    g_autoptr(GError) error = NULL;
    VcImage image;
    write_pattern("disk");
    ck_assert(open_image(&image, "disk", variants[_i], &error));
    assert_no_error(error);
    ck_assert(vc_source_has_map(image.source));
    ck_assert_int_eq(image.compression, VC_COMPRESSION_NONE);
    ck_assert(image.guessed_raw);
    ck_assert_int_eq(image.disk, -1);
    assert_pattern(&image);
}
END_TEST

START_TEST(compression_is_found_by_magic_and_not_by_name)
{
    g_autofree uint8_t *bytes = make_bytes();
    write_gzip("disk.zst", bytes, SIZE);
    write_zstd("disk.gz", bytes, SIZE);
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        VcImage image;
        ck_assert(open_image(&image, i ? "disk.gz" : "disk.zst", variants[_i], &error));
        assert_no_error(error);
        ck_assert_int_eq(image.compression,
                         i ? VC_COMPRESSION_ZSTD : VC_COMPRESSION_GZIP);
        ck_assert(!vc_source_has_map(image.source));
        assert_pattern(&image);
    }
}
END_TEST

START_TEST(a_compressed_image_of_a_format_that_seeks_is_refused_with_advice)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *plain = scratch_path("base.vhd"), *bytes = NULL;
    gsize length;
    VcImage image;
    vhd_write(&(Vhd){ .id = 1, .fill = 9 }, plain);
    ck_assert(g_file_get_contents(plain, &bytes, &length, NULL));
    write_gzip("base.vhd.gz", bytes, length);

    ck_assert(!open_image(&image, "base.vhd.gz", variants[_i], &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error->message, "base.vhd.gz: "));
    ck_assert_ptr_nonnull(strstr(error->message, "--spool"));
}
END_TEST

START_TEST(spooled_it_can_be_read_at_random)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *plain = scratch_path("base.vhd"), *bytes = NULL;
    gsize length;
    uint8_t byte;
    VcImage image;
    VcImageOptions options = *variants[_i];
    options.spool = scratch;
    vhd_write(&(Vhd){ .id = 1, .fill = 9 }, plain);
    ck_assert(g_file_get_contents(plain, &bytes, &length, NULL));
    write_gzip("base.vhd.gz", bytes, length);

    ck_assert(open_image(&image, "base.vhd.gz", &options, &error));
    assert_no_error(error);
    ck_assert(vc_source_read(image.source, 0, 4096, &byte, 1, NULL));
    ck_assert_uint_eq(byte, 9);
    ck_assert(!image.guessed_raw);
    ck_assert_uint_eq(scratch_count(), 2);
    vc_image_clear(&image);
}
END_TEST

START_TEST(a_damaged_stream_is_an_error_with_the_name)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *bytes = make_bytes();
    g_autofree char *path = scratch_path("disk.gz"), *packed = NULL, *hash = NULL;
    gsize length;
    VcImage image;
    write_gzip("disk.gz", bytes, SIZE);
    ck_assert(g_file_get_contents(path, &packed, &length, NULL));
    scratch_write("disk.gz", packed, length - 20);

    ck_assert(open_image(&image, "disk.gz", variants[_i], NULL));
    hash = vc_hash_disk(image.source, 0, NULL, &error);
    ck_assert_ptr_null(hash);
    assert_error(error, VC_ERROR_SHORT);
    ck_assert_msg(strstr(error->message, "disk.gz: "), "%s", error->message);
    vc_image_clear(&image);
}
END_TEST

/* Writes a file of the scratch directory into a FIFO, and keeps it open when told. */
typedef struct {
    const char *from, *fifo;
    int held; /* -1: the FIFO is closed at the end */
} Feeder;

static void *
feed(void *user)
{
    Feeder *feeder = user;
    g_autofree char *from = scratch_path(feeder->from), *bytes = NULL;
    g_autofree char *fifo = scratch_path(feeder->fifo);
    gsize length, done = 0;
    g_file_get_contents(from, &bytes, &length, NULL);
    int fd = open(fifo, O_WRONLY);
    while (done < length) {
        ssize_t n = write(fd, bytes + done, length - done);
        if (n <= 0)
            break;
        done += (gsize)n;
    }
    if (feeder->held == 0)
        feeder->held = fd;
    else
        close(fd);
    return NULL;
}

START_TEST(a_fifo_gives_what_comes_out_of_it_compressed_or_not)
{
    g_autofree uint8_t *bytes = make_bytes();
    g_autofree char *fifo = scratch_path("fifo");
    write_pattern("disk");
    write_zstd("disk.zst", bytes, SIZE);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        VcImage image;
        pthread_t thread;
        Feeder feeder = { i ? "disk.zst" : "disk", "fifo", -1 };
        ck_assert_int_eq(pthread_create(&thread, NULL, feed, &feeder), 0);
        ck_assert(open_image(&image, "fifo", variants[_i], &error));
        assert_no_error(error);
        ck_assert_uint_eq(image.source->layout.disks[0].size, VC_SIZE_UNKNOWN);
        assert_pattern(&image);
        pthread_join(thread, NULL);
    }
}
END_TEST

START_TEST(an_image_from_a_pipe_that_stalls_can_be_let_go)
{
    g_autofree char *fifo = scratch_path("fifo");
    VcImage image;
    pthread_t thread;
    Feeder feeder = { "disk", "fifo", 0 };
    write_pattern("disk");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, feed, &feeder), 0);

    ck_assert(open_image(&image, "fifo", variants[_i], NULL));
    if (variants[_i]->readahead == 0) {
        /* Without a thread the pipe is not emptied. */
        VcExtent extent;
        for (unsigned n = 0; n < 3; n++)
            ck_assert(vc_source_next(image.source, &extent, NULL));
    } else {
        pthread_join(thread, NULL);
    }
    vc_image_clear(&image);
    if (variants[_i]->readahead == 0)
        pthread_join(thread, NULL);
    close(feeder.held);
}
END_TEST

START_TEST(a_disk_is_named_behind_a_hash_unless_that_is_the_files_name)
{
    VcImage image;
    write_pattern("disk#1");
    ck_assert(open_image(&image, "disk#1", &serial, NULL));
    ck_assert_int_eq(image.disk, -1);
    assert_pattern(&image);
    /* The disk of a raw image has the empty name. */
    ck_assert(open_image(&image, "disk#1#", &serial, NULL));
    ck_assert_int_eq(image.disk, 0);
    ck_assert(g_str_has_suffix(image.path, "/disk#1"));
    assert_pattern(&image);
}
END_TEST

START_TEST(a_disk_that_is_not_there_is_an_error)
{
    g_autoptr(GError) error = NULL;
    VcImage image;
    write_pattern("disk");
    ck_assert(!open_image(&image, "disk#scsi0", &serial, &error));
    assert_error(error, VC_ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(error->message, "scsi0"));
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_error_with_its_name)
{
    static const char *const names[] = { "nothing", "nothing#disk" };
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path("nothing: ");
    VcImage image;
    ck_assert(!open_image(&image, names[_i], &serial, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_msg(g_str_has_prefix(error->message, path), "%s", error->message);
}
END_TEST

START_TEST(a_format_that_is_given_is_not_guessed)
{
    g_autoptr(GError) error = NULL;
    VcImage image;
    VcImageOptions options = { .format = vc_format_find("raw", NULL) };
    write_pattern("disk");
    ck_assert(open_image(&image, "disk", &options, NULL));
    ck_assert(!image.guessed_raw);
    assert_pattern(&image);

    options.format = vc_format_find("vhd", NULL);
    ck_assert(!open_image(&image, "disk", &options, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "disk: "));
}
END_TEST

/* An image that holds DISKS, of which the last is RAM when VMSTATE. */
static VcImage
image_with_disks(unsigned disks, bool vmstate)
{
    VcImage image = { .disk = -1, .path = g_strdup("a.vma") };
    image.source = scripted_source("a.vma", SCRIPTED_MAP, 512);
    vc_layout_clear(&image.source->layout);
    for (unsigned i = 0; i < disks; i++) {
        g_autofree char *name = g_strdup_printf("disk%u", i);
        VcDisk *disk = vc_layout_add_disk(&image.source->layout, name, 512);
        disk->vmstate = vmstate && i == disks - 1;
    }
    return image;
}

START_TEST(the_single_disk_is_the_only_one_or_the_named_one)
{
    unsigned disk = 7;
    VcImage image = image_with_disks(1, false);
    ck_assert(vc_image_single_disk(&image, &disk, NULL));
    ck_assert_uint_eq(disk, 0);
    vc_image_clear(&image);

    image = image_with_disks(2, true);
    ck_assert(vc_image_single_disk(&image, &disk, NULL));
    ck_assert_uint_eq(disk, 0);
    image.disk = 1;
    ck_assert(vc_image_single_disk(&image, &disk, NULL));
    ck_assert_uint_eq(disk, 1);
    vc_image_clear(&image);
}
END_TEST

START_TEST(of_several_disks_one_must_be_named)
{
    g_autoptr(GError) error = NULL;
    unsigned disk;
    VcImage image = image_with_disks(3, true);
    ck_assert(!vc_image_single_disk(&image, &disk, &error));
    assert_error(error, VC_ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(error->message, "a.vma#disk0, a.vma#disk1"));
    g_clear_error(&error);
    vc_image_clear(&image);

    image = image_with_disks(200, false);
    ck_assert(!vc_image_single_disk(&image, &disk, &error));
    ck_assert_uint_lt(strlen(error->message), 500);
    ck_assert_ptr_nonnull(strstr(error->message, "184 more"));
    vc_image_clear(&image);
}
END_TEST

START_TEST(an_archive_without_disks_has_no_single_one)
{
    g_autoptr(GError) error = NULL;
    unsigned disk;
    VcImage image = image_with_disks(0, false);
    ck_assert(!vc_image_single_disk(&image, &disk, &error));
    assert_error(error, VC_ERROR_USAGE);
    vc_image_clear(&image);
}
END_TEST

int
main(void)
{
    /* Of who still writes into a pipe that was let go. */
    signal(SIGPIPE, SIG_IGN);
    Suite *suite = suite_create("converters/image");
    TCase *tests = scratch_case(suite, "image");
    tcase_add_loop_test(tests, a_plain_file_can_be_read_at_random, 0, 2);
    tcase_add_loop_test(tests, compression_is_found_by_magic_and_not_by_name, 0, 2);
    tcase_add_loop_test(
        tests, a_compressed_image_of_a_format_that_seeks_is_refused_with_advice, 0, 2);
    tcase_add_loop_test(tests, spooled_it_can_be_read_at_random, 0, 2);
    tcase_add_loop_test(tests, a_damaged_stream_is_an_error_with_the_name, 0, 2);
    tcase_add_loop_test(tests, a_fifo_gives_what_comes_out_of_it_compressed_or_not, 0,
                        2);
    tcase_add_loop_test(tests, an_image_from_a_pipe_that_stalls_can_be_let_go, 0, 2);
    tcase_add_test(tests, a_disk_is_named_behind_a_hash_unless_that_is_the_files_name);
    tcase_add_test(tests, a_disk_that_is_not_there_is_an_error);
    tcase_add_loop_test(tests, a_file_that_is_not_there_is_an_error_with_its_name, 0,
                        2);
    tcase_add_test(tests, a_format_that_is_given_is_not_guessed);
    tcase_add_test(tests, the_single_disk_is_the_only_one_or_the_named_one);
    tcase_add_test(tests, of_several_disks_one_must_be_named);
    tcase_add_test(tests, an_archive_without_disks_has_no_single_one);
    return run_suite(suite);
}
