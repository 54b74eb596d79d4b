/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file in memory and the overlay, which hold what logs change: both do the same as
 * a flat model, and the file below the overlay stays as it is.
 *
 * Byte 0: bytes of the base, in KiB. Then operations of 6 bytes: what, fill, position
 * (2) and length (2), in units of 3 bytes each. */
#include "tests/fuzz/fuzz.h"

#include "io/bytes.h"
#include "io/checksum.h"
#include "io/memory.h"
#include "io/overlay.h"

#define SPACE ((size_t)400 << 10)
#define OPERATION 6u

static uint8_t model[SPACE];
static uint64_t model_size;

static void
check_read(VcFile *file, uint64_t position, size_t length)
{
    static uint8_t bytes[SPACE];
    size_t got,
        expected = position < model_size ? MIN(length, model_size - position) : 0;
    g_assert(vc_file_read_some(file, position, bytes, length, &got, NULL));
    g_assert(got == expected);
    g_assert(memcmp(bytes, model + position, got) == 0);
}

/* The runs cover the file, and what they call a hole is zero. */
static void
check_runs(VcFile *file)
{
    uint64_t size, length;
    g_assert(vc_file_size(file, &size, NULL) && size == model_size);
    for (uint64_t at = 0; at < size; at += length) {
        bool data;
        g_assert(vc_file_run(file, at, &data, &length, NULL));
        g_assert(length > 0 && length <= size - at);
        g_assert(data || vc_is_zero(model + at, length));
    }
}

static void
change(VcFile *file, const uint8_t *op, uint64_t position, size_t length)
{
    static uint8_t bytes[SPACE];
    switch (op[0] % 4) {
    case 0:
        memset(bytes, op[1], length);
        g_assert(vc_file_write(file, position, bytes, length, NULL));
        break;
    case 1:
        g_assert(vc_file_zero(file, position, length, NULL));
        break;
    case 2:
        g_assert(vc_file_truncate(file, position, NULL));
        break;
    default:
        check_read(file, position, length);
        break;
    }
}

static void
change_model(const uint8_t *op, uint64_t position, size_t length)
{
    if (op[0] % 4 < 2) {
        memset(model + position, op[0] % 4 ? 0 : op[1], length);
        if (length > 0)
            model_size = MAX(model_size, position + length);
    } else if (op[0] % 4 == 2) {
        if (position < model_size)
            memset(model + position, 0, model_size - position);
        model_size = position;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t original[256 << 10];
    if (size == 0)
        return 0;
    size_t base_size = data[0] * (size_t)1021;
    for (size_t at = 9000; at < base_size; at += 20000)
        memset(original + at, 'o', MIN(base_size - at, 11000));
    memset(model, 0, SPACE);
    memcpy(model, original, base_size);
    model_size = base_size;

    VcFile *base = vc_memory_file_from("base", original, base_size);
    g_autoptr(VcFile) overlay = vc_overlay_file(base);
    g_autoptr(VcFile) memory = vc_memory_file_from("memory", original, base_size);
    for (size_t at = 1; size - at >= OPERATION; at += OPERATION) {
        uint64_t position = load_le16(data + at + 2) * 3u;
        size_t length = load_le16(data + at + 4) * (size_t)3;
        change(overlay, data + at, position, length);
        change(memory, data + at, position, length);
        change_model(data + at, position, length);
    }
    check_read(overlay, 0, SPACE);
    check_read(memory, 0, SPACE);
    check_runs(overlay);
    check_runs(memory);

    uint8_t byte;
    uint64_t below;
    g_assert(vc_file_size(base, &below, NULL) && below == base_size);
    for (size_t at = 0; at < base_size; at += 509) {
        g_assert(vc_file_read(base, at, &byte, 1, NULL) && byte == original[at]);
        if (at < model_size && vc_overlay_untouched(overlay, at, 1))
            g_assert(model[at] == original[at]);
    }
    return 0;
}
