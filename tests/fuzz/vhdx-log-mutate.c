/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of the log in the short form of a VHDX. */
#include "tests/fuzz/vhdx-log-mutate.h"

#define N(array) G_N_ELEMENTS(array)
#define SECTOR 4096u
/* What of an entry is changed in place. */
#define WINDOW ((size_t)512)
#define LOG_SECTORS (LOG / SECTOR)
/* Bytes of an entry that are copied: enough for the descriptors of many pages. */
#define COPY_MAX ((size_t)64 << 10)
/* Of those in the window. */
#define DESCRIPTORS 4u

static const FuzzField entry_fields[] = {
    { "signature", 0, 4 },          { "EntryLength", 8, 4 },      { "Tail", 12, 4 },
    { "SequenceNumber", 16, 8 },    { "DescriptorCount", 24, 4 }, { "LogGuid", 32, 8 },
    { "FlushedFileOffset", 48, 8 }, { "LastFileOffset", 56, 8 },
};
static const FuzzField descriptor_fields[] = {
    { "signature", 0, 4 },   { "TrailingBytes", 4, 4 },   { "LeadingBytes", 8, 8 },
    { "FileOffset", 16, 8 }, { "SequenceNumber", 24, 8 },
};

/* The place in the log of one of the entries that there are; 0 without any. */
static uint32_t
find_entry(const FuzzInput *in, FuzzDice *dice)
{
    uint32_t found = 0, n = 0;
    Record r;
    for (size_t at = HEAD; next_record(in->data, in->size, &at, &r);) {
        uint64_t end = r.position + r.stored;
        uint64_t p = MAX((r.position + SECTOR - 1) / SECTOR * SECTOR, LOG);
        for (; p + 4 <= end && p < 2 * LOG; p += SECTOR)
            if (memcmp(in->data + r.at + (p - r.position), "loge", 4) == 0 &&
                fuzz_roll(dice, ++n) == 0)
                found = (uint32_t)(p - LOG);
    }
    return found;
}

/* Puts LENGTH bytes of RAW at AT of the log, which go on at its beginning. */
static void
add_round(FuzzInput *in, uint32_t at, const uint8_t *raw, size_t length)
{
    size_t first = MIN(length, LOG - at);
    fuzz_records_add(in, LOG + at, raw, first);
    fuzz_records_add(in, LOG, raw + first, length - first);
}

/* Copies the entry at FROM behind itself, so that it continues the sequence, or to any
 * other place. */
static void
copy_entry(FuzzInput *in, FuzzDice *dice, uint32_t from, bool behind)
{
    uint8_t head[WINDOW];
    fuzz_records_peek(in, LOG + from, head, sizeof head);
    size_t length = MIN(load_le32(head + 8) / SECTOR * SECTOR, COPY_MAX);
    if (length == 0)
        return;
    g_autofree uint8_t *raw = g_malloc(length);
    size_t first = MIN(length, LOG - from);
    fuzz_records_peek(in, LOG + from, raw, first);
    fuzz_records_peek(in, LOG, raw + first, length - first);

    uint32_t to = (uint32_t)((from + length) % LOG);
    if (!behind) /* as likely as not near the log's end */
        to = (uint32_t)(LOG_SECTORS - 1 -
                        fuzz_roll(dice, fuzz_roll(dice, 2) ? 4 : LOG_SECTORS)) *
             SECTOR;
    if (behind || fuzz_roll(dice, 2))
        store_le64(raw + 16, load_le64(raw + 16) + 1);
    if (fuzz_roll(dice, 4) == 0)
        store_le32(raw + 12, to);
    add_round(in, to, raw, length);
}

/* One more descriptor: zeros where another one puts a page or zeros. */
static void
add_zeros(FuzzDice *dice, uint8_t raw[static WINDOW])
{
    uint32_t count = load_le32(raw + 24);
    if (count == 0 || count >= (WINDOW - 64) / 32)
        return;
    uint8_t *to = raw + 64 + 32 * fuzz_roll(dice, count + 1);
    const uint8_t *like = raw + 64 + 32 * fuzz_roll(dice, count);
    uint8_t made[32];
    memcpy(made, like, sizeof made);
    memcpy(made, "zero", 4);
    store_le64(made + 8, (uint64_t)SECTOR << fuzz_roll(dice, 4));
    memmove(to + 32, to, (size_t)(raw + 64 + 32 * count - to));
    memcpy(to, made, sizeof made);
    store_le32(raw + 24, count + 1);
}

static void
change_descriptors(FuzzDice *dice, const FuzzStructure *structure, uint8_t *raw)
{
    if (fuzz_roll(dice, 3) == 0)
        fuzz_change_table(dice, raw + 64, 32, DESCRIPTORS);
    else
        fuzz_change_field(dice, structure,
                          raw + 64 + 32 * fuzz_roll(dice, DESCRIPTORS));
}

/* What can be done within the window of the entry at AT. */
static void
change_entry(FuzzInput *in, FuzzDice *dice, uint32_t at, const uint64_t *values,
             unsigned n_values)
{
    FuzzStructure entry = { entry_fields, N(entry_fields), values, n_values, true };
    FuzzStructure descriptor = { descriptor_fields, N(descriptor_fields), values,
                                 n_values, true };
    uint8_t old[WINDOW], raw[WINDOW];
    fuzz_records_peek(in, LOG + at, raw, WINDOW);
    memcpy(old, raw, WINDOW);
    switch (fuzz_roll(dice, 6)) {
    case 0:
    case 1:
        fuzz_change_field(dice, &entry, raw);
        break;
    case 2:
        store_le32(raw + 12, find_entry(in, dice));
        break;
    case 3:
        add_zeros(dice, raw);
        break;
    default:
        change_descriptors(dice, &descriptor, raw);
        break;
    }
    fuzz_records_poke(in, LOG + at, old, raw, WINDOW);
}

void
fuzz_change_log(FuzzDice *dice, FuzzInput *in, const uint64_t *values,
                unsigned n_values)
{
    uint32_t at = find_entry(in, dice);
    if (fuzz_roll(dice, 4) > 0)
        in->data[0] |= MEND_SEQUENCES;
    else
        in->data[0] &= (uint8_t)~MEND_SEQUENCES;
    switch (fuzz_roll(dice, 6)) {
    case 0:
        copy_entry(in, dice, at, true);
        break;
    case 1:
        copy_entry(in, dice, at, false);
        break;
    default:
        change_entry(in, dice, at, values, n_values);
        break;
    }
}
