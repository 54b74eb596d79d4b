/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the mutators that know a format share: dice, values worth trying, and changes of
 * one named field or of the entries of a table. */
#ifndef VC_TESTS_FUZZ_MUTATE_H
#define VC_TESTS_FUZZ_MUTATE_H

#include "tests/fuzz/fuzz.h"

/* Starts from the seed that the fuzzer gives; equal seeds fall equally. */
typedef struct {
    uint64_t state;
} FuzzDice;

/* 0 to SIDES - 1. */
uint32_t fuzz_roll(FuzzDice *dice, uint32_t sides);

/* A number in a structure. */
typedef struct {
    const char *name; /* as the specification has it */
    unsigned at;      /* bytes from the structure's beginning */
    unsigned size;    /* bytes: 1, 2, 4 or 8 */
} FuzzField;

typedef struct {
    const FuzzField *fields;
    unsigned n_fields;
    const uint64_t *values; /* that mean something in this format */
    unsigned n_values;
    bool little_endian;
} FuzzStructure;

uint64_t fuzz_load(const uint8_t *raw, unsigned size, bool little_endian);
void fuzz_store(uint8_t *raw, unsigned size, bool little_endian, uint64_t value);

/* Gives one field of the structure at RAW a value at or beside a boundary, one that
 * means something, or that of another field. */
void fuzz_change_field(FuzzDice *dice, const FuzzStructure *structure, uint8_t *raw);

/* Swaps, copies over one another, clears or counts up entries of the table of COUNT
 * entries of SIZE bytes at RAW. */
void fuzz_change_table(FuzzDice *dice, uint8_t *raw, size_t size, size_t count);

#endif
