/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One zstd frame at a time, RFC 8878. */
#include "io/zstd-frame.h"

#include "io/bytes.h"
#include "io/error.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <zstd_errors.h>

#define FRAME_MAGIC 0xfd2fb528u     /* section 3.1.1 */
#define SKIPPABLE_MAGIC 0x184d2a50u /* section 3.1.2; the last 4 bits are free */
#define FRAME_HEADER_MAX ((size_t)18)
#define IDLE_MAX (1u << 20) /* bytes without content; a block has at most 128 KiB */

/* Of all frames of a stream that are to be skipped; an index is the most they hold. */
#define SKIPPED_MAX ((uint64_t)1 << 30)

/* No library does more than this. */
#define WINDOW_MAX ((uint64_t)1 << 31)

/* AT holds the frame's LEFT bytes, FRAME_HEADER_MAX of them are enough. False when they
 * are too few. */
static bool
decode_header(const uint8_t *at, size_t left, VcZstdHeader *header)
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
    header->checksum = descriptor & 4;
    if (single) {
        header->window = header->content;
    } else {
        uint64_t base = (uint64_t)1 << (10 + (at[5] >> 3));
        header->window = base + base / 8 * (at[5] & 7);
    }
    return true;
}

static bool
check_header(const VcInput *in, uint64_t memory, VcZstdHeader *header, GError **error)
{
    uint64_t at = in->position;
    if (!decode_header(in->at, in->left, header)) {
        vc_input_short(in, "a frame header", error);
        return false;
    }
    if (header->dictionary != 0) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "zstd frame at 0x%" PRIx64 " needs dictionary %u", at,
                header->dictionary);
        return false;
    }
    if (header->window > WINDOW_MAX) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "zstd frame at 0x%" PRIx64 " needs a window of %" PRIu64
                " bytes, zstd does not do more than 2G",
                at, header->window);
        return false;
    }
    if (header->window > memory) {
        vc_fail(error, VC_ERROR_LIMIT,
                "zstd frame at 0x%" PRIx64 " needs a window of %" PRIu64
                " bytes, the limit is %" PRIu64 "; --memory-limit %" PRIu64
                "M allows it",
                at, header->window, memory, (header->window + (1 << 20) - 1) >> 20);
        return false;
    }
    return true;
}

static bool
skip_frame(VcInput *in, GError **error)
{
    uint64_t at = in->position;
    uint8_t raw[8];
    if (!vc_input_read(in, raw, sizeof raw, "a skippable frame", error))
        return false;
    uint32_t length = load_le32(raw + 4);
    if (length > SKIPPED_MAX - in->skipped) {
        vc_fail(error, VC_ERROR_LIMIT,
                "zstd frames to be skipped, up to that of %" PRIu32
                " bytes at 0x%" PRIx64 ", hold more than %" PRIu64 " bytes",
                length, at, SKIPPED_MAX);
        return false;
    }
    return vc_input_skip(in, length, "a skippable frame", error);
}

bool
vc_zstd_find(VcInput *in, uint64_t memory, VcZstdFound *found, VcZstdHeader *header,
             GError **error)
{
    if (!vc_input_want(in, FRAME_HEADER_MAX, error))
        return false;
    if (in->position > 0 && (in->left == 0 || in->at[0] == 0)) {
        *found = VC_ZSTD_END;
        return vc_input_skip_padding(in, error);
    }
    if (in->left < 4) {
        vc_input_short(in, "a frame header", error);
        return false;
    }

    uint32_t magic = load_le32(in->at);
    if ((magic & ~15u) == SKIPPABLE_MAGIC) {
        *found = VC_ZSTD_SKIPPED;
        return skip_frame(in, error);
    }
    if (magic != FRAME_MAGIC) {
        vc_corrupt(error, in->position,
                   in->position == 0 ? "no zstd frame"
                                     : "bytes behind the end of the zstd stream");
        return false;
    }
    *found = VC_ZSTD_FRAME;
    return check_header(in, memory, header, error);
}

bool
vc_zstd_decoder_init(VcZstdDecoder *d, GError **error)
{
    *d = (VcZstdDecoder){ .context = ZSTD_createDCtx() };
    if (!d->context) {
        vc_fail_errno(error, ENOMEM, "zstd");
        return false;
    }
    /* The limit is ours; the library shall take what passes it. */
    ZSTD_bounds bounds = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
    ZSTD_DCtx_setParameter(d->context, ZSTD_d_windowLogMax, bounds.upperBound);
    return true;
}

void
vc_zstd_decoder_clear(VcZstdDecoder *d)
{
    ZSTD_freeDCtx(d->context);
    d->context = NULL;
}

void
vc_zstd_decoder_begin(VcZstdDecoder *d, const VcZstdHeader *header)
{
    ZSTD_DCtx_reset(d->context, ZSTD_reset_session_only);
    d->announced = header->content;
    d->unpacked = d->idle = 0;
    d->hint = header->size;
    d->inside = true;
    d->full = false;
}

static void
set_error(const VcInput *in, size_t code, GError **error)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        vc_fail(error, VC_ERROR_LIMIT, "no memory for the window of the zstd frame");
    else if (ZSTD_getErrorCode(code) == ZSTD_error_checksum_wrong)
        vc_corrupt(error, in->position, "zstd checksum is wrong");
    else
        vc_corrupt(error, in->position, "damaged zstd data (%s)",
                   ZSTD_getErrorName(code));
}

/* The library looks only when the last block is not empty. */
static bool
check_content(const VcZstdDecoder *d, const VcInput *in, GError **error)
{
    if (d->announced == UINT64_MAX || d->unpacked == d->announced)
        return true;
    vc_corrupt(error, in->position,
               "a zstd frame announces %" PRIu64 " bytes and holds %" PRIu64,
               d->announced, d->unpacked);
    return false;
}

bool
vc_zstd_decoder_pull(VcZstdDecoder *d, VcInput *in, uint8_t *buffer, size_t room,
                     size_t *put, GError **error)
{
    *put = 0;
    /* What the library keeps has to come out before it sees more: an error would take
     * it along. */
    if (!d->full) {
        if (!vc_input_want(in, MIN(d->hint, VC_INPUT_WANT_MAX), error))
            return false;
        if (in->left == 0) {
            vc_input_short(in, "a frame", error);
            return false;
        }
    }
    ZSTD_inBuffer from = { in->at, d->full ? 0 : MIN(in->left, d->hint), 0 };
    ZSTD_outBuffer to = { buffer, room, 0 };
    size_t result = ZSTD_decompressStream(d->context, &to, &from);
    if (ZSTD_isError(result)) {
        set_error(in, result, error);
        return false;
    }
    vc_input_advance(in, from.pos);
    d->inside = result != 0;
    d->hint = result;
    d->full = to.pos == to.size;
    *put = to.pos;
    d->unpacked += to.pos;
    d->idle = to.pos > 0 ? 0 : d->idle + from.pos;
    if (d->idle > IDLE_MAX) {
        vc_corrupt(error, in->position,
                   "the blocks of %u bytes of a zstd frame are empty", IDLE_MAX);
        return false;
    }
    return d->inside || check_content(d, in, error);
}
