/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fixed VHD images as a sink: the disk as it is, and a footer. */
#include "formats/vpc/sink.h"

#include "io/bytes.h"
#include "io/error.h"

static bool
place(VcSink *sink, unsigned disk G_GNUC_UNUSED, uint64_t offset, uint64_t length,
      uint64_t *position, uint64_t *run, GError **error)
{
    VpcSink *s = (VpcSink *)sink;
    if (!vpc_sink_begin(s, error))
        return false;
    *position = offset;
    *run = length;
    s->end = MAX(s->end, offset + length);
    return true;
}

static bool
finish(VcSink *sink, GError **error)
{
    VpcSink *s = (VpcSink *)sink;
    VcFile *file = sink->file;
    uint8_t raw[VPC_FOOTER_SIZE];

    /* Whoever reads the stream may have said meanwhile where it ended. */
    uint64_t end = sink->layout.disks[0].size, size;
    if (end == VC_SIZE_UNKNOWN)
        end = s->end;
    vc_round_up(end, VPC_SECTOR, &size);
    if (size != s->footer.current_size)
        vpc_sink_set_size(s, end);
    if (file->seekable && !file->reads_zero && s->end < size &&
        !vc_file_zero(file, s->end, size - s->end, error))
        return false;
    s->begun = true;
    vpc_footer_encode(&s->footer, raw);
    return vc_file_settle(file, size, error) &&
           vc_file_write(file, size, raw, sizeof raw, error) &&
           vc_file_end(file, size + sizeof raw, error);
}

static const VcSinkOps fixed_ops = {
    .place = place,
    .finish = finish,
    .free = vpc_sink_free,
};

void
vpc_sink_make_fixed(VpcSink *s)
{
    uint64_t size = s->base.layout.disks[0].size;
    s->base.ops = &fixed_ops;
    s->footer.type = VPC_FIXED;
    s->footer.data_offset = UINT64_MAX;
    if (!s->base.file->seekable)
        s->base.order = VC_ORDER_ASCENDING;
    s->base.identity = true;
    s->base.append_only = true;
    if (size > VPC_SIZE_MAX && size != VC_SIZE_UNKNOWN)
        vc_warn(s->base.warnings,
                "the disk is larger than 2040 GiB: Azure may take it as a fixed VHD, "
                "other programs do not");
}
