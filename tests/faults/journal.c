/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A library for LD_PRELOAD that keeps a journal of what is done to files, in the order
 * in which it was done, so that power.py can make of it what a power cut would have
 * left.
 *
 * POWER_JOURNAL  the file that gets a record for each call
 * POWER_FOLDER   only files below it count; its path ends with a slash
 *
 * What changes a file is told when it is done, for an fsync that begins later must keep
 * it; a new name is told before, for it may last from then on. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct {
    char kind[4];    /* one letter, as power.py has them */
    uint32_t length; /* of the data behind the record */
    uint64_t inode, at, size;
} Record;

static int journal = -1;
static const char *folder;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *
find_real(const char *name)
{
    void *real = dlsym(RTLD_NEXT, name);
    if (!real)
        abort();
    return real;
}

#define REAL(name) ((__typeof__(&name))find_real(#name))

__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv("POWER_JOURNAL");
    folder = getenv("POWER_FOLDER");
    if (path && folder)
        journal = REAL(open64)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static bool
is_inside(const char *path)
{
    return path[0] != '/' || strncmp(path, folder, strlen(folder)) == 0 ||
           strlen(path) + 1 == strlen(folder);
}

/* The inode of what FD leads to in the folder; 0: that is elsewhere, or no file. */
static uint64_t
inode_of(int fd)
{
    char link[64], path[PATH_MAX];
    struct stat status;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = journal >= 0 ? readlink(link, path, sizeof path - 1) : -1;
    if (length <= 0 || path[0] != '/')
        return 0;
    path[length] = '\0';
    return is_inside(path) && fstat(fd, &status) == 0 ? status.st_ino : 0;
}

static void
tell(char kind, uint64_t inode, uint64_t at, uint64_t size, const void *data,
     size_t length)
{
    int saved = errno;
    Record record = { .kind = { kind },
                      .length = (uint32_t)length,
                      .inode = inode,
                      .at = at,
                      .size = size };
    struct iovec parts[] = { { &record, sizeof record }, { (void *)data, length } };
    pthread_mutex_lock(&lock);
    if (inode != 0 && writev(journal, parts, 2) != (ssize_t)(sizeof record + length))
        abort();
    pthread_mutex_unlock(&lock);
    errno = saved;
}

static void
tell_name(const char *from, const char *to)
{
    struct stat status;
    if (journal >= 0 && is_inside(to) && lstat(from, &status) == 0)
        tell('R', status.st_ino, 0, 0, to, strlen(to));
}

ssize_t
pwrite64(int fd, const void *from, size_t length, off64_t at)
{
    ssize_t done = REAL(pwrite64)(fd, from, length, at);
    if (done > 0)
        tell('W', inode_of(fd), (uint64_t)at, (uint64_t)done, from, (size_t)done);
    return done;
}

ssize_t
write(int fd, const void *from, size_t length)
{
    uint64_t inode = inode_of(fd);
    ssize_t done = REAL(write)(fd, from, length);
    if (inode != 0 && done > 0)
        tell('W', inode, (uint64_t)(lseek(fd, 0, SEEK_CUR) - done), (uint64_t)done,
             from, (size_t)done);
    return done;
}

int
ftruncate64(int fd, off64_t size)
{
    int result = REAL(ftruncate64)(fd, size);
    if (result == 0)
        tell('T', inode_of(fd), 0, (uint64_t)size, NULL, 0);
    return result;
}

int
fallocate64(int fd, int mode, off64_t at, off64_t length)
{
    int result = REAL(fallocate64)(fd, mode, at, length);
    char kind = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) ? 'Z' : 'A';
    if (result == 0 && (kind == 'Z' || !(mode & FALLOC_FL_KEEP_SIZE)))
        tell(kind, inode_of(fd), (uint64_t)at, (uint64_t)length, NULL, 0);
    return result;
}

int
fsync(int fd)
{
    uint64_t inode = inode_of(fd);
    tell('F', inode, 0, 0, NULL, 0);
    int result = REAL(fsync)(fd);
    if (result == 0)
        tell('D', inode, 0, 0, NULL, 0);
    return result;
}

/* Extents that are shared would have to be read back; the folder is on a file system
 * that shares none. */
int
ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (request == FICLONERANGE && inode_of(fd) != 0) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return REAL(ioctl)(fd, request, argument);
}

int
rename(const char *from, const char *to)
{
    tell_name(from, to);
    return REAL(rename)(from, to);
}

int
renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    tell_name(from, to);
    return REAL(renameat2)(a, from, b, to, flags);
}
