/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading lzop files; see io/lzop.h. */
#include "io/decompress.h"

#include "io/error.h"

#ifdef HAVE_LZO

#include "io/allocate.h"
#include "io/bytes.h"
#include "io/input.h"
#include "io/lzop.h"

#include <inttypes.h>
#include <lzo/lzo1x.h>
#include <string.h>
#include <zlib.h>

typedef struct {
    VcStream base;
    VcInput in;
    uint32_t flags; /* of the part that is read */
    bool inside;    /* a part */
    bool ended;
    uint8_t *stored; /* a block as it is stored: */
    size_t stored_room, stored_length;
    uint8_t *block; /* a block that the caller's buffer has no room for: */
    size_t block_room, block_at, block_length;
} LzopStream;

/* A checksum as it is stored, and where. */
typedef struct {
    bool present;
    uint32_t stored;
    uint64_t at;
} Sum;

/* Of a block's data, and of its data as stored. */
typedef struct {
    Sum adler32_d, crc32_d, adler32_c, crc32_c;
} BlockSums;

/* Reads a part of the header, which its two checksums cover. */
static bool
read_header_bytes(LzopStream *l, uint8_t *raw, size_t length, uint32_t sums[2],
                  GError **error)
{
    if (!vc_input_read(&l->in, raw, length, "a header", error))
        return false;
    sums[0] = (uint32_t)adler32_z(sums[0], raw, length);
    sums[1] = (uint32_t)crc32_z(sums[1], raw, length);
    return true;
}

static bool
check_header_sum(LzopStream *l, const uint32_t sums[2], GError **error)
{
    uint8_t raw[4];
    if (!vc_input_read(&l->in, raw, sizeof raw, "a header", error))
        return false;
    uint32_t computed = sums[l->flags & LZOP_HEADER_CRC32 ? 1 : 0];
    if (load_be32(raw) != computed) {
        vc_corrupt(error, l->in.position - 4,
                   "lzop header checksum is 0x%08x, computed 0x%08x", load_be32(raw),
                   computed);
        return false;
    }
    return true;
}

static bool
skip_extra_field(LzopStream *l, GError **error)
{
    uint64_t begin = l->in.position;
    uint32_t sums[2] = { 1, 0 };
    uint8_t raw[256];
    if (!read_header_bytes(l, raw, 4, sums, error))
        return false;
    uint32_t length = load_be32(raw);
    if (length > LZOP_EXTRA_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "lzop extra field at 0x%" PRIx64 " has %" PRIu32
                " bytes, at most %" PRIu32 " are read",
                begin, length, LZOP_EXTRA_MAX);
        return false;
    }
    for (size_t left = length, piece; left > 0; left -= piece) {
        piece = MIN(left, sizeof raw);
        if (!read_header_bytes(l, raw, piece, sums, error))
            return false;
    }
    return check_header_sum(l, sums, error);
}

static bool
refuse(uint64_t at, const char *what, unsigned value, GError **error)
{
    vc_fail(error, VC_ERROR_UNSUPPORTED, "lzop %s 0x%x at 0x%" PRIx64 " is not known",
            what, value, at);
    return false;
}

/* The fixed part of the header behind the magic, and the name. */
static bool
read_header(LzopStream *l, GError **error)
{
    uint64_t begin = l->in.position;
    uint32_t sums[2] = { 1, 0 }; /* Adler-32 begins with 1, CRC-32 with 0 */
    uint8_t raw[256];

    if (!read_header_bytes(l, raw, 4, sums, error))
        return false;
    unsigned version = load_be16(raw);
    if (version < LZOP_VERSION_FIRST)
        return refuse(begin, "version", version, error);
    bool old = version < LZOP_VERSION_NEEDED;

    /* Version needed, method and level; the old ones have the method only. */
    if (!read_header_bytes(l, raw, old ? 1 : 4, sums, error))
        return false;
    unsigned needed = old ? version : load_be16(raw), method = raw[old ? 0 : 2];
    if (!read_header_bytes(l, raw, 4, sums, error))
        return false;
    l->flags = load_be32(raw);
    /* A filter's number, mode, and the time in 4 or 8 bytes. */
    if (((l->flags & LZOP_FILTER) && !read_header_bytes(l, raw, 4, sums, error)) ||
        !read_header_bytes(l, raw, old ? 8 : 12, sums, error) ||
        !read_header_bytes(l, raw, 1, sums, error) ||
        !read_header_bytes(l, raw, raw[0], sums, error) ||
        !check_header_sum(l, sums, error))
        return false;

    if (needed > LZOP_VERSION)
        return refuse(begin, "version", needed, error);
    if (method < LZOP_LZO1X_1 || method > LZOP_LZO1X_999)
        return refuse(begin, "method", method, error);
    if ((l->flags & LZOP_FILTER) || (l->flags & ~LZOP_FLAGS_KNOWN))
        return refuse(begin, "flags", l->flags, error);
    return !(l->flags & LZOP_EXTRA) || skip_extra_field(l, error);
}

static bool
begin_part(LzopStream *l, GError **error)
{
    if (!vc_input_want(&l->in, LZOP_MAGIC_SIZE, error))
        return false;
    if (l->in.position > 0 && (l->in.left == 0 || l->in.at[0] == 0)) {
        l->ended = true;
        return vc_input_skip_padding(&l->in, error);
    }
    size_t have = MIN(l->in.left, LZOP_MAGIC_SIZE);
    if (memcmp(l->in.at, LZOP_MAGIC, have) != 0) {
        vc_corrupt(error, l->in.position,
                   l->in.position == 0 ? "no lzop header"
                                       : "bytes behind the end of the lzop stream");
        return false;
    }
    l->inside = true;
    return vc_input_skip(&l->in, LZOP_MAGIC_SIZE, "a header", error) &&
           read_header(l, error);
}

static bool
read_number(LzopStream *l, uint32_t *number, GError **error)
{
    uint8_t raw[4];
    if (!vc_input_read(&l->in, raw, sizeof raw, "a block header", error))
        return false;
    *number = load_be32(raw);
    return true;
}

static bool
read_sum(LzopStream *l, bool present, Sum *sum, GError **error)
{
    sum->present = present;
    sum->at = l->in.position;
    return !present || read_number(l, &sum->stored, error);
}

/* The checksums that the flags name; a block that is stored as it is has those of the
 * data only. */
static bool
read_sums(LzopStream *l, bool packed, BlockSums *sums, GError **error)
{
    uint32_t f = l->flags;
    return read_sum(l, f & LZOP_ADLER32_D, &sums->adler32_d, error) &&
           read_sum(l, f & LZOP_CRC32_D, &sums->crc32_d, error) &&
           read_sum(l, packed && (f & LZOP_ADLER32_C), &sums->adler32_c, error) &&
           read_sum(l, packed && (f & LZOP_CRC32_C), &sums->crc32_c, error);
}

static bool
check_sum(const char *what, Sum sum, uint32_t computed, GError **error)
{
    if (sum.stored == computed)
        return true;
    vc_corrupt(error, sum.at, "lzop checksum of %s is 0x%08x, computed 0x%08x", what,
               sum.stored, computed);
    return false;
}

static bool
check_sums(const char *what, const void *data, size_t length, Sum adler, Sum crc,
           GError **error)
{
    return (!adler.present ||
            check_sum(what, adler, (uint32_t)adler32_z(1, data, length), error)) &&
           (!crc.present ||
            check_sum(what, crc, (uint32_t)crc32_z(0, data, length), error));
}

/* Makes the *ROOM bytes at *MEMORY to LENGTH. */
static bool
make_room(uint8_t **memory, size_t *room, size_t length, GError **error)
{
    uint8_t *more = vc_allocate_more(*memory, length, error);
    if (!more)
        return false;
    *memory = more;
    *room = length;
    return true;
}

/* Reads LENGTH bytes as stored, in pieces: memory grows with what is really there. */
static bool
read_stored(LzopStream *l, size_t length, GError **error)
{
    for (l->stored_length = 0; l->stored_length < length;) {
        size_t at = l->stored_length, piece = MIN(length - at, LZOP_BLOCK);
        if (at + piece > l->stored_room &&
            !make_room(&l->stored, &l->stored_room, MIN(length, 2 * (at + piece)),
                       error))
            return false;
        if (!vc_input_read(&l->in, l->stored + at, piece, "a block", error))
            return false;
        l->stored_length += piece;
    }
    return true;
}

/* Where LENGTH bytes of a block go: BUFFER when they fit in its ROOM, else memory of
 * our own. */
static uint8_t *
room_for_block(LzopStream *l, uint8_t *buffer, size_t room, size_t length,
               GError **error)
{
    if (length <= room)
        return buffer;
    if (length > l->block_room && !make_room(&l->block, &l->block_room, length, error))
        return NULL;
    l->block_at = 0;
    l->block_length = length;
    return l->block;
}

static bool
unpack(LzopStream *l, uint8_t *to, uint32_t length, uint64_t at, GError **error)
{
    lzo_uint out = length;
    int result = lzo1x_decompress_safe(l->stored, l->stored_length, to, &out, NULL);
    if (result == LZO_E_OK && out == length)
        return true;
    vc_corrupt(error, at,
               "damaged lzo data (code %d, %" PRIu64 " of %" PRIu32 " bytes)", result,
               (uint64_t)out, length);
    return false;
}

/* Reads a block into BUFFER, or aside when it is larger than ROOM; *PUT is what went
 * into BUFFER. Or ends the part. */
static bool
read_block(LzopStream *l, uint8_t *buffer, size_t room, size_t *put, GError **error)
{
    uint64_t begin = l->in.position;
    uint32_t length, stored;
    BlockSums sums = { 0 };

    *put = 0;
    if (!read_number(l, &length, error))
        return false;
    if (length == 0) {
        l->inside = false;
        return true;
    }
    if (!read_number(l, &stored, error))
        return false;
    if (length > LZOP_BLOCK_MAX || stored == 0 || stored > length) {
        vc_corrupt(error, begin,
                   "lzop block of %" PRIu32 " bytes, stored in %" PRIu32
                   ", at most %" PRIu32 " are possible",
                   length, stored, MIN(length, LZOP_BLOCK_MAX));
        return false;
    }
    if (!read_sums(l, stored < length, &sums, error))
        return false;

    uint64_t at = l->in.position;
    if (!read_stored(l, stored, error) ||
        !check_sums("a block as stored", l->stored, stored, sums.adler32_c,
                    sums.crc32_c, error))
        return false;
    uint8_t *to = room_for_block(l, buffer, room, length, error);
    if (!to)
        return false;
    if (stored == length)
        memcpy(to, l->stored, length);
    else if (!unpack(l, to, length, at, error))
        return false;
    *put = to == buffer ? length : 0;
    return check_sums("a block", to, length, sums.adler32_d, sums.crc32_d, error);
}

static bool
lzop_pull(VcStream *stream, void *buffer, size_t length, size_t *got, GError **error)
{
    LzopStream *l = (LzopStream *)stream;
    *got = 0;
    while (*got < length && !l->ended) {
        uint8_t *to = (uint8_t *)buffer + *got;
        size_t put = MIN(length - *got, l->block_length - l->block_at);
        if (put > 0) {
            memcpy(to, l->block + l->block_at, put);
            l->block_at += put;
        } else if (l->inside) {
            if (!read_block(l, to, length - *got, &put, error))
                return false;
        } else if (!begin_part(l, error)) {
            return false;
        }
        *got += put;
    }
    return true;
}

static void
lzop_free(VcStream *stream)
{
    LzopStream *l = (LzopStream *)stream;
    vc_input_clear(&l->in);
    g_free(l->stored);
    g_free(l->block);
    g_free(l);
}

VcStream *
vc_unlzop(VcStream *stream, GError **error)
{
    static const VcStreamOps ops = { .pull = lzop_pull, .free = lzop_free };
    LzopStream *l = g_new0(LzopStream, 1);
    int result = lzo_init(); /* whether the library fits the compiler */
    g_assert(result == LZO_E_OK);
    g_autoptr(VcStream) base = &l->base;
    l->base.ops = &ops;
    return vc_input_init(&l->in, stream, "lzop", error) ? g_steal_pointer(&base) : NULL;
}

#else

VcStream *
vc_unlzop(VcStream *stream, GError **error)
{
    vc_stream_free(stream);
    vc_fail(error, VC_ERROR_UNSUPPORTED,
            "this vconv was built without liblzo2; unpack with lzop -d first");
    return NULL;
}

#endif
