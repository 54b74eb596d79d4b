/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The short form of a VHD that the source's target reads and its mutator changes.
 *
 * Byte 0: with which options it is read besides none. Bytes 1 to 4: size of the file in
 * bytes. Then records. */
#ifndef VC_TESTS_FUZZ_VPC_INPUT_H
#define VC_TESTS_FUZZ_VPC_INPUT_H

#include "tests/fuzz/records.h"

#define HEAD 5u

/* Holds a table that is longer than is read, and what lies behind it. */
#define FILE_MAX ((uint64_t)72 << 20)

/* Parts follow one another closely, so that the beginning is reached without a gap; the
 * others are for what a long table leaves behind it. */
#define STEP ((uint64_t)512 << 10)
static const uint64_t places[] = {
    0,         1 * STEP,  2 * STEP,  3 * STEP,  4 * STEP,   5 * STEP,   6 * STEP,
    7 * STEP,  8 * STEP,  9 * STEP,  10 * STEP, 11 * STEP,  12 * STEP,  13 * STEP,
    14 * STEP, 15 * STEP, 16 * STEP, 17 * STEP, 128 * STEP, 129 * STEP, 143 * STEP,
};
G_GNUC_UNUSED static const FuzzForm vpc_form = { places, G_N_ELEMENTS(places), HEAD };

#endif
