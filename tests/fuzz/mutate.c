/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dice and the changes that all mutators share. */
#include "tests/fuzz/mutate.h"

#include "io/bytes.h"

/* Where formats have their edges: sectors, blocks, MiB, and the ends of integers. */
static const uint64_t edges[] = {
    0,        1,        2,          512,        4096,       65536,
    1u << 20, 2u << 20, 0x7fffffff, 0x80000000, 1ull << 32, INT64_MAX,
};

uint32_t
fuzz_roll(FuzzDice *dice, uint32_t sides)
{
    /* xorshift64; its state is never zero. */
    uint64_t x = dice->state ? dice->state : 0x9e3779b97f4a7c15;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    dice->state = x;
    return (uint32_t)(x >> 32) % sides;
}

uint64_t
fuzz_load(const uint8_t *raw, unsigned size, bool little_endian)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | raw[little_endian ? size - 1 - i : i];
    return value;
}

void
fuzz_store(uint8_t *raw, unsigned size, bool little_endian, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        raw[little_endian ? i : size - 1 - i] = (uint8_t)(value >> 8 * i);
}

static uint64_t
other_field(FuzzDice *dice, const FuzzStructure *s, const uint8_t *raw)
{
    const FuzzField *field = &s->fields[fuzz_roll(dice, s->n_fields)];
    return fuzz_load(raw + field->at, field->size, s->little_endian);
}

void
fuzz_change_field(FuzzDice *dice, const FuzzStructure *s, uint8_t *raw)
{
    const FuzzField *field = &s->fields[fuzz_roll(dice, s->n_fields)];
    uint64_t value = fuzz_load(raw + field->at, field->size, s->little_endian);
    uint64_t step = edges[fuzz_roll(dice, 8)];

    switch (fuzz_roll(dice, 8)) {
    case 0:
        value += step;
        break;
    case 1:
        value -= step;
        break;
    case 2:
        value ^= (uint64_t)1 << fuzz_roll(dice, 8 * field->size);
        break;
    case 3:
        value = fuzz_roll(dice, 2) ? value << 1 : value >> 1;
        break;
    case 4:
        value = edges[fuzz_roll(dice, G_N_ELEMENTS(edges))] - fuzz_roll(dice, 2);
        break;
    case 5:
        value = other_field(dice, s, raw);
        break;
    default:
        if (s->n_values > 0)
            value = s->values[fuzz_roll(dice, s->n_values)];
        break;
    }
    fuzz_store(raw + field->at, field->size, s->little_endian, value);
}

void
fuzz_change_table(FuzzDice *dice, uint8_t *raw, size_t size, size_t count)
{
    if (count == 0)
        return;
    uint8_t *a = raw + size * fuzz_roll(dice, (uint32_t)count);
    uint8_t *b = raw + size * fuzz_roll(dice, (uint32_t)count);

    switch (fuzz_roll(dice, 4)) {
    case 0:
        for (size_t i = 0; i < size; i++) {
            uint8_t byte = a[i];
            a[i] = b[i];
            b[i] = byte;
        }
        break;
    case 1:
        memmove(a, b, size);
        break;
    case 2:
        memset(a, 0, size);
        break;
    default:
        memmove(a, b, size);
        a[size - 1]++;
        break;
    }
}
