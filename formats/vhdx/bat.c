/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walking the block allocation table. */
#include "formats/vhdx/bat.h"

#include "io/bytes.h"

void
vhdx_bat_walk(VhdxBatWalk *walk, VcFile *file, uint64_t position, uint64_t index,
              uint64_t end)
{
    /* The piece stays as it is: clearing it would cost more than most walks. */
    walk->file = file;
    walk->position = position;
    walk->index = index;
    walk->end = end;
    walk->read = 0;
    walk->at = walk->count = 0;
    walk->zero = false;
}

/* The entries from here on that lie in a hole of the file. */
static bool
entries_in_hole(VhdxBatWalk *walk, uint64_t *entries, GError **error)
{
    bool data;
    uint64_t length;
    if (!vc_file_run(walk->file, walk->position + walk->index * VHDX_BAT_ENTRY_SIZE,
                     &data, &length, error))
        return false;
    *entries = data ? 0 : MIN(length / VHDX_BAT_ENTRY_SIZE, walk->end - walk->index);
    return true;
}

static bool
read_piece(VhdxBatWalk *walk, GError **error)
{
    uint64_t left = walk->end - walk->index;
    walk->at = 0;
    walk->count = (uint32_t)MIN(left, walk->read == 0 ? VHDX_BAT_PIECE_FIRST
                                                      : VHDX_BAT_PIECE);
    walk->read += walk->count;
    if (!vc_file_read(walk->file, walk->position + walk->index * VHDX_BAT_ENTRY_SIZE,
                      walk->piece, (size_t)walk->count * VHDX_BAT_ENTRY_SIZE, error)) {
        g_prefix_error(error, "BAT: ");
        return false;
    }
    return true;
}

bool
vhdx_bat_next(VhdxBatWalk *walk, VhdxBatRun *run, GError **error)
{
    *run = (VhdxBatRun){ .first = walk->index };
    if (walk->index == walk->end)
        return true;
    if (walk->at == walk->count) {
        if (walk->zero && !entries_in_hole(walk, &run->count, error))
            return false;
        if (run->count > 0) {
            walk->index += run->count;
            return true;
        }
        if (!read_piece(walk, error))
            return false;
    }

    const uint8_t *first = walk->piece + (size_t)walk->at * VHDX_BAT_ENTRY_SIZE;
    uint32_t left = walk->count - walk->at;
    size_t n = 1;
    while (n < left &&
           memcmp(first, first + n * VHDX_BAT_ENTRY_SIZE, VHDX_BAT_ENTRY_SIZE) == 0)
        n++;
    run->entry = load_le64(first);
    run->count = n;
    walk->zero = run->entry == 0;
    walk->at += (uint32_t)n;
    walk->index += n;
    return true;
}
