/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The extents of an archive that is being written. */
#ifndef VC_FORMATS_VMA_EXTENTS_H
#define VC_FORMATS_VMA_EXTENTS_H

#include "formats/vma/wire.h"
#include "io/file.h"

/* Headers of extents without payload are written together: a terabyte of zeros has
 * 312000 of them. */
#define VMA_BATCH ((size_t)128 << 10)

/* The open extent, and headers that wait to be written. */
typedef struct {
    const uint8_t *uuid; /* borrowed */
    GChecksum *md5;
    uint64_t position; /* where the open extent begins, or the next one will */
    unsigned n_slots;  /* of the open extent; 0: none is open */
    VmaExtentHeader header;
    uint64_t batch_position;
    size_t batch_length;
    uint8_t batch[VMA_BATCH];
} VmaExtents;

/* Gives a writer of extents, the first of which begins at POSITION. */
VmaExtents *vma_extents_new(uint64_t position, const uint8_t *uuid, GError **error);
void vma_extents_free(VmaExtents *extents);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VmaExtents, vma_extents_free)

/* Another cluster can be added without a new extent. */
static inline bool
vma_extents_has_room(const VmaExtents *extents)
{
    return extents->n_slots < VMA_SLOTS_WRITTEN;
}

/* Adds a cluster that stores nothing yet, in a new extent where this one is full. */
bool vma_extents_add(VmaExtents *extents, VcFile *file, unsigned device,
                     uint32_t cluster, GError **error);

/* Stores COUNT more blocks from FIRST on in the cluster added last, and gives the
 * position of the first. They are behind all that are stored so far. */
uint64_t vma_extents_store(VmaExtents *extents, unsigned first, unsigned count);

/* Goes on behind COUNT extents that are full of clusters of BLOCKS blocks each, as if
 * they had been stored, in a FILE of which only the size counts. None may be open that
 * has room. */
bool vma_extents_skip(VmaExtents *extents, VcFile *file, uint64_t count,
                      unsigned blocks, GError **error);

/* Writes the header of the open extent, or of an empty one when none is open. */
bool vma_extents_close(VmaExtents *extents, VcFile *file, GError **error);

/* Writes what waits. */
bool vma_extents_flush(VmaExtents *extents, VcFile *file, GError **error);

#endif
