/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The block allocation table: reading it, and where blocks may lie. */
#include "formats/vpc/bat.h"

#include "io/allocate.h"
#include "io/bytes.h"
#include "io/checksum.h"
#include "io/error.h"

#include <stdlib.h>
#include <string.h>

#define HEX "0x%" G_GINT64_MODIFIER "x"

/* The table is read in pieces, first of so many entries; memory grows with what was
 * read, at most twofold, so that little is copied. */
#define PIECE 65536u

/* How far behind the last block, or the tables, a footer may end: where the bitmap of
 * the next block would be, whose data begins on 4 KiB. Before the first block there may
 * be so much alignment twice. */
#define FOOTER_REACH 8192u

static bool
read_entries(VpcBat *bat, VcFile *file, uint64_t at, uint32_t n, GError **error)
{
    while (bat->n < n) {
        uint32_t piece = MIN(n - bat->n, MAX(PIECE, bat->n));
        uint32_t *more = vc_allocate_more(
            bat->entries, ((size_t)bat->n + piece) * sizeof *more, error);
        if (!more)
            return false;
        bat->entries = more;
        uint32_t *to = bat->entries + bat->n;
        if (!vc_file_read(file, at, to, (size_t)piece * 4, error))
            return false;
        for (uint32_t i = 0; i < piece; i++)
            to[i] = load_be32(&to[i]);
        bat->n += piece;
        at += (uint64_t)piece * 4;
    }
    return true;
}

/* The whole table that the header announces must lie in the file, and nothing else
 * where it lies. */
static bool
check_table(const VpcBat *bat, const VpcHeader *header, uint64_t header_at,
            GError **error)
{
    uint64_t at = header->table_offset, bytes = (uint64_t)header->entries * 4;
    if (at > bat->end || bytes > bat->end - at) {
        vc_corrupt(error, at,
                   "data ends at " HEX ", before the end of the BAT of %u entries",
                   bat->end, header->entries);
        return false;
    }
    if (at < header_at + VPC_HEADER_SIZE && header_at < at + bytes) {
        vc_corrupt(error, at, "the BAT overlaps the dynamic disk header");
        return false;
    }
    return true;
}

bool
vpc_bat_read(VpcBat *bat, VcFile *file, const VpcFooters *found,
             const VpcHeader *header, uint64_t size, GError **error)
{
    const VpcFooter *footer = &found->footer;
    uint64_t needed = size / header->block_size + (size % header->block_size != 0);

    *bat = (VpcBat){
        .block_size = header->block_size,
        .bitmap_size = vpc_bitmap_size(header->block_size),
        .low_bit_first = memcmp(footer->creator, "tap", 3) == 0 &&
                         footer->creator_version == 1,
        .kept = vpc_piece_new(),
        .end = found->end,
    };
    if (header->entries < needed) {
        vc_corrupt(error, footer->data_offset + 28,
                   "a disk of %" G_GUINT64_FORMAT " bytes needs %" G_GUINT64_FORMAT
                   " BAT entries, the header says %u",
                   size, needed, header->entries);
        return false;
    }
    if (!check_table(bat, header, footer->data_offset, error))
        return false;
    if (needed > VPC_BAT_ENTRIES_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "%" G_GUINT64_FORMAT " blocks of %u bytes are more than %u", needed,
                header->block_size, VPC_BAT_ENTRIES_MAX);
        return false;
    }

    /* Virtual PC before 2004 left the last byte out. */
    if (!found->trailing && found->file_size % VPC_SECTOR == VPC_SECTOR - 1) {
        bat->byte_missing = true;
        bat->end++;
    }
    uint64_t table = header->table_offset, length = (uint64_t)header->entries * 4;
    vc_round_up(length, VPC_SECTOR, &length); /* below 2^35 */
    bat->taken[0].to = VPC_FOOTER_SIZE;
    bat->taken[0].what = "the copy of the footer";
    bat->taken[1].from = footer->data_offset;
    bat->taken[1].to = footer->data_offset + VPC_HEADER_SIZE;
    bat->taken[1].what = "the dynamic disk header";
    bat->taken[2].from = table;
    bat->taken[2].to = table + length;
    bat->taken[2].what = "the BAT";
    return read_entries(bat, file, table, (uint32_t)needed, error);
}

void
vpc_bat_clear(VpcBat *bat)
{
    g_clear_pointer(&bat->entries, g_free);
    g_clear_pointer(&bat->kept, g_free);
    bat->n = 0;
}

uint64_t
vpc_bat_stride(const VpcBat *bat)
{
    return (uint64_t)bat->bitmap_size + bat->block_size;
}

uint64_t
vpc_bat_position(const VpcBat *bat, uint32_t block)
{
    return (uint64_t)bat->entries[block] * VPC_SECTOR;
}

/* Sets *END to where the tables and blocks end; false: there is a block outside of the
 * file. */
static bool
find_end(const VpcBat *bat, uint64_t *end)
{
    *end = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(bat->taken); i++)
        *end = MAX(*end, bat->taken[i].to);
    for (uint32_t i = 0; i < bat->n; i++)
        if (bat->entries[i] != VPC_UNALLOCATED)
            *end = MAX(*end, vpc_bat_position(bat, i) + vpc_bat_stride(bat));
    return *end <= bat->end;
}

/* A writer that lets the image grow puts the next block where the footer was, and one
 * that did not come to the footer left none: so what is behind it tells nothing, and on
 * a device may be anything. */
bool
vpc_bat_find_footer(VpcBat *bat, VcFile *file, VpcFooters *found, GError **error)
{
    uint8_t head[VPC_FOOTER_SIZE], raw[FOOTER_REACH];
    uint64_t end;
    size_t got, skip = 0;

    if (found->trailing || !find_end(bat, &end) || end >= found->file_size)
        return true;
    if (!vc_file_read(file, 0, head, sizeof head, error) ||
        !vc_file_read_some(file, end, raw, sizeof raw, &got, error))
        return false;
    while (got - skip > VPC_FOOTER_SIZE && vc_is_zero(raw + skip, VPC_FOOTER_SIZE))
        skip += VPC_FOOTER_SIZE;
    if (got - skip < VPC_FOOTER_SIZE || memcmp(raw + skip, head, sizeof head) != 0)
        return true;
    found->trailing = true;
    found->at = found->end = bat->end = end + skip;
    found->surplus = found->file_size - found->at - VPC_FOOTER_SIZE;
    bat->byte_missing = false;
    return true;
}

/* What is taken between AT and END; NULL: nothing. */
static const char *
taken_by(const VpcBat *bat, uint64_t at, uint64_t end)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bat->taken); i++)
        if (at < bat->taken[i].to && bat->taken[i].from < end)
            return bat->taken[i].what;
    return NULL;
}

bool
vpc_bat_block_fits(const VpcBat *bat, uint32_t block)
{
    uint64_t at = vpc_bat_position(bat, block), end = at + vpc_bat_stride(bat);
    return end <= bat->end && !taken_by(bat, at, end);
}

bool
vpc_bat_check_block(const VpcBat *bat, uint32_t block, GError **error)
{
    uint64_t at = vpc_bat_position(bat, block), end = at + vpc_bat_stride(bat);
    if (vpc_bat_block_fits(bat, block))
        return true;
    if (end > bat->end)
        vc_corrupt(error, at,
                   "data ends at " HEX
                   " (was the file cut?), before the end of block %u",
                   bat->end, block);
    else
        vc_corrupt(error, at, "block %u lies over %s", block, taken_by(bat, at, end));
    return false;
}

static int
compare_places(const void *a, const void *b)
{
    const VpcPlace *x = a, *y = b;
    return (x->sector > y->sector) - (x->sector < y->sector);
}

VpcPlace *
vpc_bat_sorted(const VpcBat *bat, size_t *n, GError **error)
{
    *n = 0;
    for (uint32_t i = 0; i < bat->n; i++)
        *n += bat->entries[i] != VPC_UNALLOCATED && vpc_bat_block_fits(bat, i);
    VpcPlace *places = vc_allocate(*n + 1, sizeof *places, error);
    if (!places)
        return NULL;
    size_t k = 0;
    for (uint32_t i = 0; i < bat->n; i++)
        if (bat->entries[i] != VPC_UNALLOCATED && vpc_bat_block_fits(bat, i))
            places[k++] = (VpcPlace){ bat->entries[i], i };
    if (*n > 1)
        qsort(places, *n, sizeof *places, compare_places);
    return places;
}

bool
vpc_bat_check(const VpcBat *bat, GError **error)
{
    uint64_t stride = vpc_bat_stride(bat), last_end = 0;
    bool ascending = true; /* as most writers leave it: then nothing overlaps */

    for (uint32_t i = 0; i < bat->n; i++) {
        if (bat->entries[i] == VPC_UNALLOCATED)
            continue;
        if (!vpc_bat_check_block(bat, i, error))
            return false;
        uint64_t at = vpc_bat_position(bat, i);
        ascending = ascending && at >= last_end;
        last_end = at + stride;
    }
    if (ascending)
        return true;

    size_t n;
    g_autofree VpcPlace *places = vpc_bat_sorted(bat, &n, error);
    if (!places)
        return false;
    for (size_t i = 1; i < n; i++) {
        uint64_t before = (uint64_t)places[i - 1].sector * VPC_SECTOR;
        uint64_t at = (uint64_t)places[i].sector * VPC_SECTOR;
        if (at - before < stride) {
            vc_corrupt(error, at, "blocks %u and %u overlap", places[i - 1].block,
                       places[i].block);
            return false;
        }
    }
    return true;
}
