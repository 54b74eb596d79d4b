/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to the decompressors: the compressed side, buffered, with its position. */
#ifndef VC_IO_INPUT_H
#define VC_IO_INPUT_H

#include "io/stream.h"

/* Bytes in front of the buffered ones that stay readable: decompressors that look at
 * whole words give back what they did not use, up to a word. */
#define VC_INPUT_LEAD ((size_t)16)

/* More than a block of zstd, with the header of the next. */
#define VC_INPUT_WANT_MAX ((size_t)256 << 10)

typedef struct {
    const char *name;  /* "gzip": for messages */
    VcStream *stream;  /* owned */
    uint8_t *memory;   /* VC_INPUT_LEAD bytes, then the buffer */
    const uint8_t *at; /* the next byte */
    size_t left;       /* bytes from there */
    uint64_t position; /* of the next byte in the compressed stream */
    uint64_t skipped;  /* bytes, by vc_input_skip */
    bool ended;        /* nothing follows what is buffered */
    GError *error;     /* of the stream; owned */
} VcInput;

/* STREAM is taken; NAME is static. */
bool vc_input_init(VcInput *input, VcStream *stream, const char *name, GError **error);

/* Instead of a stream, the LENGTH bytes AT, which are at POSITION of one. */
void vc_input_init_memory(VcInput *input, const uint8_t *at, size_t length,
                          const char *name, uint64_t position);

void vc_input_clear(VcInput *input);

/* Sees to it that LENGTH bytes (VC_INPUT_WANT_MAX at most) lie at input->at, or all
 * that there are up to the end. An error of the stream comes again each time: what it
 * gave before may be lost. */
bool vc_input_want(VcInput *input, size_t length, GError **error);

/* Goes on by LENGTH bytes of those that are left. */
void vc_input_advance(VcInput *input, size_t length);

/* Reads, or skips, exactly LENGTH bytes; VC_ERROR_SHORT, which says that it ended
 * inside WHAT ("a block"). */
bool vc_input_read(VcInput *input, void *buffer, size_t length, const char *what,
                   GError **error);
bool vc_input_skip(VcInput *input, uint64_t length, const char *what, GError **error);

/* Passes zeros up to the end of the stream: they fill a tape or a device behind what
 * was stored. Anything else is VC_ERROR_CORRUPT. */
bool vc_input_skip_padding(VcInput *input, GError **error);

/* Sets VC_ERROR_SHORT: the stream ends inside WHAT. */
void vc_input_short(const VcInput *input, const char *what, GError **error);

#endif
