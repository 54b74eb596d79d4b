/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the blocks of an opened VHDX lie. */
#include "formats/vhdx/span.h"

#include "formats/vhdx/bat.h"
#include "formats/vhdx/space.h"
#include "io/bytes.h"
#include "io/error.h"

#include <inttypes.h>

/* A span ends when more entries than that had to be read for it: whoever asks for a
 * piece of a long one, as a child does for each of its gaps, does not pay for all of
 * it. With blocks of 1 MiB that is 4 GiB. Holes of the table cost nothing and do not
 * count. */
#define SPAN_ENTRIES_MAX ((uint64_t)4 << 10)

static uint64_t
entry_position(const VhdxImage *image, uint64_t index)
{
    return image->bat.offset + index * VHDX_BAT_ENTRY_SIZE;
}

/* Whether LENGTH bytes of WHAT at the place of ENTRY lie in the file, and where a file
 * may have something. */
static bool
check_place(const VhdxImage *image, uint64_t index, uint64_t entry, uint64_t length,
            const char *what, uint64_t number, GError **error)
{
    uint64_t position = vhdx_entry_position(entry);
    if (position < VHDX_HEADER_SECTION_SIZE) {
        vc_corrupt(error, entry_position(image, index),
                   "BAT: %s %" PRIu64 " lies in the header section; entry", what,
                   number);
        return false;
    }
    if (position > image->size || length > image->size - position) {
        vc_corrupt(error, entry_position(image, index),
                   "BAT: %s %" PRIu64 " at 0x%" PRIx64
                   " goes beyond the end of the file, 0x%" PRIx64 "; entry",
                   what, number, position, image->size);
        return false;
    }
    /* What is seen to lie on something else ends there (VhdxSpace). */
    if (position > VHDX_FILE_SIZE_MAX - length) {
        vc_corrupt(error, entry_position(image, index),
                   "BAT: %s %" PRIu64 " at 0x%" PRIx64
                   " goes beyond 256 TiB, where nothing may lie; entry",
                   what, number, position);
        return false;
    }
    return true;
}

bool
vhdx_span_of_entry(const VhdxImage *image, uint64_t block, uint64_t entry,
                   VhdxSpan *span, GError **error)
{
    const VhdxGeometry *g = &image->geometry;
    uint64_t index = vhdx_block_entry(g, block);
    VhdxBlockState state = vhdx_entry_state(entry);

    *span = (VhdxSpan){ .kind = VHDX_SPAN_ZERO, .blocks = 1 };
    switch (state) {
    case VHDX_NOT_PRESENT:
        span->kind = VHDX_SPAN_ABSENT;
        return true;
    case VHDX_UNDEFINED:
    case VHDX_ZERO:
    case VHDX_UNMAPPED:
    case VHDX_UNMAPPED_DRAFT:
        return true;
    case VHDX_PARTIALLY_PRESENT:
        if (!image->metadata.has_parent)
            break;
        span->kind = VHDX_SPAN_MIXED;
        span->position = vhdx_entry_position(entry);
        break;
    case VHDX_FULLY_PRESENT:
        span->kind = VHDX_SPAN_DATA;
        span->position = vhdx_entry_position(entry);
        break;
    }
    if (span->kind == VHDX_SPAN_ZERO) {
        vc_corrupt(error, entry_position(image, index),
                   "BAT: block %" PRIu64
                   " has state %u, which is none of a disk %s parent; "
                   "entry",
                   block, state, image->metadata.has_parent ? "with a" : "without a");
        return false;
    }
    /* The last block may end with the disk: old writers of fixed disks cut it there. */
    uint64_t needed = MIN(g->block_size, g->size - block * g->block_size);
    return check_place(image, index, entry, needed, "block", block, error);
}

bool
vhdx_bitmap_verify(const VhdxImage *image, uint64_t chunk, uint64_t entry,
                   GError **error)
{
    uint64_t index = vhdx_bitmap_entry(&image->geometry, chunk);
    if (vhdx_entry_state(entry) != VHDX_FULLY_PRESENT) {
        vc_corrupt(error, entry_position(image, index),
                   "BAT: the sector bitmap of chunk %" PRIu64
                   " has state %u, expected 6; entry",
                   chunk, vhdx_entry_state(entry));
        return false;
    }
    return check_place(image, index, entry, VHDX_BITMAP_SIZE, "sector bitmap", chunk,
                       error);
}

/* Adds the blocks FIRST to END - 1, which all have ENTRY, to SPAN as far as they go on
 * with it; *MORE when they all did. */
static bool
extend(const VhdxImage *image, VhdxSpan *span, uint64_t first, uint64_t end,
       uint64_t entry, bool *more, GError **error)
{
    VhdxSpan next;
    bool begun = span->blocks > 0;

    *more = false;
    /* What is wrong with a later block is said when that one is asked for. */
    if (!vhdx_span_of_entry(image, first, entry, &next, begun ? NULL : error))
        return begun;

    bool placed = next.kind == VHDX_SPAN_DATA || next.kind == VHDX_SPAN_MIXED;
    uint64_t behind = span->position + span->blocks * image->geometry.block_size;
    if (begun && (next.kind != span->kind || next.kind == VHDX_SPAN_MIXED ||
                  (placed && next.position != behind)))
        return true;
    if (!begun)
        *span = (VhdxSpan){ .kind = next.kind, .position = next.position };
    span->blocks += placed ? 1 : end - first;
    *more = next.kind != VHDX_SPAN_MIXED && (!placed || end - first == 1);
    return true;
}

bool
vhdx_span_at(const VhdxImage *image, uint64_t block, uint64_t n, VhdxSpan *span,
             GError **error)
{
    const VhdxGeometry *g = &image->geometry;
    uint64_t last = block + MIN(n, g->blocks - block) - 1;
    VhdxBatWalk walk;
    VhdxBatRun run;
    bool more = true;

    *span = (VhdxSpan){ 0 };
    vhdx_bat_walk(&walk, image->file, image->bat.offset, vhdx_block_entry(g, block),
                  vhdx_block_entry(g, last) + 1);
    while (more && walk.read <= SPAN_ENTRIES_MAX) {
        if (!vhdx_bat_next(&walk, &run, error))
            return false;
        if (run.count == 0)
            break;
        /* What is left of the run without the entries of bitmap blocks. */
        uint64_t first = vhdx_blocks_before(g, run.first);
        uint64_t end = MIN(vhdx_blocks_before(g, run.first + run.count), g->blocks);
        if (first < end && !extend(image, span, first, end, run.entry, &more, error))
            return false;
    }
    g_assert(span->blocks > 0);
    return true;
}

/* What is read of a sector bitmap for one answer. */
#define PIECE_BITS 8192u
#define PIECE (PIECE_BITS / 8)

/* How many of the COUNT bits from FIRST of BITMAP, lowest of a byte first, are all BIT.
 */
static uint32_t
equal_bits(const uint8_t *bitmap, uint32_t first, uint32_t count, bool bit)
{
    uint8_t whole = bit ? 0xff : 0;
    uint32_t n = 0;
    while (n < count) {
        uint32_t at = first + n;
        if (at % 8 == 0 && count - n >= 8 && bitmap[at / 8] == whole)
            n += 8;
        else if ((bitmap[at / 8] >> at % 8 & 1) == bit)
            n++;
        else
            break;
    }
    return n;
}

/* The position in the file of the bitmap block of CHUNK. */
static bool
find_bitmap(const VhdxImage *image, uint64_t chunk, uint64_t *position, GError **error)
{
    uint8_t raw[VHDX_BAT_ENTRY_SIZE];
    uint64_t index = vhdx_bitmap_entry(&image->geometry, chunk);
    if (!vc_file_read(image->file, entry_position(image, index), raw, sizeof raw,
                      error) ||
        !vhdx_bitmap_verify(image, chunk, load_le64(raw), error))
        return false;
    *position = vhdx_entry_position(load_le64(raw));
    return true;
}

/* How many bits from bit SKIP of the byte at POSITION are known to be 0 without being
 * read, at most COUNT: a bitmap may be mostly a hole of the file. */
static bool
bits_in_hole(const VhdxImage *image, uint64_t position, uint32_t skip, uint32_t count,
             uint32_t *bits, GError **error)
{
    bool data;
    uint64_t run;
    if (!vc_file_run(image->file, position, &data, &run, error))
        return false;
    run = MIN(run, VHDX_BITMAP_SIZE);
    *bits = data || run == 0 ? 0 : (uint32_t)MIN(run * 8 - skip, count);
    return true;
}

bool
vhdx_sectors_at(const VhdxImage *image, uint64_t block, uint32_t sector, bool *here,
                uint32_t *sectors, GError **error)
{
    const VhdxGeometry *g = &image->geometry;
    uint32_t in_block = g->block_size / g->logical_sector;
    uint64_t bit = block % g->chunk_ratio * in_block + sector, bitmap;
    uint32_t skip = bit % 8, in_piece = bit % PIECE_BITS;
    uint32_t n = MIN(in_block - sector, PIECE_BITS - in_piece);
    uint8_t raw[PIECE];

    if (!find_bitmap(image, block / g->chunk_ratio, &bitmap, error))
        return false;
    if (!vc_file_read(image->file, bitmap + bit / 8, raw, (skip + n + 7) / 8, error)) {
        g_prefix_error(error, "sector bitmap: ");
        return false;
    }
    *here = raw[0] >> skip & 1;
    *sectors = equal_bits(raw, skip, n, *here);
    if (*here || *sectors < n || n == in_block - sector)
        return true;
    /* Only where it may go on, as most runs are shorter than this question. */
    uint32_t hole;
    if (!bits_in_hole(image, bitmap + bit / 8, skip, in_block - sector, &hole, error))
        return false;
    *sectors = MAX(n, hole);
    return true;
}
