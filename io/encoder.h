/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to io/compress-file.c and the encoders: one per compression. */
#ifndef VC_IO_ENCODER_H
#define VC_IO_ENCODER_H

#include "io/file.h"

typedef struct VcEncoder VcEncoder;

typedef struct {
    bool (*encode)(VcEncoder *encoder, const void *data, size_t length, GError **error);
    /* Writes what is kept, and the end of the stream; called once, last. */
    bool (*end)(VcEncoder *encoder, GError **error);
    void (*free)(VcEncoder *encoder);
} VcEncoderOps;

/* Implementations embed this as their first member. */
struct VcEncoder {
    const VcEncoderOps *ops;
    VcFile *below;     /* borrowed */
    uint64_t position; /* where the next compressed byte goes */
};

/* Writes compressed bytes. */
bool vc_encoder_emit(VcEncoder *encoder, const void *data, size_t length,
                     GError **error);

/* LEVEL 0 is the library's default. */
VcEncoder *vc_encoder_zstd(int level, unsigned threads, GError **error);
VcEncoder *vc_encoder_gzip(int level, GError **error);
VcEncoder *vc_encoder_lzop(int level, GError **error);

#endif
