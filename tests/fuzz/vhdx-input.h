/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The short form of a VHDX that the source's target reads and its mutator changes.
 *
 * Byte 0: bit 0 leaves checksums as they are, otherwise those of headers, region tables
 * and log entries are mended. Byte 1 and 2: size of the file in pieces of 64 KiB. Then
 * records, of which the later ones win: place (1, bit 7: one byte that fills), offset
 * from there (2), length (2), both in words of 8 bytes, and the bytes. */
#ifndef VC_TESTS_FUZZ_VHDX_INPUT_H
#define VC_TESTS_FUZZ_VHDX_INPUT_H

#include "io/bytes.h"

#define MIB ((uint64_t)1 << 20)
#define HEAD 3u
#define RECORD 5u
#define FILL 0x80u
#define WORD 8u
#define LOG MIB

/* Where things lie in files of Windows. */
static const uint64_t places[] = {
    0,
    64 << 10,
    128 << 10,
    192 << 10,
    256 << 10,
    LOG,
    LOG + (512 << 10),
    2 * MIB,
    2 * MIB + (64 << 10),
    3 * MIB,
    3 * MIB + (32 << 10),
    4 * MIB,
    5 * MIB,
    8 * MIB,
};

typedef struct {
    uint64_t position; /* in the file */
    size_t length;     /* there; the last record may have fewer bytes */
    bool fill;
    size_t at;     /* of the bytes in the input */
    size_t stored; /* of them */
} Record;

/* The record at *AT, which becomes that of the next; false at the end. */
static inline bool
next_record(const uint8_t *data, size_t size, size_t *at, Record *record)
{
    if (size - *at <= RECORD)
        return false;
    const uint8_t *head = data + *at;
    uint64_t place = places[(head[0] & ~FILL) % G_N_ELEMENTS(places)];
    record->position = place + (uint64_t)load_le16(head + 1) * WORD;
    record->length = ((size_t)load_le16(head + 3) + 1) * WORD;
    record->fill = head[0] & FILL;
    record->at = *at + RECORD;
    record->stored = record->fill ? 1 : MIN(record->length, size - record->at);
    if (!record->fill)
        record->length = record->stored;
    *at = record->at + record->stored;
    return true;
}

#endif
