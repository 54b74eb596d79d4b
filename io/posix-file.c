/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A seekable file of the system: reading, size and holes. */
#include "io/posix-file.h"

#include "io/error.h"
#include "io/resident.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Linux moves less than 2 GiB in one call; larger requests come back short. */
#define REQUEST_MAX ((size_t)1 << 30)

VcPosixFile *
vc_posix_file_new(int fd, const struct stat *status, const char *name,
                  const VcFileOps *ops)
{
    VcPosixFile *p = g_new0(VcPosixFile, 1);
    vc_file_init(&p->base, ops, name, true);
    p->base.fd = fd;
    pthread_mutex_init(&p->growing, NULL);
    p->direct = -1;
    p->device = S_ISBLK(status->st_mode);
    p->all_is_data = p->device;

    /* A page of the page cache must never be written both ways: where pages are larger
     * than VC_ALIGNMENT, what goes direct is whole pages. */
    long page = sysconf(_SC_PAGESIZE);
    p->direct_unit = p->read_unit = MAX((uintptr_t)MAX(page, 0), VC_ALIGNMENT);
    return p;
}

/* What the disk takes, where the system tells: the clusters of an archive lie at
 * multiples of 512, and most disks are content with that. */
static void
find_read_unit(VcPosixFile *p)
{
#ifdef STATX_DIOALIGN
    struct statx status;
    if (statx(p->direct, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
        (status.stx_mask & STATX_DIOALIGN) && status.stx_dio_offset_align > 0)
        p->read_unit = MAX(status.stx_dio_offset_align, status.stx_dio_mem_align);
#endif
}

void
vc_posix_file_add_direct(VcPosixFile *p, const char *path, int flags)
{
    struct stat here, there;
    int fd = open(path, flags | O_DIRECT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return;
    if (fstat(p->base.fd, &here) == 0 && fstat(fd, &there) == 0 &&
        here.st_dev == there.st_dev && here.st_ino == there.st_ino)
        p->direct = fd;
    else
        close(fd);
    if (p->direct >= 0)
        find_read_unit(p);
}

static bool
is_multiple(uintptr_t unit, uint64_t position, const void *buffer, size_t length)
{
    return ((uintptr_t)buffer | (uintptr_t)position | length) % unit == 0;
}

static bool
has_direct(VcPosixFile *p)
{
    return p->direct >= 0 && !atomic_load_explicit(&p->refused, memory_order_relaxed);
}

bool
vc_posix_file_is_direct(VcPosixFile *p, uint64_t position, const void *buffer,
                        size_t length)
{
    return has_direct(p) && is_multiple(p->direct_unit, position, buffer, length);
}

bool
vc_posix_file_refuses(VcPosixFile *p, int errnum)
{
    if (errnum != EINVAL && errnum != EOPNOTSUPP && errnum != ENOTSUP)
        return false;
    atomic_store_explicit(&p->refused, true, memory_order_relaxed);
    return true;
}

/* Reads below this profit from what the kernel reads ahead. */
#define MISS_MIN ((size_t)256 << 10)

/* A large image must not push out of the page cache what others need there: what is not
 * in it already is read past it. */
static bool
goes_direct(VcPosixFile *p, uint64_t position, const void *buffer, size_t length)
{
    if (!has_direct(p) || !is_multiple(p->read_unit, position, buffer, length))
        return false;
    return p->direct_reads ||
           (p->direct_misses && length >= MISS_MIN && length <= VC_RESIDENT_MAX &&
            !vc_resident(p->base.fd, position, length));
}

bool
vc_posix_file_size(VcFile *file, uint64_t *size, GError **error)
{
    /* For block devices too, whose st_size is 0. Nothing else uses the file's offset.
     */
    off_t end = lseek(file->fd, 0, SEEK_END);
    if (end < 0) {
        vc_fail_errno(error, errno, "cannot find the size");
        return false;
    }
    *size = (uint64_t)end;
    return true;
}

/* Whether the file really ends at or before AT. What is read over a network may end
 * early; taken for the end, it would become zeros, or another format. */
static bool
check_end(VcFile *file, uint64_t at, GError **error)
{
    uint64_t size;
    if (!vc_posix_file_size(file, &size, error))
        return false;
    if (at >= size)
        return true;
    vc_fail(error, VC_ERROR_IO,
            "nothing to read at 0x%" G_GINT64_MODIFIER
            "x, but the file has 0x%" G_GINT64_MODIFIER "x bytes",
            at, size);
    return false;
}

bool
vc_posix_file_read(VcFile *file, uint64_t position, void *buffer, size_t length,
                   size_t *got, GError **error)
{
    VcPosixFile *p = (VcPosixFile *)file;
    uint8_t *to = buffer;

    *got = 0;
    while (*got < length) {
        uint64_t at;
        if (!g_uint64_checked_add(&at, position, *got) || at >= INT64_MAX)
            return true; /* no file reaches so far: this is behind its end */
        size_t left = MIN(MIN(length - *got, REQUEST_MAX), INT64_MAX - at);
        bool direct = goes_direct(p, at, to + *got, left);
        ssize_t n = pread(direct ? p->direct : file->fd, to + *got, left, (off_t)at);
        if (n == 0)
            return check_end(file, at, error);
        if (n > 0) {
            *got += (size_t)n;
        } else if (errno != EINTR && !(direct && vc_posix_file_refuses(p, errno))) {
            vc_fail_errno(error, errno,
                          "read of %zu bytes at 0x%" G_GINT64_MODIFIER "x", left, at);
            return false;
        }
    }
    return true;
}

/* The size, which must lie behind POSITION. */
static bool
size_beyond(VcFile *file, uint64_t position, uint64_t *size, GError **error)
{
    if (!vc_posix_file_size(file, size, error))
        return false;
    if (position >= *size) {
        vc_fail(error, VC_ERROR_SHORT,
                "the file ends at 0x%" G_GINT64_MODIFIER
                "x, more was expected at 0x%" G_GINT64_MODIFIER "x",
                *size, position);
        return false;
    }
    return true;
}

/* Asks the system for the run that begins at POSITION of a file of SIZE bytes. */
static bool
seek_run(VcPosixFile *p, uint64_t position, uint64_t size, VcRun *run, GError **error)
{
    *run = (VcRun){ .begin = position, .end = size, .data = true };
    off_t begin = lseek(p->base.fd, (off_t)position, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) {
        /* A hole up to the end; but not when the file has just become shorter. */
        run->data = false;
        return size_beyond(&p->base, position, &run->end, error);
    }
    if (begin < 0) {
        atomic_store_explicit(&p->all_is_data, true, memory_order_relaxed);
        return true;
    }
    if ((uint64_t)begin > position) {
        run->data = false;
        run->end = MIN((uint64_t)begin, size);
        return true;
    }
    off_t end = lseek(p->base.fd, begin, SEEK_HOLE);
    if (end > begin)
        run->end = MIN((uint64_t)end, size);
    return true;
}

bool
vc_posix_file_run(VcFile *file, uint64_t position, bool *data, uint64_t *length,
                  GError **error)
{
    VcPosixFile *p = (VcPosixFile *)file;
    uint64_t size;
    VcRun run;
    if (!size_beyond(file, position, &size, error))
        return false;
    *data = true;
    *length = size - position;
    if (atomic_load_explicit(&p->all_is_data, memory_order_relaxed))
        return true;

    if (!p->seen || !vc_runs_find(p->seen, position, &run)) {
        if (!seek_run(p, position, size, &run, error))
            return false;
        if (p->seen)
            vc_runs_add(p->seen, &run);
    }
    *data = run.data;
    *length = MIN(run.end, size) - position;
    return true;
}

void
vc_posix_file_free(VcFile *file)
{
    VcPosixFile *p = (VcPosixFile *)file;
    /* What works on the descriptor goes before it. */
    vc_reserve_free(p->reserve);
    vc_behind_free(p->behind);
    vc_runs_free(p->seen);
    if (p->direct >= 0)
        close(p->direct);
    close(file->fd);
    pthread_mutex_destroy(&p->growing);
    vc_file_clear(file);
    g_free(p);
}
