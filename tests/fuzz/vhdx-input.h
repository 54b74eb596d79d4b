/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The short form of a VHDX that the source's target reads and its mutator changes.
 *
 * Byte 0: bit 0 leaves checksums as they are, otherwise those of headers, region tables
 * and log entries are mended; bit 1 gives descriptors and data sectors of each log
 * entry its sequence number before. Byte 1 and 2: size of the file in pieces of 64 KiB.
 * Then records. */
#ifndef VC_TESTS_FUZZ_VHDX_INPUT_H
#define VC_TESTS_FUZZ_VHDX_INPUT_H

#include "io/bytes.h"
#include "tests/fuzz/records.h"

#define MIB ((uint64_t)1 << 20)
#define HEAD 3u
#define KEEP_CHECKSUMS 1u
#define MEND_SEQUENCES 2u
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
    6 * MIB,
    7 * MIB,
    8 * MIB,
};

static const FuzzForm vhdx_form = { places, G_N_ELEMENTS(places), HEAD };

static inline bool
next_record(const uint8_t *data, size_t size, size_t *at, Record *record)
{
    return fuzz_record_next(&vhdx_form, data, size, at, record);
}

#endif
