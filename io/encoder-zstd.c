/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing zstd: one frame with a content checksum. */
#include "io/encoder.h"

#include "io/allocate.h"
#include "io/error.h"

#include <errno.h>
#include <zstd.h>

/* More workers hold more jobs of several MiB in memory, and disks are full by then. */
#define THREADS_MAX 16u

typedef struct {
    VcEncoder base;
    ZSTD_CCtx *context;
    uint8_t *buffer;
    size_t room;

    /* The last byte always waits for the end: the library cuts its input into pieces
     * for its workers, and when it ends just behind a piece, it depends on their speed
     * whether that piece or an empty block behind it is the last. */
    uint8_t last;
    bool has_last;
} ZstdEncoder;

/* Passes all of INPUT to the library; with ZSTD_e_end until the frame is out. */
static bool
pass(ZstdEncoder *z, ZSTD_inBuffer *input, ZSTD_EndDirective directive, GError **error)
{
    size_t left;
    do {
        ZSTD_outBuffer output = { z->buffer, z->room, 0 };
        left = ZSTD_compressStream2(z->context, &output, input, directive);
        if (ZSTD_isError(left)) {
            vc_fail(error, VC_ERROR_IO, "cannot compress: %s", ZSTD_getErrorName(left));
            return false;
        }
        if (!vc_encoder_emit(&z->base, z->buffer, output.pos, error))
            return false;
    } while (directive == ZSTD_e_end ? left > 0 : input->pos < input->size);
    return true;
}

/* Passes the byte that waited. */
static bool
pass_last(ZstdEncoder *z, ZSTD_EndDirective directive, GError **error)
{
    ZSTD_inBuffer input = { &z->last, z->has_last, 0 };
    z->has_last = false;
    return pass(z, &input, directive, error);
}

static bool
zstd_encode(VcEncoder *encoder, const void *data, size_t length, GError **error)
{
    ZstdEncoder *z = (ZstdEncoder *)encoder;
    if (length == 0)
        return true;
    ZSTD_inBuffer input = { data, length - 1, 0 };
    if ((z->has_last && !pass_last(z, ZSTD_e_continue, error)) ||
        (length > 1 && !pass(z, &input, ZSTD_e_continue, error)))
        return false;
    z->last = ((const uint8_t *)data)[length - 1];
    z->has_last = true;
    return true;
}

static bool
zstd_end(VcEncoder *encoder, GError **error)
{
    return pass_last((ZstdEncoder *)encoder, ZSTD_e_end, error);
}

static void
zstd_free(VcEncoder *encoder)
{
    ZstdEncoder *z = (ZstdEncoder *)encoder;
    ZSTD_freeCCtx(z->context);
    g_free(z->buffer);
    g_free(z);
}

VcEncoder *
vc_encoder_zstd(int level, unsigned threads, GError **error)
{
    static const VcEncoderOps ops = { zstd_encode, zstd_end, zstd_free };
    ZstdEncoder *z = g_new0(ZstdEncoder, 1);
    z->base.ops = &ops;
    z->context = ZSTD_createCCtx();
    z->room = ZSTD_CStreamOutSize();
    z->buffer = vc_allocate(1, z->room, error);
    if (!z->context && z->buffer)
        vc_fail_errno(error, ENOMEM, "zstd");
    if (!z->context || !z->buffer) {
        zstd_free(&z->base);
        return NULL;
    }

    ZSTD_CCtx_setParameter(z->context, ZSTD_c_checksumFlag, 1);
    size_t result = ZSTD_CCtx_setParameter(z->context, ZSTD_c_compressionLevel,
                                           level != 0 ? level : ZSTD_CLEVEL_DEFAULT);
    if (ZSTD_isError(result)) {
        vc_fail(error, VC_ERROR_USAGE, "zstd level %d: %s", level,
                ZSTD_getErrorName(result));
        zstd_free(&z->base);
        return NULL;
    }
    /* With one worker the library cuts its input as with many, without any it does not:
     * so there is always one, that bytes do not depend on their number. A library
     * without threads refuses; its bytes do not depend on anything. */
    if (threads == 0)
        threads = g_get_num_processors();
    ZSTD_CCtx_setParameter(z->context, ZSTD_c_nbWorkers,
                           (int)CLAMP(threads, 1, THREADS_MAX));
    return &z->base;
}
