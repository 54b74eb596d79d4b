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
 * DATA in place, of SIZE bytes in a buffer of MAX_SIZE, and gives the new size. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);

/* The mutations of libFuzzer, for such a mutator to call. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#endif
