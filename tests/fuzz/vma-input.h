/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The short form of a VMA archive that the source's target reads and its mutator
 * changes.
 *
 * A byte of flags, the first 60 bytes of the header, 4 + 4 config pointers, 8 devices
 * (name pointer and size), a length and as many bytes of blob buffer; with
 * VMA_NO_PAYLOAD the archive ends after as many bytes. Then extents, each a byte of
 * flags and its header; or, with VMA_RUN among the flags, 10 bytes that its slots are
 * made of: device (1), number of slots (1), cluster of the first (4), step from each to
 * the next (2, signed) and mask (2). */
#ifndef VC_TESTS_FUZZ_VMA_INPUT_H
#define VC_TESTS_FUZZ_VMA_INPUT_H

#include "io/bytes.h"

#define VMA_HEADER 1u
#define VMA_POINTERS 61u
#define VMA_DEVICES 93u
#define VMA_LENGTH 189u
#define VMA_BLOBS 191u

/* With their byte of flags. */
#define VMA_EXTENT_INPUT 513u
#define VMA_RUN_INPUT 11u

enum {
    VMA_MEND_FIELDS = 1,
    VMA_MEND_SIZES = 2,
    VMA_MEND_SUM = 4,
    VMA_MEND_COUNT = 8,
    VMA_NO_PAYLOAD = 16,
    VMA_RUN = 32,
};

/* How much of the input an extent with these FLAGS has. */
static inline size_t
vma_input_length(uint8_t flags)
{
    return flags & VMA_RUN ? VMA_RUN_INPUT : VMA_EXTENT_INPUT;
}

#endif
