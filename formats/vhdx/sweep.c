/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One pass over the whole BAT of an opened VHDX. */
#include "formats/vhdx/sweep.h"

#include "formats/vhdx/bat.h"
#include "formats/vhdx/space.h"
#include "formats/vhdx/span.h"
#include "io/interrupt.h"

#include <inttypes.h>

/* What qemu leaves free between its BAT and the first block. */
#define LEAD_MAX (8 * VHDX_MIB)

typedef struct {
    const VhdxImage *image;
    VcReport *report;
    VhdxSpace *space;
    bool mixed;           /* a block of this chunk needs the chunk's bitmap */
    uint64_t first_block; /* the lowest position of a block */
    struct {
        uint64_t count, block; /* how many, and the first of them */
    } draft, reserved, stray;
} Sweep;

/* Nobody reads on, and a hostile table must not take minutes. */
static bool
hopeless(const Sweep *s)
{
    return s->report->count[VC_FINDING_CORRUPT] >= VC_FINDINGS_MAX;
}

static void
corrupt(Sweep *s, GError *error)
{
    vc_report_add(s->report, VC_FINDING_CORRUPT, "%s", error->message);
    g_error_free(error);
}

/* What there is at POSITION already, for a message. */
static const char *
owner(const VhdxImage *image, uint64_t position, uint64_t length)
{
    const VhdxHeader *h = &image->header;
    uint64_t end = position + length;
    if (position < h->log_offset + h->log_length && h->log_offset < end)
        return "the log";
    for (unsigned i = 0; i < image->n_regions; i++) {
        const VhdxRegion *r = &image->regions[i];
        if (position < r->offset + r->length && r->offset < end)
            return vhdx_guid_equal(&r->id, &vhdx_guid_bat)        ? "the BAT"
                   : vhdx_guid_equal(&r->id, &vhdx_guid_metadata) ? "the metadata"
                                                                  : "a region";
    }
    return "another block";
}

static void
take(Sweep *s, uint64_t index, uint64_t position, uint64_t length, const char *what,
     uint64_t number)
{
    const VhdxImage *image = s->image;
    s->first_block = MIN(s->first_block, position);
    if (vhdx_space_take(s->space, position, length))
        return;
    vc_report_add(s->report, VC_FINDING_CORRUPT,
                  "BAT: %s %" PRIu64 " at 0x%" PRIx64
                  " lies on %s; entry at 0x%" PRIx64,
                  what, number, position, owner(image, position, length),
                  image->bat.offset + index * VHDX_BAT_ENTRY_SIZE);
}

static void
tally(uint64_t *count, uint64_t *block, uint64_t here, uint64_t n)
{
    if (*count == 0)
        *block = here;
    *count += n;
}

/* Blocks FIRST to END - 1, which all have ENTRY. */
static void
sweep_blocks(Sweep *s, uint64_t first, uint64_t end, uint64_t entry)
{
    const VhdxImage *image = s->image;
    VhdxBlockState state = vhdx_entry_state(entry);
    if (state == VHDX_UNMAPPED_DRAFT)
        tally(&s->draft.count, &s->draft.block, first, end - first);

    for (uint64_t block = first; block < end && !hopeless(s); block++) {
        GError *error = NULL;
        VhdxSpan span;
        if (!vhdx_span_of_entry(image, block, entry, &span, &error)) {
            corrupt(s, error);
            continue;
        }
        /* What is nowhere is alike for all of them. */
        if (span.kind == VHDX_SPAN_ABSENT || span.kind == VHDX_SPAN_ZERO)
            break;
        if (vhdx_entry_has_reserved(entry))
            tally(&s->reserved.count, &s->reserved.block, block, 1);
        s->report->allocated++;
        s->mixed = s->mixed || span.kind == VHDX_SPAN_MIXED;
        take(s, vhdx_block_entry(&image->geometry, block), span.position,
             image->geometry.block_size, "block", block);
    }
}

/* The entry of the bitmap block of CHUNK. */
static void
sweep_bitmap(Sweep *s, uint64_t chunk, uint64_t entry)
{
    bool needed = s->mixed;
    s->mixed = false;
    if (!s->image->metadata.has_parent) {
        /* Old writers left rubbish where no one looks (see FORMAT.md). */
        if (entry != 0)
            tally(&s->stray.count, &s->stray.block, chunk, 1);
        return;
    }
    if (vhdx_entry_state(entry) == VHDX_NOT_PRESENT && !needed)
        return;
    GError *error = NULL;
    if (!vhdx_bitmap_verify(s->image, chunk, entry, &error)) {
        corrupt(s, error);
        return;
    }
    take(s, vhdx_bitmap_entry(&s->image->geometry, chunk), vhdx_entry_position(entry),
         VHDX_BITMAP_SIZE, "sector bitmap", chunk);
}

/* A run goes over any number of blocks, and over the bitmap blocks between them. */
static void
sweep_run(Sweep *s, const VhdxBatRun *run)
{
    const VhdxGeometry *g = &s->image->geometry;
    uint64_t index = run->first, end = run->first + run->count;
    /* Nothing can be wrong with entries that are 0 where no bitmap is waited for. */
    if (run->entry == 0 && !s->mixed)
        return;
    while (index < end) {
        uint64_t chunk = index / (g->chunk_ratio + 1);
        uint64_t bitmap = vhdx_bitmap_entry(g, chunk), stop = MIN(end, bitmap);
        /* The table of a child has entries for whole chunks, also behind the disk. */
        uint64_t first = vhdx_blocks_before(g, index);
        uint64_t last = MIN(vhdx_blocks_before(g, stop), g->blocks);
        if (index < stop && first < last)
            sweep_blocks(s, first, last, run->entry);
        if (bitmap < end)
            sweep_bitmap(s, chunk, run->entry);
        index = bitmap < end ? bitmap + 1 : end;
    }
}

static void
take_structures(Sweep *s)
{
    const VhdxImage *image = s->image;
    /* That these do not lie on each other has been seen at opening. */
    vhdx_space_take(s->space, 0, VHDX_HEADER_SECTION_SIZE);
    vhdx_space_take(s->space, image->header.log_offset, image->header.log_length);
    for (unsigned i = 0; i < image->n_regions; i++)
        vhdx_space_take(s->space, image->regions[i].offset, image->regions[i].length);
}

static void
report_tallies(Sweep *s)
{
    if (s->draft.count > 0)
        vc_report_add(s->report, VC_FINDING_WARNING,
                      "BAT: %" PRIu64
                      " blocks have state 5, which a draft of the format "
                      "used for what is zero; the first is block %" PRIu64,
                      s->draft.count, s->draft.block);
    if (s->reserved.count > 0)
        vc_report_add(s->report, VC_FINDING_WARNING,
                      "BAT: %" PRIu64
                      " blocks have reserved bits set in their entries; "
                      "the first is block %" PRIu64,
                      s->reserved.count, s->reserved.block);
    if (s->stray.count > 0)
        vc_report_add(s->report, VC_FINDING_WARNING,
                      "BAT: %" PRIu64
                      " sector bitmaps have entries, but the disk has no "
                      "parent; the first is that of chunk %" PRIu64,
                      s->stray.count, s->stray.block);
}

/* Gaps between what is taken. The one before the first block is how the file was laid
 * out, unless it is too large for that. */
static void
report_gaps(Sweep *s)
{
    uint64_t begin = 0, end = 0;
    while (vhdx_space_gap(s->space, end, &begin, &end)) {
        if (end <= s->first_block && end - begin < LEAD_MAX)
            continue;
        vc_report_add(s->report, VC_FINDING_LEAK,
                      "%" PRIu64 " MiB at 0x%" PRIx64 " that nothing refers to",
                      (end - begin) / VHDX_MIB, begin);
    }
    s->report->end = vhdx_space_end(s->space);
    if (s->image->size > s->report->end)
        vc_report_add(s->report, VC_FINDING_NOTE,
                      "%" PRIu64 " bytes behind the last structure, at 0x%" PRIx64,
                      s->image->size - s->report->end, s->report->end);
}

bool
vhdx_sweep(const VhdxImage *image, VcReport *report, GError **error)
{
    g_autoptr(VhdxSpace) space = vhdx_space_new(image->size, error);
    if (!space)
        return false;
    Sweep s = {
        .image = image,
        .report = report,
        .space = space,
        .first_block = UINT64_MAX,
    };
    VhdxBatWalk walk;
    VhdxBatRun run;

    take_structures(&s);
    report->total = image->geometry.blocks;
    vhdx_bat_walk(&walk, image->file, image->bat.offset, 0, image->geometry.entries);
    do {
        if (!vc_interrupt_check(error) || !vhdx_bat_next(&walk, &run, error))
            return false;
        sweep_run(&s, &run);
    } while (run.count > 0 && !hopeless(&s));
    report_tallies(&s);
    if (hopeless(&s))
        vc_report_add(report, VC_FINDING_NOTE, "the BAT was not read to its end");
    else
        report_gaps(&s);
    return true;
}
