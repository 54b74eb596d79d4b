/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which MiB of a file are taken: one bit each. */
#include "formats/vhdx/space.h"

#include "io/allocate.h"

#define BITS 64u

struct VhdxSpace {
    uint64_t *words;
    uint64_t mib; /* of the file, rounded up */
    uint64_t end; /* of the last one taken */
};

static uint64_t
mib_up(uint64_t bytes)
{
    return bytes / VHDX_MIB + (bytes % VHDX_MIB != 0);
}

VhdxSpace *
vhdx_space_new(uint64_t size, GError **error)
{
    VhdxSpace *space = g_new0(VhdxSpace, 1);
    space->mib = mib_up(MIN(size, VHDX_FILE_SIZE_MAX));
    /* Fresh zero pages: what is never touched takes no memory. */
    space->words = vc_allocate(space->mib / BITS + 1, sizeof *space->words, error);
    if (space->words)
        return space;
    g_free(space);
    return NULL;
}

bool
vhdx_space_take(VhdxSpace *space, uint64_t position, uint64_t length)
{
    uint64_t first = position / VHDX_MIB;
    if (first >= space->mib)
        return true;
    uint64_t count = MIN(mib_up(length), space->mib - first);
    bool was_free = true;

    for (uint64_t at = first, left = count; left > 0;) {
        uint64_t bit = at % BITS, piece = MIN(left, BITS - bit);
        uint64_t mask = (piece == BITS ? ~(uint64_t)0 : ((uint64_t)1 << piece) - 1)
                        << bit;
        uint64_t *word = &space->words[at / BITS];
        was_free = was_free && (*word & mask) == 0;
        *word |= mask;
        at += piece;
        left -= piece;
    }
    if (count > 0)
        space->end = MAX(space->end, first + count);
    return was_free;
}

/* The first MiB from AT on that is taken, or is not. */
static uint64_t
find(const VhdxSpace *space, uint64_t at, bool taken)
{
    while (at < space->end) {
        uint64_t word = space->words[at / BITS];
        uint64_t wanted = (taken ? word : ~word) >> at % BITS;
        if (wanted != 0)
            return at + (uint64_t)__builtin_ctzll(wanted);
        at += BITS - at % BITS;
    }
    return space->end;
}

bool
vhdx_space_gap(const VhdxSpace *space, uint64_t position, uint64_t *begin,
               uint64_t *end)
{
    uint64_t first = find(space, position / VHDX_MIB, false);
    if (first >= space->end)
        return false;
    *begin = first * VHDX_MIB;
    *end = find(space, first, true) * VHDX_MIB;
    return true;
}

uint64_t
vhdx_space_end(const VhdxSpace *space)
{
    return space->end * VHDX_MIB;
}

void
vhdx_space_free(VhdxSpace *space)
{
    if (!space)
        return;
    g_free(space->words);
    g_free(space);
}
