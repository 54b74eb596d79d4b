/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compressing and decompressing in memory, for tests. */
#ifndef VC_TESTS_IO_PACKED_H
#define VC_TESTS_IO_PACKED_H

#include "io/compress.h"
#include "io/error.h"
#include "io/lent.h"
#include "io/memory.h"

#include <check.h>
#include <string.h>

/* Gives what DATA decompresses to, pulled CHUNK bytes at a time; at an error NULL. */
static inline GByteArray *
unpack_limited(const void *data, size_t length, VcCompression compression,
               uint64_t memory, size_t chunk, GError **error)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autofree uint8_t *buffer = g_malloc(chunk);
    VcFile *file = vc_memory_file_from("packed", data, length);
    g_autoptr(VcStream)
        stream = vc_decompress(vc_stream_from_file(file), compression, memory, error);
    if (!stream)
        return NULL;
    size_t got = chunk;
    while (got == chunk) {
        if (!vc_stream_pull(stream, buffer, chunk, &got, error))
            return NULL;
        g_byte_array_append(out, buffer, (guint)got);
    }
    /* Once ended it stays so. */
    if (!vc_stream_pull(stream, buffer, chunk, &got, error))
        return NULL;
    ck_assert_uint_eq(got, 0);
    return g_steal_pointer(&out);
}

static inline GByteArray *
unpack(const void *data, size_t length, VcCompression compression, GError **error)
{
    return unpack_limited(data, length, compression, VC_DECOMPRESS_MEMORY_DEFAULT,
                          65536, error);
}

static inline void
assert_unpacks_to(const void *packed, size_t packed_length, VcCompression compression,
                  const void *data, size_t length)
{
    static const size_t chunks[] = { 1, 7, 1000, 4096, 300000, 1 << 20 };
    for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++) {
        if (length > 20000 * chunks[i])
            continue;
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray)
            out = unpack_limited(packed, packed_length, compression,
                                 VC_DECOMPRESS_MEMORY_DEFAULT, chunks[i], &error);
        ck_assert_msg(out != NULL, "%s", error ? error->message : "");
        ck_assert_uint_eq(out->len, length);
        ck_assert(length == 0 || memcmp(out->data, data, length) == 0);
    }
}

/* Every cut except those at WHOLE (and at the end) must be VC_ERROR_SHORT. */
static inline void
assert_cuts_are_short(const void *packed, size_t length, VcCompression compression,
                      const size_t *whole, size_t n_whole)
{
    for (size_t cut = 0; cut < length; cut++) {
        bool is_whole = false;
        for (size_t i = 0; i < n_whole; i++)
            is_whole = is_whole || cut == whole[i];
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) out = unpack(packed, cut, compression, &error);
        ck_assert_msg((out != NULL) == is_whole, "cut at %zu", cut);
        if (!is_whole)
            ck_assert_msg(g_error_matches(error, VC_ERROR, VC_ERROR_SHORT),
                          "cut at %zu: %s", cut, error->message);
    }
}

/* A byte changed anywhere is an error; from FREE up to FREE_END it may also change
 * nothing at all. */
static inline void
assert_flips_are_found(const uint8_t *packed, size_t length, VcCompression compression,
                       size_t free, size_t free_end)
{
    static const uint8_t masks[] = { 0x01, 0x80, 0xff };
    g_autoptr(GByteArray) good = unpack(packed, length, compression, NULL);
    g_autofree uint8_t *copy = g_memdup2(packed, length);

    for (size_t i = 0; i < length; i++) {
        for (size_t k = 0; k < G_N_ELEMENTS(masks); k++) {
            g_autoptr(GError) error = NULL;
            copy[i] ^= masks[k];
            g_autoptr(GByteArray) out = unpack(copy, length, compression, &error);
            copy[i] ^= masks[k];
            ck_assert_msg((out == NULL) == (error != NULL), "flip at %zu", i);
            ck_assert_msg(!out || (i >= free && i < free_end), "flip at %zu passes", i);
            ck_assert(!out || (out->len == good->len &&
                               memcmp(out->data, good->data, out->len) == 0));
        }
    }
}

/* Asserts that unpacking fails so. */
static inline void
assert_unpack_fails(const void *packed, size_t length, VcCompression compression,
                    VcError code, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) out = unpack(packed, length, compression, &error);
    ck_assert_ptr_null(out);
    ck_assert_str_eq(error->message, message);
    ck_assert_int_eq(error->code, (int)code);
}

/* Gives DATA compressed as WORDS say, written in pieces of up to PIECE bytes. */
static inline GByteArray *
pack(const char *words, const uint8_t *data, size_t length, size_t piece)
{
    g_autoptr(GError) error = NULL;
    VcCompressOptions options;
    VcFile *memory = vc_memory_file("packed");
    uint64_t size;
    size_t got;

    ck_assert(vc_compress_options_parse(words, &options, NULL));
    VcFile *file = vc_compress_file(vc_lent_file(memory), &options, &error);
    ck_assert_msg(file != NULL, "%s", error ? error->message : "");
    for (size_t at = 0, n; at < length; at += n) {
        n = MIN(piece, length - at);
        ck_assert(vc_file_write(file, at, data + at, n, NULL));
    }
    ck_assert(vc_file_sync(file, NULL));
    vc_file_free(file);

    ck_assert(vc_file_size(memory, &size, NULL));
    GByteArray *packed = g_byte_array_new();
    g_byte_array_set_size(packed, (guint)size);
    ck_assert(vc_file_read_some(memory, 0, packed->data, size, &got, NULL));
    vc_file_free(memory);
    return packed;
}

static inline bool
lzo_is_there(void)
{
    VcFile *file = vc_memory_file("m");
    g_autoptr(VcStream)
        stream = vc_decompress(vc_stream_from_file(file), VC_COMPRESSION_LZO, 0, NULL);
    return stream != NULL;
}

#endif
