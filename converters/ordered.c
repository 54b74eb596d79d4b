/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An archive whose disks come one after the other, offsets rising. */
#include "converters/ordered.h"

#include "io/error.h"

typedef struct {
    VcSource base;
    VcSource *stored; /* borrowed; so is its file */
    unsigned disk;    /* stream: where the last run ended */
    uint64_t end;
} Ordered;

/* As in a range: the operations are called directly, so that the file is named once. */
static bool
map(const VcSource *source, unsigned disk, uint64_t offset, VcExtent *extent,
    GError **error)
{
    const VcSource *stored = ((const Ordered *)source)->stored;
    return stored->ops->map(stored, disk, offset, extent, error);
}

static bool
index_stored(VcSource *source, GError **error)
{
    VcSource *stored = ((Ordered *)source)->stored;
    bool well = stored->indexed || !stored->ops->index ||
                stored->ops->index(stored, error);
    stored->indexed |= well;
    return well;
}

static bool
next(VcSource *source, VcExtent *extent, GError **error)
{
    Ordered *o = (Ordered *)source;
    for (unsigned i = 0; i < source->layout.n_disks; i++)
        o->stored->skip[i] = source->skip[i];
    if (!o->stored->ops->next(o->stored, extent, error))
        return false;
    if (extent->kind == VC_END || source->skip[extent->disk])
        return true;
    if (extent->disk < o->disk ||
        (extent->disk == o->disk && extent->offset < o->end)) {
        vc_fail(
            error, VC_ERROR_UNSUPPORTED,
            "the blocks of this archive are not in ascending order, and as a stream "
            "they cannot be put into it; --spool DIR stores it in a temporary file "
            "first, or give it uncompressed");
        return false;
    }
    o->disk = extent->disk;
    o->end = extent->offset + extent->length;
    return true;
}

static void
ordered_free(VcSource *source)
{
    source->file = NULL; /* the stored one's */
    vc_source_clear(source);
    g_free(source);
}

static const VcSourceOps map_ops = {
    .map = map,
    .index = index_stored,
    .free = ordered_free,
};
static const VcSourceOps next_ops = { .next = next, .free = ordered_free };

VcSource *
vc_ordered(VcSource *stored)
{
    Ordered *o = g_new0(Ordered, 1);
    vc_source_init(&o->base, vc_source_has_map(stored) ? &map_ops : &next_ops,
                   stored->file);
    o->base.format = stored->format;
    o->base.ascending = true;
    o->stored = stored;
    vc_layout_copy(&o->base.layout, &stored->layout);
    return &o->base;
}
