/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to reading zstd: a piece of the stream in memory, made of whole frames. */
#ifndef VC_IO_ZSTD_PIECE_H
#define VC_IO_ZSTD_PIECE_H

#include "io/zstd-frame.h"

typedef struct {
    uint8_t *bytes; /* owned */
    size_t length, room;
    uint64_t position; /* in the compressed stream */
    uint64_t unpacked; /* what its blocks can unpack to at most */
    uint64_t window;   /* the largest of its frames */
    size_t block_max;  /* of the frame that is walked */
    bool checksum;     /* the same */
} VcZstdPiece;

void vc_zstd_piece_clear(VcZstdPiece *piece);

/* Empties it, and keeps its memory for the next. */
void vc_zstd_piece_reset(VcZstdPiece *piece);

/* Bytes of memory that it takes to unpack it, itself included. */
uint64_t vc_zstd_piece_cost(const VcZstdPiece *piece);

/* Takes the frame with HEADER in, as far as its header; it lies at once behind what the
 * piece has. False without memory, and then INPUT did not move. */
bool vc_zstd_piece_begin(VcZstdPiece *piece, VcInput *input,
                         const VcZstdHeader *header);

typedef enum {
    VC_ZSTD_WHOLE,   /* the frame is in the piece */
    VC_ZSTD_NO_ROOM, /* call again with more */
    VC_ZSTD_CUT,     /* no piece of whole frames: the rest is still in INPUT */
} VcZstdWalk;

/* Takes in the blocks of the frame, without decoding them, as long as the piece costs
 * not more than ROOM and MAX. Beyond MAX, where INPUT ends or fails (it will again, see
 * vc_input_want), or where no block begins, the piece is cut. */
VcZstdWalk vc_zstd_piece_walk(VcZstdPiece *piece, VcInput *input, uint64_t room,
                              uint64_t max);

/* Makes INPUT of what was taken in; it borrows from the piece. */
void vc_zstd_piece_input(const VcZstdPiece *piece, VcInput *input);

#endif
