/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The block allocation table of a dynamic or differencing disk. */
#ifndef VC_FORMATS_VPC_BAT_H
#define VC_FORMATS_VPC_BAT_H

#include "formats/vpc/footers.h"
#include "formats/vpc/piece.h"

typedef struct {
    uint32_t
        *entries; /* owned: the sector of each block's bitmap, or VPC_UNALLOCATED */
    uint32_t n;   /* blocks of the disk, not what the header says */
    uint32_t block_size, bitmap_size;
    bool low_bit_first; /* in bitmaps: tapdisk 0.1 */
    VpcPiece *kept;     /* owned */
    uint64_t end;       /* of what the file may use */
    bool byte_missing;  /* the file ends one byte before END */
    struct {
        uint64_t from, to; /* bytes */
        const char *what;
    } taken[3]; /* where no block may lie */
} VpcBat;

/* Reads the entries that a disk of SIZE bytes needs, and no block's place is checked
 * yet. VC_ERROR_CORRUPT: too few entries, or the table is not in the file;
 * VC_ERROR_LIMIT. BAT is to be cleared in any case. */
bool vpc_bat_read(VpcBat *bat, VcFile *file, const VpcFooters *found,
                  const VpcHeader *header, uint64_t size, GError **error);
void vpc_bat_clear(VpcBat *bat);

/* Where there is no trailing footer at the end of FILE, being a device that is longer
 * than its image: looks for it right behind the last block. It is one only if it is the
 * same as the copy at the beginning. Then FOUND and BAT end there. */
bool vpc_bat_find_footer(VpcBat *bat, VcFile *file, VpcFooters *found, GError **error);

/* Bytes of a block with its bitmap. */
uint64_t vpc_bat_stride(const VpcBat *bat);
/* Where the bitmap of BLOCK lies (which is allocated); its data follows. */
uint64_t vpc_bat_position(const VpcBat *bat, uint32_t block);

/* Whether allocated BLOCK is inside the file and outside of its tables. */
bool vpc_bat_block_fits(const VpcBat *bat, uint32_t block);
/* VC_ERROR_CORRUPT says why it does not. */
bool vpc_bat_check_block(const VpcBat *bat, uint32_t block, GError **error);

/* A place in the file's order: what lies there and up to the next one. */
typedef struct {
    uint32_t sector, block;
} VpcPlace;

/* Gives the N allocated blocks whose place passes the check, by address. */
VpcPlace *vpc_bat_sorted(const VpcBat *bat, size_t *n, GError **error);

/* All blocks pass and none overlaps another. */
bool vpc_bat_check(const VpcBat *bat, GError **error);

#endif
