/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a VHD image: its size and its footer, then what kind it is. */
#include "formats/vpc/sink.h"
#include "formats/vpc/vpc.h"

#include "io/error.h"

#include <string.h>

/* The size to store: what was asked for, whole sectors. */
static bool
choose_size(VpcSink *s, const VcOptions *options, GError **error)
{
    uint64_t given;
    if (!vc_sink_choose_size(&s->base.layout.disks[0], options, &given, error))
        return false;
    if (given == VC_SIZE_UNKNOWN)
        return true;
    if (given > G_MAXINT64 - VPC_FOOTER_SIZE) {
        vc_fail(error, VC_ERROR_LIMIT, "no file holds %" G_GUINT64_FORMAT " bytes",
                given);
        return false;
    }
    vpc_sink_set_size(s, given);
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
        .timestamp = (uint32_t)CLAMP(time, 0, UINT32_MAX),
        .creator_version = 0x00010000,
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
    static const VcSinkOps begun = { .free = vpc_sink_free }; /* of no kind yet */
    bool dynamic = strcmp(vc_options_text(options, "subformat", "dynamic"),
                          "dynamic") == 0;
    VpcSink *s = g_new0(VpcSink, 1);
    g_autoptr(VcSink) sink = &s->base;
    vc_sink_init(sink, &begun, file, layout);
    sink->order = VC_ORDER_ANY;

    fill_footer(s, options, identity);
    if (!choose_size(s, options, error))
        return NULL;
    if (!dynamic)
        vpc_sink_make_fixed(s);
    else if (!vpc_sink_make_dynamic(s, options, error))
        return NULL;
    return g_steal_pointer(&sink);
}
