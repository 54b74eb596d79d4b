/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw images as a source: holes of the file are zeros, all else lies where it lies. */
#include "formats/raw/raw.h"

#include "formats/format.h"
#include "io/allocate.h"
#include "io/error.h"

#include <string.h>

/* What is read ahead from a stream whose end is not known. */
#define PIECE ((size_t)1 << 20)

/* The piece of a stream that was read ahead, at the positions it has in the stream. */
typedef struct {
    VcFile base;
    uint64_t position;
    size_t length;
    uint8_t *data; /* PIECE bytes */
} Piece;

/* The last bytes of a stream that came by so far. */
typedef struct {
    uint64_t end; /* where they end */
    size_t length;
    uint8_t data[VC_TRAILER_SIZE]; /* LENGTH of them, at its end */
} Tail;

/* A stream of known size, which looks at what passes. */
typedef struct {
    VcFile base;
    VcFile *below; /* borrowed */
    Tail *tail;    /* borrowed */
} Passing;

typedef struct {
    VcSource base;
    uint64_t done;    /* stream: bytes given out by `next` */
    Piece *piece;     /* stream of unknown size only */
    Passing *passing; /* stream of known size only */
    Tail tail;
} RawSource;

static void
keep_tail(Tail *tail, uint64_t position, const uint8_t *data, size_t length)
{
    size_t size = sizeof tail->data, added = MIN(length, size), kept = size - added;
    if (position != tail->end)
        tail->length = 0;
    memmove(tail->data, tail->data + added, kept);
    memcpy(tail->data + kept, data + length - added, added);
    tail->length = MIN(tail->length + added, size);
    tail->end = position + length;
}

static bool
passing_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
             GError **error)
{
    const Passing *passing = (const Passing *)file;
    if (!vc_file_read_some(passing->below, position, buffer, length, got, error))
        return false;
    keep_tail(passing->tail, position, buffer, *got);
    return true;
}

static void
passing_free(VcFile *file)
{
    vc_file_clear(file);
    g_free(file);
}

static const VcFileOps passing_ops = { .read = passing_read, .free = passing_free };

static Passing *
passing_new(VcFile *below, Tail *tail)
{
    Passing *passing = g_new0(Passing, 1);
    vc_file_init(&passing->base, &passing_ops, below->name, false);
    passing->below = below;
    passing->tail = tail;
    return passing;
}

static bool
piece_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
           GError **error)
{
    const Piece *piece = (const Piece *)file;
    if (position < piece->position || position > piece->position + piece->length) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "the stream has gone past 0x%" G_GINT64_MODIFIER "x", position);
        return false;
    }
    size_t skip = position - piece->position;
    *got = MIN(length, piece->length - skip);
    memcpy(buffer, piece->data + skip, *got);
    return true;
}

static void
piece_free(VcFile *file)
{
    Piece *piece = (Piece *)file;
    g_free(piece->data);
    vc_file_clear(file);
    g_free(piece);
}

static const VcFileOps piece_ops = { .read = piece_read, .free = piece_free };

static Piece *
piece_new(const char *name, GError **error)
{
    uint8_t *data = vc_allocate(1, PIECE, error);
    if (!data)
        return NULL;
    Piece *piece = g_new0(Piece, 1);
    vc_file_init(&piece->base, &piece_ops, name, false);
    piece->data = data;
    return piece;
}

static bool
map(const VcSource *source, unsigned disk G_GNUC_UNUSED, uint64_t offset,
    VcExtent *extent, GError **error)
{
    bool data;
    if (!vc_file_run(source->file, offset, &data, &extent->length, error))
        return false;
    if (extent->length == 0) {
        vc_fail(error, VC_ERROR_SHORT,
                "the file ends at 0x%" G_GINT64_MODIFIER
                "x now: it was cut while it was read",
                offset);
        return false;
    }
    extent->kind = data ? VC_DATA : VC_ZERO;
    extent->file = data ? source->file : NULL;
    extent->position = data ? offset : 0;
    return true;
}

/* A disk with something behind it would become one that is too long. Whose last bytes
 * were not wanted is not one. */
static bool
check_end(const RawSource *s, GError **error)
{
    const Tail *tail = &s->tail;
    if (!s->base.guessed || tail->end != s->done || tail->length < sizeof tail->data)
        return true;
    uint64_t at = tail->end - sizeof tail->data;
    const VcFormat *format = vc_format_probe_end(tail->data, at);
    if (!format)
        return true;
    vc_fail(
        error, VC_ERROR_UNSUPPORTED,
        "the stream turns out to be a %s image at its end, at 0x%" G_GINT64_MODIFIER
        "x; --spool DIR copies it to a temporary file first, -f raw takes all of it "
        "as the disk",
        format->name, at);
    return false;
}

/* All bytes in one run; behind them the stream must end. */
static bool
next_of_known_size(RawSource *s, VcExtent *extent, GError **error)
{
    uint64_t size = s->base.layout.disks[0].size;
    if (s->done < size) {
        *extent =
            (VcExtent){ .kind = VC_DATA, .length = size, .file = &s->passing->base };
        s->done = size;
        return true;
    }
    uint8_t surplus;
    size_t got;
    if (!s->base.skip[0] &&
        !vc_file_read_some(s->base.file, size, &surplus, 1, &got, error))
        return false;
    if (!s->base.skip[0] && got > 0) {
        vc_fail(error, VC_ERROR_USAGE,
                "the stream goes on beyond the size given, %" G_GUINT64_FORMAT " bytes",
                size);
        return false;
    }
    return check_end(s, error);
}

static bool
next_piece(RawSource *s, VcExtent *extent, GError **error)
{
    Piece *piece = s->piece;
    piece->position = s->done;
    piece->length = 0;
    if (!vc_file_read_some(s->base.file, s->done, piece->data, PIECE, &piece->length,
                           error))
        return false;
    if (piece->length == 0)
        return check_end(s, error);
    keep_tail(&s->tail, s->done, piece->data, piece->length);
    *extent = (VcExtent){ .kind = VC_DATA,
                          .offset = s->done,
                          .length = piece->length,
                          .file = &piece->base,
                          .position = s->done };
    s->done += piece->length;
    return true;
}

static bool
next(VcSource *source, VcExtent *extent, GError **error)
{
    RawSource *s = (RawSource *)source;
    return s->piece ? next_piece(s, extent, error)
                    : next_of_known_size(s, extent, error);
}

static void
raw_source_free(VcSource *source)
{
    RawSource *s = (RawSource *)source;
    if (s->piece)
        vc_file_free(&s->piece->base);
    if (s->passing)
        vc_file_free(&s->passing->base);
    vc_source_clear(source);
    g_free(s);
}

static const VcSourceOps file_ops = { .map = map, .free = raw_source_free };
static const VcSourceOps stream_ops = { .next = next, .free = raw_source_free };

VcSource *
raw_open(VcFile *file, const VcOptions *options, GError **error)
{
    RawSource *s = g_new0(RawSource, 1);
    g_autoptr(VcSource) source = &s->base;
    vc_source_init(source, file->seekable ? &file_ops : &stream_ops, file);
    source->ascending = true;

    uint64_t given = vc_options_size(options, "size", VC_SIZE_UNKNOWN), size = given;
    if (file->seekable && !vc_file_size(file, &size, error))
        return NULL;
    if (given != VC_SIZE_UNKNOWN && given != size) {
        vc_fail(error, VC_ERROR_USAGE,
                "the image has %" G_GUINT64_FORMAT " bytes, not the %" G_GUINT64_FORMAT
                " that option size says",
                size, given);
        return NULL;
    }
    if (size == VC_SIZE_UNKNOWN)
        s->piece = piece_new(file->name, error);
    if (size == VC_SIZE_UNKNOWN && !s->piece)
        return NULL;
    if (!file->seekable && size != VC_SIZE_UNKNOWN)
        s->passing = passing_new(file, &s->tail);
    vc_layout_add_disk(&source->layout, "", size);
    return g_steal_pointer(&source);
}
