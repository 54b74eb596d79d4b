/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VHDX images as a source: blocks lie in the file, in the parent, or are zero. */
#include "formats/vhdx/source.h"

#include "formats/vhdx/span.h"
#include "formats/vhdx/sweep.h"
#include "io/error.h"
#include "io/overlay.h"

#include <inttypes.h>
#include <string.h>

typedef struct {
    VcSource base; /* base.file is image.file */
    VhdxImage image;
    VcSource *parent; /* owned; NULL until adopted */
} VhdxSource;

/* LENGTH bytes, or the first of them, lie at POSITION: in the user's file itself unless
 * the log changed them, so that they can be cloned. Holes of the file are zeros: a
 * fixed disk may be mostly that. */
static bool
place(const VhdxImage *image, uint64_t position, uint64_t length, VcExtent *extent,
      GError **error)
{
    bool data;
    uint64_t run;
    if (!vc_file_run(image->file, position, &data, &run, error))
        return false;
    if (run == 0) {
        vc_fail(error, VC_ERROR_SHORT,
                "the file ends at 0x%" PRIx64 " now: it was cut while it was read",
                position);
        return false;
    }
    length = MIN(length, run);
    extent->kind = data ? VC_DATA : VC_ZERO;
    extent->length = length;
    if (!data)
        return true;
    bool below = image->replayed && vc_overlay_untouched(image->file, position, length);
    extent->file = below ? vc_overlay_base(image->file) : image->file;
    extent->position = position;
    return true;
}

/* What the parent has, of at most LENGTH bytes. Beyond its end it has nothing (the
 * child was enlarged). */
static bool
map_parent(const VhdxSource *s, uint64_t offset, uint64_t length, VcExtent *extent,
           GError **error)
{
    if (!s->parent || offset >= s->parent->layout.disks[0].size) {
        extent->kind = VC_ZERO;
        extent->length = length;
        extent->absent = true;
        return true;
    }
    if (!vc_source_map_within(s->parent, 0, offset, length, extent, error))
        return false;
    extent->depth++;
    return true;
}

/* A block of which some sectors are the parent's. */
static bool
map_mixed(const VhdxSource *s, uint64_t block, uint64_t position, uint64_t offset,
          VcExtent *extent, GError **error)
{
    const VhdxGeometry *g = &s->image.geometry;
    uint64_t within = offset - block * g->block_size;
    uint32_t sectors;
    bool here;

    if (!vhdx_sectors_at(&s->image, block, (uint32_t)(within / g->logical_sector),
                         &here, &sectors, error))
        return false;
    uint64_t length = (uint64_t)sectors * g->logical_sector -
                      within % g->logical_sector;
    /* The bits may go on behind the end of the disk, the payload may not. */
    length = MIN(length, g->size - offset);
    if (!here)
        return map_parent(s, offset, length, extent, error);
    return place(&s->image, position + within, length, extent, error);
}

/* How many blocks, the first of them BLOCK, have the bytes from OFFSET to END. */
static uint64_t
blocks_to(const VhdxGeometry *g, uint64_t block, uint64_t end)
{
    return (end - 1) / g->block_size + 1 - block;
}

/* Shortens EXTENT at OFFSET, which is what BLOCK has there, to the blocks that go on
 * with it. What a file, or a parent, has in one run may be less than a block, so that
 * one looks no further than that. */
static bool
cut_to_span(const VhdxSource *s, uint64_t block, uint64_t offset, VcExtent *extent,
            GError **error)
{
    const VhdxGeometry *g = &s->image.geometry;
    uint64_t n = blocks_to(g, block, offset + extent->length);
    VhdxSpan span;
    if (n == 1)
        return true;
    if (!vhdx_span_at(&s->image, block, n, &span, error))
        return false;
    extent->length = MIN(extent->length,
                         (block + span.blocks) * g->block_size - offset);
    return true;
}

static bool
vhdx_map(const VcSource *source, unsigned disk G_GNUC_UNUSED, uint64_t offset,
         VcExtent *extent, GError **error)
{
    const VhdxSource *s = (const VhdxSource *)source;
    const VhdxGeometry *g = &s->image.geometry;
    uint64_t block = offset / g->block_size;
    VhdxSpan span;

    if (source->parent && !s->parent) {
        vc_fail(error, VC_ERROR_PARENT, "the parent, %s, has not been opened",
                source->parent->id);
        return false;
    }
    if (!vhdx_span_at(&s->image, block, 1, &span, error))
        return false;

    uint64_t wanted = extent->length;
    switch (span.kind) {
    case VHDX_SPAN_ABSENT:
        return map_parent(s, offset, wanted, extent, error) &&
               cut_to_span(s, block, offset, extent, error);
    case VHDX_SPAN_ZERO:
        extent->kind = VC_ZERO;
        return cut_to_span(s, block, offset, extent, error);
    case VHDX_SPAN_DATA:
        return place(&s->image, span.position + (offset - block * g->block_size),
                     wanted, extent, error) &&
               cut_to_span(s, block, offset, extent, error);
    case VHDX_SPAN_MIXED:
        return map_mixed(s, block, span.position, offset, extent, error);
    }
    g_assert_not_reached();
}

/* Looks at the whole BAT once, so that no image is read in which two blocks share a
 * place: one of them must have been overwritten. */
static bool
vhdx_index(VcSource *source, GError **error)
{
    VhdxSource *s = (VhdxSource *)source;
    VcReport report;
    vc_report_init(&report);

    bool ok = vhdx_sweep(&s->image, &report, error);
    for (guint i = 0; ok && i < report.findings->len; i++) {
        const VcFinding *f = &g_array_index(report.findings, VcFinding, i);
        if (f->kind == VC_FINDING_CORRUPT) {
            vc_fail(error, VC_ERROR_CORRUPT, "%s", f->text);
            ok = false;
        } else if (f->kind == VC_FINDING_WARNING) {
            vc_warn(source->warnings, "%s", f->text);
        }
    }
    vc_report_clear(&report);
    return ok && (!s->parent || vc_source_index(s->parent, error));
}

static bool
vhdx_adopt(VcSource *source, VcSource *parent, GError **error)
{
    VhdxSource *s = (VhdxSource *)source;

    if (!parent->identity || parent->layout.n_disks != 1) {
        vc_fail(error, VC_ERROR_PARENT,
                "%s is an image that cannot be a parent; expected the VHDX %s",
                parent->file->name, source->parent->id);
        return false;
    }
    if (!vhdx_locator_accepts(&s->image.locator, parent->identity)) {
        vc_fail(error, VC_ERROR_PARENT,
                "%s is not the parent, or was changed since: it is %s, expected %s",
                parent->file->name, parent->identity, source->parent->id);
        return false;
    }
    uint32_t sector = parent->layout.disks[0].logical_sector;
    if (sector != s->image.metadata.logical_sector) {
        vc_fail(error, VC_ERROR_PARENT,
                "the parent %s has logical sectors of %" PRIu32
                " bytes, expected %" PRIu32,
                parent->file->name, sector, s->image.metadata.logical_sector);
        return false;
    }
    if (source->indexed && !vc_source_index(parent, error))
        return false;
    s->parent = parent;
    return true;
}

/* "{2dc27766-...}", as locators write it. */
static char *
braced(const VhdxGuid *guid)
{
    char text[VHDX_GUID_TEXT_SIZE];
    vhdx_guid_format(guid, text);
    return g_strdup_printf("{%s}", text);
}

static void
add_guid(VcFacts *facts, const char *key, const VhdxGuid *guid)
{
    char text[VHDX_GUID_TEXT_SIZE];
    vhdx_guid_format(guid, text);
    vc_facts_add_text(facts, key, text);
}

static void
vhdx_describe(const VcSource *source, VcFacts *facts)
{
    const VhdxImage *image = &((const VhdxSource *)source)->image;
    const VhdxMetadata *m = &image->metadata;

    vc_facts_add_text(facts, "subformat",
                      m->has_parent ? "differencing"
                      : m->fixed    ? "fixed"
                                    : "dynamic");
    vc_facts_add_number(facts, "block-size", m->block_size);
    vc_facts_add_number(facts, "logical-sector-size", m->logical_sector);
    if (m->physical_sector != 0)
        vc_facts_add_number(facts, "physical-sector-size", m->physical_sector);
    vc_facts_add_text(facts, "creator", image->creator);
    vc_facts_add_bool(facts, "log-dirty", image->replayed);
    if (image->replayed)
        vc_facts_add_number(facts, "log-entries-replayed", image->replay.entries);
    vc_facts_add_number(facts, "log-size", image->header.log_length);
    vc_facts_add_number(facts, "header-sequence", image->header.sequence);
    add_guid(facts, "file-write-guid", &image->header.file_write);
    add_guid(facts, "data-write-guid", &image->header.data_write);
    add_guid(facts, "virtual-disk-id", &m->disk_id);
    vc_facts_add_bool(facts, "has-parent", m->has_parent);
    if (m->has_parent)
        add_guid(facts, "parent-linkage", &image->locator.linkage);
}

static void
vhdx_source_free(VcSource *source)
{
    VhdxSource *s = (VhdxSource *)source;
    vc_source_free(s->parent);
    source->file = NULL; /* the image's */
    vhdx_image_clear(&s->image);
    vc_source_clear(source);
    g_free(s);
}

static const VcSourceOps ops = {
    .map = vhdx_map,
    .index = vhdx_index,
    .adopt = vhdx_adopt,
    .describe = vhdx_describe,
    .free = vhdx_source_free,
};

bool
vhdx_probe(VcFile *file, bool *match, GError **error)
{
    char raw[VHDX_SIGNATURE_SIZE];
    size_t got;
    if (!vc_file_read_some(file, VHDX_IDENTIFIER_POSITION, raw, sizeof raw, &got,
                           error))
        return false;
    *match = got == sizeof raw && memcmp(raw, VHDX_SIGNATURE, sizeof raw) == 0;
    return true;
}

VcSource *
vhdx_open(VcFile *file, const VcOptions *options G_GNUC_UNUSED, GError **error)
{
    VhdxSource *s = g_new0(VhdxSource, 1);
    g_autoptr(VcSource) source = &s->base;
    vc_source_init(source, &ops, NULL);
    source->ascending = true;

    if (!vhdx_image_open(&s->image, file, source->warnings, error))
        return NULL;
    source->file = s->image.file;
    source->identity = braced(&s->image.header.data_write);
    VcDisk *disk = vc_layout_add_disk(&source->layout, "", s->image.metadata.disk_size);
    disk->logical_sector = s->image.metadata.logical_sector;
    disk->physical_sector = s->image.metadata.physical_sector;
    if (s->image.metadata.has_parent) {
        source->parent = g_new0(VcParent, 1);
        source->parent->paths = g_strdupv(s->image.locator.paths);
        source->parent->id = braced(&s->image.locator.linkage);
    }
    return g_steal_pointer(&source);
}
