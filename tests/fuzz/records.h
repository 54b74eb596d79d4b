/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The short form of a sparse file, for formats whose structures lie far apart.
 *
 * After a head that the target reads come records, of which the later ones win: place
 * (1, bit 7: one byte that fills), offset from there (2), length (2), both in words of
 * 8 bytes, and the bytes. Of the last one some may be missing. */
#ifndef VC_TESTS_FUZZ_RECORDS_H
#define VC_TESTS_FUZZ_RECORDS_H

#include "io/file.h"
#include "tests/fuzz/mutate.h"

#define RECORD 5u
#define FILL 0x80u
#define WORD 8u

typedef struct {
    const uint64_t *places; /* ascending, the first is 0 */
    unsigned n_places;
    size_t head; /* bytes before the first record */
} FuzzForm;

typedef struct {
    uint64_t position; /* in the file */
    size_t length;     /* there; the last record may have fewer bytes */
    bool fill;
    size_t at;     /* of the bytes in the input */
    size_t stored; /* of them */
} Record;

/* The record at *AT, which becomes that of the next; false at the end. */
bool fuzz_record_next(const FuzzForm *form, const uint8_t *data, size_t size,
                      size_t *at, Record *record);

/* Writes the records to FILE and gives it LENGTH bytes. */
void fuzz_records_lay(const FuzzForm *form, const uint8_t *data, size_t size,
                      VcFile *file, uint64_t length);

/* --- for mutators ----------------------------------------------------------------- */

typedef struct {
    const FuzzForm *form;
    uint8_t *data;
    size_t size, max;
} FuzzInput;

/* What the records have at POSITION. */
void fuzz_records_peek(const FuzzInput *in, uint64_t position, uint8_t *raw,
                       size_t length);

/* Puts the words of RAW that are not as in OLD at POSITION, a multiple of WORD: into
 * the records that decide, or into new ones, as far as there is room. */
void fuzz_records_poke(FuzzInput *in, uint64_t position, const uint8_t *old,
                       const uint8_t *raw, size_t length);

/* Appends records of the LENGTH bytes of RAW at POSITION, both multiples of WORD, as
 * far as there is room. */
void fuzz_records_add(FuzzInput *in, uint64_t position, const uint8_t *raw,
                      size_t length);

/* Where a record lies that begins with the LENGTH bytes of COOKIE, any of several;
 * false: nowhere. */
bool fuzz_records_find(const FuzzInput *in, FuzzDice *dice, const void *cookie,
                       size_t length, uint64_t *position);

/* Cuts the last record to whole words, which its length then says, so that others can
 * follow. */
void fuzz_records_finish(FuzzInput *in);

/* Appends some of the records of another input, which win. */
void fuzz_records_mix(FuzzInput *in, FuzzDice *dice, const uint8_t *data, size_t size);

#endif
