/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks on images. A program holds a shared lock on byte 100 + N of the image while it
 * does N, and on byte 200 + N while nobody else may do N. It takes its own locks first
 * and then looks for those of others, so of two that begin at once at least one gives
 * up. */
#include "io/lock.h"

#include "io/error.h"
#include "io/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

enum { READS = 0, WRITES = 1, RESIZES = 3 };

/* To give names takes less than a second. Who holds a directory for longer means
 * something else by it, and may well be the one who started us. */
#define WAIT_US ((int64_t)10 * G_USEC_PER_SEC)
#define LOOK_AGAIN_US (G_USEC_PER_SEC / 100)

#define DOES(what) (100 + (what))
#define FORBIDS(what) (200 + (what))

/* Takes a shared lock on BYTE. False, and *CONFLICT unless there are no locks here: who
 * holds one that is not shared keeps everybody else out. */
static bool
take(int fd, off_t byte, bool *conflict)
{
    struct flock lock = {
        .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
    };
    int result;
    do
        result = fcntl(fd, F_OFD_SETLK, &lock);
    while (result != 0 && errno == EINTR);
    *conflict = result != 0 && (errno == EAGAIN || errno == EACCES);
    return result == 0;
}

static bool
is_taken_by_another(int fd, off_t byte)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
    };
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool
vc_lock(VcFile *file, bool write, GError **error)
{
    int fd = file->fd;
    if (fd < 0)
        return true;

    /* What fails otherwise is a file system without locks: then nobody else has any. */
    bool conflict;
    if (!take(fd, DOES(READS), &conflict) || !take(fd, FORBIDS(WRITES), &conflict) ||
        !take(fd, FORBIDS(RESIZES), &conflict) ||
        (write &&
         (!take(fd, DOES(WRITES), &conflict) || !take(fd, DOES(RESIZES), &conflict)))) {
        if (conflict)
            vc_fail(error, VC_ERROR_IO,
                    "another program uses it and does not share it");
        return !conflict;
    }

    bool written = is_taken_by_another(fd, DOES(WRITES)) ||
                   is_taken_by_another(fd, DOES(RESIZES));
    bool forbidden = is_taken_by_another(fd, FORBIDS(READS)) ||
                     (write && (is_taken_by_another(fd, FORBIDS(WRITES)) ||
                                is_taken_by_another(fd, FORBIDS(RESIZES))));
    if (!written && !forbidden)
        return true;
    vc_fail(error, VC_ERROR_IO, "%s",
            written ? "another program is writing to it"
                    : "another program uses it and does not share it");
    return false;
}

/* 0, or why FD is not locked. */
static int
try_directory(int fd)
{
    int result;
    do
        result = flock(fd, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

static bool
lacks_locks(int errnum)
{
    return errnum == ENOLCK || errnum == ENOSYS || errnum == EINVAL ||
           errnum == EOPNOTSUPP;
}

bool
vc_lock_directory(const char *directory, int *fd, GError **error)
{
    *fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* It may be one to write to and not to read. */
    if (*fd < 0 && errno == EACCES)
        return true;
    if (*fd < 0) {
        vc_fail_errno(error, errno, "%s: cannot open", directory);
        return false;
    }
    int64_t end = g_get_monotonic_time() + WAIT_US;
    for (;;) {
        int errnum = try_directory(*fd);
        bool wait = errnum == EWOULDBLOCK && g_get_monotonic_time() < end;
        if (errnum == 0 || lacks_locks(errnum) || (errnum == EWOULDBLOCK && !wait))
            return true;
        if (!wait)
            vc_fail_errno(error, errnum, "%s: cannot lock", directory);
        if (!wait || !vc_interrupt_check(error)) {
            close(*fd);
            return false;
        }
        g_usleep(LOOK_AGAIN_US);
    }
}
