/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is compressed comes back, however it was cut into writes.
 *
 * Byte 0: compression and level. Byte 1: how long the writes are. Byte 2: how often the
 * rest, the data, is repeated. */
#include "tests/fuzz/fuzz.h"

#include "io/compress.h"
#include "io/lent.h"
#include "io/memory.h"

#include <string.h>

#define HEAD 3u

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    VcCompression kind = data[0] & 1 ? VC_COMPRESSION_GZIP : VC_COMPRESSION_LZO;
    /* Its threads and buffers take a hundred times as long. */
    if (data[0] >> 4 == 15)
        kind = VC_COMPRESSION_ZSTD;
    VcCompressOptions options = { .compression = kind, .level = data[0] >> 1 & 3 };
    size_t piece = 1 + data[1] * (size_t)97, repeat = 1 + data[2] % 64u;
    data += HEAD;
    size -= HEAD;

    g_autoptr(VcFile) packed = vc_memory_file("packed");
    GError *error = NULL;
    g_autoptr(VcFile) to = vc_compress_file(vc_lent_file(packed), &options, &error);
    if (!to) { /* built without liblzo2 */
        g_assert(options.compression == VC_COMPRESSION_LZO);
        g_clear_error(&error);
        return 0;
    }
    g_autofree uint8_t *whole = g_malloc(size * repeat + 1);
    for (size_t i = 0; i < repeat; i++)
        memcpy(whole + i * size, data, size);
    size *= repeat;
    for (size_t at = 0; at < size; at += piece)
        g_assert(vc_file_write(to, at, whole + at, MIN(piece, size - at), NULL));
    g_assert(vc_file_sync(to, NULL));

    g_autofree uint8_t *back = g_malloc(size + 1);
    size_t got;
    g_autoptr(VcStream)
        stream = vc_decompress(vc_stream_from_file(vc_lent_file(packed)),
                               options.compression, VC_DECOMPRESS_MEMORY_DEFAULT, NULL);
    g_assert(stream && vc_stream_pull(stream, back, size + 1, &got, NULL));
    g_assert(got == size && memcmp(back, whole, size) == 0);
    return 0;
}
