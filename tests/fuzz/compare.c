/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Comparing two disks, mapped or as a stream, finds what comparing their bytes finds.
 *
 * Byte 0: bit 0 one comes as a stream, bit 1 strict. Two bytes of size for each, in
 * units of 64 bytes. Then writes of 5 bytes: bit 0 to the one, bit 1 to the other,
 * fill, position in units of 64 bytes (2), length in units of 100. */
#include "tests/fuzz/fuzz.h"

#include "converters/compare.h"
#include "io/bytes.h"
#include "io/memory.h"
#include "io/stream.h"

#define HEAD 5u
#define WRITE 5u
#define SIZE_MAX_64 8192u

extern const VcFormat vc_format_raw;

static VcSource *
open_disk(VcFile *file, bool stream)
{
    if (stream)
        file = vc_stream_file(vc_stream_from_file(file), "stream");
    VcSource *source = vc_format_open(&vc_format_raw, file, NULL, NULL);
    g_assert(source);
    return source;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t model[2][SIZE_MAX_64 * 64];
    if (size < HEAD)
        return 0;
    bool stream = data[0] & 1, strict = !stream && data[0] & 2;
    uint64_t sizes[2];
    VcFile *files[2];
    memset(model, 0, sizeof model);
    for (unsigned i = 0; i < 2; i++) {
        sizes[i] = load_le16(data + 1 + 2 * i) % (SIZE_MAX_64 + 1) * (uint64_t)64;
        files[i] = vc_memory_file(i ? "b" : "a");
    }
    for (size_t at = HEAD; size - at >= WRITE; at += WRITE)
        for (unsigned i = 0; i < 2; i++) {
            uint64_t position = load_le16(data + at + 2) * (uint64_t)64;
            if (!(data[at] >> i & 1) || position >= sizes[i])
                continue;
            size_t length = MIN(data[at + 4] * 100u, sizes[i] - position);
            memset(model[i] + position, data[at + 1], length);
            vc_file_write(files[i], position, model[i] + position, length, NULL);
        }
    for (unsigned i = 0; i < 2; i++)
        vc_file_truncate(files[i], sizes[i], NULL);

    uint64_t first = 0, end = MAX(sizes[0], sizes[1]);
    while (first < end && memcmp(model[0] + first, model[1] + first, 64) == 0)
        first += 64;
    while (first < end && model[0][first] == model[1][first])
        first++;

    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) a = open_disk(files[0], stream);
    g_autoptr(VcSource) b = open_disk(files[1], false);
    VcComparison c;
    g_assert(vc_compare(a, 0, b, 0, strict, NULL, &c, &error));
    g_assert_no_error(error);
    if (!strict) {
        g_assert(c.same == (first == end));
        g_assert(c.same || c.first == first);
    } else {
        /* Sizes come first, then nothing is read. */
        if (sizes[0] != sizes[1])
            g_assert(!c.same && c.first == MIN(sizes[0], sizes[1]));
        g_assert(!c.same || first == end);
        g_assert(c.same || sizes[0] != sizes[1] || c.first <= first);
    }
    return 0;
}
