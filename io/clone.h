/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sharing extents between files, on file systems that can (XFS, btrfs, bcachefs, ZFS).
 */
#ifndef VC_IO_CLONE_H
#define VC_IO_CLONE_H

#include "io/file.h"

/* Positions and lengths are multiples of this; the block size of nearly every file
 * system. One with larger blocks refuses, and is copied to. */
#define VC_CLONE_ALIGNMENT 4096u

/* Whether vc_file_clone has a chance with this pair of files: false where the file
 * system shares no extents, or there are two. Changes nothing. */
bool vc_file_may_clone(VcFile *to, VcFile *from);

/* Makes LENGTH bytes at TO_POSITION of TO share what lies at FROM_POSITION of FROM.
 * False when the file system, the pair, or the alignment does not allow it; nothing has
 * changed then, and copying is the way (which also brings out a real error). */
bool vc_file_clone(VcFile *to, uint64_t to_position, VcFile *from,
                   uint64_t from_position, uint64_t length);

#endif
