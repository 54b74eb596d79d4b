/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walking the block allocation table where it lies in the file, in bounded pieces: it
 * has up to 513 MiB, and most of it is usually a hole. */
#ifndef VC_VHDX_BAT_H
#define VC_VHDX_BAT_H

#include "formats/vhdx/geometry.h"
#include "io/file.h"

/* Entries of one piece of the table: what is read at the first step of a walk, which is
 * often the last, and at the others. */
#define VHDX_BAT_PIECE_FIRST 512u
#define VHDX_BAT_PIECE 4096u

typedef struct {
    VcFile *file;
    uint64_t position;  /* of the table in the file */
    uint64_t index;     /* of the next entry */
    uint64_t end;       /* the walk ends before this entry */
    uint64_t read;      /* entries that had to be read; those in holes do not count */
    uint32_t at, count; /* of the piece */
    bool zero;          /* the last entry was 0: a hole may follow */
    uint8_t piece[VHDX_BAT_PIECE * VHDX_BAT_ENTRY_SIZE];
} VhdxBatWalk;

/* Entries FIRST to FIRST + COUNT - 1, which are all ENTRY. */
typedef struct {
    uint64_t first, count;
    uint64_t entry;
} VhdxBatRun;

/* Begins a walk over the entries INDEX to END - 1 of the table at POSITION of FILE. */
void vhdx_bat_walk(VhdxBatWalk *walk, VcFile *file, uint64_t position, uint64_t index,
                   uint64_t end);

/* The next entries that are all alike, not always all of them; count 0 at the end. */
bool vhdx_bat_next(VhdxBatWalk *walk, VhdxBatRun *run, GError **error);

/* How many payload blocks have their entries before the one at INDEX: also the block of
 * that entry, when it is not that of a bitmap block. */
static inline uint64_t
vhdx_blocks_before(const VhdxGeometry *g, uint64_t index)
{
    return index - index / (g->chunk_ratio + 1);
}

#endif
