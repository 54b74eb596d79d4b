/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing lzop files; see io/lzop.h. */
#include "io/encoder.h"

#include "io/error.h"

#ifdef HAVE_LZO

#include "io/allocate.h"
#include "io/bytes.h"
#include "io/lzop.h"

#include <lzo/lzo1x.h>
#include <string.h>
#include <zlib.h>

/* The levels of lzop: 1, all from 2 to 6, and from 7 on. */
#define LEVEL_DEFAULT 3
#define LEVEL_999_FIRST 7

/* Data that does not compress grows by at most this; LZO's FAQ. */
#define PACKED_MAX (LZOP_BLOCK + LZOP_BLOCK / 16 + 64 + 3)

typedef struct {
    VcEncoder base;
    int level;
    bool begun;
    uint8_t *block; /* LZOP_BLOCK bytes, of which there are: */
    size_t length;
    uint8_t *packed; /* a block's header and its data as stored */
    void *work;
} LzopEncoder;

#define BLOCK_HEADER 12 /* with one checksum */

static int
pack(const LzopEncoder *l, uint8_t *to, lzo_uint *length)
{
    if (l->level >= LEVEL_999_FIRST)
        return lzo1x_999_compress_level(l->block, l->length, to, length, l->work, NULL,
                                        0, NULL, l->level);
    if (l->level == 1)
        return lzo1x_1_15_compress(l->block, l->length, to, length, l->work);
    return lzo1x_1_compress(l->block, l->length, to, length, l->work);
}

static bool
emit_block(LzopEncoder *l, GError **error)
{
    uint8_t *data = l->packed + BLOCK_HEADER;
    lzo_uint stored = 0;
    int result = pack(l, data, &stored);
    if (result != LZO_E_OK) {
        vc_fail(error, VC_ERROR_IO, "cannot compress: lzo code %d", result);
        return false;
    }
    if (stored >= l->length) {
        stored = l->length;
        memcpy(data, l->block, l->length);
    }
    store_be32(l->packed, (uint32_t)l->length);
    store_be32(l->packed + 4, (uint32_t)stored);
    store_be32(l->packed + 8, (uint32_t)adler32_z(1, l->block, l->length));
    l->length = 0;
    return vc_encoder_emit(&l->base, l->packed, BLOCK_HEADER + stored, error);
}

static bool
emit_header(LzopEncoder *l, GError **error)
{
    static const uint8_t methods[] = { LZOP_LZO1X_1_15, LZOP_LZO1X_1, LZOP_LZO1X_999 };
    uint8_t raw[LZOP_MAGIC_SIZE + 29] = { 0 }, *at = raw + LZOP_MAGIC_SIZE;

    memcpy(raw, LZOP_MAGIC, LZOP_MAGIC_SIZE);
    store_be16(at, LZOP_VERSION);
    store_be16(at + 2, (uint16_t)lzo_version());
    store_be16(at + 4, LZOP_VERSION_NEEDED);
    at[6] = methods[l->level == 1 ? 0 : l->level < LEVEL_999_FIRST ? 1 : 2];
    at[7] = (uint8_t)l->level;
    store_be32(at + 8, LZOP_OS_UNIX | LZOP_ADLER32_D);
    /* Mode, time and name stay zero. */
    store_be32(at + 25, (uint32_t)adler32_z(1, at, 25));
    l->begun = true;
    return vc_encoder_emit(&l->base, raw, sizeof raw, error);
}

static bool
lzop_encode(VcEncoder *encoder, const void *data, size_t length, GError **error)
{
    LzopEncoder *l = (LzopEncoder *)encoder;
    const uint8_t *from = data;
    if (!l->begun && !emit_header(l, error))
        return false;
    for (size_t piece; length > 0; length -= piece, from += piece) {
        piece = MIN(length, LZOP_BLOCK - l->length);
        memcpy(l->block + l->length, from, piece);
        l->length += piece;
        if (l->length == LZOP_BLOCK && !emit_block(l, error))
            return false;
    }
    return true;
}

static bool
lzop_end(VcEncoder *encoder, GError **error)
{
    LzopEncoder *l = (LzopEncoder *)encoder;
    return lzop_encode(encoder, NULL, 0, error) &&
           (l->length == 0 || emit_block(l, error)) &&
           vc_encoder_emit(encoder, "\0\0\0\0", 4, error);
}

static void
lzop_free(VcEncoder *encoder)
{
    LzopEncoder *l = (LzopEncoder *)encoder;
    g_free(l->block);
    g_free(l->packed);
    g_free(l->work);
    g_free(l);
}

VcEncoder *
vc_encoder_lzop(int level, GError **error)
{
    static const VcEncoderOps ops = { lzop_encode, lzop_end, lzop_free };
    LzopEncoder *l = g_new0(LzopEncoder, 1);
    int result = lzo_init(); /* whether the library fits the compiler */
    g_assert(result == LZO_E_OK);
    l->base.ops = &ops;
    l->level = level != 0 ? level : LEVEL_DEFAULT;
    size_t work = l->level >= LEVEL_999_FIRST ? LZO1X_999_MEM_COMPRESS
                  : l->level == 1             ? LZO1X_1_15_MEM_COMPRESS
                                              : LZO1X_1_MEM_COMPRESS;
    if ((l->block = vc_allocate(1, LZOP_BLOCK, error)) &&
        (l->packed = vc_allocate(1, BLOCK_HEADER + PACKED_MAX, error)) &&
        (l->work = vc_allocate(1, work, error)))
        return &l->base;
    lzop_free(&l->base);
    return NULL;
}

#else

VcEncoder *
vc_encoder_lzop(int level G_GNUC_UNUSED, GError **error)
{
    vc_fail(error, VC_ERROR_UNSUPPORTED,
            "this vconv was built without liblzo2; zstd and gzip are there");
    return NULL;
}

#endif
