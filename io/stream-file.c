/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream seen as a file that is read at rising positions. */
#include "io/stream.h"

#include "io/allocate.h"
#include "io/error.h"

#include <string.h>

typedef struct {
    VcFile base;
    VcStream *stream; /* owned */
    uint8_t *head;    /* the first bytes, as long as they may be read again; or NULL */
    bool begun;       /* something was read */
    size_t head_length; /* how many of them came out of the stream so far */
    uint64_t position;  /* of the stream: what was pulled */
} StreamFile;

/* Pulls what is missing of the first UPTO bytes into the head. */
static bool
fill_head(StreamFile *s, size_t upto, GError **error)
{
    size_t got;
    if (upto <= s->head_length)
        return true;
    if (!vc_stream_pull(s->stream, s->head + s->head_length, upto - s->head_length,
                        &got, error))
        return false;
    s->head_length += got;
    s->position += got;
    return true;
}

/* Pulls and forgets what lies before POSITION, or before the stream's end. */
static bool
skip_to(StreamFile *s, uint64_t position, GError **error)
{
    size_t got = 1;
    g_autofree uint8_t *scratch = NULL;
    if (s->position < position) {
        scratch = vc_allocate_more(NULL, VC_STREAM_LOOKBACK, error);
        if (!scratch)
            return false;
    }
    while (s->position < position && got > 0) {
        size_t piece = MIN(position - s->position, VC_STREAM_LOOKBACK);
        if (!vc_stream_pull(s->stream, scratch, piece, &got, error))
            return false;
        s->position += got;
    }
    return true;
}

/* Reads what lies in the head; *GOT is how much that was. */
static bool
read_head(StreamFile *s, uint64_t position, void *buffer, size_t length, size_t *got,
          GError **error)
{
    uint64_t end; /* of the part that is wanted */
    if (!g_uint64_checked_add(&end, position, length))
        end = UINT64_MAX;
    if (!fill_head(s, MIN(end, VC_STREAM_LOOKBACK), error))
        return false;
    if (position < s->head_length) {
        *got = MIN(length, s->head_length - position);
        memcpy(buffer, s->head + position, *got);
    }
    if (end > VC_STREAM_LOOKBACK)
        g_clear_pointer(&s->head, g_free);
    return true;
}

static bool
stream_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
            GError **error)
{
    StreamFile *s = (StreamFile *)file;

    *got = 0;
    if (!s->begun) {
        s->head = vc_allocate_more(NULL, VC_STREAM_LOOKBACK, error);
        s->begun = s->head != NULL;
        if (!s->begun)
            return false;
    }
    if (s->head && !read_head(s, position, buffer, length, got, error))
        return false;
    /* Within the head, or the stream ended in it. */
    if (s->head || *got == length)
        return true;

    position += *got;
    if (position < s->position) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "a stream at 0x%" G_GINT64_MODIFIER
                "x cannot go back to 0x%" G_GINT64_MODIFIER "x",
                s->position, position);
        return false;
    }
    if (!skip_to(s, position, error))
        return false;
    if (s->position < position)
        return true; /* it ended before */

    size_t more;
    if (!vc_stream_pull(s->stream, (uint8_t *)buffer + *got, length - *got, &more,
                        error))
        return false;
    *got += more;
    s->position += more;
    return true;
}

static void
stream_free(VcFile *file)
{
    StreamFile *s = (StreamFile *)file;
    vc_stream_free(s->stream);
    g_free(s->head);
    vc_file_clear(file);
    g_free(s);
}

VcFile *
vc_stream_file(VcStream *stream, const char *name)
{
    static const VcFileOps ops = { .read = stream_read, .free = stream_free };
    StreamFile *s = g_new0(StreamFile, 1);
    vc_file_init(&s->base, &ops, name, false);
    s->stream = stream;
    return &s->base;
}
