/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of a VHDX: changes of metadata that were promised and perhaps not yet made,
 * MS-VHDX 2.3. Replaying it makes them, here always in an overlay. */
#ifndef VC_VHDX_LOG_H
#define VC_VHDX_LOG_H

#include "formats/vhdx/guid.h"
#include "io/file.h"

/* What the current header says of it. */
typedef struct {
    uint64_t offset; /* in the file, a multiple of 1 MiB */
    uint32_t length; /* bytes, a multiple of 1 MiB, above 0 */
    VhdxGuid guid;   /* not zero */
} VhdxLog;

/* What replay of one image keeps in memory, at most. Logs are 1 MiB by default
 * everywhere, and hold changes of metadata only; all the BAT of a 4 TiB disk of 1 MiB
 * blocks is 32 MiB. */
#define VHDX_REPLAY_MAX ((uint64_t)256 << 20)

typedef struct {
    uint64_t entries;     /* that were replayed: from the head's tail to the head */
    uint64_t data_pages;  /* of 4 KiB, written */
    uint64_t zero_bytes;  /* written by zero descriptors */
    uint64_t size_before; /* of the file */
    uint64_t size_after;
    uint64_t beyond_last; /* position of the first change beyond both size_before and
                             the size that the log announces; 0 for none */
} VhdxReplay;

/* Finds the active sequence (MS-VHDX 2.3.3) and applies it to FILE, which must not be
 * the user's file but something over it. VC_ERROR_CORRUPT: no active sequence, or one
 * that would change the file identifier, the headers or the log itself, or an entry
 * that is longer than what it holds; VC_ERROR_SHORT:
 * the file is shorter than the log, or than the log knows it to have been;
 * VC_ERROR_LIMIT: more than VHDX_REPLAY_MAX or beyond VHDX_FILE_SIZE_MAX. */
bool vhdx_log_replay(const VhdxLog *log, VcFile *file, VhdxReplay *replay,
                     GError **error);

#endif
