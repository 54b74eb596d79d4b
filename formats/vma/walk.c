/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A walk over the extents of an archive. */
#include "formats/vma/walk.h"

#include "formats/vma/clusters.h"
#include "formats/vma/window.h"
#include "io/checksum.h"
#include "io/allocate.h"
#include "io/error.h"

#include <stdarg.h>
#include <string.h>

#define HEX "0x%" G_GINT64_MODIFIER "x"
#define DEC "%" G_GUINT64_FORMAT

struct VmaWalk {
    VmaWalkView view;
    const VmaHeader *header;
    const VcLayout *layout;
    const bool *skip;
    VmaListener listener;
    GChecksum *md5;
    uint64_t next; /* where the next extent begins */
    bool ended;    /* no extent follows */
    bool told;     /* and what is missing was told */
    bool empty;    /* the last extent had no payload */
    VmaClusters seen[VC_DISKS_MAX];
    uint64_t vmstate_next[VC_DISKS_MAX]; /* the cluster that must come next */
    VmaWindow window;
};

VmaWalk *
vma_walk_new(VcFile *file, const VmaHeader *header, const VcLayout *layout,
             const bool *skip, const VmaListener *listener, GError **error)
{
    g_autoptr(VmaWalk) w = vc_allocate(1, sizeof *w, error);
    if (!w)
        return NULL;
    w->header = header;
    w->layout = layout;
    w->skip = skip;
    w->listener = *listener;
    w->md5 = g_checksum_new(G_CHECKSUM_MD5);
    w->next = header->size;
    w->view.end = header->size;
    if (!vma_window_init(&w->window, file, header->size, error))
        return NULL;
    return g_steal_pointer(&w);
}

void
vma_walk_free(VmaWalk *walk)
{
    if (!walk)
        return;
    for (unsigned i = 0; i < VC_DISKS_MAX; i++)
        vma_clusters_clear(&walk->seen[i]);
    g_checksum_free(walk->md5);
    g_free(walk);
}

const VmaWalkView *
vma_walk_view(const VmaWalk *walk)
{
    return &walk->view;
}

void
vma_walk_was_read(VmaWalk *walk, uint64_t position)
{
    vma_window_was_read(&walk->window, position);
}

uint64_t
vma_walk_vmstate_end(const VmaWalk *walk, unsigned disk)
{
    return MIN(walk->vmstate_next[disk] * VMA_CLUSTER, walk->layout->disks[disk].size);
}

static bool
is_skipped(const VmaWalk *w, unsigned disk)
{
    return w->skip && w->skip[disk];
}

static bool
is_wanted(const VmaWalk *w, VmaFault fault)
{
    return w->listener.wants(w->listener.user, fault);
}

/* Tells what is wanted; true: go on. */
static bool
tell_text(VmaWalk *w, VmaFault fault, uint64_t position, const char *text,
          GError **error)
{
    g_autoptr(GError) what = g_error_new(
        VC_ERROR, fault == VMA_SHORT ? VC_ERROR_SHORT : VC_ERROR_CORRUPT, "%s at " HEX,
        text, position);
    return w->listener.hear(w->listener.user, fault, what, error) ||
           vma_fault_is_warning(fault);
}

static bool tell(VmaWalk *w, VmaFault fault, uint64_t position, GError **error,
                 const char *format, ...) G_GNUC_PRINTF(5, 6);

/* Tells the user; true: go on. */
static bool
tell(VmaWalk *w, VmaFault fault, uint64_t position, GError **error, const char *format,
     ...)
{
    if (!is_wanted(w, fault))
        return true;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return tell_text(w, fault, position, text, error);
}

/* --- damage ----------------------------------------------------------------------- */

/* Moves *CANDIDATE to the next whole extent header there or a multiple of 512 bytes
 * behind, or to the end of the file. */
static bool
find_extent(VmaWalk *w, uint64_t *candidate, GError **error)
{
    VmaExtentHeader unused;
    for (;;) {
        const uint8_t *raw;
        size_t got;
        if (!vma_window_look(&w->window, *candidate, VMA_EXTENT_HEADER, true, &raw,
                             &got, error))
            return false;
        w->ended = got < VMA_EXTENT_HEADER;
        if (w->ended || (vma_extent_is_likely(raw, w->header->uuid) &&
                         vma_extent_decode(raw, *candidate, w->header->uuid, w->md5,
                                           &unused, NULL)))
            return true;
        uint64_t next = *candidate + VMA_EXTENT_HEADER;
        if (vc_is_zero(raw, got)) {
            if (!vma_window_pass_zeros(&w->window, &next, &w->ended, error))
                return false;
            next -= w->ended ? 0 : (next - *candidate) % VMA_EXTENT_HEADER;
        }
        *candidate = next;
    }
}

/* Goes on behind damage that begins at FROM: CANDIDATE is where the next extent may be.
 */
static bool
resync(VmaWalk *w, uint64_t from, uint64_t candidate, GError **error)
{
    if (!find_extent(w, &candidate, error))
        return false;
    w->next = candidate;
    return tell(w, VMA_CORRUPT, from, error,
                "skipped everything up to %s " HEX ": damage begins",
                w->ended ? "the end of the archive" : "the next extent header",
                candidate);
}

/* --- slots ------------------------------------------------------------------------ */

/* A used slot. */
typedef struct {
    unsigned number;
    unsigned disk;
    uint32_t cluster;
    uint16_t mask;
    uint64_t position; /* of the slot */
} Slot;

static bool tell_slot(VmaWalk *w, VmaFault fault, const Slot *slot, GError **error,
                      const char *format, ...) G_GNUC_PRINTF(5, 6);

/* Tells of a slot, "extent 3, slot 7: cluster 5 of drive-scsi0", what FORMAT says: as
 * its predicate, or of a warning before it. */
static bool
tell_slot(VmaWalk *w, VmaFault fault, const Slot *slot, GError **error,
          const char *format, ...)
{
    if (!is_wanted(w, fault))
        return true;
    va_list args;
    va_start(args, format);
    g_autofree char *said = g_strdup_vprintf(format, args);
    va_end(args);
    bool first = vma_fault_is_warning(fault);
    g_autofree char *text = g_strdup_printf(
        "%s%sextent " DEC ", slot %u: cluster %u of %s%s", first ? said : "",
        first ? ": " : "", w->view.number, slot->number, slot->cluster,
        w->header->label[slot->disk], first ? "" : said);
    return tell_text(w, fault, slot->position, text, error);
}

/* Each cluster of a disk comes once, those of vmstate in order. *KEEP false: it did
 * not, which was told. */
static bool
judge_order(VmaWalk *w, const Slot *slot, bool *keep, GError **error)
{
    if (!w->layout->disks[slot->disk].vmstate) {
        if (!vma_clusters_reserve(&w->seen[slot->disk], error))
            return false;
        *keep = vma_clusters_add(&w->seen[slot->disk], slot->cluster);
        return *keep || tell_slot(w, VMA_CORRUPT, slot, error, " for the second time");
    }
    uint64_t expected = w->vmstate_next[slot->disk];
    *keep = slot->cluster == expected;
    w->vmstate_next[slot->disk] = (uint64_t)slot->cluster + 1;
    return *keep || tell_slot(w, VMA_CORRUPT, slot, error,
                              " where cluster " DEC " must come", expected);
}

static bool
judge_cluster_beyond(VmaWalk *w, const Slot *slot, GError **error)
{
    const VcDisk *disk = &w->layout->disks[slot->disk];
    if (disk->vmstate)
        return tell_slot(w, VMA_VMSTATE_LONG, slot, error,
                         "ignored data beyond the declared " DEC " bytes of vmstate",
                         disk->size);
    if (slot->mask == 0)
        return tell_slot(w, VMA_ZERO_BEYOND, slot, error,
                         "ignored zero cluster beyond the end of the disk");
    return tell_slot(w, VMA_CORRUPT, slot, error, ", which has only " DEC " clusters",
                     vma_cluster_count(disk->size));
}

/* What lies beyond the end of the disk is taken out of the mask; *INSIDE false when all
 * of the cluster does. */
static bool
judge_end(VmaWalk *w, Slot *slot, bool *inside, GError **error)
{
    const VcDisk *disk = &w->layout->disks[slot->disk];
    uint64_t begin = (uint64_t)slot->cluster * VMA_CLUSTER;
    *inside = begin < disk->size;
    if (!*inside)
        return judge_cluster_beyond(w, slot, error);
    if (disk->size - begin >= VMA_CLUSTER)
        return true;

    /* The block that straddles the end counts; its bytes behind the end are not ours.
     */
    unsigned blocks = (unsigned)((disk->size - begin + VMA_BLOCK - 1) / VMA_BLOCK);
    uint16_t allowed = (uint16_t)((1u << blocks) - 1), surplus = slot->mask & ~allowed;
    if (surplus == 0)
        return true;
    slot->mask &= allowed;
    return tell_slot(w, disk->vmstate ? VMA_VMSTATE_LONG : VMA_TAIL_BITS, slot, error,
                     "ignored blocks beyond the end of the disk");
}

static bool
judge_slot(VmaWalk *w, Slot *slot, uint64_t payload, GError **error)
{
    bool inside, keep = true;
    if (!judge_end(w, slot, &inside, error))
        return false;
    /* A vmstate stream keeps its order beyond its declared end, too. */
    if ((inside || w->layout->disks[slot->disk].vmstate) &&
        !judge_order(w, slot, &keep, error))
        return false;
    if (inside && keep)
        w->view.clusters[w->view.n_clusters++] = (VmaCluster){
            .disk = slot->disk,
            .cluster = slot->cluster,
            .mask = slot->mask,
            .position = payload,
        };
    return true;
}

/* --- extents ---------------------------------------------------------------------- */

/* Nobody may have read the payload of the last extent of a stream. */
static bool
judge_payload(VmaWalk *w, GError **error)
{
    bool reaches;
    if (!vma_window_reaches(&w->window, w->next, &reaches, error))
        return false;
    w->ended = !reaches;
    return reaches ||
           tell(w, VMA_SHORT, w->next, error,
                "extent " DEC ": the archive ends inside its payload, which ends",
                w->view.number);
}

static bool
judge_extent(VmaWalk *w, const VmaExtentHeader *header, GError **error)
{
    uint64_t position = w->next, payload = position + VMA_EXTENT_HEADER;
    w->next = payload + (uint64_t)header->blocks * VMA_BLOCK;
    w->empty = header->blocks == 0;
    w->ended = w->next > w->window.size;
    if (w->ended && !tell(w, VMA_SHORT, w->window.size, error,
                          "extent " DEC ": its payload ends at " HEX ", the archive",
                          w->view.number, w->next))
        return false;
    w->view.end = MIN(w->next, w->window.size);

    for (unsigned i = 0; i < VMA_SLOTS; i++) {
        const VmaSlot *stored = &header->slots[i];
        if (stored->device == 0)
            continue;
        int disk = w->header->disk_of_device[stored->device];
        uint64_t at = position + 40 + 8 * (uint64_t)i;
        Slot slot = {
            .number = i,
            .disk = (unsigned)disk,
            .cluster = stored->cluster,
            .mask = stored->mask,
            .position = at,
        };
        if (disk < 0) {
            if (!tell(w, VMA_CORRUPT, at, error,
                      "extent " DEC ", slot %u: device %u, which the header does not "
                      "declare",
                      w->view.number, i, stored->device))
                return false;
        } else if (!is_skipped(w, slot.disk) && !judge_slot(w, &slot, payload, error)) {
            return false;
        }
        payload += (uint64_t)vma_mask_count(stored->mask) * VMA_BLOCK;
    }
    return true;
}

static bool
judge_zeros(VmaWalk *w, GError **error)
{
    uint64_t begin = w->next, at = begin;
    bool end;
    if (!vma_window_pass_zeros(&w->window, &at, &end, error))
        return false;
    if (end) {
        w->ended = true;
        return tell(w, VMA_TRAILING_ZEROS, begin, error,
                    "ignored " DEC " zero bytes behind the last extent", at - begin);
    }
    return tell(w, VMA_CORRUPT, begin, error,
                "extent " DEC ": zeros up to " HEX " instead of its header",
                w->view.number, at) &&
           resync(w, begin, at - (at - begin) % VMA_EXTENT_HEADER, error);
}

/* Fewer bytes than an extent header has, and not all zero. */
static bool
judge_scrap(VmaWalk *w, const uint8_t *raw, size_t length, GError **error)
{
    static const char magic[4] = { 'V', 'M', 'A', 'E' };
    w->ended = true;
    if (memcmp(raw, magic, MIN(length, sizeof magic)) == 0)
        return tell(w, VMA_SHORT, w->next + length, error,
                    "extent " DEC
                    ": the archive ends inside its header, after %zu bytes",
                    w->view.number, length);
    return tell(w, VMA_CORRUPT, w->next, error,
                "%zu bytes behind the last extent, which are no extent", length);
}

static bool
step(VmaWalk *w, GError **error)
{
    const uint8_t *raw;
    size_t got;
    /* In a long run of zeros, extents without payload follow one another. The payload
     * of a stream is not ours to read. */
    bool ahead = w->empty && w->window.file->seekable;
    if (!vma_window_look(&w->window, w->next, VMA_EXTENT_HEADER, ahead, &raw, &got,
                         error))
        return false;
    if (got == 0) {
        w->ended = true;
        return true;
    }
    w->view.number++;
    if (vc_is_zero(raw, got))
        return judge_zeros(w, error);
    if (got < VMA_EXTENT_HEADER)
        return judge_scrap(w, raw, got, error);

    VmaExtentHeader header;
    g_autoptr(GError) what = NULL;
    if (vma_extent_decode(raw, w->next, w->header->uuid, w->md5, &header, &what))
        return judge_extent(w, &header, error);
    if (is_wanted(w, VMA_CORRUPT)) {
        g_prefix_error(&what, "extent " DEC ": ", w->view.number);
        if (!w->listener.hear(w->listener.user, VMA_CORRUPT, what, error))
            return false;
    }
    return resync(w, w->next, w->next + VMA_EXTENT_HEADER, error);
}

/* What can be said only when all has been seen. */
static bool
judge_completeness(VmaWalk *w, GError **error)
{
    for (unsigned i = 0; i < w->layout->n_disks; i++) {
        const VcDisk *disk = &w->layout->disks[i];
        const char *label = w->header->label[i];
        if (is_skipped(w, i))
            continue;
        if (disk->vmstate) {
            uint64_t got = vma_walk_vmstate_end(w, i);
            if (got < disk->size)
                tell(w, VMA_VMSTATE_SHORT, w->view.end, error,
                     "%s has only " DEC " of its declared " DEC
                     " bytes, the rest reads as zero: the archive ends",
                     label, got, disk->size);
            continue;
        }
        uint64_t total = vma_cluster_count(disk->size), seen = w->seen[i].count;
        if (seen == total)
            continue;
        uint64_t first = vma_clusters_first_missing(&w->seen[i]);
        if (!tell(w, VMA_CORRUPT, w->view.end, error,
                  "%s: " DEC " of " DEC " clusters are missing, first cluster " DEC
                  " (disk offset " HEX "): the archive ends",
                  label, total - seen, total, first, first * VMA_CLUSTER))
            return false;
    }
    return true;
}

bool
vma_walk_next(VmaWalk *walk, bool *more, GError **error)
{
    walk->view.n_clusters = 0;
    if (!walk->ended && !judge_payload(walk, error))
        return false;
    if (!walk->ended && !step(walk, error))
        return false;

    /* The last extent may be one with clusters that is cut off. */
    *more = !walk->ended || walk->view.n_clusters > 0;
    if (*more || walk->told)
        return true;
    walk->told = true;
    return judge_completeness(walk, error);
}
