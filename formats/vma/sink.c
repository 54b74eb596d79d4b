/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMA archives as a sink: one disk after the other, clusters ascending, a slot for each
 * of them, and 58 slots to an extent. */
#include "formats/vma/vma.h"

#include "formats/vma/compose.h"
#include "formats/vma/extents.h"
#include "io/error.h"

#include <string.h>
#include <uuid.h>

typedef struct {
    VcSink base;
    uint8_t uuid[16];
    GByteArray *header;
    VmaExtents *extents;
    unsigned disk;         /* the present one */
    uint64_t next_cluster; /* of it, the first without a slot */
    uint64_t next_offset;  /* of it, nothing before can be placed any more */
} VmaSink;

/* A slot for the next cluster of the present disk; it stores nothing yet. */
static bool
add_cluster(VmaSink *s, GError **error)
{
    return vma_extents_add(s->extents, s->base.file, VMA_DEVICE_FIRST + s->disk,
                           (uint32_t)s->next_cluster++, error);
}

/* Where only the size counts, whole extents need not be made: 64 TiB have 18 million of
 * them. Whether one begins here that ends before cluster UNTIL of the present disk. */
static bool
may_skip(const VmaSink *s, uint64_t until)
{
    return s->base.file->only_size && until - s->next_cluster >= VMA_SLOTS_WRITTEN &&
           (s->extents->n_slots == 0 || !vma_extents_has_room(s->extents));
}

/* As many as there are, of clusters that store BLOCKS blocks each. */
static bool
skip_extents(VmaSink *s, uint64_t until, unsigned blocks, GError **error)
{
    uint64_t count = (until - s->next_cluster) / VMA_SLOTS_WRITTEN;
    s->next_cluster += count * VMA_SLOTS_WRITTEN;
    return vma_extents_skip(s->extents, s->base.file, count, blocks, error);
}

/* Slots for the clusters of the present disk up to UNTIL; they store nothing. */
static bool
pass_clusters(VmaSink *s, uint64_t until, GError **error)
{
    while (s->next_cluster < until) {
        if (may_skip(s, until)) {
            if (!skip_extents(s, until, 0, error))
                return false;
        } else if (!add_cluster(s, error)) {
            return false;
        }
    }
    return true;
}

/* Makes CLUSTER of the present disk the one that was added last. */
static bool
reach_cluster(VmaSink *s, uint64_t cluster, GError **error)
{
    return pass_clusters(s, cluster, error) &&
           (s->next_cluster > cluster || add_cluster(s, error));
}

/* The present disk has all that it will have. */
static bool
end_disk(VmaSink *s, GError **error)
{
    uint64_t total = vma_cluster_count(s->base.layout.disks[s->disk].size);
    if (!pass_clusters(s, total, error))
        return false;
    s->disk++;
    s->next_cluster = 0;
    s->next_offset = 0;
    return true;
}

/* Stores the blocks of LENGTH bytes at OFFSET, whose cluster was added last, as far as
 * they lie in the open extent: in *RUN bytes from *POSITION. */
static bool
store(VmaSink *s, uint64_t offset, uint64_t length, uint64_t *position, uint64_t *run,
      GError **error)
{
    *run = 0;
    while (*run < length) {
        uint64_t at = offset + *run;
        if (at / VMA_CLUSTER >= s->next_cluster) {
            uint64_t until = (offset + length) / VMA_CLUSTER;
            if (may_skip(s, until)) {
                if (!skip_extents(s, until, VMA_CLUSTER_BLOCKS, error))
                    return false;
                *run = s->next_cluster * VMA_CLUSTER - offset;
                continue;
            }
            /* The first piece has its cluster, so the run is not empty here. */
            if (!vma_extents_has_room(s->extents))
                break;
            if (!add_cluster(s, error))
                return false;
        }
        uint64_t piece = MIN(length - *run, VMA_CLUSTER - at % VMA_CLUSTER);
        uint64_t where = vma_extents_store(
            s->extents, (unsigned)(at % VMA_CLUSTER / VMA_BLOCK),
            (unsigned)((piece + VMA_BLOCK - 1) / VMA_BLOCK));
        if (*run == 0)
            *position = where;
        *run += piece;
    }
    return true;
}

/* The last block of a disk, of which USED bytes are placed up to POSITION, is stored
 * whole. */
static bool
fill_block(VmaSink *s, uint64_t position, size_t used, GError **error)
{
    static const uint8_t zeros[VMA_BLOCK];
    return used == 0 ||
           vc_file_write(s->base.file, position, zeros, VMA_BLOCK - used, error);
}

static bool
place(VcSink *sink, unsigned disk, uint64_t offset, uint64_t length, uint64_t *position,
      uint64_t *run, GError **error)
{
    VmaSink *s = (VmaSink *)sink;
    if (disk < s->disk || (disk == s->disk && offset < s->next_offset)) {
        vc_fail(
            error, VC_ERROR_UNSUPPORTED,
            "a VMA archive is written disk after disk, and here something comes back "
            "to 0x%" G_GINT64_MODIFIER "x of disk %u",
            offset, disk);
        return false;
    }
    while (s->disk < disk)
        if (!end_disk(s, error))
            return false;
    if (!reach_cluster(s, offset / VMA_CLUSTER, error) ||
        !vma_extents_flush(s->extents, sink->file, error) ||
        !store(s, offset, length, position, run, error))
        return false;

    s->next_offset = offset + *run;
    return fill_block(s, *position + *run, s->next_offset % VMA_BLOCK, error);
}

/* All below the open extent has been written or placed; its header will be written
 * last. */
static uint64_t
settled(const VcSink *sink)
{
    return ((const VmaSink *)sink)->extents->position;
}

static bool
finish(VcSink *sink, GError **error)
{
    VmaSink *s = (VmaSink *)sink;
    while (s->disk < sink->layout.n_disks)
        if (!end_disk(s, error))
            return false;
    /* An archive without disks has one empty extent. */
    if ((s->extents->n_slots > 0 || sink->layout.n_disks == 0) &&
        !vma_extents_close(s->extents, sink->file, error))
        return false;
    if (!vma_extents_flush(s->extents, sink->file, error))
        return false;
    /* Until here a file that can be sought in does not begin as an archive does. */
    return vc_file_end(sink->file, s->extents->position, error) &&
           (!sink->file->seekable ||
            vc_file_write(sink->file, 0, s->header->data, s->header->len, error));
}

static void
vma_sink_free(VcSink *sink)
{
    VmaSink *s = (VmaSink *)sink;
    vma_extents_free(s->extents);
    g_clear_pointer(&s->header, g_byte_array_unref);
    vc_sink_clear(sink);
    g_free(s);
}

static const VcSinkOps vma_sink_ops = {
    .place = place,
    .settled = settled,
    .finish = finish,
    .free = vma_sink_free,
};

/* Equal disks under a reproducible identity give equal archives. */
static void
draw_uuid(VmaSink *s, const VcIdentity *identity)
{
    g_autoptr(GString) disks = g_string_new(NULL);
    for (unsigned i = 0; i < s->base.layout.n_disks; i++)
        g_string_append_printf(disks, "%s %" G_GUINT64_FORMAT "\n",
                               s->base.layout.disks[i].name,
                               s->base.layout.disks[i].size);
    vc_identity_uuid(identity, "vma archive", disks->str, s->uuid);
}

static bool
read_options(VmaSink *s, const VcOptions *options, const VcIdentity *identity,
             int64_t *ctime, GError **error)
{
    const char *uuid = vc_options_text(options, "uuid", NULL),
               *time = vc_options_text(options, "ctime", NULL);
    if (!uuid) {
        draw_uuid(s, identity);
    } else if (uuid_parse(uuid, s->uuid) != 0) {
        vc_fail(error, VC_ERROR_USAGE, "option uuid: '%s' is not a UUID", uuid);
        return false;
    }
    *ctime = identity ? identity->time : 0;
    if (time && !g_ascii_string_to_signed(time, 10, 0, G_MAXINT64, ctime, NULL)) {
        vc_fail(error, VC_ERROR_USAGE, "option ctime: '%s' is not a number of seconds",
                time);
        return false;
    }
    return true;
}

VcSink *
vma_create(VcFile *file, const VcLayout *layout, const VcOptions *options,
           const VcIdentity *identity, GError **error)
{
    VmaSink *s = g_new0(VmaSink, 1);
    g_autoptr(VcSink) sink = &s->base;
    int64_t ctime;
    vc_sink_init(sink, &vma_sink_ops, file, layout);
    sink->order = VC_ORDER_ASCENDING;
    sink->append_only = true;
    if (!vma_compose_layout(&sink->layout, sink->warnings, error) ||
        !read_options(s, options, identity, &ctime, error))
        return NULL;
    s->header = vma_compose_header(&sink->layout, s->uuid, ctime, error);
    if (!s->header)
        return NULL;
    s->extents = vma_extents_new(s->header->len, s->uuid, error);
    if (!s->extents)
        return NULL;
    if (!file->seekable &&
        !vc_file_write(file, 0, s->header->data, s->header->len, error))
        return NULL;
    return g_steal_pointer(&sink);
}
