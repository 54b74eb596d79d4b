/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VHD images as a sink: what all have in common, and fixed ones. */
#include "formats/vpc/sink.h"

#include "formats/vpc/vpc.h"

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

static void
set_size(VpcSink *s, uint64_t size)
{
    s->base.layout.disks[0].size = size;
    s->footer.original_size = s->footer.current_size = size;
    s->footer.geometry = vpc_geometry(size);
}

static void
warn_of_rounding(VpcSink *s, uint64_t given, uint64_t rounded)
{
    if (rounded != given)
        vc_warn(s->base.warnings,
                "the size is rounded up from %" G_GUINT64_FORMAT
                " to %" G_GUINT64_FORMAT " bytes: a VHD holds whole sectors of 512",
                given, rounded);
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
    if (size != s->footer.current_size) {
        set_size(s, size);
        warn_of_rounding(s, end, size);
        warn_of_geometry(s);
    }
    if (file->seekable && !file->reads_zero && s->end < size &&
        !vc_file_zero(file, s->end, size - s->end, error))
        return false;
    s->begun = true;
    vpc_footer_encode(&s->footer, raw);
    return vc_file_settle(file, size, error) &&
           vc_file_write(file, size, raw, sizeof raw, error) &&
           vc_file_end(file, size + sizeof raw, error);
}

void
vpc_sink_free(VcSink *sink)
{
    g_free(((VpcSink *)sink)->slots);
    vc_sink_clear(sink);
    g_free(sink);
}

static const VcSinkOps fixed_ops = {
    .place = place,
    .finish = finish,
    .free = vpc_sink_free,
};

/* The size to store: what was asked for, whole sectors. */
static bool
choose_size(VpcSink *s, const VcOptions *options, GError **error)
{
    uint64_t size = s->base.layout.disks[0].size, rounded;
    uint64_t given = vc_options_size(options, "size", size);

    if (size == VC_SIZE_UNKNOWN) {
        if (given != size) {
            vc_fail(
                error, VC_ERROR_USAGE,
                "option size cannot be kept while the size of the source is not known");
            return false;
        }
        return true;
    }
    if (given < size) {
        vc_fail(error, VC_ERROR_USAGE,
                "option size: %" G_GUINT64_FORMAT
                " bytes are too few for a disk of %" G_GUINT64_FORMAT,
                given, size);
        return false;
    }
    if (given > G_MAXINT64 - VPC_FOOTER_SIZE) {
        vc_fail(error, VC_ERROR_LIMIT, "no file holds %" G_GUINT64_FORMAT " bytes",
                given);
        return false;
    }
    vc_round_up(given, VPC_SECTOR, &rounded);
    set_size(s, rounded);
    warn_of_rounding(s, given, rounded);
    warn_of_geometry(s);
    return true;
}

static void
fill_footer(VpcSink *s, const VcOptions *options, const VcIdentity *identity)
{
    VpcFooter *footer = &s->footer;
    bool win = strcmp(vc_options_text(options, "creator", "vcnv"), "win") == 0;
    int64_t time = identity ? identity->time - VPC_EPOCH : 0;

    *footer = (VpcFooter){
        .features = 2,
        .version = 0x00010000,
        .data_offset = UINT64_MAX,
        .timestamp = (uint32_t)CLAMP(time, 0, UINT32_MAX),
        .creator_version = 0x00010000,
        .type = VPC_FIXED,
    };
    memcpy(footer->creator, win ? "win " : "vcnv", 4);
    memcpy(footer->host, "Wi2k", 4);
    vc_identity_uuid(identity, "vpc unique id", s->base.layout.disks[0].name,
                     footer->id);
}

VcSink *
vpc_create(VcFile *file, const VcLayout *layout, const VcOptions *options,
           const VcIdentity *identity, GError **error)
{
    if (layout->n_disks == 0) {
        vc_fail(error, VC_ERROR_USAGE, "a VHD needs a disk");
        return NULL;
    }
    VpcSink *s = g_new0(VpcSink, 1);
    g_autoptr(VcSink) sink = &s->base;
    vc_sink_init(sink, &fixed_ops, file, layout);
    sink->order = VC_ORDER_ANY;

    fill_footer(s, options, identity);
    if (!choose_size(s, options, error))
        return NULL;
    if (strcmp(vc_options_text(options, "subformat", "dynamic"), "dynamic") == 0) {
        if (!vpc_sink_make_dynamic(s, options, error))
            return NULL;
    } else {
        sink->order = file->seekable ? VC_ORDER_ANY : VC_ORDER_ASCENDING;
        sink->identity = true;
        sink->append_only = true;
        if (sink->layout.disks[0].size > VPC_SIZE_MAX &&
            sink->layout.disks[0].size != VC_SIZE_UNKNOWN)
            vc_warn(sink->warnings,
                    "the disk is larger than 2040 GiB: Azure may take it as a "
                    "fixed VHD, other programs do not");
    }
    return g_steal_pointer(&sink);
}
