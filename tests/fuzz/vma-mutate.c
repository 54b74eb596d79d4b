/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutates the short form of a VMA archive that the source's target reads: fields of the
 * header, blob pointers, blobs, slots and whole extents. The target mends the sums. */
#include "tests/fuzz/mutate.h"

#include "tests/fuzz/vma-input.h"

/* Of an extent with its byte of flags. */
#define SLOTS 41u

#define N(array) G_N_ELEMENTS(array)

static const uint64_t values[] = { 1,      12288,     12800,      512,
                                   4096,   65535,     65536,      65537,
                                   131072, 16u << 20, 1ull << 48, (1ull << 48) + 1 };
static const FuzzField header_fields[] = {
    { "magic", 0, 4 },
    { "version", 4, 4 },
    { "uuid", 8, 8 },
    { "ctime", 24, 8 },
    { "blob_buffer_offset", 48, 4 },
    { "blob_buffer_size", 52, 4 },
    { "header_size", 56, 4 },
};
static const FuzzField device_fields[] = { { "devname_ptr", 0, 4 }, { "size", 4, 8 } };
static const FuzzField pointer_fields[] = { { "config", 0, 4 } };
static const FuzzField extent_fields[] = {
    { "magic", 0, 4 }, { "reserved", 4, 2 }, { "block_count", 6, 2 }, { "uuid", 8, 8 }
};
static const uint64_t steps[] = { 1, 2, 58, 59, 63, 64, 65, 0xffc0, 0xffff };
static const FuzzField run_fields[] = {
    { "device", 0, 1 }, { "count", 1, 1 }, { "cluster", 2, 4 },
    { "step", 6, 2 },   { "mask", 8, 2 },
};
static const FuzzStructure header = { header_fields, N(header_fields), values,
                                      N(values), false };
static const FuzzStructure device = { device_fields, N(device_fields), values,
                                      N(values), false };
static const FuzzStructure extent = { extent_fields, N(extent_fields), values,
                                      N(values), false };
static const FuzzStructure run = { run_fields, N(run_fields), steps, N(steps), false };

static size_t
first_extent(const uint8_t *data, size_t size)
{
    return MIN(size, VMA_BLOBS + load_le16(data + VMA_LENGTH));
}

/* One of the places where a blob begins, or beside it. */
static uint32_t
blob_pointer(FuzzDice *dice, const uint8_t *data, size_t end)
{
    size_t at = 1, room = end - VMA_BLOBS;
    for (unsigned n = fuzz_roll(dice, 8); n > 0 && at < room && room - at > 2; n--)
        at += 2u + load_le16(data + VMA_BLOBS + at);
    return (uint32_t)at + (fuzz_roll(dice, 4) == 0);
}

static void
change_pointer(FuzzDice *dice, uint8_t *data, size_t end)
{
    uint32_t pointer = blob_pointer(dice, data, end);
    if (fuzz_roll(dice, 2))
        store_be32(data + VMA_POINTERS + 4 * fuzz_roll(dice, 8), pointer);
    else
        store_be32(data + VMA_DEVICES + 12 * fuzz_roll(dice, 8), pointer);
}

static void
change_blob(FuzzDice *dice, uint8_t *data, size_t end)
{
    static const uint8_t bytes[] = { 0, 1, '/', '.', 0x1b, 0xff };
    uint32_t at = blob_pointer(dice, data, end);
    if (end - VMA_BLOBS <= at + 2)
        return;
    if (fuzz_roll(dice, 2))
        data[VMA_BLOBS + at] = (uint8_t)(data[VMA_BLOBS + at] + fuzz_roll(dice, 3) - 1);
    else
        data[VMA_BLOBS + at + fuzz_roll(dice, (uint32_t)(end - VMA_BLOBS - at))] =
            bytes[fuzz_roll(dice, sizeof bytes)];
}

/* A slot that goes on from another, or says something of its own. */
static void
change_slot(FuzzDice *dice, uint8_t *slots)
{
    static const uint16_t masks[] = { 0, 1, 3, 0x8000, 0x7fff, 0xfffe, 0xffff };
    /* To a neighbour, into the next page of the set, far off. */
    static const uint32_t jumps[] = {
        0, 1, 1, -1u, 64, -64u, 4096, 1u << 20, 1u << 31
    };
    static const uint8_t devices[] = { 0, 1, 2, 3, 4, 5, 254, 255 };
    uint8_t *slot = slots + 8 * fuzz_roll(dice, 59);
    uint32_t cluster = load_be32(slots + 8 * fuzz_roll(dice, 59) + 4);

    if (fuzz_roll(dice, 2))
        store_be32(slot + 4, cluster + jumps[fuzz_roll(dice, N(jumps))]);
    if (fuzz_roll(dice, 2))
        slot[3] = devices[fuzz_roll(dice, N(devices))];
    if (fuzz_roll(dice, 2))
        store_be16(slot, masks[fuzz_roll(dice, N(masks))]);
    if (fuzz_roll(dice, 16) == 0)
        slot[2]++;
}

/* How much of the SIZE bytes is whole extents behind FIRST; *COUNT of them. */
static size_t
whole_extents(const uint8_t *data, size_t size, size_t first, uint32_t *count)
{
    size_t at = first;
    for (*count = 0; at < size && size - at >= vma_input_length(data[at]); ++*count)
        at += vma_input_length(data[at]);
    return at;
}

/* One of COUNT, at least one. */
static uint8_t *
choose_extent(FuzzDice *dice, uint8_t *first, uint32_t count)
{
    uint8_t *one = first;
    for (uint32_t n = fuzz_roll(dice, count); n > 0; n--)
        one += vma_input_length(*one);
    return one;
}

/* Puts the SIZE bytes at BYTES behind what is whole, which ends at END. */
static size_t
append(uint8_t *data, size_t end, size_t max, const void *bytes, size_t size)
{
    if (max - end < size)
        return end;
    memmove(data + end, bytes, size);
    return end + size;
}

/* Adds an extent that goes on where another ended, or a way off. */
static size_t
add_run(FuzzDice *dice, uint8_t *data, size_t end, size_t max, const uint8_t *one)
{
    static const uint16_t masks[] = { 0, 0, 1, 0x8000, 0xffff };
    uint8_t raw[VMA_RUN_INPUT] = { VMA_MEND_FIELDS | VMA_MEND_SUM | VMA_MEND_COUNT |
                                       VMA_RUN,
                                   1, 59, [7] = 0, [8] = 1 };
    if (*one & VMA_RUN) {
        uint32_t passed = one[2] * (uint32_t)(int16_t)load_be16(one + 7);
        memcpy(raw, one, sizeof raw);
        store_be32(raw + 3, load_be32(one + 3) + passed);
    }
    if (fuzz_roll(dice, 2))
        store_be16(raw + 7, (uint16_t)steps[fuzz_roll(dice, N(steps))]);
    if (fuzz_roll(dice, 4) == 0)
        store_be16(raw + 9, masks[fuzz_roll(dice, N(masks))]);
    return append(data, end, max, raw, sizeof raw);
}

/* Adds a copy of an extent or one that goes on, takes one away, or swaps neighbours. */
static size_t
change_extents(FuzzDice *dice, uint8_t *data, size_t size, size_t max, size_t first)
{
    uint32_t count;
    size_t end = whole_extents(data, size, first, &count);
    if (count == 0)
        return size;
    uint8_t *one = choose_extent(dice, data + first, count);
    size_t length = vma_input_length(*one);
    uint8_t *next = one + length, copy[VMA_EXTENT_INPUT];

    switch (fuzz_roll(dice, 4)) {
    case 0:
        return append(data, end, max, one, length);
    case 1:
        return add_run(dice, data, end, max, one);
    case 2:
        memmove(one, next, (size_t)(data + size - next));
        return size - length;
    default:
        if (next == data + end)
            return size;
        memcpy(copy, one, length);
        memmove(one, next, vma_input_length(*next));
        memcpy(one + vma_input_length(*one), copy, length);
        return size;
    }
}

static void
change_extent(FuzzDice *dice, uint8_t *one)
{
    if (fuzz_roll(dice, 4) == 0)
        one[0] ^= (uint8_t)(1u << fuzz_roll(dice, 5));
    if (one[0] & VMA_RUN)
        fuzz_change_field(dice, &run, one + 1);
    else if (fuzz_roll(dice, 4) == 0)
        fuzz_change_field(dice, &extent, one + 1);
    else if (fuzz_roll(dice, 3) == 0)
        fuzz_change_table(dice, one + SLOTS, 8, 59);
    else
        change_slot(dice, one + SLOTS);
}

static size_t
change_one(FuzzDice *dice, uint8_t *data, size_t size, size_t max)
{
    size_t first = first_extent(data, size);
    uint32_t count;
    whole_extents(data, size, first, &count);
    FuzzStructure config = { pointer_fields, 1, values, N(values), false };

    switch (fuzz_roll(dice, count ? 11 : 6)) {
    case 0:
        fuzz_change_field(dice, &header, data + VMA_HEADER);
        break;
    case 1:
        fuzz_change_field(dice, &device, data + VMA_DEVICES + 12 * fuzz_roll(dice, 8));
        break;
    case 2:
        change_pointer(dice, data, first);
        break;
    case 3:
        change_blob(dice, data, first);
        break;
    case 4:
        fuzz_change_table(dice, data + VMA_DEVICES, 12, 8);
        break;
    case 5:
        fuzz_change_field(dice, &config, data + VMA_POINTERS + 4 * fuzz_roll(dice, 8));
        break;
    case 6:
    case 7:
        return change_extents(dice, data, size, max, first);
    default:
        change_extent(dice, choose_extent(dice, data + first, count));
        break;
    }
    return size;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    if (size <= VMA_BLOBS || fuzz_roll(&dice, 4) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (unsigned n = 1 + fuzz_roll(&dice, 3); n > 0 && size > VMA_BLOBS; n--)
        size = change_one(&dice, data, size, max_size);
    return size;
}

/* The header of one and extents of both. */
size_t
LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b,
                          size_t b_size, uint8_t *out, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    if (a_size <= VMA_BLOBS || b_size <= VMA_BLOBS)
        return 0;
    size_t a_at = first_extent(a, a_size), b_at = first_extent(b, b_size), size = a_at;
    if (size > max_size)
        return 0;
    uint32_t count;
    size_t a_end = whole_extents(a, a_size, a_at, &count),
           b_end = whole_extents(b, b_size, b_at, &count);
    memcpy(out, a, size);
    while (a_at < a_end) {
        bool from_b = b_at < b_end && fuzz_roll(&dice, 2);
        const uint8_t *one = from_b ? b + b_at : a + a_at;
        size_t length = vma_input_length(*one);
        if (max_size - size < length)
            break;
        memcpy(out + size, one, length);
        *(from_b ? &b_at : &a_at) += length;
        size += length;
    }
    return size;
}
