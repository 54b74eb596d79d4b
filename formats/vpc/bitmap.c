/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sector bitmaps of blocks: set, the sector is here; clear, it was never written.
 */
#include "formats/vpc/bitmap.h"

#include "io/checksum.h"

/* Bits of one sector of bitmap, and of one answer: who asks for a piece of a long run,
 * as a child does for each extent of its parent, does not pay for all of it. */
#define PIECE_BITS (VPC_SECTOR * 8u)

static bool
bit_at(const uint8_t piece[static VPC_SECTOR], uint32_t bit, bool low_bit_first)
{
    return piece[bit / 8] & (low_bit_first ? 1u << bit % 8 : 0x80u >> bit % 8);
}

/* How many bits from BIT on, but before END, are as SET. */
static uint32_t
count_same(const uint8_t piece[static VPC_SECTOR], uint32_t bit, uint32_t end, bool set,
           bool low_bit_first)
{
    uint32_t from = bit;
    uint8_t whole = set ? 0xff : 0;
    while (bit < end) {
        if (bit % 8 == 0 && end - bit >= 8 && piece[bit / 8] == whole)
            bit += 8;
        else if (bit_at(piece, bit, low_bit_first) == set)
            bit++;
        else
            break;
    }
    return bit - from;
}

bool
vpc_bitmap_run(const VpcBat *bat, VcFile *file, uint32_t block, uint32_t sector,
               bool *set, uint32_t *run, GError **error)
{
    uint32_t bit = sector % PIECE_BITS, base = sector - bit;
    uint32_t end = MIN(bat->block_size / VPC_SECTOR - base, PIECE_BITS);
    if (end - bit > *run)
        end = bit + *run;

    uint8_t piece[VPC_SECTOR];
    uint64_t position = vpc_bat_position(bat, block) + base / 8;
    if (!vpc_piece_read(bat->kept, file, position, piece, error))
        return false;
    *set = bit_at(piece, bit, bat->low_bit_first);
    *run = count_same(piece, bit, end, *set, bat->low_bit_first);
    return true;
}

bool
vpc_bitmap_is_clear(const VpcBat *bat, VcFile *file, uint32_t block, bool *clear,
                    GError **error)
{
    uint32_t run;
    *clear = true;
    for (uint32_t at = 0; at < bat->block_size / VPC_SECTOR && *clear; at += run) {
        bool set;
        run = PIECE_BITS;
        if (!vpc_bitmap_run(bat, file, block, at, &set, &run, error))
            return false;
        *clear = !set && run == MIN(bat->block_size / VPC_SECTOR - at, PIECE_BITS);
    }
    return true;
}

/* Finds the first byte that is not zero in LENGTH bytes at POSITION; *FOUND is LENGTH
 * when there is none, or the budget is spent. */
static bool
find_nonzero(VcFile *file, uint64_t position, uint64_t length, uint64_t *budget,
             uint64_t *found, GError **error)
{
    static const size_t piece = 64 << 10;
    g_autofree uint8_t *buffer = g_malloc(piece);

    for (uint64_t done = 0; done<length && * budget> 0;) {
        bool data;
        uint64_t run;
        size_t got;
        if (!vc_file_run(file, position + done, &data, &run, error))
            return false;
        if (run == 0)
            break; /* the file has been cut since it was opened */
        if (!data) {
            done += MIN(run, length - done);
            continue;
        }
        size_t want = MIN(MIN(run, length - done), MIN(piece, *budget));
        if (!vc_file_read_some(file, position + done, buffer, want, &got, error))
            return false;
        if (!vc_is_zero(buffer, got)) {
            size_t i = 0;
            while (buffer[i] == 0)
                i++;
            *found = done + i;
            return true;
        }
        done += want;
        *budget -= want;
    }
    *found = length;
    return true;
}

bool
vpc_bitmap_find_hidden(const VpcBat *bat, VcFile *file, uint32_t block,
                       uint64_t *budget, uint32_t *sector, GError **error)
{
    uint32_t sectors = bat->block_size / VPC_SECTOR;
    uint64_t data = vpc_bat_position(bat, block) + bat->bitmap_size;

    for (*sector = 0; *sector < sectors;) {
        bool set;
        uint32_t run = PIECE_BITS;
        if (!vpc_bitmap_run(bat, file, block, *sector, &set, &run, error))
            return false;
        if (!set) {
            uint64_t from = data + (uint64_t)*sector * VPC_SECTOR, found;
            uint64_t length = MIN((uint64_t)run * VPC_SECTOR, bat->end - from);
            length -= bat->byte_missing && from + length == bat->end;
            if (!find_nonzero(file, from, length, budget, &found, error))
                return false;
            if (found < length) {
                *sector += (uint32_t)(found / VPC_SECTOR);
                return true;
            }
        }
        *sector += run;
    }
    return true;
}
