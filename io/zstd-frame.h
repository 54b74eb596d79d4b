/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to reading zstd: one frame at a time, RFC 8878. */
#ifndef VC_IO_ZSTD_FRAME_H
#define VC_IO_ZSTD_FRAME_H

#include "io/input.h"

#include <zstd.h>

/* Section 3.1.1.1. */
typedef struct {
    size_t size;         /* of the header */
    uint64_t window;     /* what a decoder must keep */
    uint64_t content;    /* UINT64_MAX: not told */
    uint32_t dictionary; /* 0: none */
    bool checksum;       /* behind the last block */
} VcZstdHeader;

typedef enum {
    VC_ZSTD_FRAME,   /* INPUT is at its header, which is checked */
    VC_ZSTD_SKIPPED, /* there was a frame to be skipped, and INPUT is behind it */
    VC_ZSTD_END,     /* of the stream, and of the zeros that fill a device */
} VcZstdFound;

/* Looks what comes next between frames. A frame is refused when it needs a dictionary,
 * or a window of more than MEMORY bytes. */
bool vc_zstd_find(VcInput *input, uint64_t memory, VcZstdFound *found,
                  VcZstdHeader *header, GError **error);

typedef struct {
    ZSTD_DCtx *context;
    uint64_t announced, unpacked; /* content of the frame */
    uint64_t idle;                /* bytes since the last of it */
    bool inside;                  /* a frame */
    bool full;   /* there may be more to come out without more going in */
    size_t hint; /* what the library wants next: up to the end of a block */
} VcZstdDecoder;

bool vc_zstd_decoder_init(VcZstdDecoder *decoder, GError **error);
void vc_zstd_decoder_clear(VcZstdDecoder *decoder);

/* Begins a frame, whose header comes first out of the input. */
void vc_zstd_decoder_begin(VcZstdDecoder *decoder, const VcZstdHeader *header);

/* Decompresses a piece of the frame, one block at most, so that the position of an
 * error is that of its block, and all that comes before it was given. */
bool vc_zstd_decoder_pull(VcZstdDecoder *decoder, VcInput *input, uint8_t *buffer,
                          size_t room, size_t *put, GError **error);

#endif
