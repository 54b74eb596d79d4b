/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of sources of the system. */
#include "io/error.h"
#include "io/posix-file.h"
#include "io/resident.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"
#include "tests/io/scratch.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#define SIZE ((size_t)300001)

static bool ends;         /* no read gives anything */
static bool fails_direct; /* one past the cache cannot be done */

/* Goes before that of the library. */
ssize_t
pread(int fd, void *buffer, size_t length, off_t position)
{
    if (fails_direct && (fcntl(fd, F_GETFL) & O_DIRECT)) {
        errno = EIO;
        return -1;
    }
    return ends ? 0 : syscall(SYS_pread64, fd, buffer, length, position);
}

static VcFile *
open_scratch(const char *name, VcCache cache)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path(name);
    VcFile *file = vc_posix_open(path, cache, &error);
    assert_no_error(error);
    ck_assert_ptr_nonnull(file);
    return file;
}

START_TEST(a_file_reads_at_any_position_and_alignment)
{
    static const struct {
        uint64_t position;
        size_t length;
    } reads[] = { { 0, SIZE },         { 0, 4096 },      { 4096, 65536 },
                  { 1, 4096 },         { 4095, 2 },      { SIZE - 1, 1 },
                  { 8192, 100 },       { 294912, 4096 }, { SIZE, 1000 },
                  { 1 << 30, 4096 },   { 0, 303104 },    { INT64_MAX, 1 },
                  { UINT64_MAX, 4096 } };
    g_autofree uint8_t *model = pattern_new(SIZE, 1);
    void *back;
    ck_assert_int_eq(posix_memalign(&back, VC_ALIGNMENT, 1 << 20), 0);
    scratch_write("f", model, SIZE);

    for (VcCache cache = VC_CACHE_AUTO; cache <= VC_CACHE_WRITEBACK; cache++) {
        g_autoptr(VcFile) file = open_scratch("f", cache);
        uint64_t size;
        ck_assert(file->seekable);
        ck_assert_int_ge(file->fd, 0);
        ck_assert(vc_file_size(file, &size, NULL));
        ck_assert_uint_eq(size, SIZE);
        for (size_t i = 0; i < G_N_ELEMENTS(reads); i++) {
            size_t got, want = reads[i].position < SIZE
                                   ? MIN(reads[i].length, SIZE - reads[i].position)
                                   : 0;
            ck_assert(vc_file_read_some(file, reads[i].position, back, reads[i].length,
                                        &got, NULL));
            ck_assert_uint_eq(got, want);
            if (want > 0)
                ck_assert_mem_eq(back, model + reads[i].position, want);
        }
    }
    free(back);
}
END_TEST

/* The clusters of an archive lie at multiples of 512. */
START_TEST(what_is_not_cached_is_read_past_the_cache_at_any_sector)
{
    enum { ALL = 4 << 20, AT = 1536, LENGTH = 1 << 20 };
    g_autofree uint8_t *model = pattern_new(ALL, 3);
    void *buffer;
    ck_assert_int_eq(posix_memalign(&buffer, VC_ALIGNMENT, LENGTH), 0);
    scratch_write("f", model, ALL);
    g_autofree char *path = scratch_path("f");
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(fsync(fd), 0);
    ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    bool dropped = !vc_resident(fd, AT, LENGTH);

    g_autoptr(VcFile) file = vc_posix_open(path, VC_CACHE_AUTO, NULL);
    const VcPosixFile *p = (const VcPosixFile *)file;
    ck_assert(vc_file_read(file, AT, buffer, LENGTH, NULL));
    ck_assert_mem_eq(buffer, model + AT, LENGTH);
    if (dropped && p->direct >= 0 && p->read_unit <= 512)
        ck_assert(!vc_resident(fd, AT, LENGTH));
    /* What is cached comes from there, changes that are not written back included. */
    memset(model + AT, 0x5a, LENGTH);
    ck_assert_int_eq(pwrite(fd, model + AT, LENGTH, AT), LENGTH);
    ck_assert(vc_file_read(file, AT, buffer, LENGTH, NULL));
    ck_assert_mem_eq(buffer, model + AT, LENGTH);
    free(buffer);
    close(fd);
}
END_TEST

START_TEST(a_source_cannot_be_written)
{
    g_autoptr(GError) error = NULL;
    scratch_write("f", "abc", 3);
    g_autoptr(VcFile) file = open_scratch("f", VC_CACHE_AUTO);
    ck_assert(!vc_file_write(file, 0, "x", 1, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
    ck_assert(!vc_file_truncate(file, 0, NULL));
}
END_TEST

START_TEST(runs_cover_the_file_and_holes_read_zero)
{
    g_autofree char *path = scratch_path("f");
    g_autofree uint8_t *data = pattern_new(65536, 2);
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    ck_assert_int_eq(ftruncate(fd, 10 << 20), 0);
    ck_assert_int_eq(pwrite(fd, data, 65536, 2 << 20), 65536);
    ck_assert_int_eq(pwrite(fd, data, 65536, 5 << 20), 65536);
    close(fd);

    g_autoptr(VcFile) file = open_scratch("f", VC_CACHE_AUTO);
    uint64_t position = 0, length, holes = 0;
    bool data_here;
    while (position < 10 << 20) {
        ck_assert(vc_file_run(file, position, &data_here, &length, NULL));
        ck_assert_uint_gt(length, 0);
        ck_assert_uint_le(position + length, 10 << 20);
        bool written = (position < (2 << 20) + 65536 && position + length > 2 << 20) ||
                       (position < (5 << 20) + 65536 && position + length > 5 << 20);
        ck_assert(data_here || !written);
        holes += data_here ? 0 : length;
        position += length;
    }
    ck_assert_uint_le(holes, (10 << 20) - 2 * 65536);

    /* In the middle of data and of a hole, too. */
    ck_assert(vc_file_run(file, (2 << 20) + 100, &data_here, &length, NULL));
    ck_assert(data_here);
    ck_assert(vc_file_run(file, 100, &data_here, &length, NULL));
    ck_assert_uint_ge(length, data_here ? 1 : (2 << 20) - 100);
}
END_TEST

START_TEST(a_file_that_becomes_shorter_is_short)
{
    g_autofree uint8_t *model = pattern_new(SIZE, 1);
    g_autofree uint8_t *back = g_malloc(SIZE);
    g_autofree char *path = scratch_path("f");
    g_autoptr(GError) read_error = NULL, run_error = NULL;
    bool data;
    uint64_t length;

    scratch_write("f", model, SIZE);
    g_autoptr(VcFile) file = open_scratch("f", VC_CACHE_AUTO);
    ck_assert_int_eq(truncate(path, 1000), 0);
    ck_assert(!vc_file_read(file, 0, back, SIZE, &read_error));
    assert_error(read_error, VC_ERROR_SHORT);
    ck_assert_str_eq(read_error->message,
                     "the file ends at 0x3e8, 299001 more bytes expected");
    ck_assert(!vc_file_run(file, 1000, &data, &length, &run_error));
    assert_error(run_error, VC_ERROR_SHORT);
}
END_TEST

/* As over a network; what is missing would be taken for zeros. */
START_TEST(a_read_that_ends_before_the_file_does_is_an_error)
{
    g_autoptr(GError) error = NULL;
    uint8_t back[10];
    size_t got;
    scratch_write("f", "0123456789", 10);
    g_autoptr(VcFile) file = open_scratch("f", VC_CACHE_WRITEBACK);
    ends = true;
    bool well = vc_file_read_some(file, 4, back, sizeof back, &got, &error);
    bool behind = vc_file_read_some(file, 10, back, sizeof back, &got, NULL);
    ends = false;
    ck_assert(!well);
    assert_error(error, VC_ERROR_IO);
    ck_assert(behind);
    ck_assert_uint_eq(got, 0);
}
END_TEST

/* It is not asked for once more in another way. */
START_TEST(a_bad_sector_is_an_error_past_the_cache_as_well)
{
    g_autoptr(GError) error = NULL;
    void *back;
    ck_assert_int_eq(posix_memalign(&back, VC_ALIGNMENT, VC_ALIGNMENT), 0);
    memset(back, 1, VC_ALIGNMENT);
    scratch_write("f", back, VC_ALIGNMENT);
    g_autoptr(VcFile) file = open_scratch("f", VC_CACHE_NONE);
    bool direct = ((const VcPosixFile *)file)->direct >= 0;
    fails_direct = true;
    bool well = vc_file_read(file, 0, back, VC_ALIGNMENT, &error);
    fails_direct = false;
    free(back);
    ck_assert(well == !direct);
    if (direct)
        assert_error(error, VC_ERROR_IO);
}
END_TEST

START_TEST(a_run_that_was_seen_ends_where_the_file_ends_now)
{
    g_autofree char *path = scratch_path("f");
    bool data;
    uint64_t length;
    scratch_write("f", "", 0);
    ck_assert_int_eq(truncate(path, 1 << 20), 0);
    g_autoptr(VcFile) file = open_scratch("f", VC_CACHE_WRITEBACK);
    ck_assert(vc_file_run(file, 0, &data, &length, NULL));
    ck_assert_uint_eq(length, 1 << 20);
    ck_assert_int_eq(truncate(path, 1 << 16), 0);
    ck_assert(vc_file_run(file, 4096, &data, &length, NULL));
    ck_assert_uint_eq(length, (1 << 16) - 4096);
}
END_TEST

START_TEST(what_cannot_be_opened_says_why)
{
    g_autoptr(GError) missing = NULL, directory = NULL;
    g_autofree char *path = scratch_path("none");
    ck_assert_ptr_null(vc_posix_open(path, VC_CACHE_AUTO, &missing));
    assert_error(missing, VC_ERROR_IO);
    ck_assert_str_eq(missing->message, "cannot open: No such file or directory");
    ck_assert_ptr_null(vc_posix_open(scratch, VC_CACHE_AUTO, &directory));
    assert_error(directory, VC_ERROR_IO);
    ck_assert_str_eq(directory->message, "cannot open: Is a directory");
}
END_TEST

static void *
write_fifo(void *path)
{
    int fd = open(path, O_WRONLY);
    ck_assert_int_eq(write(fd, "through the fifo", 16), 16);
    close(fd);
    return NULL;
}

START_TEST(a_fifo_is_a_stream)
{
    g_autofree char *path = scratch_path("fifo");
    pthread_t thread;
    char back[20];
    size_t got;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    pthread_create(&thread, NULL, write_fifo, path);
    g_autoptr(VcFile) file = open_scratch("fifo", VC_CACHE_AUTO);
    ck_assert(!file->seekable);
    ck_assert_int_eq(file->fd, -1);
    ck_assert(vc_file_read_some(file, 0, back, sizeof back, &got, NULL));
    pthread_join(thread, NULL);
    ck_assert_uint_eq(got, 16);
    ck_assert_mem_eq(back, "through the fifo", 16);
}
END_TEST

/* Opens "-" with NAME as standard input that stands at OFFSET. */
static VcFile *
open_as_standard_input(const char *name, off_t offset)
{
    g_autofree char *path = scratch_path(name);
    int keep = dup(STDIN_FILENO), fd = open(path, O_RDONLY);
    lseek(fd, offset, SEEK_SET);
    dup2(fd, STDIN_FILENO);
    close(fd);
    VcFile *file = vc_posix_open("-", VC_CACHE_NONE, NULL);
    if (keep >= 0) {
        dup2(keep, STDIN_FILENO);
        close(keep);
    }
    return file;
}

START_TEST(standard_input_is_seekable_when_it_is_a_file)
{
    char back[3];
    scratch_write("f", "abcdef", 6);
    g_autoptr(VcFile) file = open_as_standard_input("f", 0);
    ck_assert(file->seekable);
    ck_assert(vc_file_read(file, 3, back, 3, NULL));
    ck_assert_mem_eq(back, "def", 3);
    ck_assert_str_eq(file->name, "standard input");
}
END_TEST

START_TEST(standard_input_goes_on_where_it_stands)
{
    char back[3];
    scratch_write("f", "abcdef", 6);
    g_autoptr(VcFile) file = open_as_standard_input("f", 3);
    ck_assert(!file->seekable);
    ck_assert(vc_file_read(file, 0, back, 3, NULL));
    ck_assert_mem_eq(back, "def", 3);
}
END_TEST

static bool
same(const char *a, const char *b)
{
    bool is;
    ck_assert(vc_posix_is_target(a, b, &is, NULL));
    return is;
}

START_TEST(one_file_by_two_names_is_the_same)
{
    scratch_write("a", "1", 1);
    scratch_write("b", "1", 1);
    g_autofree char *a = scratch_path("a"), *b = scratch_path("b"),
                    *hard = scratch_path("hard"), *soft = scratch_path("soft"),
                    *none = scratch_path("none");
    ck_assert_int_eq(link(a, hard), 0);
    ck_assert_int_eq(symlink("hard", soft), 0);
    ck_assert(same(a, a));
    ck_assert(same(a, hard));
    ck_assert(same(soft, a));
    ck_assert(!same(a, b));
    ck_assert(!same(a, none));
    ck_assert(!same(none, none));
}
END_TEST

/* It may be the source all the same. */
START_TEST(a_target_that_cannot_be_looked_at_is_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *a = scratch_path("a"), *circle = scratch_path("circle");
    bool is;
    scratch_write("a", "1", 1);
    ck_assert_int_eq(symlink("circle", circle), 0);
    ck_assert(!vc_posix_is_target(a, circle, &is, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert(!vc_posix_is_target(circle, a, &is, NULL));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/posix");
    TCase *tests = scratch_case(suite, "posix");
    tcase_add_test(tests, a_file_reads_at_any_position_and_alignment);
    tcase_add_test(tests, what_is_not_cached_is_read_past_the_cache_at_any_sector);
    tcase_add_test(tests, a_source_cannot_be_written);
    tcase_add_test(tests, runs_cover_the_file_and_holes_read_zero);
    tcase_add_test(tests, a_file_that_becomes_shorter_is_short);
    tcase_add_test(tests, a_read_that_ends_before_the_file_does_is_an_error);
    tcase_add_test(tests, a_bad_sector_is_an_error_past_the_cache_as_well);
    tcase_add_test(tests, a_run_that_was_seen_ends_where_the_file_ends_now);
    tcase_add_test(tests, what_cannot_be_opened_says_why);
    tcase_add_test(tests, a_fifo_is_a_stream);
    tcase_add_test(tests, standard_input_is_seekable_when_it_is_a_file);
    tcase_add_test(tests, standard_input_goes_on_where_it_stands);
    tcase_add_test(tests, one_file_by_two_names_is_the_same);
    tcase_add_test(tests, a_target_that_cannot_be_looked_at_is_an_error);
    return run_suite(suite);
}
