/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sector of the bitmaps that was read last. */
#include "formats/vpc/piece.h"

#include <stdatomic.h>
#include <string.h>

/* It is of the one thread that has set BUSY; the others do not wait but read for
 * themselves. */
struct VpcPiece {
    atomic_flag busy;
    uint64_t position; /* 0: nothing was read, no bitmap lies there */
    uint8_t data[VPC_SECTOR];
};

VpcPiece *
vpc_piece_new(void)
{
    return g_new0(VpcPiece, 1);
}

/* Whether KEPT, which is ours, has now the sector at POSITION. */
static bool
load(VpcPiece *kept, VcFile *file, uint64_t position, GError **error)
{
    if (kept->position == position)
        return true;
    kept->position = 0;
    if (!vc_file_read(file, position, kept->data, sizeof kept->data, error))
        return false;
    kept->position = position;
    return true;
}

bool
vpc_piece_read(VpcPiece *kept, VcFile *file, uint64_t position,
               uint8_t data[static VPC_SECTOR], GError **error)
{
    if (atomic_flag_test_and_set(&kept->busy))
        return vc_file_read(file, position, data, VPC_SECTOR, error);
    bool well = load(kept, file, position, error);
    if (well)
        memcpy(data, kept->data, VPC_SECTOR);
    atomic_flag_clear(&kept->busy);
    return well;
}
