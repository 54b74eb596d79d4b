/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deflate data through zlib. */
#include "io/inflate.h"

#include <glib.h>
#include <zlib.h>

#define PIECE_MAX ((size_t)1 << 30) /* zlib counts in 32 bits */

struct VcInflate {
    z_stream z;
    uint32_t crc;
};

VcInflate *
vc_inflate_new(void)
{
    VcInflate *i = g_new0(VcInflate, 1);
    /* Negative: neither header nor trailer. It fails only without memory. */
    if (inflateInit2(&i->z, -MAX_WBITS) == Z_OK)
        return i;
    g_free(i);
    return NULL;
}

void
vc_inflate_reset(VcInflate *i)
{
    inflateReset(&i->z);
    i->crc = 0;
}

VcInflateResult
vc_inflate(VcInflate *i, const uint8_t **at, size_t *left, uint8_t *to, size_t room,
           size_t *put)
{
    size_t given = MIN(*left, PIECE_MAX);
    room = MIN(room, PIECE_MAX);
    i->z.next_in = (Bytef *)*at;
    i->z.avail_in = (uInt)given;
    i->z.next_out = to;
    i->z.avail_out = (uInt)room;
    int result = inflate(&i->z, Z_NO_FLUSH);

    *put = room - i->z.avail_out;
    *at = i->z.next_in;
    *left -= given - i->z.avail_in;
    i->crc = (uint32_t)crc32_z(i->crc, to, *put);
    if (result == Z_STREAM_END)
        return VC_INFLATE_END;
    return result == Z_OK || result == Z_BUF_ERROR ? VC_INFLATE_MORE : VC_INFLATE_BAD;
}

uint32_t
vc_inflate_crc(const VcInflate *i)
{
    return i->crc;
}

void
vc_inflate_free(VcInflate *i)
{
    if (!i)
        return;
    inflateEnd(&i->z);
    g_free(i);
}
