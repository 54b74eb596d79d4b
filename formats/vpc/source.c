/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VHD images as a source: where bytes lie, in this image or its parents. */
#include "formats/vpc/source.h"

#include "formats/format.h"
#include "formats/vpc/bitmap.h"
#include "formats/vpc/vpc.h"
#include "io/error.h"

#include <stdatomic.h>

/* LENGTH bytes that lie at POSITION of the file, up to where holes begin or end. */
static bool
map_stored(const VpcSource *s, uint64_t position, uint64_t length, VcExtent *extent,
           GError **error)
{
    uint64_t run;
    bool data = false;

    if (s->bat.byte_missing && position + 1 == s->bat.end) {
        run = 1;
    } else if (!vc_file_run(s->base.file, position, &data, &run, error)) {
        return false;
    } else if (run == 0) {
        vc_fail(error, VC_ERROR_SHORT,
                "the file ends at 0x%" G_GINT64_MODIFIER
                "x now: it was cut while it was read",
                position);
        return false;
    }
    extent->length = MIN(length, run);
    if (data) {
        extent->kind = VC_DATA;
        extent->file = s->base.file;
        extent->position = position;
    } else {
        extent->kind = VC_ZERO;
    }
    return true;
}

/* LENGTH bytes that this image does not have: the parent's, or zeros. ABSENT: not even
 * a block is there for them. */
static bool
map_below(const VpcSource *s, uint64_t offset, uint64_t length, bool absent,
          VcExtent *extent, GError **error)
{
    if (!s->below || offset >= s->below->layout.disks[0].size) {
        extent->kind = VC_ZERO;
        extent->length = length;
        extent->absent = absent || s->below != NULL;
        return true;
    }
    if (!vc_source_map_within(s->below, 0, offset, length, extent, error))
        return false;
    extent->depth++;
    return true;
}

/* A run of blocks that are not here ends at a multiple of so many entries: a child that
 * asks once for each of its gaps does not pay for all of its parent's run each time. Of
 * the smallest blocks these are 1 MiB, so that no run ends within one. */
#define RUN_ENTRIES_MAX 2048u

static bool
map_unallocated(const VpcSource *s, uint64_t offset, VcExtent *extent, GError **error)
{
    uint64_t block_size = s->bat.block_size, block = offset / block_size;
    uint64_t stop = (block / RUN_ENTRIES_MAX + 1) * RUN_ENTRIES_MAX * block_size;
    uint64_t end = MIN(MIN(stop, vpc_disk_size(s)), offset + extent->length);
    if (!map_below(s, offset, end - offset, true, extent, error))
        return false;
    end = offset + extent->length;
    block++;
    while (block * block_size < end && s->bat.entries[block] == VPC_UNALLOCATED)
        block++;
    extent->length = MIN(end, block * block_size) - offset;
    return true;
}

static bool
map_fixed(const VcSource *source, unsigned disk G_GNUC_UNUSED, uint64_t offset,
          VcExtent *extent, GError **error)
{
    const VpcSource *s = (const VpcSource *)source;
    return map_stored(s, offset, vpc_disk_size(s) - offset, extent, error);
}

/* Who writes a block sets bits of it, and writes the footer last. Without either the
 * end of the file was never written, and its zeros are no bitmap. A block has
 * up to 262,144 clear runs: its bits are not looked through for each of them. */
static bool
refuse_unwritten(const VpcSource *s, uint32_t block, GError **error)
{
    _Atomic uint8_t *written = &s->written[block / 8];
    uint8_t bit = (uint8_t)(1u << block % 8);
    bool clear;

    if (*written & bit)
        return true;
    if (!vpc_bitmap_is_clear(&s->bat, s->base.file, block, &clear, error))
        return false;
    if (!clear) {
        atomic_fetch_or(written, bit);
        return true;
    }
    vc_corrupt(
        error, vpc_bat_position(&s->bat, block),
        "the footer at the end is missing and no bit of block %u is set: the "
        "file was cut, or not wholly downloaded%s; the bitmap is",
        block,
        s->below || s->adopted ? "" : " (" VPC_IGNORE_BITMAPS " reads what there is)");
    return false;
}

/* LENGTH bytes of allocated BLOCK whose bits are clear. */
static bool
map_clear(const VpcSource *s, uint32_t block, uint64_t offset, uint64_t length,
          VcExtent *extent, GError **error)
{
    if (s->written && !refuse_unwritten(s, block, error))
        return false;
    if (s->hidden) {
        uint64_t budget = UINT64_MAX;
        vpc_hidden_look(s->hidden, &s->bat, s->base.file, block, &budget);
    }
    return map_below(s, offset, length, false, extent, error);
}

static bool
map_blocks(const VcSource *source, unsigned disk G_GNUC_UNUSED, uint64_t offset,
           VcExtent *extent, GError **error)
{
    const VpcSource *s = (const VpcSource *)source;
    const VpcBat *bat = &s->bat;
    uint32_t block = (uint32_t)(offset / bat->block_size);
    uint32_t inside = (uint32_t)(offset % bat->block_size);

    if (source->parent && !s->below) {
        vc_fail(error, VC_ERROR_PARENT,
                "this is a differencing disk, and its parent %s was not opened",
                source->parent->id ? source->parent->id : "without an id");
        return false;
    }
    if (bat->entries[block] == VPC_UNALLOCATED)
        return map_unallocated(s, offset, extent, error);

    bool set = true;
    uint64_t length = bat->block_size - inside;
    if (!s->ignore_bitmaps) {
        uint64_t wanted = inside % VPC_SECTOR + MIN(extent->length, length);
        uint32_t run = (uint32_t)((wanted + VPC_SECTOR - 1) / VPC_SECTOR);
        if (!vpc_bitmap_run(bat, source->file, block, inside / VPC_SECTOR, &set, &run,
                            error))
            return false;
        length = (uint64_t)run * VPC_SECTOR - inside % VPC_SECTOR;
    }
    if (!set)
        return map_clear(s, block, offset, length, extent, error);
    return map_stored(s, vpc_bat_position(bat, block) + bat->bitmap_size + inside,
                      length, extent, error);
}

static void
describe(const VcSource *source, VcFacts *facts)
{
    static const char *const types[] = { "fixed", "dynamic", "differencing" };
    const VpcSource *s = (const VpcSource *)source;
    const VpcFooter *f = &s->found.footer;
    g_autofree char *creator = g_strndup(f->creator, 4), *host = g_strndup(f->host, 4);
    g_autofree char *geometry = g_strdup_printf("%u/%u/%u", f->geometry.cylinders,
                                                f->geometry.heads, f->geometry.sectors);
    g_autoptr(GDateTime) made = g_date_time_new_from_unix_utc(VPC_EPOCH + f->timestamp);
    g_autofree char *time = g_date_time_format(made, "%Y-%m-%dT%H:%M:%SZ");

    vc_facts_add_text(facts, "subformat", types[f->type - VPC_FIXED]);
    if (f->type != VPC_FIXED) {
        uint64_t allocated = 0;
        for (uint32_t i = 0; i < s->bat.n; i++)
            allocated += s->bat.entries[i] != VPC_UNALLOCATED;
        vc_facts_add_number(facts, "block-size", s->bat.block_size);
        vc_facts_add_number(facts, "blocks", s->bat.n);
        vc_facts_add_number(facts, "allocated-blocks", allocated);
    }
    vc_facts_add_text(facts, "creator", creator);
    vc_facts_add_text(facts, "creator-host", host);
    vc_facts_add_text(facts, "unique-id", source->identity);
    vc_facts_add_text(facts, "timestamp", time);
    vc_facts_add_text(facts, "geometry", geometry);
    vc_facts_add_number(facts, "current-size", f->current_size);
    vc_facts_add_bool(facts, "saved-state", f->saved_state != 0);
}

static void
vpc_source_free(VcSource *source)
{
    VpcSource *s = (VpcSource *)source;
    vpc_bat_clear(&s->bat);
    vpc_hidden_free(s->hidden);
    g_free(s->written);
    vc_source_free(s->below);
    vc_source_clear(source);
    g_free(s);
}

static void
warn_of_parent(VpcSource *s, const VcSource *parent)
{
    uint64_t mine = vpc_disk_size(s), theirs = parent->layout.disks[0].size;
    if (mine < theirs)
        vc_warn(s->base.warnings,
                "the disk of %" G_GUINT64_FORMAT
                " bytes is smaller than its parent of %" G_GUINT64_FORMAT,
                mine, theirs);

    /* Writers store the parent's creation or modification time, or nothing. */
    uint32_t then = s->header.parent_timestamp;
    if (parent->ops->free == vpc_source_free && then != 0 &&
        then < ((const VpcSource *)parent)->found.footer.timestamp)
        vc_warn(s->base.warnings,
                "the parent was made or changed after this disk was made from it");
}

/* To name no parent is XenServer's way to have a raw file as one. */
static bool
is_parent(const VcSource *source, const VcSource *parent, GError **error)
{
    const char *id = source->parent->id;
    bool raw = !parent->format->probe;

    if (!id && !raw)
        vc_fail(error, VC_ERROR_PARENT,
                "a parent without an id is a raw file, %s was opened as a %s image",
                parent->file->name, parent->format->name);
    else if (id && g_strcmp0(parent->identity, id) != 0)
        vc_fail(error, VC_ERROR_PARENT,
                "the parent should have the unique id %s, %s has %s", id,
                parent->file->name, parent->identity ? parent->identity : "none");
    else
        return true;
    return false;
}

static bool
adopt(VcSource *source, VcSource *parent, GError **error)
{
    VpcSource *s = (VpcSource *)source;

    if (!source->parent || parent->layout.n_disks != 1) {
        vc_fail(error, VC_ERROR_PARENT, "%s is not the parent of a VHD",
                parent->file->name);
        return false;
    }
    if (!is_parent(source, parent, error))
        return false;
    if (!source->parent->id)
        vc_warn(source->warnings, "the parent is a raw file, which cannot be verified");
    warn_of_parent(s, parent);
    if (parent->ops->free == vpc_source_free)
        ((VpcSource *)parent)->adopted = true;
    s->below = parent;
    return true;
}

/* Nobody but the child asks for its parent's warnings. */
static void
conclude(VcSource *source, GPtrArray *warnings)
{
    VpcSource *s = (VpcSource *)source;
    g_autofree char *text = s->hidden ? vpc_hidden_tell(s->hidden, !s->adopted) : NULL;
    if (text)
        vc_warn(warnings, "%s", text);
    if (!s->below)
        return;
    unsigned told = s->below->warnings->len;
    const GPtrArray *all = vc_source_warnings(s->below);
    for (unsigned i = told; i < all->len; i++)
        vc_warn(warnings, "%s: %s", s->below->file->name, (char *)all->pdata[i]);
}

const VcSourceOps vpc_fixed_ops = {
    .map = map_fixed,
    .describe = describe,
    .free = vpc_source_free,
};

const VcSourceOps vpc_block_ops = {
    .map = map_blocks,
    .adopt = adopt,
    .describe = describe,
    .conclude = conclude,
    .free = vpc_source_free,
};
