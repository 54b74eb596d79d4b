/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw images as a sink: each byte has its place, and the end is the only metadata. */
#include "formats/raw/raw.h"

#include "io/error.h"

typedef struct {
    VcSink base;
    uint64_t end; /* of the highest run placed */
} RawSink;

static bool
place(VcSink *sink, unsigned disk G_GNUC_UNUSED, uint64_t offset, uint64_t length,
      uint64_t *position, uint64_t *run, GError **error G_GNUC_UNUSED)
{
    RawSink *s = (RawSink *)sink;
    *position = offset;
    *run = length;
    s->end = MAX(s->end, offset + length);
    return true;
}

static bool
finish(VcSink *sink, GError **error)
{
    const RawSink *s = (const RawSink *)sink;
    VcDisk *disk = &sink->layout.disks[0];
    if (disk->size == VC_SIZE_UNKNOWN)
        disk->size = s->end;
    if (!vc_file_truncate(sink->file, disk->size, error))
        return false;
    /* A device keeps what it held where the disk became larger than its source. */
    return !sink->file->seekable || sink->file->reads_zero || s->end >= disk->size ||
           vc_file_zero(sink->file, s->end, disk->size - s->end, error);
}

static void
raw_sink_free(VcSink *sink)
{
    vc_sink_clear(sink);
    g_free(sink);
}

static const VcSinkOps raw_sink_ops = {
    .place = place,
    .finish = finish,
    .free = raw_sink_free,
};

VcSink *
raw_create(VcFile *file, const VcLayout *layout, const VcOptions *options,
           const VcIdentity *identity G_GNUC_UNUSED, GError **error)
{
    if (layout->n_disks == 0) {
        vc_fail(error, VC_ERROR_USAGE, "a raw image needs a disk");
        return NULL;
    }
    uint64_t size;
    if (!vc_sink_choose_size(&layout->disks[0], options, &size, error))
        return NULL;
    RawSink *s = g_new0(RawSink, 1);
    vc_sink_init(&s->base, &raw_sink_ops, file, layout);
    s->base.layout.disks[0].size = size;
    /* Going down a pipe, an end once placed is the end of all before it. */
    s->base.order = file->seekable ? VC_ORDER_ANY : VC_ORDER_ASCENDING;
    s->base.identity = true;
    s->base.append_only = true;
    return &s->base;
}
