/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks, chunks and the block allocation table: arithmetic only. */
#include "formats/vhdx/geometry.h"

VhdxGeometry
vhdx_geometry(uint64_t size, uint32_t block_size, uint32_t logical_sector,
              bool has_parent)
{
    /* Nothing here can overflow: at most 2^26 blocks, and a chunk is at most 32 GiB. */
    uint32_t ratio = (uint32_t)(VHDX_CHUNK_SECTORS * logical_sector / block_size);
    uint64_t blocks = size / block_size + (size % block_size != 0);
    uint64_t chunks = blocks / ratio + (blocks % ratio != 0);
    uint64_t entries = 0;
    if (has_parent)
        entries = chunks * (ratio + 1);
    else if (blocks > 0)
        entries = blocks + (blocks - 1) / ratio;

    return (VhdxGeometry){
        .size = size,
        .block_size = block_size,
        .logical_sector = logical_sector,
        .chunk_ratio = ratio,
        .blocks = blocks,
        .chunks = chunks,
        .entries = entries,
    };
}
