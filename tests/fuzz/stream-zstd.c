/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: zstd streams. */
#include "tests/fuzz/stream.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stream(data, size, VC_COMPRESSION_ZSTD);
    return 0;
}
