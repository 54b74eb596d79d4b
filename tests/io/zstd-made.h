/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames of zstd, made for tests. */
#ifndef VC_TESTS_IO_ZSTD_MADE_H
#define VC_TESTS_IO_ZSTD_MADE_H

#include "io/bytes.h"
#include "tests/io/pattern.h"

#include <check.h>
#include <stdbool.h>
#include <zstd.h>

/* Appends a frame. SIZED: the header says its length; otherwise it has a window. */
static inline void
add_frame(GByteArray *to, const void *data, size_t length, int window_log,
          bool checksum, bool sized)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t at = to->len, room = ZSTD_compressBound(length) + 100;
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum);
    g_byte_array_set_size(to, (guint)(at + room));
    ZSTD_inBuffer in = { data, length, 0 };
    ZSTD_outBuffer out = { to->data + at, room, 0 };
    if (sized)
        ZSTD_CCtx_setPledgedSrcSize(context, length);
    else
        ck_assert(
            !ZSTD_isError(ZSTD_compressStream2(context, &out, &in, ZSTD_e_continue)));
    ck_assert_uint_eq(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end), 0);
    g_byte_array_set_size(to, (guint)(at + out.pos));
    ZSTD_freeCCtx(context);
}

static inline void
add_skippable(GByteArray *to, uint32_t number, size_t length)
{
    uint8_t header[8];
    store_le32(header, 0x184d2a50 + number);
    store_le32(header + 4, (uint32_t)length);
    g_byte_array_append(to, header, sizeof header);
    size_t at = to->len;
    g_byte_array_set_size(to, (guint)(at + length));
    pattern_fill(to->data + at, length, number);
}

#endif
