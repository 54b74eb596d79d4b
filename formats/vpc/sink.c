/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VHD images as a sink: what fixed and dynamic ones have in common. */
#include "formats/vpc/sink.h"

#include "io/bytes.h"
#include "io/error.h"

#include <string.h>

/* At either end of an old file: holds a footer and the sectors near it. */
#define WIPED 4096u

bool
vpc_sink_begin(VpcSink *s, GError **error)
{
    VcFile *file = s->base.file;
    uint64_t size;
    if (s->begun || file->reads_zero || !file->seekable)
        return true;
    if (!vc_file_size(file, &size, error))
        return false;
    uint64_t end = MIN(size, WIPED);
    s->begun = true;
    return end == 0 || (vc_file_zero(file, 0, end, error) &&
                        vc_file_zero(file, size - end, end, error));
}

/* QEMU before 10.0 takes the geometry for the size of what programs made that it does
 * not know, but for the largest geometry. */
static void
warn_of_geometry(VpcSink *s)
{
    uint64_t reached = vpc_geometry_size(s->footer.geometry);
    uint64_t size = s->footer.current_size;
    if (reached >= size || vpc_geometry_is_largest(s->footer.geometry) ||
        memcmp(s->footer.creator, "vcnv", 4) != 0)
        return;
    vc_warn(s->base.warnings,
            "QEMU before 10.0 takes the geometry for the size and misses the last "
            "%" G_GUINT64_FORMAT
            " bytes; if it will read this file, use -o creator=win",
            size - reached);
}

void
vpc_sink_set_size(VpcSink *s, uint64_t given)
{
    uint64_t size;
    vc_round_up(given, VPC_SECTOR, &size);
    s->base.layout.disks[0].size = size;
    s->footer.original_size = s->footer.current_size = size;
    s->footer.geometry = vpc_geometry(size);
    if (size != given)
        vc_warn(s->base.warnings,
                "the size is rounded up from %" G_GUINT64_FORMAT
                " to %" G_GUINT64_FORMAT " bytes: a VHD holds whole sectors of 512",
                given, size);
    warn_of_geometry(s);
}

void
vpc_sink_free(VcSink *sink)
{
    g_free(((VpcSink *)sink)->slots);
    vc_sink_clear(sink);
    g_free(sink);
}
