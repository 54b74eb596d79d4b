/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files, block devices and pipes of the system, opened by path. */
#ifndef VC_IO_POSIX_H
#define VC_IO_POSIX_H

#include "io/file.h"

#include <sys/stat.h>

/* How an open file meets the page cache. */
typedef enum {
    VC_CACHE_AUTO, /* written direct where it can; read so where it is not cached */
    VC_CACHE_NONE, /* direct I/O; still buffered where the file system refuses it */
    VC_CACHE_WRITEBACK, /* buffered */
} VcCache;

/* Opens PATH for reading only: regular file, block device (seekable), or a FIFO or
 * socket (a stream). "-" is standard input: seekable when it is a regular file. A
 * directory is VC_ERROR_IO. */
VcFile *vc_posix_open(const char *path, VcCache cache, GError **error);

/* Gives a seekable output over descriptor FD (taken), which is open for reading and
 * writing. PATH is for a second descriptor with direct I/O; NULL for none. */
VcFile *vc_posix_output(int fd, const char *path, const char *name, VcCache cache,
                        GError **error);

/* Makes vc_file_sync do nothing on OUTPUT, which came from vc_posix_output (--no-sync).
 */
void vc_posix_no_sync(VcFile *output);

/* True when aligned writes to OUTPUT, a seekable output of vc_posix_output, go past the
 * page cache. */
bool vc_posix_is_direct(const VcFile *output);

/* Gives an append-only output over FD (standard output, a FIFO). OWN: it is closed at
 * the end. */
VcFile *vc_posix_append(int fd, bool own, const char *name);

/* *IS: whether the file or block device at PATH is what a target of the name TARGET
 * would be written to, or one of them lies on the other; "-" is standard output. What
 * cannot be looked at is an error that names it: taken for something else, it could be
 * overwritten. */
bool vc_posix_is_target(const char *path, const char *target, bool *is, GError **error);

/* The same for what SOURCE reads: the file of its name, or the file or block device
 * that standard input is. SOURCE may be a stream over what vc_posix_open gave, with its
 * name. */
bool vc_posix_is_source(const VcFile *source, const char *target, bool *is,
                        GError **error);

#endif
