/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Outputs that only grow: standard output, FIFOs, character devices. */
#include "io/posix.h"

#include "io/behind.h"
#include "io/error.h"
#include "io/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    VcFile base; /* base.fd stays -1: there are no positions to copy to */
    int fd;
    bool own;
    uint64_t end;     /* what has gone out */
    VcBehind *behind; /* of a regular file; else NULL */
    uint64_t begin;   /* where what goes out begins in it */
} AppendFile;

/* Writes once, and gives how much. *ERRNUM: what went wrong, or 0. */
static size_t
write_once(AppendFile *a, const uint8_t *from, size_t length, int *errnum)
{
    ssize_t n = write(a->fd, from, length);
    *errnum = n == 0 ? EIO : errno;
    if (n <= 0) {
        if (*errnum == EINTR || *errnum == EAGAIN)
            *errnum = 0;
        return 0;
    }
    *errnum = a->behind ? vc_behind_wrote(a->behind, a->begin + a->end, (size_t)n) : 0;
    a->end += (size_t)n;
    return (size_t)n;
}

static bool
append_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
             GError **error)
{
    AppendFile *a = (AppendFile *)file;
    const uint8_t *from = buffer;

    if (position != a->end) {
        vc_fail(error, VC_ERROR_USAGE,
                "this output only grows: at 0x%" G_GINT64_MODIFIER
                "x, not at 0x%" G_GINT64_MODIFIER "x",
                a->end, position);
        return false;
    }
    for (size_t put = 0; put < length;) {
        if (!vc_interrupt_poll(a->fd, POLLOUT, error))
            return false;
        int errnum;
        put += write_once(a, from + put, length - put, &errnum);
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
append_truncate(VcFile *file, uint64_t size, GError **error)
{
    AppendFile *a = (AppendFile *)file;
    if (size < a->end) {
        vc_fail(error, VC_ERROR_USAGE,
                "this output cannot end at 0x%" G_GINT64_MODIFIER
                "x, 0x%" G_GINT64_MODIFIER "x bytes have gone out",
                size, a->end);
        return false;
    }
    return vc_file_zero(file, a->end, size - a->end, error);
}

/* Where the next byte goes of what keeps what lies behind it: a block device, or a file
 * that was not emptied and is not appended to. -1: nothing lies behind it. */
static bool
find_rest(const AppendFile *a, off_t *at, GError **error)
{
    struct stat status;
    *at = -1;
    int flags = fstat(a->fd, &status) == 0 ? fcntl(a->fd, F_GETFL) : -1;
    /* A device is written at the offset even with O_APPEND. */
    bool keeps = flags >= 0 && (S_ISBLK(status.st_mode) ||
                                (S_ISREG(status.st_mode) && !(flags & O_APPEND)));
    if (keeps)
        *at = lseek(a->fd, 0, SEEK_CUR);
    if (flags < 0 || (keeps && *at < 0)) {
        vc_fail_errno(error, errno, "cannot find where it ends");
        return false;
    }
    if (S_ISREG(status.st_mode) && status.st_size <= *at)
        *at = -1;
    return true;
}

/* Old bytes behind an archive or an image would be taken for a part of it. */
static bool
append_end(VcFile *file, uint64_t end, GError **error)
{
    AppendFile *a = (AppendFile *)file;
    off_t at;
    if (!append_truncate(file, end, error) || !find_rest(a, &at, error))
        return false;
    if (at < 0)
        return true;

    int again = fcntl(a->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    g_autoptr(VcFile)
        whole = vc_posix_output(again, NULL, file->name, VC_CACHE_WRITEBACK, error);
    if (!whole || !vc_file_end(whole, (uint64_t)at, error))
        return false;
    /* The offset, which a look at the size moves, is that of all who share the output:
     * who writes after us goes on here. */
    if (lseek(a->fd, at, SEEK_SET) == at)
        return true;
    vc_fail_errno(error, errno, "cannot go back to its end");
    return false;
}

/* Standard output may be a file, and that is told only now that its disk is full. */
static bool
append_sync(VcFile *file, GError **error)
{
    const AppendFile *a = (const AppendFile *)file;
    struct stat status;
    if (fstat(a->fd, &status) == 0 &&
        ((!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) || fsync(a->fd) == 0))
        return true;
    vc_fail_errno(error, errno, "cannot write back to the disk");
    return false;
}

static void
append_free(VcFile *file)
{
    AppendFile *a = (AppendFile *)file;
    vc_behind_free(a->behind);
    if (a->own)
        close(a->fd);
    vc_file_clear(file);
    g_free(a);
}

static const VcFileOps append_ops = {
    .write = append_write,
    .truncate = append_truncate,
    .end = append_end,
    .sync = append_sync,
    .free = append_free,
};

/* A pipe opened once more without blocking, so that a full one is waited for where an
 * interruption is noticed. O_NONBLOCK on FD itself would reach all who share it. */
static int
reopen_pipe(int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode))
        return -1;
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

/* A regular file is written through the page cache, at its offset or at its end. */
static void
set_up_behind(AppendFile *a)
{
    struct stat status;
    if (fstat(a->fd, &status) != 0 || !S_ISREG(status.st_mode))
        return;
    int flags = fcntl(a->fd, F_GETFL);
    off_t at = lseek(a->fd, 0, SEEK_CUR);
    if (flags < 0 || at < 0)
        return;
    a->begin = (uint64_t)(flags & O_APPEND ? status.st_size : at);
    a->behind = vc_behind_new(a->fd);
}

VcFile *
vc_posix_append(int fd, bool own, const char *name)
{
    int again = reopen_pipe(fd);
    if (again >= 0 && own)
        close(fd);
    if (again >= 0) {
        fd = again;
        own = true;
    }

    AppendFile *a = g_new0(AppendFile, 1);
    vc_file_init(&a->base, &append_ops, name, false);
    a->base.reads_zero = true;
    a->fd = fd;
    a->own = own;
    set_up_behind(a);
    return &a->base;
}
