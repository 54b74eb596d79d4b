/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutates the short form of a VHDX: fields of headers, region tables, metadata and the
 * parent locator, entries of the log and of the BAT, and sector bitmaps. The target
 * mends the checksums. */
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/vhdx-log-mutate.h"
#include "tests/fuzz/vhdx-input.h"

#define N(array) G_N_ELEMENTS(array)
#define KIB ((uint64_t)1 << 10)
/* What of the file one change of a structure may touch, bytes. */
#define WINDOW ((size_t)512)

static const uint64_t values[] = {
    1,
    2,
    3,
    8,
    64,
    512,
    4096,
    65536,
    MIB,
    2 * MIB,
    3 * MIB,
    4 * MIB,
    32 * MIB,
    256 * MIB,
    5 * MIB,
    6 * MIB,
    7 * MIB,
    64ull << 40,
    256ull << 40,
    (256ull << 40) + MIB,
    (64ull << 40) + 512,
    0x200000,
};
static const FuzzField header_fields[] = {
    { "SequenceNumber", 8, 8 }, { "FileWriteGuid", 16, 8 }, { "DataWriteGuid", 32, 8 },
    { "LogGuid", 48, 8 },       { "LogVersion", 64, 2 },    { "Version", 66, 2 },
    { "LogLength", 68, 4 },     { "LogOffset", 72, 8 },
};
static const FuzzField region_fields[] = { { "Guid", 0, 4 },
                                           { "FileOffset", 16, 8 },
                                           { "Length", 24, 4 },
                                           { "Required", 28, 4 } };
static const FuzzField item_fields[] = {
    { "ItemId", 0, 4 }, { "Offset", 16, 4 }, { "Length", 20, 4 }, { "Flags", 24, 4 }
};
static const FuzzField value_fields[] = {
    { "BlockSize", 0, 4 },           { "Flags", 4, 4 },
    { "VirtualDiskSize", 8, 8 },     { "LogicalSectorSize", 16, 4 },
    { "PhysicalSectorSize", 20, 4 }, { "VirtualDiskId", 24, 8 },
};
static const FuzzField locator_fields[] = {
    { "LocatorType", 0, 4 },  { "KeyValueCount", 18, 2 }, { "KeyOffset", 20, 4 },
    { "ValueOffset", 24, 4 }, { "KeyLength", 28, 2 },     { "ValueLength", 30, 2 },
};
static const FuzzField count_fields[] = { { "EntryCount", 8, 4 } };

#define STRUCTURE(fields)                                                              \
    {                                                                                  \
        fields, N(fields), values, N(values), true                                     \
    }
static const FuzzStructure header = STRUCTURE(header_fields);
static const FuzzStructure region = STRUCTURE(region_fields);
static const FuzzStructure item = STRUCTURE(item_fields);
static const FuzzStructure value = STRUCTURE(value_fields);
static const FuzzStructure locator = STRUCTURE(locator_fields);
static const FuzzStructure count = STRUCTURE(count_fields);

/* --- where the structures are ------------------------------------------------------
 */

/* The region whose GUID begins with ID, by the first table. */
static uint64_t
find_region(const FuzzInput *in, uint32_t id, uint64_t otherwise)
{
    uint8_t raw[WINDOW];
    fuzz_records_peek(in, 192 * KIB, raw, WINDOW);
    for (size_t at = 16; at + 32 <= WINDOW; at += 32)
        if (load_le32(raw + at) == id)
            return load_le64(raw + at + 16) & ~(uint64_t)7;
    return otherwise;
}

static uint64_t
find_item(const FuzzInput *in, uint64_t metadata, uint32_t id)
{
    uint8_t raw[WINDOW];
    fuzz_records_peek(in, metadata, raw, WINDOW);
    for (size_t at = 32; at + 32 <= WINDOW; at += 32)
        if (load_le32(raw + at) == id)
            return metadata + (load_le32(raw + at + 16) & ~7u);
    return metadata + 64 * KIB;
}

/* --- changes ------------------------------------------------------------------------
 */

/* The entry of the BAT at TO says a state, and a place that the one at LIKE has, or
 * nobody. */
static void
change_bat_entry(FuzzDice *dice, uint8_t *to, const uint8_t *like)
{
    static const uint8_t states[] = { 0, 1, 2, 3, 5, 6, 6, 6, 7, 7 };
    uint64_t other = load_le64(like) & ~(MIB - 1);
    switch (fuzz_roll(dice, 4)) {
    case 0:
        other = fuzz_roll(dice, 16) * MIB;
        break;
    case 1:
        other += MIB;
        break;
    case 2:
        other = (uint64_t)fuzz_roll(dice, UINT32_MAX) << (20 + fuzz_roll(dice, 12));
        break;
    default:
        break;
    }
    store_le64(to, other | states[fuzz_roll(dice, N(states))]);
}

/* A field of the structure at a random one of COUNT entries of SIZE bytes from FIRST,
 * or the entries among themselves. */
static void
change_entries(FuzzDice *dice, const FuzzStructure *structure, uint8_t *raw,
               size_t first, size_t size, unsigned entries)
{
    if (fuzz_roll(dice, 3) == 0)
        fuzz_change_table(dice, raw + first, size, entries);
    else
        fuzz_change_field(dice, structure,
                          raw + first + size * fuzz_roll(dice, entries));
}

/* --- sector bitmaps -----------------------------------------------------------------
 */

/* A chunk of the disk: where its bitmap block is named, and how it counts. */
typedef struct {
    uint64_t bat, entry; /* in the file; the entry is that of the bitmap block */
    uint32_t block_sectors;
} Chunk;

/* Chunk NUMBER as the metadata has it; a size against the rules counts as 256 MiB. */
static Chunk
find_chunk(const FuzzInput *in, uint64_t metadata, unsigned number)
{
    uint8_t raw[WORD];
    fuzz_records_peek(in, find_item(in, metadata, 0xcaa16737), raw, sizeof raw);
    uint32_t block_size = load_le32(raw);
    fuzz_records_peek(in, find_item(in, metadata, 0x8141bf1d), raw, sizeof raw);
    uint32_t sector = load_le32(raw) == 4096 ? 4096 : 512;
    if (block_size < MIB || block_size > 256 * MIB)
        block_size = 256 * MIB;

    uint64_t ratio = ((uint64_t)sector << 23) / block_size;
    Chunk chunk = { .bat = find_region(in, 0x2dc27766, 3 * MIB),
                    .block_sectors = block_size / sector };
    chunk.entry = chunk.bat + 8 * ((number + 1) * ratio + number);
    return chunk;
}

/* The entry of the bitmap block, or one of the two before it, with its own place or
 * that of the first block. */
static void
change_bitmap_entry(FuzzDice *dice, FuzzInput *in, const Chunk *chunk)
{
    uint8_t old[WINDOW], raw[WINDOW], like[WORD];
    uint64_t position = chunk->entry -
                        (fuzz_roll(dice, 3) ? 0 : 8 * fuzz_roll(dice, 3));
    fuzz_records_peek(in, fuzz_roll(dice, 2) ? position : chunk->bat, like, WORD);
    fuzz_records_peek(in, position, raw, WINDOW);
    memcpy(old, raw, WINDOW);
    change_bat_entry(dice, raw, like);
    fuzz_records_poke(in, position, old, raw, WINDOW);
}

/* Sets or clears N bits from FIRST of the BITMAP, lowest of a byte first. */
static void
change_bits(FuzzInput *in, uint64_t bitmap, uint64_t first, uint32_t n, bool set)
{
    uint64_t from = first / 8 / WORD * WORD;
    size_t length = ((first + n + 7) / 8 - from + WORD - 1) / WORD * WORD;
    g_autofree uint8_t *raw = g_malloc(MAX(length, WINDOW));
    uint8_t old[WINDOW];

    fuzz_records_peek(in, bitmap + from, raw, MAX(length, WINDOW));
    memcpy(old, raw, WINDOW);
    for (uint64_t bit = first - from * 8; n > 0; bit++, n--) {
        uint8_t one = (uint8_t)(1u << bit % 8);
        raw[bit / 8] = set ? raw[bit / 8] | one : raw[bit / 8] & (uint8_t)~one;
    }
    if (length <= WINDOW)
        fuzz_records_poke(in, bitmap + from, old, raw, WINDOW);
    else
        fuzz_records_add(in, bitmap + from, raw, length);
}

/* Runs of bits begin and end at blocks, at what is read at a time, or beside them. */
static void
change_bitmap(FuzzDice *dice, FuzzInput *in, const Chunk *chunk)
{
    uint8_t raw[WORD];
    fuzz_records_peek(in, chunk->entry, raw, WORD);
    uint64_t bitmap = load_le64(raw) & ~(MIB - 1);
    uint64_t first = (uint64_t)chunk->block_sectors * fuzz_roll(dice, 4);
    if (fuzz_roll(dice, 2))
        first += (uint64_t)1 << fuzz_roll(dice, 17);
    if (fuzz_roll(dice, 2))
        first += fuzz_roll(dice, 16);
    uint32_t n = 1u << fuzz_roll(dice, 17);
    if (fuzz_roll(dice, 2))
        n += fuzz_roll(dice, 16);
    change_bits(in, bitmap, first, n, fuzz_roll(dice, 2));
}

static void
change_chunk(FuzzDice *dice, FuzzInput *in)
{
    uint64_t metadata = find_region(in, 0x8b7ca206, 2 * MIB);
    Chunk chunk = find_chunk(in, metadata, fuzz_roll(dice, 4) == 0);
    if (fuzz_roll(dice, 3) == 0)
        change_bitmap_entry(dice, in, &chunk);
    else
        change_bitmap(dice, in, &chunk);
}

/* --- the whole ----------------------------------------------------------------------
 */

static void
change_window(FuzzDice *dice, FuzzInput *in)
{
    uint8_t old[WINDOW], raw[WINDOW];
    unsigned what = fuzz_roll(dice, 9);
    uint64_t metadata = find_region(in, 0x8b7ca206, 2 * MIB), position;

    if (what < 2)
        position = (fuzz_roll(dice, 2) ? 64 : 128) * KIB;
    else if (what < 4)
        position = (fuzz_roll(dice, 4) ? 192 : 256) * KIB;
    else if (what == 4)
        position = metadata;
    else if (what == 5)
        position = find_item(in, metadata, 0xcaa16737);
    else if (what == 6)
        position = find_item(in, metadata, 0xa8d35f2d);
    else
        position = find_region(in, 0x2dc27766, 3 * MIB);

    fuzz_records_peek(in, position, raw, WINDOW);
    memcpy(old, raw, WINDOW);
    if (what < 2)
        fuzz_change_field(dice, &header, raw);
    else if (what == 2)
        change_entries(dice, &region, raw, 16, 32, 3);
    else if (what == 3)
        fuzz_change_field(dice, &count, raw);
    else if (what == 4)
        change_entries(dice, &item, raw, 32, 32, 6);
    else if (what == 5)
        fuzz_change_field(dice, &value, raw);
    else if (what == 6)
        fuzz_change_field(dice, &locator, raw + 12 * fuzz_roll(dice, 4));
    else if (what == 7)
        change_bat_entry(dice, raw + 8 * fuzz_roll(dice, 16),
                         raw + 8 * fuzz_roll(dice, 16));
    else
        fuzz_change_table(dice, raw, 8, 16);
    fuzz_records_poke(in, position, old, raw, WINDOW);
}

static void
change_one(FuzzDice *dice, FuzzInput *in)
{
    unsigned what = fuzz_roll(dice, 16);
    if (what < 5)
        fuzz_change_log(dice, in, values, N(values));
    else if (what < 7)
        change_chunk(dice, in);
    else
        change_window(dice, in);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    if (size <= HEAD + RECORD || fuzz_roll(&dice, 4) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    FuzzInput in = { &vhdx_form, data, size, max_size };
    fuzz_records_finish(&in);
    for (unsigned n = 1 + fuzz_roll(&dice, 3); n > 0; n--)
        change_one(&dice, &in);
    if (fuzz_roll(&dice, 16) == 0)
        store_le16(data + 1,
                   (uint16_t)(load_le16(data + 1) + 16 - fuzz_roll(&dice, 33)));
    return in.size;
}

/* Records of the one, then of the other: the later ones win. */
size_t
LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b,
                          size_t b_size, uint8_t *out, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    FuzzInput in = { &vhdx_form, out, MIN(a_size, max_size), max_size };
    if (in.size <= HEAD + RECORD || b_size <= HEAD + RECORD)
        return 0;
    memcpy(out, a, in.size);
    fuzz_records_mix(&in, &dice, b, b_size);
    return in.size;
}
