/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutates the short form of a VHD: fields of the footers, of the dynamic header, its
 * locators and the batmap, entries of the BAT, bits of a bitmap, data of a block, and
 * where the file ends. The target mends the sums. */
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/vpc-input.h"

#include "io/bytes.h"

#define SECTOR ((size_t)512)
#define FOOTER ((size_t)512)
#define HEADER ((size_t)1024)
#define LOCATORS 576u
#define WINDOW ((size_t)512)
/* Longer files have longer tables, which only cost time; a seed has one. */
#define LENGTH_MAX (10u << 20)
#define BLOCKS (WINDOW / 4)

#define N(array) G_N_ELEMENTS(array)

static const uint64_t values[] = {
    2,
    3,
    4,
    512,
    1024,
    1536,
    2048,
    4096,
    8192,
    0x10000,
    256 << 10,
    512 << 10,
    2 << 20,
    4 << 20,
    16 << 20,
    256 << 20,
    UINT32_MAX,
    UINT64_MAX,
    0x57326b75,
    0x57327275,
    0x4d616358,
    2040ull << 30,
    31,
    63,
    255,
    4097,
    (16 << 20) + 1,
    0x76706320,
    0x765f706f69736f6e,
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

/* Where the parts of the file are, by one of its footers. */
typedef struct {
    uint64_t footer, header, table;
    uint32_t entries; /* of the table, that are changed */
    uint32_t block_size;
} Parts;

/* Words are changed, whatever a field says about where a part lies. */
static uint64_t
align(uint64_t position)
{
    return position & ~(uint64_t)(WORD - 1);
}

static uint32_t
file_size(const FuzzInput *in)
{
    return load_le32(in->data + 1);
}

static void
find_parts(const FuzzInput *in, FuzzDice *dice, Parts *p)
{
    uint8_t raw[FOOTER];
    *p = (Parts){ 0 };
    fuzz_records_find(in, dice, "conectix", 8, &p->footer);
    fuzz_records_peek(in, p->footer, raw, FOOTER);
    p->header = align(load_be64(raw + 16));
    fuzz_records_peek(in, p->header, raw, FOOTER);
    p->table = align(load_be64(raw + 16));
    p->entries = (uint32_t)CLAMP(load_be32(raw + 28), 1, BLOCKS);
    p->block_size = load_be32(raw + 32);
}

/* One field, at a random one of COUNT entries of SIZE bytes from byte FIRST. */
static void
change_field(FuzzInput *in, FuzzDice *dice, const FuzzStructure *structure,
             uint64_t position, size_t first, size_t size, uint32_t count)
{
    uint8_t old[HEADER], raw[HEADER];
    fuzz_records_peek(in, position, old, HEADER);
    memcpy(raw, old, HEADER);
    fuzz_change_field(dice, structure, raw + first + size * fuzz_roll(dice, count));
    fuzz_records_poke(in, position, old, raw, HEADER);
}

static void
change_table(FuzzInput *in, FuzzDice *dice, uint64_t position, size_t first,
             size_t size, size_t count)
{
    uint8_t old[HEADER], raw[HEADER];
    fuzz_records_peek(in, position, old, HEADER);
    memcpy(raw, old, HEADER);
    fuzz_change_table(dice, raw + first, size, count);
    fuzz_records_poke(in, position, old, raw, HEADER);
}

/* The footer at FROM lies at TO, too. */
static void
copy_footer(FuzzInput *in, uint64_t from, uint64_t to)
{
    uint8_t raw[FOOTER], old[FOOTER];
    fuzz_records_peek(in, from, raw, FOOTER);
    fuzz_records_peek(in, to, old, FOOTER);
    fuzz_records_poke(in, to, old, raw, FOOTER);
}

/* A footer, and perhaps another that then says the same. */
static void
change_footer(FuzzInput *in, FuzzDice *dice, const Parts *p)
{
    uint64_t other = 0;
    change_field(in, dice, &footer, p->footer, 0, 0, 1);
    if (fuzz_roll(dice, 2) && fuzz_records_find(in, dice, "conectix", 8, &other))
        copy_footer(in, p->footer, other);
}

/* An entry becomes a place in the file, that of another or one beside it. */
static void
change_entry(FuzzInput *in, FuzzDice *dice, const Parts *p)
{
    uint8_t old[WINDOW], raw[WINDOW];
    uint32_t sectors = (file_size(in) + 1) / SECTOR, block = p->block_size / SECTOR;
    fuzz_records_peek(in, p->table, old, WINDOW);
    memcpy(raw, old, WINDOW);
    uint8_t *entry = raw + (size_t)4 * fuzz_roll(dice, p->entries);
    uint32_t other = load_be32(raw + (size_t)4 * fuzz_roll(dice, p->entries));
    switch (fuzz_roll(dice, 6)) {
    case 0:
        store_be32(entry, UINT32_MAX);
        break;
    case 1: /* the last that fits, about */
        store_be32(entry, sectors - block - fuzz_roll(dice, 4));
        break;
    case 2:
        store_be32(entry, other + 1u - fuzz_roll(dice, 3));
        break;
    case 3: /* behind another */
        store_be32(entry, other + block + fuzz_roll(dice, 3));
        break;
    default:
        store_be32(entry, fuzz_roll(dice, sectors + 1));
        break;
    }
    fuzz_records_poke(in, p->table, old, raw, WINDOW);
}

/* Bits of the bitmap before a block, or bytes somewhere in it. */
static void
change_block(FuzzInput *in, FuzzDice *dice, const Parts *p)
{
    static const uint8_t bytes[] = { 0, 0xff, 0x80, 1, 0xaa };
    uint8_t old[WINDOW], raw[WINDOW];
    fuzz_records_peek(in, p->table, raw, WINDOW);
    uint64_t position = load_be32(raw + (size_t)4 * fuzz_roll(dice, p->entries));
    if (fuzz_roll(dice, 2))
        position += fuzz_roll(dice, MAX(p->block_size / SECTOR, 1) + 1);
    fuzz_records_peek(in, position * SECTOR, old, WINDOW);
    memcpy(raw, old, WINDOW);
    memset(raw + fuzz_roll(dice, WINDOW / 2), bytes[fuzz_roll(dice, N(bytes))],
           1 + fuzz_roll(dice, fuzz_roll(dice, 4) ? 8 : WINDOW / 2));
    fuzz_records_poke(in, position * SECTOR, old, raw, WINDOW);
}

/* The file ends elsewhere; mostly its footer comes along. */
static void
change_length(FuzzInput *in, FuzzDice *dice, const Parts *p)
{
    static const uint32_t steps[] = { 1, 511, 512, 3584, 512 << 10, 1 << 20, 2 << 20 };
    uint32_t size = file_size(in), step = steps[fuzz_roll(dice, N(steps))];
    if (fuzz_roll(dice, 2) && size < LENGTH_MAX)
        size += step;
    else
        size -= MIN(size, step);
    store_le32(in->data + 1, size);
    if (size >= FOOTER && fuzz_roll(dice, 3) > 0)
        copy_footer(in, p->footer, (size - FOOTER + 1) / SECTOR * SECTOR);
}

/* XenServer's table of full blocks, which other disks get now and then. */
static void
change_batmap(FuzzInput *in, FuzzDice *dice, const Parts *p)
{
    uint8_t old[32] = { 0 }, raw[32] = "tdbatmap";
    uint64_t position;
    if (fuzz_records_find(in, dice, "tdbatmap", 8, &position)) {
        change_field(in, dice, &batmap, position, 0, 0, 1);
        return;
    }
    position = p->table + (p->entries * (uint64_t)4 + SECTOR - 1) / SECTOR * SECTOR;
    store_be64(raw + 8, position + SECTOR);
    store_be32(raw + 16, 1);
    fuzz_records_poke(in, position, old, raw, sizeof raw);
}

/* What the parent is called: in the header, or where one of its locators points. */
static void
change_name(FuzzInput *in, FuzzDice *dice, const Parts *p)
{
    static const char *const texts[] = {
        "\\\\?\\c:\\a\\b", "\\\\h\\s\\a", "a\\b",  "c:/", ".\\..", "",
        "file:///a%2fb",   "file://h/a",  "file:", "%ff",
    };
    uint8_t old[HEADER], raw[HEADER];
    const char *text = texts[fuzz_roll(dice, N(texts))];
    unsigned form = fuzz_roll(dice, 4); /* bytes, little, big endian; a surrogate */
    uint64_t position = p->header + 64;
    fuzz_records_peek(in, p->header, raw, HEADER);
    if (fuzz_roll(dice, 2))
        position = align(
            load_be64(raw + LOCATORS + (size_t)24 * fuzz_roll(dice, 8) + 16));
    fuzz_records_peek(in, position, old, WINDOW);
    memcpy(raw, old, WINDOW);
    if (form == 3) {
        static const uint8_t pair[] = { 0xd8, 0x3d, 0xde, 0, 0xd8, 0 };
        memcpy(raw + fuzz_roll(dice, 16), pair, 6 - 2 * fuzz_roll(dice, 3));
    }
    for (size_t i = 0, step = form ? 2 : 1; form < 3 && i <= strlen(text); i++) {
        raw[i * step] = raw[i * step + step - 1] = 0;
        raw[i * step + (form == 2)] = (uint8_t)text[i];
    }
    fuzz_records_poke(in, position, old, raw, WINDOW);
}

static void
change_one(FuzzInput *in, FuzzDice *dice)
{
    Parts p;
    find_parts(in, dice, &p);
    switch (fuzz_roll(dice, 14)) {
    case 0:
    case 1:
        change_footer(in, dice, &p);
        break;
    case 2:
    case 3:
        change_field(in, dice, &header, p.header, 0, 0, 1);
        break;
    case 4:
        change_field(in, dice, &locator, p.header, LOCATORS, 24, 8);
        break;
    case 5:
        change_table(in, dice, p.header, LOCATORS, 24, 8);
        break;
    case 6:
    case 7:
        change_entry(in, dice, &p);
        break;
    case 8:
        change_table(in, dice, p.table, 0, 4, p.entries);
        break;
    case 9:
    case 10:
        change_block(in, dice, &p);
        break;
    case 11:
        change_batmap(in, dice, &p);
        break;
    case 12:
        change_name(in, dice, &p);
        break;
    default:
        change_length(in, dice, &p);
        break;
    }
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    if (size <= HEAD + RECORD || fuzz_roll(&dice, 4) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    FuzzInput in = { &vpc_form, data, size, max_size };
    fuzz_records_finish(&in);
    for (unsigned n = 1 + fuzz_roll(&dice, 3); n > 0; n--)
        change_one(&in, &dice);
    if (fuzz_roll(&dice, 16) == 0)
        data[0]++;
    return in.size;
}

/* Records of the one, then of the other: the later ones win. */
size_t
LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b,
                          size_t b_size, uint8_t *out, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    FuzzInput in = { &vpc_form, out, MIN(a_size, max_size), max_size };
    if (in.size <= HEAD + RECORD || b_size <= HEAD + RECORD)
        return 0;
    memcpy(out, a, in.size);
    fuzz_records_mix(&in, &dice, b, b_size);
    return in.size;
}
