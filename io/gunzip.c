/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading gzip files, RFC 1952. */
#include "io/decompress.h"

#include "io/bytes.h"
#include "io/error.h"
#include "io/inflate.h"
#include "io/input.h"

#include <errno.h>
#include <inttypes.h>
#include <zlib.h>

/* Section 2.3.1. */
#define FHCRC 0x02
#define FEXTRA 0x04
#define FNAME 0x08
#define FCOMMENT 0x10
#define RESERVED 0xe0

typedef struct {
    VcStream base;
    VcInput in;
    VcInflate *inflate;
    bool inside; /* a member's data */
    bool ended;
    uint64_t length; /* of what came out of this member */
} GzipStream;

/* A part of the header, which its checksum covers. */
static bool
read_header_bytes(GzipStream *g, uint8_t *bytes, size_t length, uint32_t *crc,
                  GError **error)
{
    if (!vc_input_read(&g->in, bytes, length, "a header", error))
        return false;
    *crc = (uint32_t)crc32_z(*crc, bytes, length);
    return true;
}

/* A name or comment, up to its NUL. */
static bool
skip_text(GzipStream *g, uint32_t *crc, GError **error)
{
    uint8_t byte;
    do
        if (!read_header_bytes(g, &byte, 1, crc, error))
            return false;
    while (byte != 0);
    return true;
}

static bool
skip_extra(GzipStream *g, uint32_t *crc, GError **error)
{
    uint8_t raw[256];
    if (!read_header_bytes(g, raw, 2, crc, error))
        return false;
    for (size_t left = load_le16(raw), piece; left > 0; left -= piece) {
        piece = MIN(left, sizeof raw);
        if (!read_header_bytes(g, raw, piece, crc, error))
            return false;
    }
    return true;
}

static bool
read_header(GzipStream *g, GError **error)
{
    uint64_t begin = g->in.position;
    uint32_t crc = 0;
    uint8_t raw[10], flags;

    if (!read_header_bytes(g, raw, sizeof raw, &crc, error))
        return false;
    flags = raw[3];
    if (raw[0] != 0x1f || raw[1] != 0x8b) {
        vc_corrupt(error, begin,
                   begin == 0 ? "no gzip header"
                              : "bytes behind the end of the gzip stream");
        return false;
    }
    if (raw[2] != Z_DEFLATED || (flags & RESERVED) != 0) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "gzip method %u with flags 0x%02x at 0x%" PRIx64 " is not known",
                raw[2], flags, begin);
        return false;
    }
    if (((flags & FEXTRA) && !skip_extra(g, &crc, error)) ||
        ((flags & FNAME) && !skip_text(g, &crc, error)) ||
        ((flags & FCOMMENT) && !skip_text(g, &crc, error)))
        return false;
    if (flags & FHCRC) {
        uint32_t computed = crc & 0xffff;
        if (!read_header_bytes(g, raw, 2, &crc, error))
            return false;
        if (load_le16(raw) != computed) {
            vc_corrupt(error, g->in.position - 2,
                       "gzip header checksum is 0x%04x, computed 0x%04x",
                       load_le16(raw), computed);
            return false;
        }
    }
    return true;
}

/* Goes to the data of the next member, or finds that there is none. */
static bool
begin_member(GzipStream *g, GError **error)
{
    if (!vc_input_want(&g->in, 1, error))
        return false;
    if (g->in.position > 0 && (g->in.left == 0 || g->in.at[0] == 0)) {
        g->ended = true;
        return vc_input_skip_padding(&g->in, error);
    }
    if (!read_header(g, error))
        return false;
    vc_inflate_reset(g->inflate);
    g->length = 0;
    g->inside = true;
    return true;
}

static bool
end_member(GzipStream *g, GError **error)
{
    uint8_t raw[8];
    uint32_t computed = vc_inflate_crc(g->inflate), length = (uint32_t)g->length;
    if (!vc_input_read(&g->in, raw, sizeof raw, "a trailer", error))
        return false;
    if (load_le32(raw) != computed) {
        vc_corrupt(error, g->in.position - 8,
                   "gzip checksum is 0x%08x, computed 0x%08x", load_le32(raw),
                   computed);
        return false;
    }
    if (load_le32(raw + 4) != length) {
        vc_corrupt(error, g->in.position - 4,
                   "gzip length is 0x%08x, but 0x%08x bytes came out",
                   load_le32(raw + 4), length);
        return false;
    }
    g->inside = false;
    return true;
}

/* Inflates into BUFFER; *PUT may be 0 at the end of the member. */
static bool
inflate_some(GzipStream *g, uint8_t *buffer, size_t room, size_t *put, GError **error)
{
    for (;;) {
        size_t before = g->in.left;
        VcInflateResult result = vc_inflate(g->inflate, &g->in.at, &g->in.left, buffer,
                                            room, put);
        if (g->in.left <= before)
            g->in.position += before - g->in.left;
        else
            g->in.position -= g->in.left - before;
        g->length += *put;
        if (result == VC_INFLATE_END)
            return end_member(g, error);
        if (result == VC_INFLATE_MORE && *put > 0)
            return true;
        if (result == VC_INFLATE_BAD || (g->in.left > 0 && g->in.left == before)) {
            vc_corrupt(error, g->in.position, "damaged gzip data");
            return false;
        }
        if (!vc_input_want(&g->in, 1, error))
            return false;
        if (g->in.left == 0) {
            vc_input_short(&g->in, "its data", error);
            return false;
        }
    }
}

static bool
gzip_pull(VcStream *stream, void *buffer, size_t length, size_t *got, GError **error)
{
    GzipStream *g = (GzipStream *)stream;
    *got = 0;
    while (*got < length && !g->ended) {
        size_t put = 0;
        if (g->inside) {
            if (!inflate_some(g, (uint8_t *)buffer + *got, length - *got, &put, error))
                return false;
        } else if (!begin_member(g, error)) {
            return false;
        }
        *got += put;
    }
    return true;
}

static void
gzip_free(VcStream *stream)
{
    GzipStream *g = (GzipStream *)stream;
    vc_input_clear(&g->in);
    vc_inflate_free(g->inflate);
    g_free(g);
}

VcStream *
vc_gunzip(VcStream *stream, GError **error)
{
    static const VcStreamOps ops = { .pull = gzip_pull, .free = gzip_free };
    GzipStream *g = g_new0(GzipStream, 1);
    g_autoptr(VcStream) base = &g->base;
    g->base.ops = &ops;
    if (!vc_input_init(&g->in, stream, "gzip", error))
        return NULL;
    g->inflate = vc_inflate_new();
    if (!g->inflate) {
        vc_fail_errno(error, ENOMEM, "gzip");
        return NULL;
    }
    return g_steal_pointer(&base);
}
