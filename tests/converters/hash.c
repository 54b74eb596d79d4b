/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 of a disk: its bytes as an ascending stream, read ahead of the checksum. */
#include "tests/converters/hash.h"

#include "converters/ahead.h"
#include "converters/extent.h"
#include "converters/pace.h"
#include "io/allocate.h"
#include "io/error.h"
#include "io/interrupt.h"

#include <stdlib.h>

typedef struct {
    VcStream base;
    VcSource *source; /* borrowed */
    unsigned disk;
    uint64_t at;
    VcExtent extent; /* what lies at `at`; used up when it ends there */
    bool ended;
} DiskStream;

/* Finds the extent at s->at, or sets s->ended. */
static bool
next_by_map(DiskStream *s, GError **error)
{
    s->ended = s->at == s->source->layout.disks[s->disk].size;
    return s->ended || vc_source_map(s->source, s->disk, s->at, &s->extent, error);
}

static bool
next_in_stored_order(DiskStream *s, GError **error)
{
    uint64_t size = s->source->layout.disks[s->disk].size;
    do {
        if (!vc_source_next(s->source, &s->extent, error))
            return false;
    } while (s->extent.kind != VC_END && s->extent.disk != s->disk);

    s->ended = s->extent.kind == VC_END;
    if (s->ended && size != VC_SIZE_UNKNOWN && s->at != size) {
        vc_fail(error, VC_ERROR_SHORT,
                "%s: the disk ends at %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                " bytes",
                s->source->file->name, s->at, size);
        return false;
    }
    if (!s->ended && s->extent.offset != s->at) {
        vc_fail(
            error, VC_ERROR_UNSUPPORTED,
            "%s: the disk is not stored in ascending order and this source cannot be "
            "read at random; --spool DIR copies it to a temporary file first",
            s->source->file->name);
        return false;
    }
    return true;
}

static uint64_t
left_in_extent(const DiskStream *s)
{
    return s->extent.offset + s->extent.length - s->at;
}

static bool
disk_pull(VcStream *stream, void *buffer, size_t length, size_t *got, GError **error)
{
    DiskStream *s = (DiskStream *)stream;
    uint8_t *at = buffer;

    *got = 0;
    while (*got < length && !s->ended) {
        if (!vc_interrupt_check(error))
            return false;
        if (left_in_extent(s) == 0) {
            if (!(vc_source_has_map(s->source) ? next_by_map(s, error)
                                               : next_in_stored_order(s, error)))
                return false;
            continue;
        }
        size_t piece = MIN(length - *got, left_in_extent(s));
        if (!vc_extent_read(&s->extent, s->at, at + *got, piece, error))
            return false;
        *got += piece;
        s->at += piece;
    }
    return true;
}

static void
disk_free(VcStream *stream)
{
    g_free(stream);
}

static const VcStreamOps disk_ops = { .pull = disk_pull, .free = disk_free };

static VcStream *
disk_stream(VcSource *source, unsigned disk)
{
    DiskStream *s = g_new0(DiskStream, 1);
    s->base.ops = &disk_ops;
    s->source = source;
    s->disk = disk;
    return &s->base;
}

static bool
feed(GChecksum *checksum, VcStream *stream, VcPace *pace, GError **error)
{
    void *buffer = vc_allocate_aligned(VC_AHEAD_BUFFER, error);
    if (!buffer)
        return false;
    size_t got = 0;
    bool ok;
    while ((ok = vc_stream_pull(stream, buffer, VC_AHEAD_BUFFER, &got, error)) &&
           got > 0) {
        g_checksum_update(checksum, buffer, (gssize)got);
        ok = vc_pace_advance(pace, got, 0, error);
        if (!ok)
            break;
    }
    free(buffer);
    return ok;
}

char *
vc_hash_disk(VcSource *source, unsigned disk, const VcConvertOptions *options,
             GError **error)
{
    if (vc_source_has_map(source)) {
        if (!vc_source_index(source, error))
            return NULL;
    } else {
        for (unsigned i = 0; i < source->layout.n_disks; i++)
            source->skip[i] = i != disk;
    }

    g_autoptr(VcStream) stream = disk_stream(source, disk);
    if (options && options->workers > 0) {
        stream = vc_ahead(g_steal_pointer(&stream), error);
        if (!stream)
            return NULL;
    }
    VcConvertOptions only = { 0 };
    if (options) {
        only.progress = options->progress;
        only.user = options->user;
    }
    VcPace pace;
    vc_pace_start(&pace, &only, source->layout.disks[disk].size);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    if (!feed(checksum, stream, &pace, error))
        return NULL;
    pace.total = pace.done;
    vc_pace_end(&pace);
    return g_strdup(g_checksum_get_string(checksum));
}
