/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of the log in the short form of a VHDX, for the source's mutator. */
#ifndef VC_TESTS_FUZZ_VHDX_LOG_MUTATE_H
#define VC_TESTS_FUZZ_VHDX_LOG_MUTATE_H

#include "tests/fuzz/mutate.h"
#include "tests/fuzz/vhdx-input.h"

/* Changes an entry of the log or its descriptors, or copies it: behind itself as what
 * continues it, or elsewhere. VALUES are worth trying. Decides also whether the target
 * mends sequence numbers. */
void fuzz_change_log(FuzzDice *dice, FuzzInput *in, const uint64_t *values,
                     unsigned n_values);

#endif
