/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams over a descriptor and over a file. */
#include "io/stream.h"

#include "io/error.h"
#include "io/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* What a pipe holds: fewer switches between its two processes. A request; the system
 * has its own limits. */
#define PIPE_SIZE (1 << 20)

bool
vc_stream_pull(VcStream *stream, void *buffer, size_t length, size_t *got,
               GError **error)
{
    return stream->ops->pull(stream, buffer, length, got, error);
}

void
vc_stream_free(VcStream *stream)
{
    if (stream)
        stream->ops->free(stream);
}

typedef struct {
    VcStream base;
    int fd;
    bool own;
    uint64_t position;
} FdStream;

static bool
fd_pull(VcStream *stream, void *buffer, size_t length, size_t *got, GError **error)
{
    FdStream *s = (FdStream *)stream;
    uint8_t *to = buffer;

    for (*got = 0; *got < length;) {
        if (!vc_interrupt_poll(s->fd, POLLIN, error))
            return false;
        ssize_t n = read(s->fd, to + *got, length - *got);
        if (n == 0)
            break;
        if (n > 0) {
            *got += (size_t)n;
            s->position += (size_t)n;
        } else if (errno != EINTR && errno != EAGAIN) {
            vc_fail_errno(error, errno,
                          "read of %zu bytes at 0x%" G_GINT64_MODIFIER "x",
                          length - *got, s->position);
            return false;
        }
    }
    return true;
}

static void
fd_free(VcStream *stream)
{
    FdStream *s = (FdStream *)stream;
    if (s->own)
        close(s->fd);
    g_free(s);
}

VcStream *
vc_stream_from_fd(int fd, bool own)
{
    static const VcStreamOps ops = { .pull = fd_pull, .free = fd_free };
    FdStream *s = g_new0(FdStream, 1);
    s->base.ops = &ops;
    s->fd = fd;
    s->own = own;
    fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
    return &s->base;
}

typedef struct {
    VcStream base;
    VcFile *file; /* owned */
    uint64_t position;
} FileStream;

static bool
file_pull(VcStream *stream, void *buffer, size_t length, size_t *got, GError **error)
{
    FileStream *s = (FileStream *)stream;
    if (!vc_file_read_some(s->file, s->position, buffer, length, got, error))
        return false;
    s->position += *got;
    return true;
}

static void
file_free(VcStream *stream)
{
    FileStream *s = (FileStream *)stream;
    vc_file_free(s->file);
    g_free(s);
}

VcStream *
vc_stream_from_file(VcFile *file)
{
    static const VcStreamOps ops = { .pull = file_pull, .free = file_free };
    FileStream *s = g_new0(FileStream, 1);
    s->base.ops = &ops;
    s->file = file;
    return &s->base;
}
