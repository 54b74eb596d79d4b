/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A part of one disk, seen as an image of its own. */
#include "converters/range.h"

#include "formats/sink.h"

typedef struct {
    VcSource base;
    VcSource *whole; /* borrowed; so is its file */
    unsigned disk;   /* of whole */
    uint64_t offset;
} Range;

static uint64_t
length_of(const Range *range)
{
    return range->base.layout.disks[0].size;
}

/* Errors get the name of the file from the caller: so the whole's operations are called
 * and not vc_source_map, which would say it twice. */
static bool
map(const VcSource *source, unsigned disk, uint64_t offset, VcExtent *extent,
    GError **error)
{
    const Range *r = (const Range *)source;
    extent->disk = r->disk;
    extent->offset = r->offset + offset;
    if (!r->whole->ops->map(r->whole, r->disk, r->offset + offset, extent, error))
        return false;
    extent->disk = disk;
    extent->offset = offset;
    return true;
}

static bool
index_whole(VcSource *source, GError **error)
{
    VcSource *whole = ((Range *)source)->whole;
    bool well = whole->indexed || !whole->ops->index || whole->ops->index(whole, error);
    whole->indexed |= well;
    return well;
}

/* Cuts EXTENT to the range; false when nothing of it lies within. */
static bool
cut(const Range *r, VcExtent *extent)
{
    uint64_t from = MAX(extent->offset, r->offset),
             to = MIN(extent->offset + extent->length, r->offset + length_of(r));
    if (extent->disk != r->disk || from >= to)
        return false;
    if (extent->kind == VC_DATA)
        extent->position += from - extent->offset;
    extent->disk = 0;
    extent->offset = from - r->offset;
    extent->length = to - from;
    return true;
}

static bool
next(VcSource *source, VcExtent *extent, GError **error)
{
    Range *r = (Range *)source;
    do {
        *extent = (VcExtent){ .kind = VC_END };
        if (!r->whole->ops->next(r->whole, extent, error))
            return false;
    } while (extent->kind != VC_END && !cut(r, extent));
    return true;
}

static void
range_free(VcSource *source)
{
    source->file = NULL; /* the whole's */
    vc_source_clear(source);
    g_free(source);
}

static const VcSourceOps map_ops = {
    .map = map,
    .index = index_whole,
    .free = range_free,
};
static const VcSourceOps next_ops = { .next = next, .free = range_free };

VcSource *
vc_range(VcSource *whole, unsigned disk, uint64_t offset, uint64_t length)
{
    const VcDisk *of = &whole->layout.disks[disk];
    g_assert(offset <= of->size && length <= of->size - offset);

    Range *r = g_new0(Range, 1);
    vc_source_init(&r->base, vc_source_has_map(whole) ? &map_ops : &next_ops,
                   whole->file);
    r->base.format = whole->format;
    r->base.ascending = whole->ascending;
    r->base.unaligned = offset % VC_CELL != 0;
    r->whole = whole;
    r->disk = disk;
    r->offset = offset;
    VcDisk *part = vc_layout_add_disk(&r->base.layout, of->name, length);
    part->logical_sector = of->logical_sector;
    part->physical_sector = of->physical_sector;
    for (unsigned i = 0; i < whole->layout.n_disks; i++)
        whole->skip[i] = i != disk;
    return &r->base;
}
