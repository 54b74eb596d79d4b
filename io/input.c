/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The compressed side of decompressors. */
#include "io/input.h"

#include "io/allocate.h"
#include "io/error.h"
#include "io/interrupt.h"

#include <inttypes.h>
#include <string.h>

#define BUFFER_SIZE ((size_t)512 << 10)

/* Behind the buffer, for decompressors in assembly that load whole vectors. */
#define TAIL ((size_t)64)

bool
vc_input_init(VcInput *in, VcStream *stream, const char *name, GError **error)
{
    *in = (VcInput){ .name = name, .stream = stream };
    in->memory = vc_allocate(1, VC_INPUT_LEAD + BUFFER_SIZE + TAIL, error);
    if (!in->memory)
        return false;
    in->at = in->memory + VC_INPUT_LEAD;
    return true;
}

void
vc_input_init_memory(VcInput *in, const uint8_t *at, size_t length, const char *name,
                     uint64_t position)
{
    *in = (VcInput){
        .name = name,
        .at = at,
        .left = length,
        .position = position,
        .ended = true,
    };
}

void
vc_input_clear(VcInput *in)
{
    g_clear_error(&in->error);
    g_clear_pointer(&in->stream, vc_stream_free);
    g_clear_pointer(&in->memory, g_free);
}

bool
vc_input_want(VcInput *in, size_t length, GError **error)
{
    if (in->left >= length || in->ended)
        return true;

    if (in->error) {
        g_propagate_error(error, g_error_copy(in->error));
        return false;
    }
    /* What is passed over may have no end: skipped and empty frames, padding. */
    if (!vc_interrupt_check(error))
        return false;

    /* What is left moves to the front, and what was just before it with it. */
    uint8_t *buffer = in->memory + VC_INPUT_LEAD;
    memmove(in->memory, in->at - VC_INPUT_LEAD, VC_INPUT_LEAD + in->left);
    in->at = buffer;

    size_t got, room = BUFFER_SIZE - in->left;
    if (!vc_stream_pull(in->stream, buffer + in->left, room, &got, &in->error)) {
        g_propagate_error(error, g_error_copy(in->error));
        return false;
    }
    in->left += got;
    in->ended = got < room;
    return true;
}

void
vc_input_advance(VcInput *in, size_t length)
{
    in->at += length;
    in->left -= length;
    in->position += length;
}

void
vc_input_short(const VcInput *in, const char *what, GError **error)
{
    vc_fail(error, VC_ERROR_SHORT, "%s stream ends inside %s at 0x%" PRIx64, in->name,
            what, in->position + in->left);
}

/* Copies to TO, or passes over, where it is NULL. */
static bool
take(VcInput *in, uint8_t *to, uint64_t length, const char *what, GError **error)
{
    while (length > 0) {
        if (!vc_input_want(in, 1, error))
            return false;
        if (in->left == 0) {
            vc_input_short(in, what, error);
            return false;
        }
        size_t piece = MIN(length, in->left);
        if (to) {
            memcpy(to, in->at, piece);
            to += piece;
        }
        vc_input_advance(in, piece);
        length -= piece;
    }
    return true;
}

bool
vc_input_read(VcInput *in, void *buffer, size_t length, const char *what,
              GError **error)
{
    return take(in, buffer, length, what, error);
}

bool
vc_input_skip(VcInput *in, uint64_t length, const char *what, GError **error)
{
    in->skipped += length;
    return take(in, NULL, length, what, error);
}

bool
vc_input_skip_padding(VcInput *in, GError **error)
{
    for (;;) {
        if (!vc_input_want(in, 1, error))
            return false;
        size_t zeros = 0;
        while (zeros < in->left && in->at[zeros] == 0)
            zeros++;
        vc_input_advance(in, zeros);
        if (in->left > 0) {
            vc_corrupt(error, in->position, "bytes behind the end of the %s stream",
                       in->name);
            return false;
        }
        if (zeros == 0)
            return true;
    }
}
