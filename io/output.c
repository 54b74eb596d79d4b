/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An output that is complete or absent. */
#include "io/output.h"

#include "io/backing.h"
#include "io/error.h"
#include "io/interrupt.h"
#include "io/lock.h"
#include "io/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct VcOutput {
    VcFile *file;      /* owned */
    char *path;        /* the name it gets; symbolic links followed */
    char *temporary;   /* the name it has until then; NULL: in place, or committed */
    VcOutputMode mode; /* without _NO_LINK, which is */
    bool no_link;
    bool sync;
    bool named;    /* the file has its own name */
    bool replaces; /* there was a file at PATH, with this status: */
    struct stat replaced;
};

/* Opens what is at PATH to write it where it is. */
static bool
open_in_place(VcOutput *o, const char *path, const struct stat *status, VcCache cache,
              GError **error)
{
    bool seekable = S_ISREG(status->st_mode) || S_ISBLK(status->st_mode);
    int flags = seekable ? O_RDWR : O_WRONLY;
    /* The system lets nobody in beside a mounted file system. */
    if (S_ISBLK(status->st_mode))
        flags |= O_EXCL;

    int fd;
    do
        fd = open(path, flags | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR && !vc_interrupted());
    if (fd < 0) {
        vc_fail_errno(error, errno, "cannot open for writing");
        return false;
    }
    o->file = seekable ? vc_posix_output(fd, path, path, cache, error)
                       : vc_posix_append(fd, true, path);
    return o->file && vc_lock(o->file, true, error);
}

/* Makes the temporary file beside o->path. */
static bool
open_temporary(VcOutput *o, VcCache cache, GError **error)
{
    /* Of a file that is replaced nobody shall read more than before. */
    int fd = vc_temporary_open(o->path, o->replaces ? 0600 : 0666, &o->temporary,
                               error);
    if (fd < 0)
        return false;
    o->file = vc_posix_output(fd, o->temporary, o->path, cache, error);
    return o->file != NULL;
}

/* A machine that runs would go on writing to a file without a name. */
static bool
refuse_in_use(const char *path, GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autoptr(VcFile) present = vc_posix_open(path, VC_CACHE_WRITEBACK, &reason);
    if (present)
        return vc_lock(present, false, error);
    /* What may not be read may be replaced all the same. */
    if (access(path, R_OK) != 0 && (errno == EACCES || errno == ENOENT))
        return true;
    g_propagate_prefixed_error(error, g_steal_pointer(&reason),
                               "cannot see whether another program uses it: ");
    return false;
}

/* Looks at what O would replace or change at PATH; a link that is not followed counts
 * as a file. */
static bool
look(const VcOutput *o, const char *path, struct stat *status)
{
    return (o->no_link ? lstat(path, status) : stat(path, status)) == 0;
}

static bool
open_path(VcOutput *o, const char *path, VcCache cache, GError **error)
{
    struct stat status;
    bool exists = look(o, path, &status), link = exists && S_ISLNK(status.st_mode);
    if (!exists &&
        (path[0] == '\0' || errno != ENOENT || o->mode == VC_OUTPUT_IN_PLACE)) {
        vc_fail_errno(error, errno, "cannot open for writing");
        return false;
    }
    if (exists && S_ISDIR(status.st_mode)) {
        vc_fail_errno(error, EISDIR, "cannot open for writing");
        return false;
    }
    if (exists && S_ISBLK(status.st_mode) && o->mode != VC_OUTPUT_IN_PLACE) {
        vc_fail(error, VC_ERROR_USAGE,
                "is a block device, 'vconv convert -n' writes to it");
        return false;
    }
    if (exists &&
        ((!S_ISREG(status.st_mode) && !link) || o->mode == VC_OUTPUT_IN_PLACE))
        return open_in_place(o, path, &status, cache, error);
    if (exists && o->mode == VC_OUTPUT_NEW) {
        vc_fail(error, VC_ERROR_EXISTS, "exists already, --force replaces it");
        return false;
    }

    /* Of a link that goes away nothing is kept, and nobody uses it. */
    o->replaces = exists && !link;
    if (o->replaces && !refuse_in_use(path, error))
        return false;
    o->path = o->no_link ? g_strdup(path) : vc_temporary_target(path, error);
    if (o->replaces)
        o->replaced = status;
    return o->path && open_temporary(o, cache, error);
}

bool
vc_output_is(const char *path, int fd)
{
    struct stat target, led_to;
    bool standard = strcmp(path, "-") == 0;
    if (standard && fd == STDOUT_FILENO)
        return true;
    return (standard ? fstat(STDOUT_FILENO, &target) : stat(path, &target)) == 0 &&
           fstat(fd, &led_to) == 0 && !S_ISCHR(target.st_mode) &&
           target.st_dev == led_to.st_dev && target.st_ino == led_to.st_ino;
}

VcOutput *
vc_output_open(const char *path, VcOutputMode mode, VcCache cache, bool sync,
               GError **error)
{
    g_autoptr(VcOutput) o = g_new0(VcOutput, 1);
    o->no_link = mode == VC_OUTPUT_NEW_NO_LINK || mode == VC_OUTPUT_FORCE_NO_LINK;
    o->mode = mode;
    if (o->no_link)
        o->mode = mode == VC_OUTPUT_FORCE_NO_LINK ? VC_OUTPUT_FORCE : VC_OUTPUT_NEW;
    o->sync = sync;

    if (strcmp(path, "-") == 0)
        o->file = vc_posix_append(STDOUT_FILENO, false, "standard output");
    else if (!open_path(o, path, cache, error))
        return NULL;
    if (!sync && o->file->seekable)
        vc_posix_no_sync(o->file);
    return g_steal_pointer(&o);
}

GPtrArray *
vc_output_leftovers(const char *path)
{
    g_autofree char *target = vc_temporary_target(path, NULL);
    return target ? vc_temporary_leftovers(target)
                  : g_ptr_array_new_with_free_func(g_free);
}

VcFile *
vc_output_file(VcOutput *output)
{
    return output->file;
}

/* Taken for another when it cannot be looked at, a directory would get one name twice.
 */
static bool
is_same_name(const char *a, const char *b, bool *same, GError **error)
{
    g_autofree char *directory_a = g_path_get_dirname(a),
                    *directory_b = g_path_get_dirname(b),
                    *name_a = g_path_get_basename(a), *name_b = g_path_get_basename(b);
    struct stat x, y;
    *same = strcmp(name_a, name_b) == 0;
    if (!*same)
        return true;
    if (stat(directory_a, &x) == 0 && stat(directory_b, &y) == 0)
        return vc_backing_same(VC_BACKING_SYSFS, &x, &y, same, error);
    vc_fail_errno(error, errno, "cannot look at the directory of the output");
    return false;
}

/* The file that O changes or replaces. */
static bool
find_present(const VcOutput *o, struct stat *status)
{
    *status = o->replaced;
    return o->path ? o->replaces : o->file->fd >= 0 && fstat(o->file->fd, status) == 0;
}

bool
vc_output_same(const VcOutput *a, const VcOutput *b, bool *same, GError **error)
{
    struct stat x, y;
    *same = false;
    if (a->path && b->path)
        return is_same_name(a->path, b->path, same, error);
    return !find_present(a, &x) || !find_present(b, &y) ||
           vc_backing_same(VC_BACKING_SYSFS, &x, &y, same, error);
}

/* The new file belongs to whom the old one did, and as few may use it. Where a mount
 * says who may do what, as of FAT and CIFS, that is so from the start, and only the
 * mount's owner could set it once more. */
static bool
keep_permissions(const VcOutput *o, GError **error)
{
    int fd = o->file->fd;
    mode_t mode = o->replaced.st_mode & 0777;
    struct stat now;
    bool seen = fstat(fd, &now) == 0;
    if (seen &&
        (now.st_uid != o->replaced.st_uid || now.st_gid != o->replaced.st_gid)) {
        if (fchown(fd, o->replaced.st_uid, o->replaced.st_gid) != 0 &&
            now.st_gid != o->replaced.st_gid && fchown(fd, -1, o->replaced.st_gid) != 0)
            mode &= 0707; /* what its group could, another group must not */
        seen = fstat(fd, &now) == 0;
    }
    if (!seen) {
        vc_fail_errno(error, errno, "cannot read the permissions");
        return false;
    }
    if ((now.st_mode & 0777) != mode && fchmod(fd, mode) != 0) {
        vc_fail_errno(error, errno, "cannot set the permissions");
        return false;
    }
    return true;
}

bool
vc_output_commit(VcOutput *o, GError **error)
{
    /* A network file system may tell only at a close that the disk is full; fsync would
     * have told. */
    if (!o->sync && o->file->fd >= 0 && close(dup(o->file->fd)) != 0) {
        vc_fail_errno(error, errno, "cannot write back");
        return false;
    }
    if (o->replaces && !keep_permissions(o, error))
        return false;
    if (o->sync && !vc_file_sync(o->file, error))
        return false;
    if (!o->temporary)
        return true;
    if (!vc_temporary_rename(o->temporary, o->path, o->mode == VC_OUTPUT_FORCE, error))
        return false;
    g_clear_pointer(&o->temporary, g_free);
    o->named = true;
    return !o->sync || vc_temporary_sync_directory(o->path, error);
}

void
vc_output_revert(VcOutput *o)
{
    struct stat ours, present;
    if (o->named && !o->replaces && fstat(o->file->fd, &ours) == 0 &&
        lstat(o->path, &present) == 0 && ours.st_dev == present.st_dev &&
        ours.st_ino == present.st_ino)
        unlink(o->path);
}

void
vc_output_free(VcOutput *o)
{
    if (!o)
        return;
    vc_file_free(o->file);
    if (o->temporary)
        unlink(o->temporary);
    g_free(o->temporary);
    g_free(o->path);
    g_free(o);
}
