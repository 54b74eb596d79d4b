/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sector of the bitmaps that was read last. */
#ifndef VC_FORMATS_VPC_PIECE_H
#define VC_FORMATS_VPC_PIECE_H

#include "formats/vpc/wire.h"
#include "io/file.h"

typedef struct VpcPiece VpcPiece;

/* To be freed with g_free. */
VpcPiece *vpc_piece_new(void);

/* Gives the sector at POSITION (> 0) of FILE. Who asks for each of many short runs, as
 * a child does of each of up to 64 parents, is answered without reading it each time.
 * From any thread. */
bool vpc_piece_read(VpcPiece *kept, VcFile *file, uint64_t position,
                    uint8_t data[static VPC_SECTOR], GError **error);

#endif
