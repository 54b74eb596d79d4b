/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small and unaligned writes, gathered into whole blocks: for targets whose bytes all
 * come, but not where direct I/O wants them. */
#ifndef VC_IO_GATHERED_H
#define VC_IO_GATHERED_H

#include "io/file.h"

/* What is written at once, and where it begins; a multiple of VC_ALIGNMENT. */
#define VC_GATHERED_BLOCK ((uint32_t)1 << 20)

/* Blocks that wait for the rest of their bytes; beyond, one of them is written in
 * pieces. All of their memory. */
#define VC_GATHERED_BLOCKS_MAX 24u

/* Wraps a seekable output INNER (taken). Threads may write at once, each byte once.
 * Bytes reach INNER when their block is full, and all of them at the latest in
 * vc_file_truncate and vc_file_sync; the last does not sync INNER. Errors of a block
 * come to whoever wrote its last byte. NULL: ENOMEM. */
VcFile *vc_gathered_file(VcFile *inner, GError **error);

#endif
