/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VHDX images as a sink: blocks packed behind the tables, the tables written last. */
#include "formats/vhdx/vhdx.h"

#include "formats/vhdx/create.h"
#include "formats/vhdx/pages.h"
#include "io/allocate.h"
#include "io/bytes.h"
#include "io/error.h"

/* Diagnostic only (MS-VHDX 2.2.1); no version, so that equal input stays equal output.
 */
#define CREATOR "vconv"

typedef struct {
    VcSink base;
    VhdxPlan plan;
    VhdxPages *bat;  /* of a dynamic disk; NULL: fixed, where the places follow */
    uint64_t end;    /* of the last block in the file */
    uint64_t placed; /* of a fixed disk: how far payload reaches */
    bool touched, finished;
} VhdxSink;

/* --- placing ------------------------------------------------------------------------
 */

/* Before payload goes into a file that may hold an older VHDX: makes it none. */
static bool
touch(VhdxSink *s, GError **error)
{
    if (!s->touched && !s->base.file->reads_zero &&
        !vc_file_zero(s->base.file, 0, VHDX_HEADER_SECTION_SIZE, error))
        return false;
    s->touched = true;
    return true;
}

static bool
place(VcSink *sink, unsigned disk G_GNUC_UNUSED, uint64_t offset, uint64_t length,
      uint64_t *position, uint64_t *run, GError **error)
{
    VhdxSink *s = (VhdxSink *)sink;
    const VhdxGeometry *g = &s->plan.geometry;
    if (!touch(s, error))
        return false;

    if (!s->bat) {
        s->placed = MAX(s->placed, offset + length);
        *position = s->plan.payload + offset;
        *run = length;
        return true;
    }

    uint64_t inside = offset % g->block_size;
    uint64_t index = vhdx_block_entry(g, offset / g->block_size);
    uint64_t entry = vhdx_pages_get(s->bat, index);
    if (entry == 0) {
        if (s->finished) {
            vc_fail(error, VC_ERROR_IO,
                    "the block at 0x%" G_GINT64_MODIFIER
                    "x was not needed before the tables were written: has the source "
                    "changed meanwhile?",
                    offset - inside);
            return false;
        }
        entry = vhdx_entry(VHDX_FULLY_PRESENT, s->end);
        if (!vhdx_pages_set(s->bat, index, entry, error))
            return false;
        s->end += g->block_size;
    }
    *position = vhdx_entry_position(entry) + inside;
    *run = MIN(length, g->block_size - inside);
    return true;
}

/* --- finishing ----------------------------------------------------------------------
 */

/* All that is never written below and must be zero: the log, reserved space, entries of
 * blocks that are not there; of a fixed disk also what is behind the last that was
 * placed, for it may be larger than what fills it. */
static bool
clear(const VhdxSink *s, GError **error)
{
    if (s->base.file->reads_zero)
        return true;

    uint64_t used = s->plan.payload + s->placed;
    return vc_file_zero(s->base.file, 0, s->plan.payload, error) &&
           (s->bat || used == s->end ||
            vc_file_zero(s->base.file, used, s->end - used, error));
}

/* The table of a fixed disk, made and written in pieces. */
static bool
write_fixed_bat(const VhdxSink *s, GError **error)
{
    const VhdxGeometry *g = &s->plan.geometry;
    enum { PIECE = 64 << 10, PIECE_ENTRIES = PIECE / VHDX_BAT_ENTRY_SIZE };
    g_autofree uint8_t *piece = g_malloc(PIECE);

    for (uint64_t first = 0; first < g->entries; first += PIECE_ENTRIES) {
        memset(piece, 0, PIECE);
        uint64_t end = MIN(g->entries, first + PIECE_ENTRIES);
        for (uint64_t i = first; i < end; i++) {
            /* In each chunk the entry of its bitmap block comes last, and stays 0. */
            uint64_t chunk = i / (g->chunk_ratio + 1);
            if (i == vhdx_bitmap_entry(g, chunk))
                continue;
            uint64_t at = s->plan.payload + (i - chunk) * g->block_size;
            store_le64(piece + (i - first) * VHDX_BAT_ENTRY_SIZE,
                       vhdx_entry(VHDX_FULLY_PRESENT, at));
        }
        if (!vc_file_write(s->base.file,
                           s->plan.bat.offset + first * VHDX_BAT_ENTRY_SIZE, piece,
                           PIECE, error))
            return false;
    }
    return true;
}

static bool
write_bat(const VhdxSink *s, GError **error)
{
    if (s->bat)
        return vhdx_pages_write(s->bat, s->base.file, s->plan.bat.offset, error);
    return write_fixed_bat(s, error);
}

static bool
write_metadata(const VhdxSink *s, GError **error)
{
    g_autofree uint8_t *raw = vc_allocate(1, VHDX_METADATA_ENCODED_SIZE, error);
    if (!raw)
        return false;
    vhdx_metadata_encode(&s->plan.metadata, raw);
    return vc_file_write(s->base.file, s->plan.metadata_region.offset, raw,
                         VHDX_METADATA_ENCODED_SIZE, error);
}

static bool
write_regions(const VhdxSink *s, GError **error)
{
    g_autofree uint8_t *raw = g_malloc(VHDX_REGIONS_SIZE);
    const VhdxRegion regions[] = { s->plan.bat, s->plan.metadata_region };
    vhdx_regions_encode(regions, G_N_ELEMENTS(regions), raw);
    return vc_file_write(s->base.file, VHDX_REGIONS1_POSITION, raw, VHDX_REGIONS_SIZE,
                         error) &&
           vc_file_write(s->base.file, VHDX_REGIONS2_POSITION, raw, VHDX_REGIONS_SIZE,
                         error);
}

static bool
write_header(const VhdxSink *s, uint64_t position, uint64_t sequence, GError **error)
{
    uint8_t raw[VHDX_HEADER_SIZE];
    VhdxHeader header = s->plan.header;
    header.sequence = sequence;
    vhdx_header_encode(&header, raw);
    return vc_file_write(s->base.file, position, raw, sizeof raw, error);
}

static bool
write_identifier(const VhdxSink *s, GError **error)
{
    uint8_t raw[VC_ALIGNMENT] = { 0 };
    vhdx_identifier_encode(CREATOR, raw);
    return vc_file_write(s->base.file, VHDX_IDENTIFIER_POSITION, raw, sizeof raw,
                         error);
}

static bool
finish(VcSink *sink, GError **error)
{
    VhdxSink *s = (VhdxSink *)sink;
    s->finished = s->touched = true;

    /* Readers ask for the identifier first and for a header next: all else is in place
     * before these are. */
    return clear(s, error) && write_bat(s, error) && write_metadata(s, error) &&
           write_regions(s, error) && vc_file_truncate(s->base.file, s->end, error) &&
           vc_file_barrier(s->base.file, error) &&
           write_header(s, VHDX_HEADER1_POSITION, 0, error) &&
           write_header(s, VHDX_HEADER2_POSITION, 1, error) &&
           write_identifier(s, error);
}

/* --- creating -----------------------------------------------------------------------
 */

static void
sink_free(VcSink *sink)
{
    VhdxSink *s = (VhdxSink *)sink;
    vhdx_pages_free(s->bat);
    vc_sink_clear(sink);
    g_free(s);
}

static const VcSinkOps sink_ops = {
    .place = place,
    .finish = finish,
    .free = sink_free,
};

VcSink *
vhdx_create(VcFile *file, const VcLayout *layout, const VcOptions *options,
            const VcIdentity *identity, GError **error)
{
    if (layout->n_disks == 0) {
        vc_fail(error, VC_ERROR_USAGE, "a VHDX needs a disk");
        return NULL;
    }

    VhdxSink *s = g_new0(VhdxSink, 1);
    g_autoptr(VcSink) sink = &s->base; /* frees S whatever happens */
    vc_sink_init(sink, &sink_ops, file, layout);
    if (!vhdx_plan(&sink->layout.disks[0], options, identity, &s->plan, sink->warnings,
                   error))
        return NULL;

    const VhdxGeometry *g = &s->plan.geometry;
    s->end = s->plan.payload;
    sink->order = VC_ORDER_ANY;
    sink->identity = s->plan.metadata.fixed;
    if (s->plan.metadata.fixed) {
        s->end += g->blocks * g->block_size;
    } else {
        s->bat = vhdx_pages_new(g->entries, error);
        if (!s->bat)
            return NULL;
        sink->unit = g->block_size;
    }
    return g_steal_pointer(&sink);
}
