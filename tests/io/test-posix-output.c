/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of seekable outputs of the system. */
#include "io/error.h"
#include "io/posix-file.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"
#include "tests/io/scratch.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE ((size_t)2 << 20)

static VcFile *
open_output(const char *name, VcCache cache)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path(name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    ck_assert_int_ge(fd, 0);
    VcFile *file = vc_posix_output(fd, path, name, cache, &error);
    assert_no_error(error);
    ck_assert(file->seekable);
    return file;
}

static uint8_t *
aligned_pattern(size_t length, uint32_t seed)
{
    void *memory;
    ck_assert_int_eq(posix_memalign(&memory, VC_ALIGNMENT, length), 0);
    pattern_fill(memory, length, seed);
    return memory;
}

START_TEST(direct_and_buffered_writes_make_one_file)
{
    uint8_t *model = aligned_pattern(SIZE, 1);
    for (VcCache cache = VC_CACHE_AUTO; cache <= VC_CACHE_WRITEBACK; cache++) {
        VcFile *file = open_output("f", cache);
        /* From the back to the front, lengths and positions aligned and not. */
        size_t at = SIZE - 1000;
        ck_assert(vc_file_write(file, at, model + at, 1000, NULL));
        for (size_t n = 1; at > 0; n = n * 7 % 100003 + 1) {
            size_t piece = MIN(n % 3 == 0 ? n / 4096 * 4096 : n, at);
            at -= piece;
            ck_assert(vc_file_write(file, at, model + at, piece, NULL));
            if (at % 4096 != 0 && at > 4096) {
                size_t rest = at % 4096;
                at -= rest;
                ck_assert(vc_file_write(file, at, model + at, rest, NULL));
            }
        }
        ck_assert(vc_file_truncate(file, SIZE, NULL));
        ck_assert(vc_file_sync(file, NULL));
        uint8_t *back = aligned_pattern(SIZE, 9);
        ck_assert(vc_file_read(file, 0, back, SIZE, NULL));
        ck_assert_mem_eq(back, model, SIZE);
        free(back);
        vc_file_free(file);
        scratch_assert("f", model, SIZE);
        g_autofree char *path = scratch_path("f");
        ck_assert_int_eq(unlink(path), 0);
    }
    free(model);
}
END_TEST

START_TEST(a_refused_direct_write_is_repeated_buffered)
{
    g_autofree uint8_t *model = pattern_new(SIZE + 1, 1);
    VcFile *file = open_output("f", VC_CACHE_NONE);
    VcPosixFile *p = (VcPosixFile *)file;

    /* Requests that most file systems answer with EINVAL; a tmpfs takes them. */
    bool refuses = p->direct >= 0 && pwrite(p->direct, model + 1, 1, 1) < 0;
    p->direct_unit = 1;
    ck_assert(vc_file_write(file, 1, model + 1, SIZE - 1, NULL));
    ck_assert(vc_file_write(file, 0, model, 1, NULL));
    ck_assert(p->refused == refuses);
    ck_assert(vc_file_truncate(file, SIZE, NULL));
    uint8_t back[100];
    ck_assert(vc_file_read(file, 77, back, 100, NULL));
    ck_assert_mem_eq(back, model + 77, 100);
    vc_file_free(file);
    scratch_assert("f", model, SIZE);
}
END_TEST

typedef struct {
    VcFile *file;
    const uint8_t *model;
    unsigned number;
} Worker;

#define WORKERS 4
#define CELL 8192

static void *
write_every_fourth_cell(void *user)
{
    Worker *w = user;
    for (size_t at = w->number * CELL; at < SIZE; at += WORKERS * CELL) {
        size_t cut = at / CELL % 5 == 0 ? 100 : 0; /* some of them not aligned */
        ck_assert(vc_file_write(w->file, at, w->model + at, CELL - cut, NULL));
        ck_assert(vc_file_write(w->file, at + CELL - cut, w->model + at + CELL - cut,
                                cut, NULL));
    }
    return NULL;
}

START_TEST(many_threads_write_at_once)
{
    uint8_t *model = aligned_pattern(SIZE, 3);
    VcFile *file = open_output("f", VC_CACHE_AUTO);
    pthread_t threads[WORKERS];
    Worker workers[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (Worker){ file, model, i };
        pthread_create(&threads[i], NULL, write_every_fourth_cell, &workers[i]);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert(vc_file_truncate(file, SIZE, NULL));
    ck_assert(vc_file_sync(file, NULL));
    vc_file_free(file);
    scratch_assert("f", model, SIZE);
    free(model);
}
END_TEST

START_TEST(a_file_that_grew_ahead_of_direct_writes_ends_where_it_is_told)
{
    uint8_t *model = aligned_pattern(SIZE, 4);
    VcFile *file = open_output("f", VC_CACHE_NONE);
    VcPosixFile *p = (VcPosixFile *)file;
    uint64_t size;
    ck_assert(vc_file_write(file, 0, model, SIZE, NULL));
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_ge(size, SIZE);
    if (p->direct >= 0 && p->reaches)
        ck_assert_uint_gt(size, SIZE);
    ck_assert(vc_file_truncate(file, SIZE, NULL));
    ck_assert(vc_file_write(file, 0, model, 4096, NULL));
    vc_file_free(file);
    scratch_assert("f", model, SIZE);
    free(model);
}
END_TEST

START_TEST(zeroing_reaches_every_byte_and_no_other)
{
    static const struct {
        uint64_t position, length;
    } ranges[] = { { 0, 0 },         { 0, 1 },           { 0, 4096 },
                   { 1, 4096 },      { 5000, 10 },       { 4095, 8194 },
                   { 65536, 65536 }, { SIZE - 1, 1 },    { SIZE - 100, 5000 },
                   { SIZE, 1 },      { SIZE + 10, 100 }, { 3 * SIZE, 4097 } };
    g_autofree uint8_t *model = pattern_new(SIZE, 1);

    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
        uint64_t end = ranges[i].position + ranges[i].length;
        g_autofree uint8_t *want = g_malloc0(MAX(SIZE, end));
        memcpy(want, model, SIZE);
        if (ranges[i].length > 0)
            memset(want + ranges[i].position, 0, ranges[i].length);

        scratch_write("f", model, SIZE);
        VcFile *file = open_output("f", VC_CACHE_AUTO);
        ck_assert(!file->reads_zero);
        ck_assert(vc_file_zero(file, ranges[i].position, ranges[i].length, NULL));
        vc_file_free(file);
        scratch_assert("f", want, ranges[i].length > 0 ? MAX(SIZE, end) : SIZE);
    }
}
END_TEST

START_TEST(zeroing_beyond_all_files_is_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = open_output("f", VC_CACHE_AUTO);
    ck_assert(!vc_file_zero(file, UINT64_MAX - 5, 10, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert(!vc_file_zero(file, INT64_MAX, 10, NULL));
    ck_assert(!vc_file_truncate(file, UINT64_MAX, NULL));
    ck_assert(!vc_file_write(file, UINT64_MAX, "x", 1, NULL));
    ck_assert(!vc_file_write(file, INT64_MAX, "x", 1, NULL));
}
END_TEST

START_TEST(a_new_file_reads_zero_where_nothing_was_written)
{
    g_autoptr(VcFile) file = open_output("f", VC_CACHE_AUTO);
    uint8_t back[100], zeros[100] = { 0 };
    uint64_t size;
    ck_assert(file->reads_zero);
    ck_assert(vc_file_truncate(file, 5 << 20, NULL));
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 5 << 20);
    ck_assert(vc_file_read(file, 4 << 20, back, 100, NULL));
    ck_assert_mem_eq(back, zeros, 100);
    ck_assert(vc_file_truncate(file, 10, NULL));
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 10);
}
END_TEST

/* A file that may not grow beyond 64 KiB stands for a full disk: in a process of its
 * own, for the limit is for all files. */
static int
write_beyond_the_limit(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *data = g_malloc0(1 << 20);
    g_autoptr(VcFile) file = open_output("f", VC_CACHE_WRITEBACK);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 65536, 65536 });
    if (vc_file_write(file, 4096, data, 1 << 20, &error))
        return 1;
    return strcmp(error->message, "write of 1048576 bytes at 0x1000: File too large") !=
           0;
}

START_TEST(a_write_that_fails_says_where_and_why)
{
    pid_t child = fork();
    if (child == 0)
        _exit(write_beyond_the_limit());
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(without_sync_nothing_is_synced)
{
    VcFile *file = open_output("f", VC_CACHE_AUTO);
    vc_posix_no_sync(file);
    /* A descriptor on which fsync fails. */
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    dup2(fds[1], file->fd);
    close(fds[0]);
    close(fds[1]);
    ck_assert(vc_file_sync(file, NULL));
    ((VcPosixFile *)file)->no_sync = false;
    g_autoptr(GError) error = NULL;
    ck_assert(!vc_file_sync(file, &error));
    assert_error(error, VC_ERROR_IO);
    vc_file_free(file);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/posix-output");
    TCase *tests = scratch_case(suite, "posix-output");
    tcase_add_test(tests, direct_and_buffered_writes_make_one_file);
    tcase_add_test(tests, a_refused_direct_write_is_repeated_buffered);
    tcase_add_test(tests, many_threads_write_at_once);
    tcase_add_test(tests,
                   a_file_that_grew_ahead_of_direct_writes_ends_where_it_is_told);
    tcase_add_test(tests, zeroing_reaches_every_byte_and_no_other);
    tcase_add_test(tests, zeroing_beyond_all_files_is_an_error);
    tcase_add_test(tests, a_new_file_reads_zero_where_nothing_was_written);
    tcase_add_test(tests, a_write_that_fails_says_where_and_why);
    tcase_add_test(tests, without_sync_nothing_is_synced);
    return run_suite(suite);
}
