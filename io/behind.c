/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buffered writes on their way to the disk, and out of the page cache behind them. */
#include "io/behind.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

/* Smaller writes are tables and ends: the kernel does well to gather them. */
#define WRITE_MIN ((size_t)64 << 10)

/* So many writes are on their way before the oldest is waited for. */
#define WRITES_MAX 16u

typedef struct {
    uint64_t position;
    size_t length;
} Written;

struct VcBehind {
    int fd;
    atomic_bool off;            /* the file system does not do this */
    pthread_mutex_t mutex;      /* over what follows */
    Written writes[WRITES_MAX]; /* a ring */
    unsigned next;
};

VcBehind *
vc_behind_new(int fd)
{
    VcBehind *b = g_new0(VcBehind, 1);
    b->fd = fd;
    pthread_mutex_init(&b->mutex, NULL);
    return b;
}

/* Puts WRITTEN in the place of the oldest write, and gives that. */
static Written
exchange(VcBehind *b, Written written)
{
    pthread_mutex_lock(&b->mutex);
    Written *place = &b->writes[b->next++ % WRITES_MAX];
    Written oldest = *place;
    *place = written;
    pthread_mutex_unlock(&b->mutex);
    return oldest;
}

/* The call is not to be had here, whether the system lacks it or forbids it. */
static bool
is_missing(int errnum)
{
    return errnum == ENOSYS || errnum == EINVAL || errnum == ESPIPE ||
           errnum == EOPNOTSUPP || errnum == EPERM;
}

/* 0, or the error of what could not be written back. */
static int
sync_range(VcBehind *b, Written written, unsigned flags)
{
    int result;
    do
        result = sync_file_range(b->fd, (off_t)written.position, (off_t)written.length,
                                 flags);
    while (result != 0 && errno == EINTR);
    if (result == 0)
        return 0;
    if (!is_missing(errno))
        return errno;
    b->off = true;
    return 0;
}

int
vc_behind_wrote(VcBehind *b, uint64_t position, size_t length)
{
    if (length < WRITE_MIN || b->off)
        return 0;
    Written written = { position, length };
    /* ext4 drops pages for which it finds no place, and says so here alone. */
    int errnum = sync_range(b, written, SYNC_FILE_RANGE_WRITE);
    if (errnum != 0 || b->off)
        return errnum;

    Written oldest = exchange(b, written);
    if (oldest.length == 0)
        return 0;
    errnum = sync_range(b, oldest,
                        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                            SYNC_FILE_RANGE_WAIT_AFTER);
    posix_fadvise(b->fd, (off_t)oldest.position, (off_t)oldest.length,
                  POSIX_FADV_DONTNEED);
    return errnum;
}

void
vc_behind_free(VcBehind *b)
{
    if (!b)
        return;
    pthread_mutex_destroy(&b->mutex);
    g_free(b);
}
