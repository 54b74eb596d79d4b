/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deflate data through ISA-L, which is several times as fast as zlib. */
#include "io/inflate.h"

#include <glib.h>
#include <isa-l.h>

#define PIECE_MAX ((size_t)1 << 30) /* ISA-L counts in 32 bits */

struct VcInflate {
    struct inflate_state state;
};

VcInflate *
vc_inflate_new(void)
{
    VcInflate *i = g_try_new0(VcInflate, 1);
    if (!i)
        return NULL;
    isal_inflate_init(&i->state);
    i->state.crc_flag = ISAL_GZIP_NO_HDR; /* data only, and its CRC-32 */
    return i;
}

void
vc_inflate_reset(VcInflate *i)
{
    isal_inflate_reset(&i->state);
}

VcInflateResult
vc_inflate(VcInflate *i, const uint8_t **at, size_t *left, uint8_t *to, size_t room,
           size_t *put)
{
    size_t given = MIN(*left, PIECE_MAX);
    room = MIN(room, PIECE_MAX);
    i->state.next_in = (uint8_t *)*at;
    i->state.avail_in = (uint32_t)given;
    i->state.next_out = to;
    i->state.avail_out = (uint32_t)room;
    int result = isal_inflate(&i->state);

    *put = room - MIN(room, i->state.avail_out);
    if (result != ISAL_DECOMP_OK && result != ISAL_END_INPUT &&
        result != ISAL_OUT_OVERFLOW) {
        /* It leaves its counters as they happen to be; this is about where it stands.
         */
        const uint8_t *stands = CLAMP(i->state.next_in, *at, *at + given);
        *left -= (size_t)(stands - *at);
        *at = stands;
        return VC_INFLATE_BAD;
    }
    *at = i->state.next_in;
    *left = *left - given + i->state.avail_in;
    if (i->state.block_state != ISAL_BLOCK_FINISH)
        return VC_INFLATE_MORE;

    /* Whole bytes that it has taken into its bit buffer belong to the trailer. */
    size_t unused = (size_t)i->state.read_in_length / 8;
    *at -= unused;
    *left += unused;
    return VC_INFLATE_END;
}

uint32_t
vc_inflate_crc(const VcInflate *i)
{
    return i->state.crc;
}

void
vc_inflate_free(VcInflate *i)
{
    g_free(i);
}
