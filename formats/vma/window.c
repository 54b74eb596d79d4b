/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file or stream seen through a window that moves forward only. */
#include "formats/vma/window.h"

#include "io/checksum.h"
#include "io/error.h"
#include "io/interrupt.h"

#include <string.h>

bool
vma_window_init(VmaWindow *window, VcFile *file, uint64_t position, GError **error)
{
    window->file = file;
    window->size = UINT64_MAX;
    window->zeros = 0;
    window->was_read = position;
    window->position = position;
    window->length = 0;
    return !file->seekable || vc_file_size(file, &window->size, error);
}

bool
vma_window_look(VmaWindow *window, uint64_t position, size_t length, bool ahead,
                const uint8_t **data, size_t *got, GError **error)
{
    size_t kept = 0;
    if (position >= window->position && position - window->position < window->length) {
        size_t inside = (size_t)(position - window->position);
        kept = window->length - inside;
        if (kept < length)
            memmove(window->data, window->data + inside, kept);
    }
    if (kept < length) {
        size_t more;
        window->position = position;
        window->length = kept;
        /* Behind damage or zeros the next extent may be far. */
        if (!vc_interrupt_check(error) ||
            !vc_file_read_some(window->file, position + kept, window->data + kept,
                               (ahead ? VMA_WINDOW : length) - kept, &more, error))
            return false;
        window->length += more;
        vma_window_was_read(window, position + window->length);
    }
    size_t inside = (size_t)(position - window->position);
    *data = window->data + inside;
    *got = MIN(length, window->length - inside);
    return true;
}

/* Moves *POSITION over what is known to be a hole. */
static bool
pass_hole(VmaWindow *window, uint64_t *position, GError **error)
{
    bool data = !window->file->seekable;
    while (!data && *position < window->size) {
        uint64_t length;
        if (!vc_file_run(window->file, *position, &data, &length, error))
            return false;
        if (length == 0) /* the file became shorter */
            break;
        if (!data)
            *position += length;
    }
    return true;
}

/* A file costs what it holds, but a stream may become any length. */
static bool
count_zeros(VmaWindow *window, size_t zeros, uint64_t position, GError **error)
{
    if (window->file->seekable)
        return true;
    window->zeros += zeros;
    if (window->zeros <= VMA_ZEROS_MAX)
        return true;
    vc_fail(error, VC_ERROR_LIMIT,
            "in a pipe or a compressed stream %" G_GUINT64_FORMAT
            " bytes of zeros behind an extent are the limit, reached at "
            "0x%" G_GINT64_MODIFIER "x; store it in a file first",
            VMA_ZEROS_MAX, position);
    return false;
}

bool
vma_window_pass_zeros(VmaWindow *window, uint64_t *position, bool *end, GError **error)
{
    size_t got = VMA_WINDOW, zeros = VMA_WINDOW;
    while (zeros == VMA_WINDOW) {
        const uint8_t *data;
        if (!pass_hole(window, position, error) ||
            !vma_window_look(window, *position, VMA_WINDOW, false, &data, &got, error))
            return false;
        zeros = vc_is_zero(data, got) ? got : 0;
        while (zeros < got && data[zeros] == 0)
            zeros++;
        *position += zeros;
        if (!count_zeros(window, zeros, *position, error))
            return false;
    }
    *end = zeros == got;
    return true;
}

bool
vma_window_reaches(VmaWindow *window, uint64_t position, bool *reaches, GError **error)
{
    if (window->file->seekable) {
        *reaches = position <= window->size;
        return true;
    }
    uint8_t last;
    size_t got = 1;
    if (position > window->was_read &&
        !vc_file_read_some(window->file, position - 1, &last, 1, &got, error))
        return false;
    *reaches = got == 1;
    return true;
}
