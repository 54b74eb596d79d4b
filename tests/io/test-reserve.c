/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of space that is reserved ahead of writes.
 *
 * The functions of the system that are defined here go before those of the library. */
#include "io/error.h"
#include "io/posix-file.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"
#include "tests/io/scratch.h"

#include <errno.h>
#include <linux/falloc.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

static struct {
    bool tight;               /* every file system has little room */
    int seek_data;            /* the error of looking for data */
    bool other;               /* every file system is another than ext4 */
    int reserve;              /* the error of reserving; 0: what it always does */
    atomic_uint reservations; /* how often there were any */
    atomic_uint full;         /* so many writes find no space */
    atomic_bool slow;         /* writes take a while before they happen */
} odd;

int
fstatfs(int fd, struct statfs *status)
{
    if (syscall(SYS_fstatfs, fd, status) != 0)
        return -1;
    status->f_type = odd.other ? TMPFS_MAGIC : EXT4_SUPER_MAGIC;
    status->f_bavail = (odd.tight ? 200 : 100000) * MIB / (uint64_t)status->f_bsize;
    return 0;
}

int
fallocate(int fd, int mode, off_t position, off_t length)
{
    if (mode == 0 && length > VC_ALIGNMENT) {
        odd.reservations++;
        if (odd.reserve) {
            errno = odd.reserve;
            return -1;
        }
    }
    /* Time for others to write what was found to be a hole. */
    if (mode & FALLOC_FL_PUNCH_HOLE)
        g_usleep(10000);
    return (int)syscall(SYS_fallocate, fd, mode, position, length);
}

off_t
lseek(int fd, off_t position, int whence)
{
    if (whence == SEEK_DATA && odd.seek_data) {
        errno = odd.seek_data;
        return -1;
    }
    return syscall(SYS_lseek, fd, position, whence);
}

ssize_t
pwrite(int fd, const void *bytes, size_t length, off_t position)
{
    unsigned left = odd.full;
    while (left > 0 && !atomic_compare_exchange_weak(&odd.full, &left, left - 1))
        continue;
    if (left > 0) {
        errno = ENOSPC;
        return -1;
    }
    if (odd.slow)
        g_usleep(5000 + (gulong)((uint64_t)position / MIB % 16) * 5000);
    return syscall(SYS_pwrite64, fd, bytes, length, position);
}

static VcFile *
open_named(const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = scratch_path(name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    ck_assert_int_ge(fd, 0);
    VcFile *file = vc_posix_output(fd, path, name, VC_CACHE_AUTO, &error);
    assert_no_error(error);
    return file;
}

static VcFile *
open_output(void)
{
    return open_named("f");
}

static uint64_t
allocated(void)
{
    g_autofree char *path = scratch_path("f");
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    return (uint64_t)status.st_blocks * 512;
}

/* One MiB that tells its number, and where it is written. */
static bool
write_one(VcFile *file, uint64_t number)
{
    void *memory;
    ck_assert_int_eq(posix_memalign(&memory, VC_ALIGNMENT, MIB), 0);
    pattern_fill(memory, MIB, (uint32_t)number + 1);
    bool ok = vc_file_write(file, number * MIB, memory, MIB, NULL);
    free(memory);
    return ok;
}

static void
assert_one(VcFile *file, uint64_t number, bool written)
{
    g_autofree uint8_t *model = g_malloc0(MIB), *found = g_malloc(MIB);
    if (written)
        pattern_fill(model, MIB, (uint32_t)number + 1);
    ck_assert(vc_file_read(file, number * MIB, found, MIB, NULL));
    ck_assert_msg(memcmp(model, found, MIB) == 0, "MiB %u differs", (unsigned)number);
}

/* Ends the file behind SIZE MiB; WRITTEN of them take space then, and no more but what
 * the file system needs to find them. */
static void
end_file(VcFile *file, uint64_t size, uint64_t written)
{
    ck_assert(vc_file_truncate(file, size * MIB, NULL));
    ck_assert(vc_file_sync(file, NULL));
    ck_assert_uint_ge(allocated(), written * MIB);
    ck_assert_uint_le(allocated(), written * MIB + (64 << 10));
}

START_TEST(what_follows_is_reserved_and_the_rest_given_back)
{
    VcFile *file = open_output();
    for (unsigned i = 0; i < 20; i++)
        ck_assert(write_one(file, i));
    ck_assert_uint_ge(odd.reservations, 1);
    ck_assert_uint_le(odd.reservations, 4);
    ck_assert_uint_ge(allocated(), 22 * MIB);
    end_file(file, 24, 20);
    for (unsigned i = 0; i < 24; i++)
        assert_one(file, i, i < 20);
    vc_file_free(file);
}
END_TEST

START_TEST(holes_among_what_is_written_stay_holes)
{
    VcFile *file = open_output();
    unsigned written = 0;
    for (unsigned i = 0; i < 64; i++)
        if (i < 8 || i % 4 != 0) {
            ck_assert(write_one(file, i));
            written++;
        }
    ck_assert_uint_ge(odd.reservations, 1);
    end_file(file, 64, written);
    for (unsigned i = 0; i < 64; i++)
        assert_one(file, i, i < 8 || i % 4 != 0);
    vc_file_free(file);
}
END_TEST

START_TEST(scattered_writes_reserve_nothing)
{
    VcFile *file = open_output();
    for (unsigned i = 0; i < 64; i++)
        ck_assert(write_one(file, i * 8));
    ck_assert_uint_eq(odd.reservations, 0);
    end_file(file, 64 * 8, 64);
    vc_file_free(file);
}
END_TEST

START_TEST(no_more_is_reserved_than_was_written_nearby)
{
    /* Dense at first, then one in a hundred. */
    VcFile *file = open_output();
    uint64_t peak = 0;
    for (unsigned i = 0; i < 32; i++)
        ck_assert(write_one(file, i));
    for (unsigned i = 0; i < 32; i++) {
        ck_assert(write_one(file, 32 + i * 100));
        peak = MAX(peak, allocated());
    }
    ck_assert_uint_le(peak, 4 * 64 * MIB);
    end_file(file, 3300, 64);
    vc_file_free(file);
}
END_TEST

START_TEST(a_large_gap_is_not_reserved)
{
    VcFile *file = open_output();
    for (unsigned i = 0; i < 64; i++)
        ck_assert(write_one(file, i));
    ck_assert(write_one(file, 164));
    ck_assert_uint_le(allocated(), 140 * MIB);
    end_file(file, 165, 65);
    vc_file_free(file);
}
END_TEST

START_TEST(where_room_is_tight_nothing_is_reserved)
{
    odd.tight = true;
    VcFile *file = open_output();
    for (unsigned i = 0; i < 40; i++)
        ck_assert(write_one(file, i));
    ck_assert_uint_eq(odd.reservations, 0);
    end_file(file, 40, 40);
    vc_file_free(file);
}
END_TEST

START_TEST(what_cannot_be_told_from_data_is_kept)
{
    VcFile *file = open_output();
    for (unsigned i = 0; i < 64; i++)
        if (i < 8 || i % 4 != 0)
            ck_assert(write_one(file, i));
    odd.seek_data = EIO;
    ck_assert(vc_file_truncate(file, 64 * MIB, NULL));
    for (unsigned i = 0; i < 64; i++)
        assert_one(file, i, i < 8 || i % 4 != 0);
    vc_file_free(file);
}
END_TEST

START_TEST(other_file_systems_are_left_alone)
{
    odd.other = true;
    VcFile *file = open_output();
    for (unsigned i = 0; i < 20; i++)
        ck_assert(write_one(file, i));
    ck_assert_uint_eq(odd.reservations, 0);
    end_file(file, 20, 20);
    vc_file_free(file);
}
END_TEST

START_TEST(a_full_disk_gets_back_what_was_reserved)
{
    VcFile *file = open_output();
    for (unsigned i = 0; i < 20; i++)
        ck_assert(write_one(file, i));
    unsigned reservations = odd.reservations;
    ck_assert_uint_ge(allocated(), 22 * MIB);

    odd.full = 1;
    ck_assert(write_one(file, 20));
    ck_assert_uint_le(allocated(), 21 * MIB + (64 << 10));
    /* From here on none is reserved, and there is none to come back. */
    for (unsigned i = 21; i < 40; i++)
        ck_assert(write_one(file, i));
    ck_assert_uint_eq(odd.reservations, reservations);
    odd.full = 1;
    ck_assert(!write_one(file, 40));
    end_file(file, 40, 40);
    for (unsigned i = 0; i < 40; i++)
        assert_one(file, i, true);
    vc_file_free(file);
}
END_TEST

START_TEST(what_one_output_reserved_another_one_gets)
{
    VcFile *file = open_output(), *other = open_named("g");
    for (unsigned i = 0; i < 20; i++)
        ck_assert(write_one(file, i));
    ck_assert_uint_ge(allocated(), 22 * MIB);
    odd.full = 1;
    ck_assert(write_one(other, 0));
    ck_assert_uint_le(allocated(), 20 * MIB + (64 << 10));
    vc_file_free(other);
    end_file(file, 20, 20);
    vc_file_free(file);
}
END_TEST

START_TEST(who_wrote_before_space_came_back_tries_again_as_well)
{
    VcFile *file = open_output();
    unsigned before = vc_reserve_enter(NULL);
    for (unsigned i = 0; i < 20; i++)
        ck_assert(write_one(file, i));
    ck_assert(vc_reserve_retry(before));
    ck_assert(vc_reserve_retry(before));
    ck_assert(!vc_reserve_retry(vc_reserve_enter(NULL)));
    end_file(file, 20, 20);
    vc_file_free(file);
}
END_TEST

START_TEST(where_nothing_can_be_reserved_it_is_tried_once)
{
    odd.reserve = EOPNOTSUPP;
    VcFile *file = open_output();
    for (unsigned i = 0; i < 40; i++)
        ck_assert(write_one(file, i));
    ck_assert_uint_eq(odd.reservations, 1);
    end_file(file, 40, 40);
    vc_file_free(file);
}
END_TEST

typedef struct {
    VcFile *file;
    atomic_uint next;
} Crowd;

static void *
write_some(void *user)
{
    Crowd *crowd = user;
    unsigned number;
    while ((number = crowd->next++) < 96)
        if (number % 7 != 3)
            ck_assert(write_one(crowd->file, number));
    return NULL;
}

START_TEST(no_write_is_lost_when_a_crowd_finds_the_disk_full)
{
    Crowd crowd = { .file = open_output() };
    pthread_t threads[8];
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_some, &crowd), 0);
    /* Without a reservation there is nothing to come back, and a full disk is one. */
    while (crowd.next < 40 || (odd.reservations == 0 && crowd.next < 96))
        g_usleep(100);
    odd.slow = true;
    g_usleep(20000);
    odd.full = odd.reservations > 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    end_file(crowd.file, 96, 96 - 14);
    for (unsigned i = 0; i < 96; i++)
        assert_one(crowd.file, i, i % 7 != 3);
    vc_file_free(crowd.file);
}
END_TEST

static void
reset(void)
{
    memset(&odd, 0, sizeof odd);
}

/* Where tests write there may be no direct I/O, or no way to reserve. */
static bool
can_reserve(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("vconv-test-XXXXXX", &path, NULL);
    if (fd < 0)
        return false;
    int direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    bool can = direct >= 0 && fallocate(fd, 0, 0, MIB) == 0;
    if (direct >= 0)
        close(direct);
    close(fd);
    unlink(path);
    return can;
}

int
main(void)
{
    if (!can_reserve()) {
        puts("1..0 # SKIP no direct I/O or no fallocate here");
        return 0;
    }
    Suite *suite = suite_create("io/reserve");
    TCase *tests = scratch_case(suite, "reserve");
    tcase_add_checked_fixture(tests, reset, NULL);
    tcase_add_test(tests, what_follows_is_reserved_and_the_rest_given_back);
    tcase_add_test(tests, holes_among_what_is_written_stay_holes);
    tcase_add_test(tests, scattered_writes_reserve_nothing);
    tcase_add_test(tests, no_more_is_reserved_than_was_written_nearby);
    tcase_add_test(tests, a_large_gap_is_not_reserved);
    tcase_add_test(tests, where_room_is_tight_nothing_is_reserved);
    tcase_add_test(tests, what_cannot_be_told_from_data_is_kept);
    tcase_add_test(tests, other_file_systems_are_left_alone);
    tcase_add_test(tests, a_full_disk_gets_back_what_was_reserved);
    tcase_add_test(tests, what_one_output_reserved_another_one_gets);
    tcase_add_test(tests, who_wrote_before_space_came_back_tries_again_as_well);
    tcase_add_test(tests, where_nothing_can_be_reserved_it_is_tried_once);
    tcase_add_test(tests, no_write_is_lost_when_a_crowd_finds_the_disk_full);
    return run_suite(suite);
}
