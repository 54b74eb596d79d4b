/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A library for LD_PRELOAD whose Nth call of a family goes wrong.
 *
 * FAULT_PLAN    FAMILY:NTH:TIMES:WHAT, more of them behind commas. The calls from the
 *               NTH on (1 is the first) go wrong, TIMES of them, 0 for all. WHAT is an
 *               errno as a number, or one of
 *                 short    half of what is asked for is done
 *                 none     nothing is: a read finds the end, a write takes no byte
 *                 garbage  a read gives other bytes than the file has
 *                 late     a millisecond late
 *                 kill     SIGKILL instead of the call
 *                 term     SIGTERM, then the call
 * FAULT_FOLDER  only calls on files in it, and on pipes, are counted
 * FAULT_REPORT  a file that gets a line for the first call of each fault that happened
 *
 * The family "any" is all calls but those of "memory" and "thread". */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FAULTS_MAX 4
#define LATE_US 1000

/* Requests up to this are met: for them GLib ends the program, as it is meant to. */
#define MEMORY_MAX ((size_t)64 << 10)

typedef enum { PASS, FAIL, SHORT, NONE, GARBAGE } Outcome;

typedef struct {
    char family[16], what[16];
    unsigned nth, times;
    atomic_uint count;
} Fault;

static Fault faults[FAULTS_MAX];
static unsigned n_faults;
static const char *folder, *report;

__attribute__((constructor)) static void
read_plan(void)
{
    const char *plan = getenv("FAULT_PLAN");
    folder = getenv("FAULT_FOLDER");
    report = getenv("FAULT_REPORT");
    for (; plan && *plan && n_faults < FAULTS_MAX; n_faults++) {
        Fault *f = &faults[n_faults];
        int length = 0;
        if (sscanf(plan, "%15[^:]:%u:%u:%15[^,]%n", f->family, &f->nth, &f->times,
                   f->what, &length) != 4)
            abort();
        plan += length + (plan[length] == ',');
    }
}

/* What the system has below this library, past a sanitizer's. */
static void *
find_real(const char *name)
{
    void *real = dlsym(RTLD_NEXT, name);
    if (!real)
        abort();
    return real;
}

#define REAL(name) ((__typeof__(&name))find_real(#name))

/* By the kernel's calls alone, for malloc may be where we are. */
static void
say(const char *family, const char *call, const char *where)
{
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s: %s %s\n", family, call, where);
    long fd = report ? syscall(SYS_openat, AT_FDCWD, report,
                               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
                     : -1;
    if (fd >= 0 && syscall(SYS_write, fd, line, length) == length)
        syscall(SYS_close, fd);
}

static Outcome
happen(const Fault *f)
{
    if (strcmp(f->what, "short") == 0)
        return SHORT;
    if (strcmp(f->what, "none") == 0)
        return NONE;
    if (strcmp(f->what, "garbage") == 0)
        return GARBAGE;
    if (strcmp(f->what, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(f->what, "term") == 0) {
        kill(getpid(), SIGTERM);
        return PASS;
    }
    if (strcmp(f->what, "late") == 0) {
        usleep(LATE_US);
        return PASS;
    }
    errno = (int)strtol(f->what, NULL, 10);
    return FAIL;
}

/* Counts a call of FAMILY on WHERE (NULL: one that does not matter). */
static Outcome
meet(const char *family, const char *call, const char *where)
{
    int saved = errno;
    bool io = strcmp(family, "memory") != 0 && strcmp(family, "thread") != 0;
    for (unsigned i = 0; where && i < n_faults; i++) {
        Fault *f = &faults[i];
        if (strcmp(f->family, family) != 0 && !(io && strcmp(f->family, "any") == 0))
            continue;
        unsigned number = atomic_fetch_add(&f->count, 1) + 1;
        if (number < f->nth || (f->times != 0 && number - f->nth >= f->times))
            continue;
        if (number == f->nth)
            say(f->family, call, where);
        errno = saved;
        Outcome outcome = happen(f);
        if (outcome != PASS)
            return outcome;
    }
    errno = saved;
    return PASS;
}

/* PATH, when it lies in the folder, where the program runs; else NULL. */
static const char *
ours(const char *path)
{
    bool inside = folder &&
                  (path[0] != '/' || strncmp(path, folder, strlen(folder)) == 0);
    return inside ? path : NULL;
}

static const char *
ours_fd(int fd)
{
    static _Thread_local char path[PATH_MAX];
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (fd == STDERR_FILENO || length < 0)
        return NULL;
    path[length] = '\0';
    if (path[0] == '/')
        return ours(path);
    return strncmp(path, "pipe:", 5) == 0 ? path : NULL;
}

/* A call that fails with -1. WHERE is what it is counted by. */
#define CALL(family, type, name, parameters, arguments, where)                         \
    type name parameters                                                               \
    {                                                                                  \
        return meet(family, #name, where) == PASS ? REAL(name) arguments : -1;         \
    }

static void
spoil(uint8_t *bytes, ssize_t length)
{
    for (ssize_t i = 0; bytes && i < length; i++)
        bytes[i] ^= 0x55;
}

/* A call that moves LENGTH bytes, INTO what it reads. */
#define MOVE(family, name, parameters, arguments, into)                                \
    ssize_t name parameters                                                            \
    {                                                                                  \
        Outcome outcome = meet(family, #name, ours_fd(fd));                            \
        if (outcome == FAIL || outcome == NONE)                                        \
            return outcome == FAIL ? -1 : 0;                                           \
        if (outcome == SHORT && length > 1)                                            \
            length /= 2;                                                               \
        ssize_t moved = REAL(name) arguments;                                          \
        if (outcome == GARBAGE)                                                        \
            spoil(into, moved);                                                        \
        return moved;                                                                  \
    }

MOVE("read", read, (int fd, void *to, size_t length), (fd, to, length), to)
MOVE("read", pread64, (int fd, void *to, size_t length, off64_t at),
     (fd, to, length, at), to)
MOVE("write", write, (int fd, const void *from, size_t length), (fd, from, length),
     NULL)
MOVE("write", pwrite64, (int fd, const void *from, size_t length, off64_t at),
     (fd, from, length, at), NULL)

/* Nothing is written back: no test loses its power, and thousands of runs would wait.
 */
int
fsync(int fd)
{
    return meet("sync", "fsync", ours_fd(fd)) == PASS ? 0 : -1;
}

int
sync_file_range(int fd, off64_t at, off64_t length, unsigned flags)
{
    (void)at;
    (void)length;
    (void)flags;
    return meet("range", "sync_file_range", ours_fd(fd)) == PASS ? 0 : -1;
}

CALL("rename", int, rename, (const char *from, const char *to), (from, to), ours(to))
CALL("rename", int, renameat2,
     (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags), ours(to))
CALL("link", int, link, (const char *from, const char *to), (from, to), ours(to))
CALL("unlink", int, unlink, (const char *path), (path), ours(path))
CALL("mkdir", int, mkdir, (const char *path, mode_t mode), (path, mode), ours(path))
CALL("unlink", int, rmdir, (const char *path), (path), ours(path))
CALL("truncate", int, ftruncate64, (int fd, off64_t size), (fd, size), ours_fd(fd))
CALL("allocate", int, fallocate64, (int fd, int mode, off64_t at, off64_t length),
     (fd, mode, at, length), ours_fd(fd))
CALL("seek", off64_t, lseek64, (int fd, off64_t to, int whence), (fd, to, whence),
     ours_fd(fd))
CALL("stat", int, fstat64, (int fd, struct stat64 *status), (fd, status), ours_fd(fd))
CALL("stat", int, stat64, (const char *path, struct stat64 *status), (path, status),
     ours(path))
CALL("stat", int, lstat64, (const char *path, struct stat64 *status), (path, status),
     ours(path))
CALL("stat", int, fstatfs64, (int fd, struct statfs64 *status), (fd, status),
     ours_fd(fd))
CALL("stat", int, statx,
     (int fd, const char *path, int flags, unsigned mask, struct statx *status),
     (fd, path, flags, mask, status), path[0] ? ours(path) : ours_fd(fd))
CALL("stat", ssize_t, readlink, (const char *path, char *to, size_t length),
     (path, to, length), ours(path))
CALL("stat", int, access, (const char *path, int mode), (path, mode), ours(path))
CALL("lock", int, flock, (int fd, int operation), (fd, operation), ours_fd(fd))
CALL("mode", int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group),
     ours_fd(fd))
CALL("mode", int, fchmod, (int fd, mode_t mode), (fd, mode), ours_fd(fd))
CALL("descriptor", int, dup, (int fd), (fd), ours_fd(fd))
CALL("descriptor", int, eventfd, (unsigned value, int flags), (value, flags), "eventfd")
CALL("poll", int, poll, (struct pollfd * fds, nfds_t n, int timeout), (fds, n, timeout),
     "poll")

DIR *
opendir(const char *path)
{
    return meet("open", "opendir", ours(path)) == PASS ? REAL(opendir)(path) : NULL;
}

char *
realpath(const char *path, char *resolved)
{
    return meet("stat", "realpath", ours(path)) == PASS ? REAL(realpath)(path, resolved)
                                                        : NULL;
}

/* The descriptor is gone all the same, as Linux does it. */
int
close(int fd)
{
    Outcome outcome = meet("close", "close", ours_fd(fd));
    int errnum = errno, result = REAL(close)(fd);
    if (outcome == PASS)
        return result;
    errno = errnum;
    return -1;
}

int
open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    const char *call = flags & O_DIRECT ? "open64 direct" : "open64";
    return meet("open", call, ours(path)) == PASS ? REAL(open64)(path, flags, mode)
                                                  : -1;
}

int
ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return meet("clone", "ioctl", ours_fd(fd)) == PASS
               ? REAL(ioctl)(fd, request, argument)
               : -1;
}

int
fcntl64(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    bool lock = command == F_OFD_SETLK || command == F_OFD_GETLK;
    return meet(lock ? "lock" : "descriptor", "fcntl64", ours_fd(fd)) == PASS
               ? REAL(fcntl64)(fd, command, argument)
               : -1;
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
               void *(*run)(void *), void *user)
{
    return meet("thread", "pthread_create", "thread") == PASS
               ? REAL(pthread_create)(thread, attributes, run, user)
               : errno;
}

/* --- memory: dlsym may need some itself, so the C library's other names are used ---
 */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static bool
refused(const char *call, size_t size)
{
    char text[32] = "";
    if (size <= MEMORY_MAX || n_faults == 0)
        return false;
    snprintf(text, sizeof text, "%zu", size);
    return meet("memory", call, text) == FAIL;
}

void *
malloc(size_t size)
{
    return refused("malloc", size) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    /* A product that does not fit is refused below. */
    size_t all = size != 0 && count > SIZE_MAX / size ? 0 : count * size;
    return refused("calloc", all) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
    return refused("realloc", size) ? NULL : __libc_realloc(old, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    return refused("aligned_alloc", size) ? NULL : __libc_memalign(alignment, size);
}

int
posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *got = refused("posix_memalign", size) ? NULL
                                                : __libc_memalign(alignment, size);
    if (!got)
        return ENOMEM;
    *memory = got;
    return 0;
}
