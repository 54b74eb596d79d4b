/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sink: what all formats share. */
#include "formats/sink.h"

#include "io/error.h"

void
vc_sink_init(VcSink *sink, const VcSinkOps *ops, VcFile *file, const VcLayout *layout)
{
    sink->ops = ops;
    sink->file = file;
    vc_layout_copy(&sink->layout, layout);
    sink->warnings = vc_warnings_new();
}

void
vc_sink_clear(VcSink *sink)
{
    vc_layout_clear(&sink->layout);
    g_clear_pointer(&sink->warnings, g_ptr_array_unref);
}

bool
vc_sink_place(VcSink *sink, unsigned disk, uint64_t offset, uint64_t length,
              uint64_t *position, uint64_t *run, GError **error)
{
    g_assert(disk < sink->layout.n_disks && length > 0 && offset % VC_CELL == 0 &&
             offset <= sink->layout.disks[disk].size &&
             length <= sink->layout.disks[disk].size - offset);

    if (!sink->ops->place(sink, disk, offset, length, position, run, error)) {
        g_prefix_error(error, "%s: ", sink->file->name);
        return false;
    }
    g_assert(*run > 0 && *run <= length);
    return true;
}

uint64_t
vc_sink_settled(const VcSink *sink, uint64_t last_end)
{
    return sink->ops->settled ? sink->ops->settled(sink) : last_end;
}

bool
vc_sink_finish(VcSink *sink, GError **error)
{
    if (!sink->ops->finish(sink, error)) {
        g_prefix_error(error, "%s: ", sink->file->name);
        return false;
    }
    return true;
}

void
vc_sink_free(VcSink *sink)
{
    if (sink)
        sink->ops->free(sink);
}

bool
vc_sink_choose_size(const VcDisk *disk, const VcOptions *options, uint64_t *size,
                    GError **error)
{
    *size = vc_options_size(options, "size", disk->size);
    if (disk->size == VC_SIZE_UNKNOWN && *size != disk->size) {
        vc_fail(error, VC_ERROR_USAGE,
                "option size cannot be kept while the size of the source is not known");
        return false;
    }
    if (*size >= disk->size)
        return true;
    vc_fail(error, VC_ERROR_USAGE,
            "option size: %" G_GUINT64_FORMAT
            " bytes are too few for a disk of %" G_GUINT64_FORMAT,
            *size, disk->size);
    return false;
}
