/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to io/gzip.c: raw deflate data, RFC 1951, and the CRC-32 of what comes out.
 * There is one implementation over ISA-L and one over zlib; meson takes the first it
 * can have. */
#ifndef VC_IO_INFLATE_H
#define VC_IO_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct VcInflate VcInflate;

typedef enum {
    VC_INFLATE_MORE, /* the room is full or the input used up */
    VC_INFLATE_END,  /* the last block is out; *AT is behind it */
    VC_INFLATE_BAD,  /* the data is not deflate data */
} VcInflateResult;

/* NULL: there is no memory. */
VcInflate *vc_inflate_new(void);

/* Begins anew. */
void vc_inflate_reset(VcInflate *inflate);

/* Inflates the *LEFT bytes at *AT into at most ROOM bytes at TO; *PUT of them are
 * filled. *AT and *LEFT go on, or back by up to 8 bytes that an earlier call took too
 * many: those must still be there (VC_INPUT_LEAD). */
VcInflateResult vc_inflate(VcInflate *inflate, const uint8_t **at, size_t *left,
                           uint8_t *to, size_t room, size_t *put);

/* The CRC-32 of all that came out since the beginning. */
uint32_t vc_inflate_crc(const VcInflate *inflate);

void vc_inflate_free(VcInflate *inflate);

#endif
