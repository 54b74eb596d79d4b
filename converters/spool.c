/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A temporary copy of what can be read only once. */
#include "converters/spool.h"

#include "io/allocate.h"
#include "io/checksum.h"
#include "io/error.h"
#include "io/interrupt.h"
#include "io/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)

/* Holes are looked for in units of this: what file systems allocate is no smaller. */
#define HOLE ((size_t)4096)

/* A descriptor of a file without a name, or -1. */
static int
open_nameless(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    /* Older network file systems have no such files. */
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;

    g_autofree char *path = g_build_filename(directory, ".spool-XXXXXX.vconv-tmp",
                                             NULL);
    fd = mkostemps(path, (int)strlen(".vconv-tmp"), O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static bool
fail_writing(const char *directory, GError **error)
{
    g_prefix_error(error, "copying to a temporary file in %s: ", directory);
    return false;
}

/* Writes LENGTH bytes but for whole units of zeros. */
static bool
write_data(VcFile *to, uint64_t position, const uint8_t *data, size_t length,
           GError **error)
{
    size_t at = 0;
    while (at < length) {
        size_t end = at;
        while (end < length && !vc_is_zero(data + end, MIN(HOLE, length - end)))
            end += MIN(HOLE, length - end);
        if (end > at && !vc_file_write(to, position + at, data + at, end - at, error))
            return false;
        at = end < length ? end + MIN(HOLE, length - end) : end;
    }
    return true;
}

static bool
copy(VcFile *from, VcFile *to, const char *directory, GError **error)
{
    g_autofree uint8_t *piece = vc_allocate(1, PIECE, error);
    if (!piece)
        return false;
    uint64_t position = 0;
    size_t got;
    do {
        if (!vc_interrupt_check(error) ||
            !vc_file_read_some(from, position, piece, PIECE, &got, error))
            return false;
        if (!write_data(to, position, piece, got, error))
            return fail_writing(directory, error);
        position += got;
    } while (got == PIECE);
    /* What cannot be written back would be read back as zeros. */
    return (vc_file_truncate(to, position, error) && vc_file_sync(to, error)) ||
           fail_writing(directory, error);
}

VcFile *
vc_spool(VcFile *file, const char *directory, GError **error)
{
    g_autoptr(VcFile) from = file;
    int fd = open_nameless(directory);
    if (fd < 0) {
        vc_fail_errno(error, errno, "%s: cannot make a temporary file in %s",
                      from->name, directory);
        return NULL;
    }
    g_autoptr(VcFile) to = vc_posix_output(fd, NULL, from->name, VC_CACHE_AUTO, error);
    if (!to || !copy(from, to, directory, error)) {
        g_prefix_error(error, "%s: ", from->name);
        return NULL;
    }
    return g_steal_pointer(&to);
}
