/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A piece of a zstd stream in memory: walks from block to block, RFC 8878. */
#include "io/zstd-piece.h"

#include "io/allocate.h"

#include <string.h>

/* Section 3.1.1.2.3; and a block is not larger than the window. */
#define BLOCK_MAX ((uint64_t)128 << 10)
#define BLOCK_HEADER ((size_t)3)
#define CHECKSUM ((size_t)4)

#define ROOM_MIN ((size_t)64 << 10)

/* Section 3.1.1.2.2. */
enum { BLOCK_RAW, BLOCK_RLE, BLOCK_COMPRESSED, BLOCK_RESERVED };

void
vc_zstd_piece_clear(VcZstdPiece *piece)
{
    g_free(piece->bytes);
    *piece = (VcZstdPiece){ 0 };
}

void
vc_zstd_piece_reset(VcZstdPiece *piece)
{
    *piece = (VcZstdPiece){ .bytes = piece->bytes, .room = piece->room };
}

uint64_t
vc_zstd_piece_cost(const VcZstdPiece *piece)
{
    return piece->length + piece->unpacked + piece->window;
}

static bool
make_room(VcZstdPiece *piece, size_t length)
{
    if (length <= piece->room - piece->length)
        return true;
    size_t room = MAX(2 * piece->room, piece->length + MAX(length, ROOM_MIN));
    uint8_t *bytes = vc_allocate_more(piece->bytes, room, NULL);
    if (!bytes)
        return false;
    piece->bytes = bytes;
    piece->room = room;
    return true;
}

static bool
append(VcZstdPiece *piece, VcInput *in, size_t length)
{
    if (!make_room(piece, length))
        return false;
    while (length > 0) {
        if (!vc_input_want(in, 1, NULL) || in->left == 0)
            return false;
        size_t n = MIN(length, in->left);
        memcpy(piece->bytes + piece->length, in->at, n);
        piece->length += n;
        length -= n;
        vc_input_advance(in, n);
    }
    return true;
}

bool
vc_zstd_piece_begin(VcZstdPiece *piece, VcInput *in, const VcZstdHeader *header)
{
    uint64_t position = in->position;
    if (!append(piece, in, header->size))
        return false;
    if (piece->length == header->size)
        piece->position = position;
    piece->window = MAX(piece->window, header->window);
    piece->block_max = (size_t)MIN(header->window, BLOCK_MAX);
    piece->checksum = header->checksum;
    return true;
}

VcZstdWalk
vc_zstd_piece_walk(VcZstdPiece *piece, VcInput *in, uint64_t room, uint64_t max)
{
    bool last = false;
    while (!last) {
        if (!vc_input_want(in, BLOCK_HEADER, NULL) || in->left < BLOCK_HEADER)
            return VC_ZSTD_CUT;
        uint32_t raw = in->at[0] | (uint32_t)in->at[1] << 8 | (uint32_t)in->at[2] << 16;
        size_t size = raw >> 3;
        unsigned type = raw >> 1 & 3;
        last = raw & 1;
        if (type == BLOCK_RESERVED || size > piece->block_max)
            return VC_ZSTD_CUT;

        size_t length = BLOCK_HEADER + (type == BLOCK_RLE ? 1 : size) +
                        (last && piece->checksum ? CHECKSUM : 0);
        size_t unpacked = type == BLOCK_COMPRESSED ? piece->block_max : size;
        uint64_t cost = vc_zstd_piece_cost(piece) + length + unpacked;
        if (cost > max)
            return VC_ZSTD_CUT;
        if (cost > room)
            return VC_ZSTD_NO_ROOM;
        if (!append(piece, in, length))
            return VC_ZSTD_CUT;
        piece->unpacked += unpacked;
    }
    return VC_ZSTD_WHOLE;
}

void
vc_zstd_piece_input(const VcZstdPiece *piece, VcInput *in)
{
    vc_input_init_memory(in, piece->bytes, piece->length, "zstd", piece->position);
}
