/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mutates the short form of a VMA archive that the source's target reads: fields of the
 * header, blob pointers, blobs, slots and whole extents. The target mends the sums. */
#include "tests/fuzz/mutate.h"

#include "io/bytes.h"

/* Places in the short form; see the target. */
#define HEADER 1u
#define POINTERS 61u
#define DEVICES 93u
#define LENGTH 189u
#define BLOBS 191u
#define EXTENT 513u /* with its byte of flags */
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
static const FuzzStructure header = { header_fields, N(header_fields), values,
                                      N(values), false };
static const FuzzStructure device = { device_fields, N(device_fields), values,
                                      N(values), false };
static const FuzzStructure extent = { extent_fields, N(extent_fields), values,
                                      N(values), false };

static size_t
first_extent(const uint8_t *data, size_t size)
{
    return MIN(size, BLOBS + load_le16(data + LENGTH));
}

/* One of the places where a blob begins, or beside it. */
static uint32_t
blob_pointer(FuzzDice *dice, const uint8_t *data, size_t end)
{
    size_t at = 1, room = end - BLOBS;
    for (unsigned n = fuzz_roll(dice, 8); n > 0 && at < room && room - at > 2; n--)
        at += 2u + load_le16(data + BLOBS + at);
    return (uint32_t)at + (fuzz_roll(dice, 4) == 0);
}

static void
change_pointer(FuzzDice *dice, uint8_t *data, size_t end)
{
    uint32_t pointer = blob_pointer(dice, data, end);
    if (fuzz_roll(dice, 2))
        store_be32(data + POINTERS + 4 * fuzz_roll(dice, 8), pointer);
    else
        store_be32(data + DEVICES + 12 * fuzz_roll(dice, 8), pointer);
}

static void
change_blob(FuzzDice *dice, uint8_t *data, size_t end)
{
    static const uint8_t bytes[] = { 0, 1, '/', '.', 0x1b, 0xff };
    uint32_t at = blob_pointer(dice, data, end);
    if (end - BLOBS <= at + 2)
        return;
    if (fuzz_roll(dice, 2))
        data[BLOBS + at] = (uint8_t)(data[BLOBS + at] + fuzz_roll(dice, 3) - 1);
    else
        data[BLOBS + at + fuzz_roll(dice, (uint32_t)(end - BLOBS - at))] =
            bytes[fuzz_roll(dice, sizeof bytes)];
}

/* A slot that goes on from another, or says something of its own. */
static void
change_slot(FuzzDice *dice, uint8_t *slots)
{
    static const uint16_t masks[] = { 0, 1, 3, 0x8000, 0x7fff, 0xfffe, 0xffff };
    static const uint8_t devices[] = { 0, 1, 2, 3, 4, 5, 254, 255 };
    uint8_t *slot = slots + 8 * fuzz_roll(dice, 59);
    uint32_t cluster = load_be32(slots + 8 * fuzz_roll(dice, 59) + 4);

    if (fuzz_roll(dice, 2))
        store_be32(slot + 4, cluster + fuzz_roll(dice, 3) - 1);
    if (fuzz_roll(dice, 2))
        slot[3] = devices[fuzz_roll(dice, N(devices))];
    if (fuzz_roll(dice, 2))
        store_be16(slot, masks[fuzz_roll(dice, N(masks))]);
    if (fuzz_roll(dice, 16) == 0)
        slot[2]++;
}

/* Adds a copy of an extent, takes one away, or swaps two. */
static size_t
change_extents(FuzzDice *dice, uint8_t *data, size_t size, size_t max, size_t first)
{
    uint32_t count = (uint32_t)((size - first) / EXTENT);
    if (count == 0)
        return size;
    uint8_t *one = data + first + (size_t)fuzz_roll(dice, count) * EXTENT;

    switch (fuzz_roll(dice, 3)) {
    case 0:
        size = first + (size_t)count * EXTENT;
        if (max - size < EXTENT)
            return size;
        memcpy(data + size, one, EXTENT);
        return size + EXTENT;
    case 1:
        memmove(one, one + EXTENT, (size_t)(data + size - one) - EXTENT);
        return size - EXTENT;
    default:
        fuzz_change_table(dice, data + first, EXTENT, count);
        return size;
    }
}

static size_t
change_one(FuzzDice *dice, uint8_t *data, size_t size, size_t max)
{
    size_t first = first_extent(data, size);
    uint32_t count = (uint32_t)((size - first) / EXTENT);
    uint8_t *one = data + first + (count ? (size_t)fuzz_roll(dice, count) * EXTENT : 0);
    FuzzStructure config = { pointer_fields, 1, values, N(values), false };

    switch (fuzz_roll(dice, count ? 11 : 6)) {
    case 0:
        fuzz_change_field(dice, &header, data + HEADER);
        break;
    case 1:
        fuzz_change_field(dice, &device, data + DEVICES + 12 * fuzz_roll(dice, 8));
        break;
    case 2:
        change_pointer(dice, data, first);
        break;
    case 3:
        change_blob(dice, data, first);
        break;
    case 4:
        fuzz_change_table(dice, data + DEVICES, 12, 8);
        break;
    case 5:
        fuzz_change_field(dice, &config, data + POINTERS + 4 * fuzz_roll(dice, 8));
        break;
    case 6:
        one[0] ^= (uint8_t)(1u << fuzz_roll(dice, 5));
        fuzz_change_field(dice, &extent, one + 1);
        break;
    case 7:
        fuzz_change_table(dice, one + SLOTS, 8, 59);
        break;
    case 8:
        return change_extents(dice, data, size, max, first);
    default:
        change_slot(dice, one + SLOTS);
        break;
    }
    return size;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    if (size <= BLOBS || fuzz_roll(&dice, 4) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (unsigned n = 1 + fuzz_roll(&dice, 3); n > 0 && size > BLOBS; n--)
        size = change_one(&dice, data, size, max_size);
    return size;
}

/* The header of one and extents of both. */
size_t
LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b,
                          size_t b_size, uint8_t *out, size_t max_size, unsigned seed)
{
    FuzzDice dice = { seed };
    if (a_size <= BLOBS || b_size <= BLOBS)
        return 0;
    size_t a_at = first_extent(a, a_size), b_at = first_extent(b, b_size), size = a_at;
    if (size > max_size)
        return 0;
    memcpy(out, a, size);
    while (max_size - size >= EXTENT) {
        bool from_b = b_size - b_at >= EXTENT && fuzz_roll(&dice, 2);
        if (!from_b && a_size - a_at < EXTENT)
            break;
        memcpy(out + size, from_b ? b + b_at : a + a_at, EXTENT);
        *(from_b ? &b_at : &a_at) += EXTENT;
        size += EXTENT;
    }
    return size;
}
