/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the blocks of an opened VHDX lie. All of it reads only, and may be called by
 * many threads at once. */
#ifndef VC_VHDX_SPAN_H
#define VC_VHDX_SPAN_H

#include "formats/vhdx/image.h"

/* What a BAT entry means for the one who reads the disk. */
typedef enum {
    VHDX_SPAN_ABSENT, /* nothing here: the parent's, or zero */
    VHDX_SPAN_ZERO,   /* zero, whatever the parent has */
    VHDX_SPAN_DATA,   /* lies in the file */
    VHDX_SPAN_MIXED,  /* sector by sector in the file or the parent's: one block */
} VhdxSpanKind;

/* Blocks that mean the same, and whose data lies together. */
typedef struct {
    VhdxSpanKind kind;
    uint64_t blocks;
    uint64_t position; /* of the data */
} VhdxSpan;

/* What ENTRY says of payload block BLOCK. VC_ERROR_CORRUPT: a state that is none, or a
 * place that is not in the file, in its header section or beyond VHDX_FILE_SIZE_MAX. */
bool vhdx_span_of_entry(const VhdxImage *image, uint64_t block, uint64_t entry,
                        VhdxSpan *span, GError **error);

/* The span that begins with BLOCK (below geometry.blocks), of which no more than N (>
 * 0) blocks are wanted: not many more are looked at. */
bool vhdx_span_at(const VhdxImage *image, uint64_t block, uint64_t n, VhdxSpan *span,
                  GError **error);

/* Whether ENTRY is that of a sector bitmap block that is there: VC_ERROR_CORRUPT unless
 * its state is 6 and its place is one for a block. */
bool vhdx_bitmap_verify(const VhdxImage *image, uint64_t chunk, uint64_t entry,
                        GError **error);

/* Of PARTIALLY_PRESENT block BLOCK, the sectors from SECTOR (of the block) on that are
 * alike: all *HERE in the file or all in the parent; *SECTORS of them, at most to the
 * next multiple of 8192 or the end of a hole of the file: who asks for a piece of a
 * long run does not pay for all of it. */
bool vhdx_sectors_at(const VhdxImage *image, uint64_t block, uint32_t sector,
                     bool *here, uint32_t *sectors, GError **error);

#endif
