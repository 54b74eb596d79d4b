/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The set of clusters of one disk that were seen. */
#include "formats/vma/clusters.h"

#include "io/allocate.h"

#include <glib.h>

#define PAGE_CLUSTERS 64u
#define FIRST_LOG2 6u

static uint64_t
capacity_of(const VmaClusters *c)
{
    return c->keys ? (uint64_t)1 << c->log2_capacity : 0;
}

/* Where KEY is, or the free place for it. The table is never full, and has at most 2^27
 * places: there are 2^26 pages. */
static size_t
find(const VmaClusters *c, uint32_t key)
{
    size_t mask = (size_t)capacity_of(c) - 1;
    uint32_t hash = (uint32_t)((uint64_t)key * c->multiplier);
    size_t at = hash >> (32 - c->log2_capacity);
    while (c->keys[at] != 0 && c->keys[at] != key)
        at = (at + 1) & mask;
    return at;
}

static bool
grow(VmaClusters *c, GError **error)
{
    VmaClusters old = *c;
    unsigned log2_capacity = old.keys ? old.log2_capacity + 1 : FIRST_LOG2;
    g_autofree uint32_t *keys = vc_allocate((size_t)1 << log2_capacity, sizeof *keys,
                                            error);
    g_autofree uint64_t *bits =
        keys ? vc_allocate((size_t)1 << log2_capacity, sizeof *bits, error) : NULL;
    if (!bits)
        return false;

    if (!old.keys)
        c->multiplier = g_random_int() | 1;
    c->log2_capacity = log2_capacity;
    c->keys = g_steal_pointer(&keys);
    c->bits = g_steal_pointer(&bits);
    for (uint64_t i = 0; i < capacity_of(&old); i++) {
        if (old.keys[i] == 0)
            continue;
        size_t at = find(c, old.keys[i]);
        c->keys[at] = old.keys[i];
        c->bits[at] = old.bits[i];
    }
    g_free(old.keys);
    g_free(old.bits);
    return true;
}

bool
vma_clusters_reserve(VmaClusters *clusters, GError **error)
{
    uint64_t capacity = capacity_of(clusters);
    return clusters->used < capacity - capacity / 4 || grow(clusters, error);
}

bool
vma_clusters_add(VmaClusters *clusters, uint32_t cluster)
{
    g_assert(clusters->used < capacity_of(clusters));
    uint32_t key = cluster / PAGE_CLUSTERS + 1;
    uint64_t bit = (uint64_t)1 << cluster % PAGE_CLUSTERS;
    size_t at = find(clusters, key);
    if (clusters->keys[at] == 0) {
        clusters->keys[at] = key;
        clusters->used++;
    } else if (clusters->bits[at] & bit) {
        return false;
    }
    clusters->bits[at] |= bit;
    clusters->count++;
    return true;
}

uint64_t
vma_clusters_first_missing(const VmaClusters *clusters)
{
    if (!clusters->keys)
        return 0;
    for (uint32_t page = 0;; page++) {
        uint64_t bits = clusters->bits[find(clusters, page + 1)];
        if (bits != UINT64_MAX)
            return (uint64_t)page * PAGE_CLUSTERS + (unsigned)__builtin_ctzll(~bits);
    }
}

void
vma_clusters_clear(VmaClusters *clusters)
{
    g_free(clusters->keys);
    g_free(clusters->bits);
    *clusters = (VmaClusters){ 0 };
}
