/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing gzip: one member without a name, of the year 1970. */
#include "io/encoder.h"

#include "io/allocate.h"
#include "io/error.h"

#include <zlib.h>

#define BUFFER_SIZE (256u << 10)
#define PIECE_MAX ((size_t)1 << 30) /* zlib counts in 32 bits */
#define WRAP_GZIP 16                /* added to the window bits */

typedef struct {
    VcEncoder base;
    z_stream z;
    uint8_t *buffer;
} GzipEncoder;

static bool
pass(GzipEncoder *g, int flush, GError **error)
{
    int result;
    do {
        g->z.next_out = g->buffer;
        g->z.avail_out = BUFFER_SIZE;
        result = deflate(&g->z, flush);
        /* Z_BUF_ERROR: it came out even, there was nothing left to do. */
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
            vc_fail(error, VC_ERROR_IO, "cannot compress: zlib code %d", result);
            return false;
        }
        if (!vc_encoder_emit(&g->base, g->buffer, BUFFER_SIZE - g->z.avail_out, error))
            return false;
    } while (flush == Z_FINISH ? result != Z_STREAM_END : g->z.avail_out == 0);
    return true;
}

static bool
gzip_encode(VcEncoder *encoder, const void *data, size_t length, GError **error)
{
    GzipEncoder *g = (GzipEncoder *)encoder;
    const uint8_t *from = data;
    for (size_t piece; length > 0; length -= piece, from += piece) {
        piece = MIN(length, PIECE_MAX);
        g->z.next_in = (Bytef *)from;
        g->z.avail_in = (uInt)piece;
        if (!pass(g, Z_NO_FLUSH, error))
            return false;
    }
    return true;
}

static bool
gzip_end(VcEncoder *encoder, GError **error)
{
    GzipEncoder *g = (GzipEncoder *)encoder;
    g->z.avail_in = 0;
    return pass(g, Z_FINISH, error);
}

static void
gzip_free(VcEncoder *encoder)
{
    GzipEncoder *g = (GzipEncoder *)encoder;
    deflateEnd(&g->z);
    g_free(g->buffer);
    g_free(g);
}

VcEncoder *
vc_encoder_gzip(int level, GError **error)
{
    static const VcEncoderOps ops = { gzip_encode, gzip_end, gzip_free };
    GzipEncoder *g = g_new0(GzipEncoder, 1);
    g->base.ops = &ops;
    g->buffer = vc_allocate(1, BUFFER_SIZE, error);
    if (!g->buffer) {
        gzip_free(&g->base);
        return NULL;
    }
    int result = deflateInit2(&g->z, level != 0 ? level : Z_DEFAULT_COMPRESSION,
                              Z_DEFLATED, MAX_WBITS + WRAP_GZIP, 8, Z_DEFAULT_STRATEGY);
    if (result != Z_OK) {
        vc_fail(error, result == Z_MEM_ERROR ? VC_ERROR_IO : VC_ERROR_USAGE,
                "gzip level %d: zlib code %d", level, result);
        gzip_free(&g->base);
        return NULL;
    }
    return &g->base;
}
