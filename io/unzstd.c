/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading zstd files, RFC 8878. */
#include "io/decompress.h"

#include "io/bytes.h"
#include "io/error.h"
#include "io/input.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#define FRAME_MAGIC 0xfd2fb528u     /* section 3.1.1 */
#define SKIPPABLE_MAGIC 0x184d2a50u /* section 3.1.2; the last 4 bits are free */
#define FRAME_HEADER_MAX ((size_t)18)

/* No library does more than this. */
#define WINDOW_MAX ((uint64_t)1 << 31)

typedef struct {
    VcStream base;
    VcInput in;
    ZSTD_DCtx *context;
    uint64_t memory;
    uint64_t announced, unpacked; /* content of the frame */
    bool inside;                  /* a frame */
    bool ended;
    bool full;   /* there may be more to come out without more going in */
    size_t hint; /* what the library wants next: up to the end of a block */
} ZstdStream;

/* Section 3.1.1.1: the window that a decoder must keep, and a dictionary's number. */
typedef struct {
    size_t size;
    uint64_t window;
    uint64_t content; /* UINT64_MAX: not told */
    uint32_t dictionary;
} FrameHeader;

/* AT holds the frame's LEFT bytes, FRAME_HEADER_MAX of them are enough. False when they
 * are too few. */
static bool
decode_frame_header(const uint8_t *at, size_t left, FrameHeader *header)
{
    static const uint8_t id_sizes[] = { 0, 1, 2, 4 }, content_sizes[] = { 0, 2, 4, 8 };
    if (left < 5)
        return false;
    uint8_t descriptor = at[4];
    bool single = descriptor & 0x20;
    size_t id_at = single ? 5 : 6, id_size = id_sizes[descriptor & 3];
    size_t content_at = id_at + id_size, content_size = content_sizes[descriptor >> 6];
    if (single && content_size == 0)
        content_size = 1;
    header->size = content_at + content_size;
    if (left < header->size)
        return false;

    uint8_t raw[8] = { 0 };
    memcpy(raw, at + id_at, id_size);
    header->dictionary = load_le32(raw);
    memset(raw, 0, sizeof raw);
    memcpy(raw, at + content_at, content_size);
    header->content = content_size == 0 ? UINT64_MAX : load_le64(raw);
    header->content += content_size == 2 ? 256 : 0;
    if (single) {
        header->window = header->content;
    } else {
        uint64_t base = (uint64_t)1 << (10 + (at[5] >> 3));
        header->window = base + base / 8 * (at[5] & 7);
    }
    return true;
}

static bool
check_frame_header(ZstdStream *z, GError **error)
{
    FrameHeader header;
    uint64_t at = z->in.position;
    if (!decode_frame_header(z->in.at, z->in.left, &header)) {
        vc_input_short(&z->in, "a frame header", error);
        return false;
    }
    if (header.dictionary != 0) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "zstd frame at 0x%" PRIx64 " needs dictionary %u", at,
                header.dictionary);
        return false;
    }
    if (header.window > WINDOW_MAX) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "zstd frame at 0x%" PRIx64 " needs a window of %" PRIu64
                " bytes, zstd does not do more than 2G",
                at, header.window);
        return false;
    }
    if (header.window > z->memory) {
        vc_fail(error, VC_ERROR_LIMIT,
                "zstd frame at 0x%" PRIx64 " needs a window of %" PRIu64
                " bytes, the limit is %" PRIu64 "; --memory-limit %" PRIu64
                "M allows it",
                at, header.window, z->memory, (header.window + (1 << 20) - 1) >> 20);
        return false;
    }
    z->announced = header.content;
    z->unpacked = 0;
    return true;
}

/* Goes to the next frame, over those to be skipped, or finds that there is none. */
static bool
begin_frame(ZstdStream *z, GError **error)
{
    if (!vc_input_want(&z->in, FRAME_HEADER_MAX, error))
        return false;
    if (z->in.position > 0 && (z->in.left == 0 || z->in.at[0] == 0)) {
        z->ended = true;
        return vc_input_skip_padding(&z->in, error);
    }
    if (z->in.left < 4) {
        vc_input_short(&z->in, "a frame header", error);
        return false;
    }

    uint32_t magic = load_le32(z->in.at);
    if ((magic & ~15u) == SKIPPABLE_MAGIC) {
        uint8_t raw[8];
        return vc_input_read(&z->in, raw, sizeof raw, "a skippable frame", error) &&
               vc_input_skip(&z->in, load_le32(raw + 4), "a skippable frame", error);
    }
    if (magic != FRAME_MAGIC) {
        vc_corrupt(error, z->in.position,
                   z->in.position == 0 ? "no zstd frame"
                                       : "bytes behind the end of the zstd stream");
        return false;
    }
    if (!check_frame_header(z, error))
        return false;
    ZSTD_DCtx_reset(z->context, ZSTD_reset_session_only);
    z->hint = FRAME_HEADER_MAX;
    z->inside = true;
    z->full = false;
    return true;
}

static void
set_error(const ZstdStream *z, size_t code, GError **error)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        vc_fail(error, VC_ERROR_LIMIT, "no memory for the window of the zstd frame");
    else if (ZSTD_getErrorCode(code) == ZSTD_error_checksum_wrong)
        vc_corrupt(error, z->in.position, "zstd checksum is wrong");
    else
        vc_corrupt(error, z->in.position, "damaged zstd data (%s)",
                   ZSTD_getErrorName(code));
}

/* The library looks only when the last block is not empty. */
static bool
check_content(const ZstdStream *z, GError **error)
{
    if (z->announced == UINT64_MAX || z->unpacked == z->announced)
        return true;
    vc_corrupt(error, z->in.position,
               "a zstd frame announces %" PRIu64 " bytes and holds %" PRIu64,
               z->announced, z->unpacked);
    return false;
}

/* Decompresses one piece of the frame, a block at most, so that the position of an
 * error is that of its block. */
static bool
decompress_some(ZstdStream *z, uint8_t *buffer, size_t room, size_t *put,
                GError **error)
{
    if (!z->full) {
        if (!vc_input_want(&z->in, 1, error))
            return false;
        if (z->in.left == 0) {
            vc_input_short(&z->in, "a frame", error);
            return false;
        }
    }
    ZSTD_inBuffer in = { z->in.at, MIN(z->in.left, z->hint), 0 };
    ZSTD_outBuffer out = { buffer, room, 0 };
    size_t result = ZSTD_decompressStream(z->context, &out, &in);
    if (ZSTD_isError(result)) {
        set_error(z, result, error);
        return false;
    }
    vc_input_advance(&z->in, in.pos);
    z->inside = result != 0;
    z->hint = result;
    z->full = out.pos == out.size;
    *put = out.pos;
    z->unpacked += out.pos;
    return z->inside || check_content(z, error);
}

static bool
zstd_pull(VcStream *stream, void *buffer, size_t length, size_t *got, GError **error)
{
    ZstdStream *z = (ZstdStream *)stream;
    *got = 0;
    while (*got < length && !z->ended) {
        size_t put = 0;
        if (z->inside) {
            if (!decompress_some(z, (uint8_t *)buffer + *got, length - *got, &put,
                                 error))
                return false;
        } else if (!begin_frame(z, error)) {
            return false;
        }
        *got += put;
    }
    return true;
}

static void
zstd_free(VcStream *stream)
{
    ZstdStream *z = (ZstdStream *)stream;
    vc_input_clear(&z->in);
    ZSTD_freeDCtx(z->context);
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
    if (!vc_input_init(&z->in, stream, "zstd", error))
        return NULL;
    z->context = ZSTD_createDCtx();
    if (!z->context) {
        vc_fail_errno(error, ENOMEM, "zstd");
        return NULL;
    }

    /* The limit is ours; the library shall take what passes it. */
    ZSTD_bounds bounds = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
    ZSTD_DCtx_setParameter(z->context, ZSTD_d_windowLogMax, bounds.upperBound);
    return g_steal_pointer(&base);
}
