/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening VHD images: everything that can be wrong with one is found here. */
#include "formats/vpc/locator.h"
#include "formats/vpc/source.h"
#include "formats/vpc/vpc.h"

#include "io/allocate.h"
#include "io/error.h"

#include <string.h>

/* How far `open` looks for data in sectors that are marked as never written; a writer
 * that forgets its bitmaps does so from the first block. `map` looks where it comes by,
 * `check` everywhere. */
#define SAMPLE_BLOCKS 8u
#define SAMPLE_BYTES ((uint64_t)8 << 20)

static uint64_t
choose_size(const VpcFooter *footer, const VcOptions *options)
{
    const char *rule = vc_options_text(options, "force_size_calc", "current_size");
    rule = vc_options_text(options, "size_rule", rule);
    if (strcmp(rule, "chs") == 0 && !vpc_geometry_is_largest(footer->geometry))
        return vpc_geometry_size(footer->geometry);
    return footer->current_size - footer->current_size % VPC_SECTOR;
}

/* What is found is told in the end: whether this is a parent is not yet known. */
static void
look_for_hidden_data(VpcSource *s)
{
    uint64_t budget = SAMPLE_BYTES;
    unsigned seen = 0;

    s->hidden = vpc_hidden_new(s->bat.n);
    for (uint32_t i = 0; i < s->bat.n && seen < SAMPLE_BLOCKS && budget > 0; i++) {
        if (s->bat.entries[i] == VPC_UNALLOCATED)
            continue;
        vpc_hidden_look(s->hidden, &s->bat, s->base.file, i, &budget);
        seen++;
    }
}

static void
warn_of_footers(VpcSource *s)
{
    if (!s->found.trailing)
        vc_warn(s->base.warnings, VPC_FOOTER_LOST);
    vpc_footers_warn(&s->found, s->base.warnings);
}

static bool
open_fixed(VpcSource *s, GError **error)
{
    warn_of_footers(s);
    return vpc_footers_check_fixed(s->base.file, &s->found, vpc_disk_size(s),
                                   s->base.warnings, error);
}

static bool
open_blocks(VpcSource *s, const VcOptions *options, GError **error)
{
    VcFile *file = s->base.file;
    VpcFooters *found = &s->found;

    if (!vpc_header_read(file, &found->footer, found->end, &s->header, error) ||
        !vpc_bat_read(&s->bat, file, found, &s->header, vpc_disk_size(s), error) ||
        !vpc_bat_find_footer(&s->bat, file, found, error) ||
        !vpc_bat_check(&s->bat, error))
        return false;
    warn_of_footers(s);
    if (!found->trailing) {
        s->written = vc_allocate(s->bat.n / 8 + 1, sizeof *s->written, error);
        if (!s->written)
            return false;
    }
    s->ignore_bitmaps = vc_options_bool(options, "ignore_bitmaps", false);
    if (s->bat.byte_missing)
        vc_warn(s->base.warnings,
                "the last byte of the file is missing, it reads as zero");

    if (found->footer.type == VPC_DYNAMIC) {
        if (!s->ignore_bitmaps)
            look_for_hidden_data(s);
        return true;
    }
    if (s->ignore_bitmaps) {
        vc_fail(
            error, VC_ERROR_USAGE,
            "a differencing disk cannot be read without its bitmaps: they say what is "
            "the parent's");
        return false;
    }
    s->base.parent = vpc_parent_read(file, &s->header, found->end, s->base.warnings,
                                     error);
    return s->base.parent != NULL;
}

VcSource *
vpc_open(VcFile *file, const VcOptions *options, GError **error)
{
    VpcSource *s = g_new0(VpcSource, 1);
    g_autoptr(VcSource) source = &s->base;
    vc_source_init(source, &vpc_block_ops, file);
    source->ascending = true;

    if (!vpc_footers_find(file, &s->found, error))
        return NULL;
    bool fixed = s->found.footer.type == VPC_FIXED;
    if (fixed)
        source->ops = &vpc_fixed_ops;
    source->identity = vpc_id_text(s->found.footer.id);
    vc_layout_add_disk(&source->layout, "", choose_size(&s->found.footer, options));
    if (!(fixed ? open_fixed(s, error) : open_blocks(s, options, error)))
        return NULL;
    return g_steal_pointer(&source);
}
