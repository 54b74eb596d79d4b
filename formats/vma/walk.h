/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A walk over the extents of an archive, in the order of the file, that judges all it
 * sees.
 *
 * Reading in stored order, indexing and checking are three users of it. It reads extent
 * headers only, at rising positions, so that a stream will do. */
#ifndef VC_FORMATS_VMA_WALK_H
#define VC_FORMATS_VMA_WALK_H

#include "formats/vma/header.h"

typedef enum {
    VMA_CORRUPT,
    VMA_SHORT, /* the archive ends too early */
    /* From here on: wrong, but what was meant is clear. */
    VMA_TAIL_BITS,      /* blocks stored beyond the end of a disk, and dropped */
    VMA_ZERO_BEYOND,    /* a zero cluster beyond the end of a disk */
    VMA_VMSTATE_LONG,   /* a vmstate stream that goes on beyond its declared size */
    VMA_VMSTATE_SHORT,  /* one that ends before; the rest is zero */
    VMA_TRAILING_ZEROS, /* behind the last extent */
    VMA_FAULTS,
} VmaFault;

static inline bool
vma_fault_is_warning(VmaFault fault)
{
    return fault > VMA_SHORT;
}

typedef struct {
    /* Is asked first at every fault. False: no text of it is wanted, and the walk goes
     * on. An archive can hold a fault for every few bits of a compressed stream, and to
     * put each into words takes longer than all else. */
    bool (*wants)(void *user, VmaFault fault);
    /* Is told of every fault that is wanted; WHAT is the error that it would be. For a
     * fault that is not a warning, false (with ERROR set) ends the walk; true makes it
     * go on as well as it can. The answer to a warning does not count. */
    bool (*hear)(void *user, VmaFault fault, const GError *what, GError **error);
    void *user;
} VmaListener;

/* A cluster that was stored, as far as it lies inside its disk. */
typedef struct {
    unsigned disk;
    uint32_t cluster;
    uint16_t mask;     /* blocks stored; the others are zero */
    uint64_t position; /* of the first block stored */
} VmaCluster;

typedef struct {
    VmaCluster clusters[VMA_SLOTS]; /* of the present extent */
    unsigned n_clusters;
    uint64_t number; /* of the present extent, from 1 */
    uint64_t end;    /* of what is known to be whole: header and extents */
} VmaWalkView;

typedef struct VmaWalk VmaWalk;

/* Gives a walk over FILE behind HEADER; both, and SKIP, are borrowed. Of disks that
 * SKIP (of VC_DISKS_MAX; NULL for none) tells, clusters are neither judged nor shown.
 */
VmaWalk *vma_walk_new(VcFile *file, const VmaHeader *header, const VcLayout *layout,
                      const bool *skip, const VmaListener *listener, GError **error);

/* Goes to the next extent; *MORE false when there is none. Then all that was missing
 * has been told, too. */
bool vma_walk_next(VmaWalk *walk, bool *more, GError **error);

/* What the walk shows; constant until the next step. */
const VmaWalkView *vma_walk_view(const VmaWalk *walk);

/* Tells that all bytes of a stream below POSITION were read by somebody, so that the
 * walk need not prove that they exist. */
void vma_walk_was_read(VmaWalk *walk, uint64_t position);

/* How many bytes of vmstate disk DISK have come. */
uint64_t vma_walk_vmstate_end(const VmaWalk *walk, unsigned disk);

void vma_walk_free(VmaWalk *walk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VmaWalk, vma_walk_free)

#endif
