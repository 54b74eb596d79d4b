/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that must not change. */
#include "io/watch.h"

#include "io/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct VcWatch {
    int fd; /* our own: the file may be read to its end and closed by then */
    char *name;
    struct stat before;
};

bool
vc_watch_new(const VcFile *file, VcWatch **watch, GError **error)
{
    struct stat status;
    *watch = NULL;
    if (file->fd < 0)
        return true;
    int fd = -1;
    if (fstat(file->fd, &status) == 0) {
        if (!S_ISREG(status.st_mode))
            return true;
        fd = fcntl(file->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
    if (fd < 0) {
        vc_fail_errno(error, errno, "cannot watch whether it changes");
        return false;
    }
    VcWatch *w = g_new0(VcWatch, 1);
    w->fd = fd;
    w->name = g_strdup(file->name);
    w->before = status;
    *watch = w;
    return true;
}

bool
vc_watch_check(const VcWatch *w, GError **error)
{
    struct stat now;
    if (fstat(w->fd, &now) != 0) {
        vc_fail_errno(error, errno, "%s: cannot see whether it has changed", w->name);
        return false;
    }
    if (now.st_size == w->before.st_size &&
        now.st_mtim.tv_sec == w->before.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == w->before.st_mtim.tv_nsec)
        return true;
    vc_fail(error, VC_ERROR_IO,
            "%s: was changed while it was read; -U takes it as it comes", w->name);
    return false;
}

void
vc_watch_free(VcWatch *w)
{
    if (!w)
        return;
    close(w->fd);
    g_free(w->name);
    g_free(w);
}
