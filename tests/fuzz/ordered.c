/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What orders writes for a pipe: what comes out is what a flat file would hold.
 *
 * Byte 0: bit 0 there is a content below. Then operations of 4 bytes: what, fill, how
 * far ahead of the end, length, in units of 37 bytes each. */
#include "tests/fuzz/fuzz.h"

#include "io/lent.h"
#include "io/memory.h"
#include "io/ordered.h"

#include <string.h>

#define OPERATION 4u
#define OPERATIONS_MAX 200u
#define UNIT 37u
#define SPACE ((size_t)(OPERATIONS_MAX + 4) * 255 * UNIT)

static uint8_t model[SPACE];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[256 * UNIT], got[64 << 10];
    if (size == 0)
        return 0;
    g_autoptr(VcFile) below = vc_memory_file("below");
    g_autoptr(VcFile) content = vc_memory_file("content");
    g_autoptr(VcFile) ordered = vc_ordered_file(vc_lent_file(below));
    uint64_t settled = 0, high = 0, end;
    memset(model, 0, sizeof model);
    if (data[0] & 1) {
        memset(model + 9000, 'c', 50000);
        vc_file_write(content, 9000, model + 9000, 50000, NULL);
        vc_ordered_preload(ordered, content);
    }

    for (size_t at = 1, n = 0; size - at >= OPERATION && n < OPERATIONS_MAX;
         at += OPERATION, n++) {
        uint64_t position = settled + (uint64_t)data[at + 2] * UNIT;
        size_t length = (size_t)data[at + 3] * UNIT;
        if (data[at] % 4 == 0) {
            g_assert(vc_file_settle(ordered, position, NULL));
        } else {
            memset(bytes, data[at + 1], length);
            /* False where bytes were written before: then nothing of it comes out. */
            if (vc_file_write(ordered, position, bytes, length, NULL)) {
                memcpy(model + position, bytes, length);
                high = MAX(high, length > 0 ? position + length : 0);
            }
        }
        g_assert(vc_file_size(below, &settled, NULL));
    }
    end = MAX(high, settled) + data[0];
    g_assert(end <= sizeof model);
    g_assert(vc_file_truncate(ordered, end, NULL) && vc_file_sync(ordered, NULL));
    g_assert(vc_file_size(below, &settled, NULL) && settled == end);
    for (uint64_t at = 0; at < end; at += sizeof got) {
        size_t length = MIN(end - at, sizeof got);
        g_assert(vc_file_read(below, at, got, length, NULL));
        g_assert(memcmp(got, model + at, length) == 0);
    }
    return 0;
}
