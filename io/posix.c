/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources of the system: files and block devices by position, everything else as it
 * comes. */
#include "io/posix.h"

#include "io/backing.h"
#include "io/error.h"
#include "io/interrupt.h"
#include "io/posix-file.h"
#include "io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define STANDARD_INPUT "standard input"

static const VcFileOps source_ops = {
    .read = vc_posix_file_read,
    .size = vc_posix_file_size,
    .run = vc_posix_file_run,
    .free = vc_posix_file_free,
};

/* A descriptor of our own for PATH; "-" is standard input. */
static int
open_for_reading(const char *path, GError **error)
{
    int fd;
    do {
        if (strcmp(path, "-") == 0)
            fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        else
            fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    } while (fd < 0 && errno == EINTR && !vc_interrupted());
    if (fd < 0)
        vc_fail_errno(error, errno, "cannot open");
    return fd;
}

VcFile *
vc_posix_open(const char *path, VcCache cache, GError **error)
{
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? STANDARD_INPUT : path;
    struct stat status;

    int fd = open_for_reading(path, error);
    if (fd < 0)
        return NULL;
    int errnum = fstat(fd, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
    if (errnum != 0) {
        vc_fail_errno(error, errnum, "cannot open");
        close(fd);
        return NULL;
    }

    /* Standard input that somebody has read from already goes on where it stands. */
    bool seekable = S_ISREG(status.st_mode) || S_ISBLK(status.st_mode);
    if (!seekable || (standard && lseek(fd, 0, SEEK_CUR) != 0))
        return vc_stream_file(vc_stream_from_fd(fd, true), name);

    VcPosixFile *p = vc_posix_file_new(fd, &status, name, &source_ops);
    p->seen = vc_runs_new();
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (cache != VC_CACHE_WRITEBACK && !standard) {
        vc_posix_file_add_direct(p, path, O_RDONLY);
        p->direct_reads = cache == VC_CACHE_NONE;
        p->direct_misses = true;
    }
    return &p->base;
}

/* Of what a standard descriptor leads to, where that keeps its bytes: a terminal or a
 * pipe may well be both source and target. */
static bool
standard_status(int fd, struct stat *status)
{
    return fstat(fd, status) == 0 &&
           (S_ISREG(status->st_mode) || S_ISBLK(status->st_mode));
}

/* *THERE: whether there is a file at PATH, with *STATUS. */
static bool
look(const char *path, const char *purpose, bool *there, struct stat *status,
     GError **error)
{
    *there = stat(path, status) == 0;
    if (*there || errno == ENOENT || errno == ENOTDIR)
        return true;
    vc_fail_errno(error, errno, "%s: %s", path, purpose);
    return false;
}

static bool
look_at_target(const char *target, bool *there, struct stat *status, GError **error)
{
    if (strcmp(target, "-") != 0)
        return look(target, "cannot open for writing", there, status, error);
    *there = standard_status(STDOUT_FILENO, status);
    return true;
}

static bool
same(const struct stat *a, const struct stat *b, const char *target, bool *is,
     GError **error)
{
    if (vc_backing_same(VC_BACKING_SYSFS, a, b, is, error))
        return true;
    g_prefix_error(error, "%s: ", target);
    return false;
}

bool
vc_posix_is_target(const char *path, const char *target, bool *is, GError **error)
{
    struct stat x, y;
    bool source_there, there;
    if (!look(path, "cannot open", &source_there, &x, error) ||
        !look_at_target(target, &there, &y, error))
        return false;
    *is = false;
    return !source_there || !there || same(&x, &y, target, is, error);
}

bool
vc_posix_is_source(const VcFile *source, const char *target, bool *is, GError **error)
{
    struct stat x, y;
    bool there;
    if (!vc_posix_is_target(source->name, target, is, error) ||
        !look_at_target(target, &there, &y, error))
        return false;
    return *is || !there || strcmp(source->name, STANDARD_INPUT) != 0 ||
           !standard_status(STDIN_FILENO, &x) || same(&x, &y, target, is, error);
}
