/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An output that is complete or absent.
 *
 * It is written under a temporary name in the target's directory, and gets its own name
 * only by vc_output_commit. Freeing an output that was not committed removes what was
 * written. A block device, a FIFO, standard output ("-"), or an existing file that the
 * user named with -n is written in place. */
#ifndef VC_IO_OUTPUT_H
#define VC_IO_OUTPUT_H

#include "io/posix.h"

typedef enum {
    VC_OUTPUT_NEW,      /* PATH must not exist */
    VC_OUTPUT_FORCE,    /* PATH may be replaced, at commit */
    VC_OUTPUT_IN_PLACE, /* PATH must exist and is written where it is (-n) */
    /* The same two for a name that no user chose. A symbolic link that bears it is not
     * followed, since it would lead such a file to anywhere: it exists, or is replaced
     * itself. */
    VC_OUTPUT_NEW_NO_LINK,
    VC_OUTPUT_FORCE_NO_LINK,
} VcOutputMode;

typedef struct VcOutput VcOutput;

/* ".NAME.PID-RANDOM.vconv-tmp" in the same directory: what a killed run leaves. */
#define VC_OUTPUT_TEMPORARY_SUFFIX ".vconv-tmp"

/* Gives the paths of what runs that were killed left of PATH: temporary files whose
 * process runs no more. Nothing is removed; PATH need not exist. */
GPtrArray *vc_output_leftovers(const char *path);

/* Whether descriptor FD leads to PATH, by whatever name ("-" is standard output): what
 * is said there would be written into the target. A terminal or /dev/null keeps
 * nothing. */
bool vc_output_is(const char *path, int fd);

/* Opens PATH for output. VC_ERROR_EXISTS says that --force replaces. A device or FIFO
 * at PATH is written in place whatever MODE says, but a block device only with
 * VC_OUTPUT_IN_PLACE. SYNC false: commit does not fsync. */
VcOutput *vc_output_open(const char *path, VcOutputMode mode, VcCache cache, bool sync,
                         GError **error);

/* The file to write to; lives as long as the output. Seekable, or append-only for a
 * pipe. */
VcFile *vc_output_file(VcOutput *output);

/* *SAME: whether both would write one file, or one that lies on the other, or give
 * their files one name. */
bool vc_output_same(const VcOutput *a, const VcOutput *b, bool *same, GError **error);

/* Makes it last under its name: fsync, rename, fsync of the directory. */
bool vc_output_commit(VcOutput *output, GError **error);

/* Takes the name away again from a new file that was committed. What was replaced does
 * not come back, so then the new file stays. */
void vc_output_revert(VcOutput *output);

void vc_output_free(VcOutput *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VcOutput, vc_output_free)

#endif
