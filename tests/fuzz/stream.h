/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the fuzz targets of compressed streams share: decompress with checksums mended,
 * in two ways that must agree. */
#ifndef VC_TESTS_FUZZ_STREAM_H
#define VC_TESTS_FUZZ_STREAM_H

#include "io/bytes.h"
#include "io/compress.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

/* Small inputs unpack to a lot; this much shows what there is to see. */
#define FUZZ_OUTPUT_MAX ((uint64_t)2 << 20)

/* Checksums that are put right, one after the other, to reach what lies behind. */
#define FUZZ_MENDED_MAX 16

/* Behind the buffers: assembly writes where no sanitizer looks. */
#define FUZZ_GUARD ((size_t)64)

typedef struct {
    uint64_t length;
    uint32_t crc;
    GError *error;
} FuzzOutput;

/* Decompresses DATA, pulled CHUNK bytes at a time. */
static inline FuzzOutput
fuzz_unpack(const uint8_t *data, size_t size, VcCompression compression, size_t chunk)
{
    FuzzOutput output = { 0 };
    g_autofree uint8_t *buffer = g_malloc(chunk + FUZZ_GUARD);
    uint8_t guard[FUZZ_GUARD];
    memset(guard, 0xa5, FUZZ_GUARD);
    memcpy(buffer + chunk, guard, FUZZ_GUARD);
    g_autoptr(VcStream) stream = vc_decompress(
        vc_stream_from_file(vc_memory_file_from("fuzz", data, size)), compression,
        (uint64_t)8 << 20, &output.error);
    size_t got = stream ? chunk : 0;
    while (got == chunk && output.length < FUZZ_OUTPUT_MAX) {
        bool pulled = vc_stream_pull(stream, buffer, chunk, &got, &output.error);
        g_assert(memcmp(buffer + chunk, guard, FUZZ_GUARD) == 0);
        if (!pulled)
            break;
        output.length += got;
        output.crc = (uint32_t)crc32_z(output.crc, buffer, got);
    }
    return output;
}

/* Puts the checksum right that ERROR complains of; false when it is of something else.
 */
static inline bool
fuzz_mend(uint8_t *data, size_t size, VcCompression compression, const GError *error)
{
    const char *is = strstr(error->message, " is 0x"),
               *computed = strstr(error->message, "computed 0x"),
               *length = strstr(error->message, "but 0x"),
               *at = g_strrstr(error->message, " at 0x");
    if (!is || !at || (!computed && !length))
        return false;
    uint64_t value = g_ascii_strtoull(strchr(computed ? computed : length, 'x') + 1,
                                      NULL, 16);
    uint64_t position = g_ascii_strtoull(at + 6, NULL, 16);
    size_t bytes = strstr(error->message, "gzip header") ? 2 : 4;
    if (position > size || bytes > size - position)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        size_t shift = 8 * (compression == VC_COMPRESSION_LZO ? bytes - 1 - i : i);
        data[position + i] = (uint8_t)(value >> shift);
    }
    return true;
}

static inline void
fuzz_stream(const uint8_t *data, size_t size, VcCompression compression)
{
    g_autofree uint8_t *mended = g_memdup2(data, size);
    for (unsigned i = 0; i < FUZZ_MENDED_MAX; i++) {
        FuzzOutput whole = fuzz_unpack(mended, size, compression, 65536);
        bool again = whole.error && fuzz_mend(mended, size, compression, whole.error);
        if (!again && whole.length < 500000) {
            /* How much is asked for at a time makes no difference. */
            FuzzOutput pieces = fuzz_unpack(mended, size, compression, 1021);
            g_assert((whole.error != NULL) == (pieces.error != NULL));
            if (whole.error)
                g_assert_cmpint(whole.error->code, ==, pieces.error->code);
            else
                g_assert(whole.length == pieces.length && whole.crc == pieces.crc);
            g_clear_error(&pieces.error);
        }
        g_clear_error(&whole.error);
        if (!again)
            return;
    }
}

#endif
