/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutates the short form of a VHDX: fields of headers, region tables, log entries and
 * their descriptors, metadata and the parent locator, and entries of the BAT. The
 * target mends the checksums. */
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/vhdx-input.h"

#define N(array) G_N_ELEMENTS(array)
#define KIB ((uint64_t)1 << 10)
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
static const FuzzField entry_fields[] = {
    { "signature", 0, 4 },          { "EntryLength", 8, 4 },      { "Tail", 12, 4 },
    { "SequenceNumber", 16, 8 },    { "DescriptorCount", 24, 4 }, { "LogGuid", 32, 8 },
    { "FlushedFileOffset", 48, 8 }, { "LastFileOffset", 56, 8 },
};
static const FuzzField descriptor_fields[] = {
    { "signature", 0, 4 },   { "TrailingBytes", 4, 4 },   { "LeadingBytes", 8, 8 },
    { "FileOffset", 16, 8 }, { "SequenceNumber", 24, 8 },
};
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
static const FuzzStructure entry = STRUCTURE(entry_fields);
static const FuzzStructure descriptor = STRUCTURE(descriptor_fields);
static const FuzzStructure item = STRUCTURE(item_fields);
static const FuzzStructure value = STRUCTURE(value_fields);
static const FuzzStructure locator = STRUCTURE(locator_fields);
static const FuzzStructure count = STRUCTURE(count_fields);

/* --- the file behind the records ------------------------------------------------- */

typedef struct {
    uint8_t *data;
    size_t size, max;
} Input;

/* What the file has at POSITION. */
static void
peek(const Input *in, uint64_t position, uint8_t raw[static WINDOW])
{
    Record r;
    memset(raw, 0, WINDOW);
    for (size_t at = HEAD; next_record(in->data, in->size, &at, &r);)
        for (size_t i = 0; i < WINDOW; i++) {
            uint64_t p = position + i;
            if (p >= r.position && p - r.position < r.length)
                raw[i] = in->data[r.at + (r.fill ? 0 : p - r.position)];
        }
}

/* Puts the word RAW at POSITION: into the record that decides, or a new one. */
static void
poke_word(Input *in, uint64_t position, const uint8_t raw[static WORD])
{
    Record r;
    size_t found = 0, at = HEAD;
    while (next_record(in->data, in->size, &at, &r))
        if (position < r.position + r.length && position + WORD > r.position)
            found = !r.fill && position >= r.position &&
                            position + WORD <= r.position + r.length
                        ? r.at + (position - r.position)
                        : 0;
    if (found) {
        memcpy(in->data + found, raw, WORD);
        return;
    }
    /* The last record must be whole before another can follow. */
    if (at != in->size || in->max - at < RECORD + WORD)
        return;
    unsigned place = N(places) - 1;
    while (places[place] > position)
        place--;
    uint64_t words = (position - places[place]) / WORD;
    if (words > UINT16_MAX || position % WORD != 0)
        return;
    uint8_t *to = in->data + at;
    to[0] = (uint8_t)place;
    store_le16(to + 1, (uint16_t)words);
    store_le16(to + 3, 0);
    memcpy(to + RECORD, raw, WORD);
    in->size += RECORD + WORD;
}

static void
poke(Input *in, uint64_t position, const uint8_t old[static WINDOW],
     const uint8_t raw[static WINDOW])
{
    for (size_t i = 0; i < WINDOW; i += WORD)
        if (memcmp(old + i, raw + i, WORD) != 0)
            poke_word(in, position + i, raw + i);
}

/* Cuts the last record to whole words, which its length then says; nothing follows. */
static void
finish_records(Input *in)
{
    Record r;
    size_t from = HEAD;
    for (size_t at = HEAD; next_record(in->data, in->size, &at, &r); from = at) {
        size_t words = r.stored / WORD;
        if (r.fill || r.stored == (load_le16(in->data + r.at - 2) + (size_t)1) * WORD)
            continue;
        if (words == 0)
            break;
        store_le16(in->data + r.at - 2, (uint16_t)(words - 1));
        at = in->size = r.at + words * WORD;
    }
    in->size = from;
}

/* --- where the structures are ------------------------------------------------------
 */

/* The region whose GUID begins with ID, by the first table. */
static uint64_t
find_region(const Input *in, uint32_t id, uint64_t otherwise)
{
    uint8_t raw[WINDOW];
    peek(in, 192 * KIB, raw);
    for (size_t at = 16; at + 32 <= WINDOW; at += 32)
        if (load_le32(raw + at) == id)
            return load_le64(raw + at + 16) & ~(uint64_t)7;
    return otherwise;
}

static uint64_t
find_item(const Input *in, uint64_t metadata, uint32_t id)
{
    uint8_t raw[WINDOW];
    peek(in, metadata, raw);
    for (size_t at = 32; at + 32 <= WINDOW; at += 32)
        if (load_le32(raw + at) == id)
            return metadata + (load_le32(raw + at + 16) & ~7u);
    return metadata + 64 * KIB;
}

/* One of the records that begin with a log entry; the log's beginning without any. */
static uint64_t
find_entry(const Input *in, FuzzDice *dice)
{
    uint64_t found = LOG;
    unsigned n = 0;
    Record r;
    for (size_t at = HEAD; next_record(in->data, in->size, &at, &r);)
        if (r.stored >= 4 && memcmp(in->data + r.at, "loge", 4) == 0 &&
            fuzz_roll(dice, ++n) == 0)
            found = r.position;
    return found;
}

/* --- changes ------------------------------------------------------------------------
 */

/* An entry of the BAT says a state, and a place that another has, or nobody. */
static void
change_bat(FuzzDice *dice, uint8_t *raw)
{
    static const uint8_t states[] = { 0, 1, 2, 3, 5, 6, 6, 6, 7, 7 };
    uint8_t *to = raw + 8 * fuzz_roll(dice, 16);
    uint64_t other = load_le64(raw + 8 * fuzz_roll(dice, 16)) & ~(MIB - 1);
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

static void
change_one(FuzzDice *dice, Input *in)
{
    uint8_t old[WINDOW], raw[WINDOW];
    unsigned what = fuzz_roll(dice, 12);
    uint64_t metadata = find_region(in, 0x8b7ca206, 2 * MIB), position;

    if (what < 2)
        position = (fuzz_roll(dice, 2) ? 64 : 128) * KIB;
    else if (what < 4)
        position = (fuzz_roll(dice, 4) ? 192 : 256) * KIB;
    else if (what < 7)
        position = find_entry(in, dice);
    else if (what == 7)
        position = metadata;
    else if (what == 8)
        position = find_item(in, metadata, 0xcaa16737);
    else if (what == 9)
        position = find_item(in, metadata, 0xa8d35f2d);
    else
        position = find_region(in, 0x2dc27766, 3 * MIB);

    peek(in, position, raw);
    memcpy(old, raw, WINDOW);
    if (what < 2)
        fuzz_change_field(dice, &header, raw);
    else if (what == 2)
        change_entries(dice, &region, raw, 16, 32, 3);
    else if (what == 3)
        fuzz_change_field(dice, &count, raw);
    else if (what == 4)
        fuzz_change_field(dice, &entry, raw);
    else if (what < 7)
        change_entries(dice, &descriptor, raw, 64, 32, 4);
    else if (what == 7)
        change_entries(dice, &item, raw, 32, 32, 6);
    else if (what == 8)
        fuzz_change_field(dice, &value, raw);
    else if (what == 9)
        fuzz_change_field(dice, &locator, raw + 12 * fuzz_roll(dice, 4));
    else if (what == 10)
        change_bat(dice, raw);
    else
        fuzz_change_table(dice, raw, 8, 16);
    poke(in, position, old, raw);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    if (size <= HEAD + RECORD || fuzz_roll(&dice, 4) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    Input in = { data, size, max_size };
    finish_records(&in);
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
    Input in = { out, MIN(a_size, max_size), max_size };
    if (in.size <= HEAD + RECORD || b_size <= HEAD + RECORD)
        return 0;
    memcpy(out, a, in.size);
    finish_records(&in);
    Record r;
    for (size_t at = HEAD, from = HEAD; next_record(b, b_size, &at, &r); from = at)
        if (fuzz_roll(&dice, 4) == 0 && at - from <= in.max - in.size) {
            memcpy(out + in.size, b + from, at - from);
            in.size += at - from;
        }
    finish_records(&in);
    return in.size;
}
