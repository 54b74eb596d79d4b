/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the clusters of each disk of an archive lie in the file. */
#include "formats/vma/index.h"

#define WHOLE 0xffffu

typedef struct {
    uint32_t cluster; /* the first */
    uint16_t count;   /* more than 1 only when all of them are WHOLE */
    uint16_t mask;
    uint64_t position; /* of the first block stored */
} Run;

void
vma_index_add(VmaIndex *index, const VmaCluster *cluster)
{
    if (cluster->mask == 0)
        return;
    GArray **runs = &index->runs[cluster->disk];
    if (!*runs)
        *runs = g_array_new(FALSE, FALSE, sizeof(Run));

    Run *last = (*runs)->len > 0 ? &g_array_index(*runs, Run, (*runs)->len - 1) : NULL;
    if (last && last->mask == WHOLE && cluster->mask == WHOLE &&
        last->count < UINT16_MAX &&
        (uint64_t)last->cluster + last->count == cluster->cluster &&
        last->position + (uint64_t)last->count * VMA_CLUSTER == cluster->position) {
        last->count++;
        return;
    }
    Run run = { .cluster = cluster->cluster,
                .count = 1,
                .mask = cluster->mask,
                .position = cluster->position };
    g_array_append_val(*runs, run);
}

static int
compare_runs(gconstpointer a, gconstpointer b)
{
    uint32_t x = ((const Run *)a)->cluster, y = ((const Run *)b)->cluster;
    return (x > y) - (x < y);
}

/* Most archives are in order, and sorting would need memory. */
static bool
is_sorted(const GArray *runs)
{
    for (guint i = 1; i < runs->len; i++)
        if (g_array_index(runs, Run, i - 1).cluster >
            g_array_index(runs, Run, i).cluster)
            return false;
    return true;
}

void
vma_index_sort(VmaIndex *index)
{
    for (unsigned i = 0; i < VC_DISKS_MAX; i++)
        if (index->runs[i] && !is_sorted(index->runs[i]))
            g_array_sort(index->runs[i], compare_runs);
}

/* The number of runs that begin at or before CLUSTER. */
static guint
count_before(const GArray *runs, uint64_t cluster)
{
    guint low = 0, high = runs->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(runs, Run, middle).cluster <= cluster)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A piece of a disk, in blocks: what lies from `begin` to `end`. */
typedef struct {
    bool data;
    uint64_t end;
    uint64_t position; /* of block `begin`, when data */
    guint next;        /* the run of the index to look at for `end` */
} Piece;

/* What lies at block BEGIN, where run number AT is the last that begins at or before it
 * (plus one; 0 for none). */
static Piece
look(const GArray *runs, guint at, uint64_t begin)
{
    const Run *run = at > 0 ? &g_array_index(runs, Run, at - 1) : NULL;
    uint64_t first = at > 0 ? (uint64_t)run->cluster * VMA_CLUSTER_BLOCKS : 0;

    if (at == 0 || begin >= first + (uint64_t)run->count * VMA_CLUSTER_BLOCKS) {
        uint64_t end = at < runs->len ? (uint64_t)g_array_index(runs, Run, at).cluster *
                                            VMA_CLUSTER_BLOCKS
                                      : VMA_DISK_MAX / VMA_BLOCK;
        return (Piece){ .end = end, .next = at + 1 };
    }
    Piece piece = { .data = true,
                    .end = first + (uint64_t)run->count * VMA_CLUSTER_BLOCKS,
                    .position = run->position + (begin - first) * VMA_BLOCK,
                    .next = at };
    if (run->mask != WHOLE) {
        unsigned bit = (unsigned)(begin - first);
        uint16_t before = run->mask & (uint16_t)((1u << bit) - 1);
        piece.data = run->mask >> bit & 1;
        piece.end = first + vma_mask_run(run->mask, bit);
        piece.position = run->position + (uint64_t)vma_mask_count(before) * VMA_BLOCK;
    }
    uint64_t following = at < runs->len
                             ? (uint64_t)g_array_index(runs, Run, at).cluster *
                                   VMA_CLUSTER_BLOCKS
                             : UINT64_MAX;
    if (piece.end == following)
        piece.next++;
    return piece;
}

bool
vma_index_find(const VmaIndex *index, unsigned disk, uint64_t offset,
               uint64_t *position, uint64_t *length)
{
    const GArray *runs = index->runs[disk];
    if (!runs) {
        *length = VMA_DISK_MAX - offset;
        return false;
    }
    uint64_t begin = offset / VMA_BLOCK, inside = offset % VMA_BLOCK;
    Piece piece = look(runs, count_before(runs, offset / VMA_CLUSTER), begin);
    bool data = piece.data;
    *position = piece.position + inside;

    uint64_t end = piece.end;
    while (end < VMA_DISK_MAX / VMA_BLOCK) {
        uint64_t continued = piece.position + (piece.end - begin) * VMA_BLOCK;
        begin = piece.end;
        piece = look(runs, piece.next, begin);
        if (piece.data != data || (data && piece.position != continued))
            break;
        end = piece.end;
    }
    *length = end * VMA_BLOCK - offset;
    return data;
}

void
vma_index_clear(VmaIndex *index)
{
    for (unsigned i = 0; i < VC_DISKS_MAX; i++)
        g_clear_pointer(&index->runs[i], g_array_unref);
}
