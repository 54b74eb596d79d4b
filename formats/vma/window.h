/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file or stream seen through a window that moves forward only. */
#ifndef VC_FORMATS_VMA_WINDOW_H
#define VC_FORMATS_VMA_WINDOW_H

#include "io/file.h"

#define VMA_WINDOW ((size_t)64 << 10)

/* Zeros of a stream that are passed, bytes in all. No archive has any between its
 * extents, and what a device or a tape adds behind it is less; but 32 KiB of zstd
 * become that many. */
#define VMA_ZEROS_MAX ((uint64_t)1 << 30)

typedef struct {
    VcFile *file;      /* borrowed */
    uint64_t size;     /* of the file; UINT64_MAX: a stream */
    uint64_t zeros;    /* of a stream, passed so far */
    uint64_t was_read; /* bytes of a stream below exist: somebody read them */
    uint64_t position;
    size_t length;
    uint8_t data[VMA_WINDOW];
} VmaWindow;

/* Sets up a window over FILE of which the bytes below POSITION were read. */
bool vma_window_init(VmaWindow *window, VcFile *file, uint64_t position,
                     GError **error);

/* Gives up to LENGTH (VMA_WINDOW at most) bytes at POSITION, *GOT of them, fewer only
 * at the end of the file; valid until the next call. AHEAD: more will be wanted behind
 * them. A stream is never asked for a byte twice. */
bool vma_window_look(VmaWindow *window, uint64_t position, size_t length, bool ahead,
                     const uint8_t **data, size_t *got, GError **error);

/* Moves *POSITION to the next byte that is not zero, or to the end of the file. *END
 * tells which it was. Holes cost nothing; more than VMA_ZEROS_MAX of a stream are
 * VC_ERROR_LIMIT, since what comes behind them would be told by reading only. */
bool vma_window_pass_zeros(VmaWindow *window, uint64_t *position, bool *end,
                           GError **error);

/* Tells that somebody else read a stream up to POSITION. */
static inline void
vma_window_was_read(VmaWindow *window, uint64_t position)
{
    window->was_read = MAX(window->was_read, position);
}

/* Whether the file goes up to POSITION. On a stream this reads a byte, unless it is
 * known that somebody did. */
bool vma_window_reaches(VmaWindow *window, uint64_t position, bool *reaches,
                        GError **error);

#endif
