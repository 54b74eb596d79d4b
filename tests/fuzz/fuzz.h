/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libFuzzer calls in a fuzz target, and what it offers to one. */
#ifndef VC_TESTS_FUZZ_H
#define VC_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The target: reads DATA as its input, in any way; always 0. Faults are crashes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target may have its own mutator (to mend checksums, to know structures): it changes
 * DATA in place, of SIZE bytes in a buffer of MAX_SIZE, and gives the new size. Equal
 * seeds change equally. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);

/* And one that makes an input of two: into OUT, of MAX_SIZE bytes; gives its size. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b,
                                 size_t b_size, uint8_t *out, size_t max_size,
                                 unsigned seed);

/* The mutations of libFuzzer, for such a mutator to call. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#endif
