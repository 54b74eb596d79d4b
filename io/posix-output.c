/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seekable outputs of the system: files and block devices. */
#include "io/posix.h"

#include "io/error.h"
#include "io/interrupt.h"
#include "io/posix-file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)1 << 30)

/* How far a file is grown ahead. Each step waits for the writes in flight. */
#define REACH_STEP ((uint64_t)256 << 20)

/* A direct write that makes a file longer keeps all other writes out (ext4, XFS and
 * btrfs alike). So the file is grown ahead of them, up to the next vc_file_truncate; by
 * fallocate, which never cuts off what another thread or a clone has put behind. Where
 * it is not to be had, writes are only slower. */
static void
reach(VcPosixFile *p, uint64_t end)
{
    if (!p->reaches || end <= p->reach)
        return;
    pthread_mutex_lock(&p->growing);
    uint64_t target;
    if (end > p->reach && g_uint64_checked_add(&target, end, REACH_STEP) &&
        target <= INT64_MAX) {
        target -= target % VC_ALIGNMENT;
        if (fallocate(p->base.fd, 0, (off_t)(target - VC_ALIGNMENT), VC_ALIGNMENT) == 0)
            p->reach = target;
        else
            p->reaches = errno == EINTR;
    }
    pthread_mutex_unlock(&p->growing);
}

/* Like pwrite, once. */
static ssize_t
put_some(VcPosixFile *p, bool direct, const void *bytes, size_t length, uint64_t at)
{
    if (direct) {
        reach(p, at + length);
        vc_reserve_expect(p->reserve, at, length);
    }
    for (;;) {
        unsigned entered = vc_reserve_enter(p->reserve);
        ssize_t n = pwrite(direct ? p->direct : p->base.fd, bytes, length, (off_t)at);
        int errnum = errno;
        vc_reserve_leave(p->reserve);
        bool full = n < 0 && (errnum == ENOSPC || errnum == EDQUOT);
        if (!full || !vc_reserve_retry(entered)) {
            errno = errnum;
            return n;
        }
    }
}

/* Writes once and gives how much. *ERRNUM: what went wrong, or 0; an interrupted or
 * refused write is 0 bytes and nothing wrong. */
static size_t
write_once(VcPosixFile *p, const void *bytes, size_t length, uint64_t at, int *errnum)
{
    bool direct = vc_posix_file_is_direct(p, at, bytes, length);
    ssize_t n = put_some(p, direct, bytes, length, at);
    *errnum = n == 0 ? EIO : errno;
    if (n <= 0) {
        if (*errnum == EINTR || (direct && vc_posix_file_refuses(p, *errnum)))
            *errnum = 0;
        return 0;
    }
    *errnum = direct || p->no_sync ? 0 : vc_behind_wrote(p->behind, at, (size_t)n);
    return (size_t)n;
}

static bool
output_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
             GError **error)
{
    VcPosixFile *p = (VcPosixFile *)file;
    const uint8_t *from = buffer;

    for (size_t put = 0; put < length;) {
        uint64_t at;
        size_t left = MIN(length - put, REQUEST_MAX);
        int errnum = EFBIG;
        if (g_uint64_checked_add(&at, position, put) &&
            at <= (uint64_t)INT64_MAX - left)
            put += write_once(p, from + put, left, at, &errnum);
        if (errnum != 0) {
            vc_fail_errno(error, errnum,
                          "write of %zu bytes at 0x%" G_GINT64_MODIFIER "x", length,
                          position);
            return false;
        }
    }
    return true;
}

static bool
write_zeros(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    static const uint8_t zeros[256 << 10] __attribute__((aligned(VC_ALIGNMENT)));

    while (length > 0) {
        size_t piece = MIN(length, sizeof zeros);
        if (!vc_interrupt_check(error) ||
            !output_write(file, position, zeros, piece, error))
            return false;
        position += piece;
        length -= piece;
    }
    return true;
}

static bool
allocate(int fd, int mode, uint64_t position, uint64_t length)
{
    int result;
    do
        result = fallocate(fd, mode, (off_t)position, (off_t)length);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

/* The kernel does not stop within one request, and not every disk zeroes at once. */
#define ZERO_STEP ((uint64_t)256 << 20)

/* Zeroes whole sectors of a device. */
static bool
zero_sectors(VcFile *file, uint64_t position, uint64_t end, GError **error)
{
    while (position < end) {
        uint64_t range[2] = { position, MIN(end - position, ZERO_STEP) };
        if (!vc_interrupt_check(error) ||
            !(allocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range[0],
                       range[1]) ||
              ioctl(file->fd, BLKZEROOUT, range) == 0 ||
              write_zeros(file, range[0], range[1], error)))
            return false;
        position += range[1];
    }
    return true;
}

/* Devices zero whole sectors only; what sticks out on both sides is written. */
static bool
zero_device(VcFile *file, uint64_t position, uint64_t end, GError **error)
{
    uint64_t first = position - position % VC_ALIGNMENT,
             last = end - end % VC_ALIGNMENT;
    if (first < position)
        first += VC_ALIGNMENT;
    if (first >= last)
        return write_zeros(file, position, end - position, error);

    return write_zeros(file, position, first - position, error) &&
           zero_sectors(file, first, last, error) &&
           write_zeros(file, last, end - last, error);
}

static bool
zero_regular(VcFile *file, uint64_t position, uint64_t end, GError **error)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0) {
        vc_fail_errno(error, errno, "cannot find the size");
        return false;
    }
    /* What is new reads as zero by itself. The file grows by a byte that is written,
     * not by ftruncate, which would cut off what another thread has put behind. */
    uint64_t size = (uint64_t)status.st_size;
    if (end > size && !output_write(file, end - 1, "", 1, error))
        return false;
    if (position >= size)
        return true;

    uint64_t length = MIN(end, size) - position;
    return allocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position,
                    length) ||
           allocate(file->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, position,
                    length) ||
           write_zeros(file, position, length, error);
}

static bool
output_zero(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    uint64_t end;
    if (length == 0)
        return true;
    if (!g_uint64_checked_add(&end, position, length) || end > INT64_MAX) {
        vc_fail_errno(error, EFBIG, "zeroing at 0x%" G_GINT64_MODIFIER "x", position);
        return false;
    }
    return ((VcPosixFile *)file)->device ? zero_device(file, position, end, error)
                                         : zero_regular(file, position, end, error);
}

static bool
output_truncate(VcFile *file, uint64_t size, GError **error)
{
    VcPosixFile *p = (VcPosixFile *)file;
    if (p->device) {
        uint64_t room;
        if (!vc_posix_file_size(file, &room, error))
            return false;
        if (size > room) {
            vc_fail(error, VC_ERROR_IO,
                    "the device holds %" G_GUINT64_FORMAT " bytes, %" G_GUINT64_FORMAT
                    " are needed",
                    room, size);
            return false;
        }
        return true;
    }

    int errnum = EFBIG;
    if (size <= INT64_MAX) {
        int result;
        do
            result = ftruncate(file->fd, (off_t)size);
        while (result != 0 && errno == EINTR);
        if (result == 0) {
            vc_reserve_give_back(p->reserve, size);
            p->reach = size;
            return true;
        }
        errnum = errno;
    }
    vc_fail_errno(error, errnum, "cannot set the size to %" G_GUINT64_FORMAT, size);
    return false;
}

static bool
output_sync(VcFile *file, GError **error)
{
    if (((VcPosixFile *)file)->no_sync)
        return true;

    /* One call serves both descriptors: it is the inode that is written back, and the
     * disk's own cache behind it. It is not repeated after an error: the kernel would
     * report success for pages that it has dropped. */
    if (fsync(file->fd) != 0) {
        vc_fail_errno(error, errno, "cannot write back to the disk");
        return false;
    }
    return true;
}

static const VcFileOps output_ops = {
    .read = vc_posix_file_read,
    .write = output_write,
    .size = vc_posix_file_size,
    .run = vc_posix_file_run,
    .zero = output_zero,
    .truncate = output_truncate,
    .sync = output_sync,
    .free = vc_posix_file_free,
};

VcFile *
vc_posix_output(int fd, const char *path, const char *name, VcCache cache,
                GError **error)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        vc_fail_errno(error, errno, "cannot open");
        close(fd);
        return NULL;
    }
    VcPosixFile *p = vc_posix_file_new(fd, &status, name, &output_ops);
    p->base.reads_zero = S_ISREG(status.st_mode) && status.st_size == 0;
    p->reaches = S_ISREG(status.st_mode);
    p->behind = vc_behind_new(fd);
    p->reach = p->device ? 0 : (uint64_t)status.st_size;
    if (path && cache != VC_CACHE_WRITEBACK) {
        vc_posix_file_add_direct(p, path, O_RDWR);
        p->direct_reads = cache == VC_CACHE_NONE;
        if (p->direct >= 0 && !p->device)
            p->reserve = vc_reserve_new(fd);
    }
    return &p->base;
}

void
vc_posix_no_sync(VcFile *output)
{
    ((VcPosixFile *)output)->no_sync = true;
}

bool
vc_posix_is_direct(const VcFile *output)
{
    return output->ops == &output_ops && ((const VcPosixFile *)output)->direct >= 0;
}
