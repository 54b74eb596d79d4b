/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The set of clusters of one disk that were seen. */
#ifndef VC_FORMATS_VMA_CLUSTERS_H
#define VC_FORMATS_VMA_CLUSTERS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A hash table from pages of 64 clusters to their bits: memory is proportional to what
 * was added (at most 48 bytes for a cluster that stands alone, under one byte where all
 * are there), never to the size of the disk. Zeroed memory is the empty set. */
typedef struct {
    uint32_t *keys; /* page number + 1; 0: free */
    uint64_t *bits;
    unsigned log2_capacity;
    uint32_t multiplier; /* odd and random: nobody can choose colliding clusters */
    uint64_t used;       /* pages */
    uint64_t count;      /* clusters in the set */
} VmaClusters;

/* Makes room for one more; before each vma_clusters_add. Fails without memory. */
bool vma_clusters_reserve(VmaClusters *clusters, GError **error);

/* Adds; false when CLUSTER was in the set already. */
bool vma_clusters_add(VmaClusters *clusters, uint32_t cluster);

/* The lowest cluster that is not in the set. */
uint64_t vma_clusters_first_missing(const VmaClusters *clusters);

void vma_clusters_clear(VmaClusters *clusters);

#endif
