/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An append-only file that compresses. */
#include "io/compress.h"

#include "io/encoder.h"
#include "io/error.h"

#include <inttypes.h>

typedef struct {
    VcFile base;
    VcFile *below; /* owned */
    VcEncoder *encoder;
    uint64_t end; /* of the bytes before compression */
    bool ended;
} CompressFile;

static bool
compress_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
               GError **error)
{
    CompressFile *c = (CompressFile *)file;
    if (position != c->end || c->ended) {
        vc_fail(error, VC_ERROR_USAGE,
                "a compressed output only grows: at 0x%" PRIx64 ", not at 0x%" PRIx64
                "%s",
                c->end, position, c->ended ? ", and it has ended" : "");
        return false;
    }
    if (!c->encoder->ops->encode(c->encoder, buffer, length, error))
        return false;
    c->end += length;
    return true;
}

static bool
compress_truncate(VcFile *file, uint64_t size, GError **error)
{
    CompressFile *c = (CompressFile *)file;
    if (size < c->end) {
        vc_fail(error, VC_ERROR_USAGE,
                "this output cannot end at 0x%" PRIx64 ", 0x%" PRIx64
                " bytes are compressed",
                size, c->end);
        return false;
    }
    return vc_file_zero(file, c->end, size - c->end, error);
}

static bool
compress_sync(VcFile *file, GError **error)
{
    CompressFile *c = (CompressFile *)file;
    if (!c->ended && !c->encoder->ops->end(c->encoder, error))
        return false;
    c->ended = true;
    /* Old bytes of a device would not be taken for its padding. */
    return vc_file_end(c->below, c->encoder->position, error) &&
           vc_file_sync(c->below, error);
}

static void
compress_free(VcFile *file)
{
    CompressFile *c = (CompressFile *)file;
    if (c->encoder)
        c->encoder->ops->free(c->encoder);
    vc_file_free(c->below);
    vc_file_clear(file);
    g_free(c);
}

static VcEncoder *
make_encoder(const VcCompressOptions *options, GError **error)
{
    switch (options->compression) {
    case VC_COMPRESSION_GZIP:
        return vc_encoder_gzip(options->level, error);
    case VC_COMPRESSION_ZSTD:
        return vc_encoder_zstd(options->level, options->threads, error);
    case VC_COMPRESSION_LZO:
        return vc_encoder_lzop(options->level, error);
    default:
        g_assert_not_reached();
    }
}

VcFile *
vc_compress_file(VcFile *file, const VcCompressOptions *options, GError **error)
{
    static const VcFileOps ops = {
        .write = compress_write,
        .truncate = compress_truncate,
        .sync = compress_sync,
        .free = compress_free,
    };
    if (options->compression == VC_COMPRESSION_NONE)
        return file;

    CompressFile *c = g_new0(CompressFile, 1);
    vc_file_init(&c->base, &ops, file->name, false);
    c->base.reads_zero = true;
    c->below = file;
    c->encoder = make_encoder(options, error);
    if (!c->encoder) {
        compress_free(&c->base);
        return NULL;
    }
    c->encoder->below = file;
    return &c->base;
}
