/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutates VHD files: fields of the footer, of the dynamic header and its locators,
 * entries of the BAT, bits of a bitmap, and whole sectors. The target mends the sums.
 */
#include "tests/fuzz/mutate.h"

#include "io/bytes.h"

#define SECTOR ((size_t)512)
#define FOOTER ((size_t)512)
#define HEADER ((size_t)1024)
#define LOCATORS 576u

#define N(array) G_N_ELEMENTS(array)

static const uint64_t values[] = {
    2,         3,          4,          512,        1024,       1536,
    2048,      4096,       8192,       0x10000,    512 << 10,  2 << 20,
    256 << 20, UINT32_MAX, UINT64_MAX, 0x57326b75, 0x57326b72, 2040ull << 30,
};
static const FuzzField footer_fields[] = {
    { "cookie", 0, 8 },         { "features", 8, 4 },      { "version", 12, 4 },
    { "data_offset", 16, 8 },   { "creator", 28, 4 },      { "creator_version", 32, 4 },
    { "original_size", 40, 8 }, { "current_size", 48, 8 }, { "cylinders", 56, 2 },
    { "heads", 58, 1 },         { "sectors", 59, 1 },      { "type", 60, 4 },
    { "unique_id", 68, 8 },     { "saved_state", 84, 1 },  { "hidden", 85, 1 },
    { "no_mending", 511, 1 },
};
static const FuzzField header_fields[] = {
    { "cookie", 0, 8 },        { "data_offset", 8, 8 },
    { "table_offset", 16, 8 }, { "version", 24, 4 },
    { "max_entries", 28, 4 },  { "block_size", 32, 4 },
    { "parent_id", 40, 8 },    { "parent_timestamp", 56, 4 },
    { "parent_name", 64, 8 },  { "parent_name_end", 568, 8 },
    { "no_mending", 1023, 1 },
};
static const FuzzField locator_fields[] = {
    { "platform_code", 0, 4 },
    { "platform_data_space", 4, 4 },
    { "platform_data_length", 8, 4 },
    { "platform_data_offset", 16, 8 },
};
static const FuzzField batmap_fields[] = {
    { "cookie", 0, 8 },   { "offset", 8, 8 },    { "size", 16, 4 },
    { "version", 20, 4 }, { "checksum", 24, 4 },
};
static const FuzzStructure footer = { footer_fields, N(footer_fields), values,
                                      N(values), false };
static const FuzzStructure header = { header_fields, N(header_fields), values,
                                      N(values), false };
static const FuzzStructure locator = { locator_fields, N(locator_fields), values,
                                       N(values), false };
static const FuzzStructure batmap = { batmap_fields, N(batmap_fields), values,
                                      N(values), false };

/* Where the parts of the file are, as far as they are in it; NULL: they are not. */
typedef struct {
    uint8_t *end, *copy, *header, *table;
    uint32_t entries; /* of the table that are in the file */
} Parts;

static uint8_t *
part(uint8_t *data, size_t size, uint64_t at, size_t length)
{
    return at <= size && size - at >= length ? data + at : NULL;
}

static Parts
find_parts(uint8_t *data, size_t size)
{
    Parts p = { .end = data + size - FOOTER };
    if (memcmp(data, "conectix", 8) == 0)
        p.copy = data;
    const uint8_t *any = memcmp(p.end, "conectix", 8) == 0 ? p.end : data;
    p.header = part(data, size, load_be64(any + 16), HEADER);
    if (!p.header)
        return p;
    uint64_t table = load_be64(p.header + 16);
    p.table = part(data, size, table, 4);
    if (p.table)
        p.entries = (uint32_t)MIN(load_be32(p.header + 28), (size - table) / 4);
    return p;
}

/* An entry becomes a place in the file, that of another or one beside it. */
static void
change_entry(FuzzDice *dice, const Parts *p, size_t size)
{
    uint8_t *entry = p->table + 4 * (size_t)fuzz_roll(dice, p->entries);
    uint32_t other = load_be32(p->table + 4 * (size_t)fuzz_roll(dice, p->entries));
    switch (fuzz_roll(dice, 5)) {
    case 0:
        store_be32(entry, UINT32_MAX);
        break;
    case 1:
        store_be32(entry, (uint32_t)(size / SECTOR) - fuzz_roll(dice, 4));
        break;
    case 2:
        store_be32(entry, other + 1u - fuzz_roll(dice, 3));
        break;
    default:
        store_be32(entry, fuzz_roll(dice, (uint32_t)(size / SECTOR) + 1));
        break;
    }
}

/* Bits of the bitmap before a block. */
static void
change_bitmap(FuzzDice *dice, const Parts *p, uint8_t *data, size_t size)
{
    uint64_t sector = load_be32(p->table + 4 * (size_t)fuzz_roll(dice, p->entries));
    uint8_t *bitmap = part(data, size, sector * SECTOR, SECTOR);
    static const uint8_t bytes[] = { 0, 0xff, 0x80, 1, 0xaa };
    if (bitmap)
        memset(bitmap + fuzz_roll(dice, 8), bytes[fuzz_roll(dice, N(bytes))],
               1 + fuzz_roll(dice, 8));
}

/* The footer's copy says the same as the footer, or the other way round. */
static void
make_equal(FuzzDice *dice, const Parts *p)
{
    if (!p->copy || p->copy + FOOTER > p->end)
        return;
    if (fuzz_roll(dice, 2))
        memcpy(p->copy, p->end, FOOTER);
    else
        memcpy(p->end, p->copy, FOOTER);
}

/* Adds or takes away a sector somewhere before the footer. */
static size_t
change_length(FuzzDice *dice, uint8_t *data, size_t size, size_t max)
{
    size_t at = fuzz_roll(dice, (uint32_t)(size / SECTOR)) * SECTOR;
    if (fuzz_roll(dice, 2) && max - size >= SECTOR) {
        memmove(data + at + SECTOR, data + at, size - at);
        return size + SECTOR;
    }
    if (size < 2 * SECTOR)
        return size;
    memmove(data + at, data + at + SECTOR, size - at - SECTOR);
    return size - SECTOR;
}

static size_t
change_one(FuzzDice *dice, uint8_t *data, size_t size, size_t max)
{
    Parts p = find_parts(data, size);
    uint8_t *locators = p.header ? p.header + LOCATORS : NULL;
    switch (fuzz_roll(dice, p.entries ? 10 : p.header ? 7 : 3)) {
    case 0:
        fuzz_change_field(dice, &footer, p.end);
        break;
    case 1:
        fuzz_change_field(dice, &footer, p.copy ? p.copy : p.end);
        make_equal(dice, &p);
        break;
    case 2:
        return change_length(dice, data, size, max);
    case 3:
    case 4:
        fuzz_change_field(dice, &header, p.header);
        break;
    case 5:
        fuzz_change_field(dice, &locator, locators + 24 * fuzz_roll(dice, 8));
        break;
    case 6:
        fuzz_change_table(dice, locators, 24, 8);
        break;
    case 7:
        change_entry(dice, &p, size);
        break;
    case 8:
        fuzz_change_table(dice, p.table, 4, p.entries);
        break;
    default:
        change_bitmap(dice, &p, data, size);
        break;
    }
    return size;
}

/* XenServer's table of full blocks stands on a sector of its own, wherever it is. */
static void
change_batmap(FuzzDice *dice, uint8_t *data, size_t size)
{
    for (size_t at = 0; size - at >= SECTOR; at += SECTOR)
        if (memcmp(data + at, "tdbatmap", 8) == 0)
            fuzz_change_field(dice, &batmap, data + at);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    if (size < FOOTER || fuzz_roll(&dice, 4) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    if (fuzz_roll(&dice, 8) == 0)
        change_batmap(&dice, data, size);
    for (unsigned n = 1 + fuzz_roll(&dice, 3); n > 0 && size >= FOOTER; n--)
        size = change_one(&dice, data, size, max_size);
    return size;
}

/* Some sectors of the one become those of the other. */
size_t
LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b,
                          size_t b_size, uint8_t *out, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    size_t size = MIN(a_size, max_size);
    memcpy(out, a, size);
    for (size_t at = 0; size - at >= SECTOR && b_size >= at + SECTOR; at += SECTOR)
        if (fuzz_roll(&dice, 4) == 0)
            memcpy(out + at, b + at, SECTOR);
    return size;
}
