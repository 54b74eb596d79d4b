/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pieces of a comparison: where two disks are looked at together, and what came of
 * it. */
#ifndef VC_CONVERTERS_COMPARE_PIECE_H
#define VC_CONVERTERS_COMPARE_PIECE_H

#include "formats/source.h"

/* Data is compared in pieces of at most this; a piece that is zero on both sides may be
 * longer. Two of them fit into the second-level cache of a core, which is worth a
 * third of the time when the images are in memory. */
#define VC_PIECE_MAX ((uint64_t)256 << 10)

/* One of the two disks. Behind SIZE it counts as zero. */
typedef struct {
    const VcSource *source; /* NULL: nothing is mapped, only EXTENT is known */
    unsigned disk;
    uint64_t size;
    VcExtent extent; /* the last one mapped, or given by `next` */
} VcSide;

typedef struct {
    uint64_t offset, length;
    VcExtent a, b; /* each holds the piece */
} VcPiece;

/* Memory to compare a piece in; one for each thread. */
typedef struct {
    uint8_t *a, *b;
} VcBuffers;

/* The difference or error at the lowest offset found so far. */
typedef struct {
    bool set;
    uint64_t offset;
    bool in_map;   /* the allocation differs, not the content */
    GError *error; /* owned; NULL: a difference */
} VcVerdict;

/* The piece that begins at OFFSET and ends at END at the latest. */
bool vc_piece_find(VcSide *a, VcSide *b, uint64_t offset, uint64_t end, VcPiece *piece,
                   GError **error);

/* Both sides are known to be zero. */
bool vc_piece_is_zero(const VcPiece *piece);

/* One side is data and the other a hole, or only one of them is allocated. */
bool vc_piece_allocation_differs(const VcPiece *piece);

/* Reads and compares. VERDICT is left alone when the bytes are the same. */
void vc_piece_compare(const VcPiece *piece, const VcBuffers *buffers,
                      VcVerdict *verdict);

bool vc_buffers_init(VcBuffers *buffers, GError **error);
void vc_buffers_clear(VcBuffers *buffers);

void vc_verdict_difference(VcVerdict *verdict, uint64_t offset, bool in_map);
/* ERROR is taken. */
void vc_verdict_error(VcVerdict *verdict, uint64_t offset, GError *error);
/* Keeps in VERDICT what lies at the lower offset; OTHER is taken and emptied. */
void vc_verdict_merge(VcVerdict *verdict, VcVerdict *other);

#endif
