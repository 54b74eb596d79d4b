/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the clusters of each disk of an archive lie in the file. */
#ifndef VC_FORMATS_VMA_INDEX_H
#define VC_FORMATS_VMA_INDEX_H

#include "formats/vma/walk.h"

/* 16 bytes for each run of whole clusters that lie together in the file, or for each
 * other cluster that stores a block; zero clusters cost nothing. So memory is below a
 * 256th of the file. */
typedef struct {
    GArray *runs[VC_DISKS_MAX]; /* NULL: no block is stored */
} VmaIndex;

/* Adds what lies in CLUSTER. */
void vma_index_add(VmaIndex *index, const VmaCluster *cluster);
/* To be called when all was added, before the first look-up. */
void vma_index_sort(VmaIndex *index);

/* What lies at OFFSET of DISK: true and *POSITION, or false for zeros; *LENGTH > 0
 * bytes, possibly beyond the disk's end. */
bool vma_index_find(const VmaIndex *index, unsigned disk, uint64_t offset,
                    uint64_t *position, uint64_t *length);

void vma_index_clear(VmaIndex *index);

#endif
