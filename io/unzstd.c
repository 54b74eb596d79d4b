/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading zstd files, RFC 8878. */
#include "io/decompress.h"

#include "io/zstd-jobs.h"

/* What pieces may cost together that are read, unpacked, or wait to be given. A piece
 * has half of it at most, or there would be nothing beside it: enough for the frames
 * of `pzstd` up to level 9 and, when they compress well, beyond. */
#define IN_FLIGHT_MAX ((uint64_t)128 << 20)

/* Small frames share a piece until it has so much of either: a thread for each would
 * cost more than its frame. */
#define PACKED_ENOUGH ((size_t)1 << 20)
#define UNPACKED_ENOUGH ((size_t)4 << 20)

/* A frame is unpacked as it comes, or waits in a piece until it is whole and is
 * unpacked by a thread, with others beside it. The first one always comes: there may be
 * no second, and there is none in what vzdump writes. Which way a frame goes depends on
 * the stream and on memory; what comes out of it does not. */
typedef struct {
    VcStream base;
    VcInput in;
    uint64_t memory, in_flight_max;
    VcZstdJobs *jobs;
    bool begun;    /* the first frame is seen */
    bool ended;    /* nothing comes behind the jobs and what is held */
    GError *error; /* or this */

    VcZstdPiece piece;
    bool walking; /* a frame of the piece is not whole */

    VcZstdDecoder decoder; /* of the frames that are unpacked as they come */
    VcInput held;          /* of these, what the piece has; then comes the rest */
} ZstdStream;

/* Bytes come next that are not for the jobs. */
static bool
is_direct(const ZstdStream *z)
{
    return z->decoder.inside || z->held.left > 0;
}

static void
hand_over(ZstdStream *z)
{
    if (z->piece.length > 0)
        vc_zstd_jobs_add(z->jobs, &z->piece);
}

static bool
fits_in_a_piece(const ZstdStream *z, const VcZstdHeader *header)
{
    uint64_t max = z->in_flight_max / 2;
    return z->begun && header->window <= max &&
           (header->content == UINT64_MAX || header->content <= max);
}

/* Finds the next frame and decides how it goes. */
static void
begin_frame(ZstdStream *z)
{
    VcZstdHeader header;
    VcZstdFound found = VC_ZSTD_END;
    bool ok = vc_zstd_find(&z->in, z->memory, &found, &header, &z->error);
    bool fits = ok && found == VC_ZSTD_FRAME && fits_in_a_piece(z, &header);
    /* There are no gaps in a piece. */
    if (!fits)
        hand_over(z);
    if (!ok)
        return;
    if (found == VC_ZSTD_END)
        z->ended = true;
    if (found != VC_ZSTD_FRAME)
        return;
    z->begun = true;
    z->walking = fits && vc_zstd_piece_begin(&z->piece, &z->in, &header);
    if (!z->walking) {
        hand_over(z);
        vc_zstd_decoder_begin(&z->decoder, &header);
    }
}

/* False when the jobs before it must go first. */
static bool
walk_frame(ZstdStream *z)
{
    uint64_t cost = vc_zstd_jobs_cost(z->jobs);
    uint64_t room = cost < z->in_flight_max ? z->in_flight_max - cost : 0;
    VcZstdWalk walk = vc_zstd_piece_walk(&z->piece, &z->in, room, z->in_flight_max / 2);
    if (walk == VC_ZSTD_NO_ROOM)
        return false;
    z->walking = false;
    if (walk == VC_ZSTD_CUT)
        vc_zstd_piece_input(&z->piece, &z->held);
    else if (z->piece.length >= PACKED_ENOUGH || z->piece.unpacked >= UNPACKED_ENOUGH)
        hand_over(z);
    return true;
}

/* Reads for the jobs, as long as they can take more. */
static void
read_ahead(ZstdStream *z)
{
    while (!z->ended && !z->error && !is_direct(z) && vc_zstd_jobs_want(z->jobs)) {
        if (!z->walking)
            begin_frame(z);
        if (z->walking && !walk_frame(z))
            return;
    }
}

static bool
unpack_directly(ZstdStream *z, uint8_t *buffer, size_t room, size_t *put,
                GError **error)
{
    VcInput *from = z->held.left > 0 ? &z->held : &z->in;
    if (!z->decoder.inside) {
        /* In what is held only frames begin: they were found before. */
        VcZstdHeader header;
        VcZstdFound found;
        if (!vc_zstd_find(from, z->memory, &found, &header, error))
            return false;
        vc_zstd_decoder_begin(&z->decoder, &header);
    }
    bool ok = vc_zstd_decoder_pull(&z->decoder, from, buffer, room, put, error);
    if (z->held.left == 0)
        vc_zstd_piece_clear(&z->piece);
    return ok;
}

static bool
zstd_pull(VcStream *stream, void *buffer, size_t length, size_t *got, GError **error)
{
    ZstdStream *z = (ZstdStream *)stream;
    *got = 0;
    while (*got < length) {
        uint8_t *to = (uint8_t *)buffer + *got;
        size_t put = 0;
        bool ok = true;
        read_ahead(z);
        if (vc_zstd_jobs_count(z->jobs) > 0) {
            ok = vc_zstd_jobs_pull(z->jobs, to, length - *got, &put, error);
        } else if (is_direct(z)) {
            ok = unpack_directly(z, to, length - *got, &put, error);
        } else if (z->error) {
            g_propagate_error(error, g_error_copy(z->error));
            ok = false;
        } else {
            return true;
        }
        *got += put;
        if (!ok)
            return false;
    }
    return true;
}

static void
zstd_free(VcStream *stream)
{
    ZstdStream *z = (ZstdStream *)stream;
    vc_zstd_jobs_free(z->jobs);
    vc_zstd_piece_clear(&z->piece);
    vc_zstd_decoder_clear(&z->decoder);
    vc_input_clear(&z->in);
    g_clear_error(&z->error);
    g_free(z);
}

VcStream *
vc_unzstd(VcStream *stream, uint64_t memory, GError **error)
{
    static const VcStreamOps ops = { .pull = zstd_pull, .free = zstd_free };
    ZstdStream *z = g_new0(ZstdStream, 1);
    g_autoptr(VcStream) base = &z->base;
    z->base.ops = &ops;
    z->memory = memory;
    z->in_flight_max = MIN(memory, IN_FLIGHT_MAX);
    z->jobs = vc_zstd_jobs_new(memory);
    if (!vc_input_init(&z->in, stream, "zstd", error) ||
        !vc_zstd_decoder_init(&z->decoder, error))
        return NULL;
    return g_steal_pointer(&base);
}
