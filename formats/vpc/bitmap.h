/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sector bitmaps of blocks: set, the sector is here; clear, it was never written.
 */
#ifndef VC_FORMATS_VPC_BITMAP_H
#define VC_FORMATS_VPC_BITMAP_H

#include "formats/vpc/bat.h"

/* The bits of allocated BLOCK from SECTOR on: *SET is the bit there and *RUN how many
 * in the block are the same, at least 1, and at most what it comes in as (> 0); what
 * goes on in the next sector of the bitmap, a multiple of 2 MiB of the block, is not
 * counted. */
bool vpc_bitmap_run(const VpcBat *bat, VcFile *file, uint32_t block, uint32_t sector,
                    bool *set, uint32_t *run, GError **error);

/* Whether no bit of allocated BLOCK is set. */
bool vpc_bitmap_is_clear(const VpcBat *bat, VcFile *file, uint32_t block, bool *clear,
                         GError **error);

/* For a dynamic disk, where a clear bit says "never written": finds the first sector of
 * allocated BLOCK that is said so but holds something. *SECTOR is the number of sectors
 * in a block when there is none. At most *BUDGET bytes are read, and taken off it. */
bool vpc_bitmap_find_hidden(const VpcBat *bat, VcFile *file, uint32_t block,
                            uint64_t *budget, uint32_t *sector, GError **error);

#endif
