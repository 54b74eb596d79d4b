/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream of bytes without positions: what comes out of a pipe or a decompressor.
 *
 * Streams stack: descriptor, decompressor, read-ahead. vc_stream_file() puts positions
 * on top of the last one. Whoever holds the top owns the stack. */
#ifndef VC_IO_STREAM_H
#define VC_IO_STREAM_H

#include "io/file.h"

typedef struct VcStream VcStream;

typedef struct {
    /* Fills BUFFER; *GOT < LENGTH only at the end of the stream. */
    bool (*pull)(VcStream *stream, void *buffer, size_t length, size_t *got,
                 GError **error);
    void (*free)(VcStream *stream);
} VcStreamOps;

struct VcStream {
    const VcStreamOps *ops;
};

bool vc_stream_pull(VcStream *stream, void *buffer, size_t length, size_t *got,
                    GError **error);
void vc_stream_free(VcStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VcStream, vc_stream_free)

/* Gives a stream over descriptor FD from its present offset. Closes FD when freed if
 * OWN. */
VcStream *vc_stream_from_fd(int fd, bool own);

/* Gives a stream over FILE (taken) from its beginning. */
VcStream *vc_stream_from_file(VcFile *file);

/* Gives a stream VcFile (not seekable) over STREAM (taken). */
VcFile *vc_stream_file(VcStream *stream, const char *name);

#endif
