/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks, chunks and the block allocation table (BAT): MS-VHDX 2.5, arithmetic only.
 *
 * The disk is cut into payload blocks. A chunk is the 2^23 sectors that one sector
 * bitmap block covers; the BAT has the entries of a chunk's payload blocks, then the
 * one of its bitmap block. */
#ifndef VC_VHDX_GEOMETRY_H
#define VC_VHDX_GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

#define VHDX_MIB ((uint64_t)1 << 20)

/* MS-VHDX 2.6.2.2. */
#define VHDX_DISK_SIZE_MAX ((uint64_t)64 << 40)
/* MS-VHDX 2.6.2.1: powers of two between. */
#define VHDX_BLOCK_SIZE_MIN ((uint32_t)1 << 20)
#define VHDX_BLOCK_SIZE_MAX ((uint32_t)256 << 20)
/* A sector bitmap block is always 1 MiB. */
#define VHDX_BITMAP_SIZE VHDX_MIB
#define VHDX_CHUNK_SECTORS ((uint64_t)1 << 23)
#define VHDX_BAT_ENTRY_SIZE 8u

typedef struct {
    uint64_t size;           /* of the disk, bytes */
    uint32_t block_size;     /* bytes */
    uint32_t logical_sector; /* bytes */
    uint32_t chunk_ratio;    /* payload blocks per chunk: 16 to 32768 */
    uint64_t blocks;         /* payload blocks */
    uint64_t chunks;         /* also the sector bitmap blocks of a differencing disk */
    uint64_t entries;        /* that the BAT must have at least */
} VhdxGeometry;

/* SIZE at most VHDX_DISK_SIZE_MAX, the others as MS-VHDX allows: a caller's duty. */
VhdxGeometry vhdx_geometry(uint64_t size, uint32_t block_size, uint32_t logical_sector,
                           bool has_parent);

/* The index in the BAT of payload block BLOCK. */
static inline uint64_t
vhdx_block_entry(const VhdxGeometry *g, uint64_t block)
{
    return block + block / g->chunk_ratio;
}

/* The index in the BAT of the bitmap block of CHUNK. */
static inline uint64_t
vhdx_bitmap_entry(const VhdxGeometry *g, uint64_t chunk)
{
    return (chunk + 1) * g->chunk_ratio + chunk;
}

/* MS-VHDX 2.5.1.1; a bitmap block is NOT_PRESENT or FULLY_PRESENT. */
typedef enum {
    VHDX_NOT_PRESENT = 0,
    VHDX_UNDEFINED = 1,
    VHDX_ZERO = 2,
    VHDX_UNMAPPED = 3,
    VHDX_UNMAPPED_DRAFT = 5, /* of the 0.95 draft, reserved since */
    VHDX_FULLY_PRESENT = 6,
    VHDX_PARTIALLY_PRESENT = 7,
} VhdxBlockState;

/* A BAT entry: state in bits 0 to 2, bits 3 to 19 reserved, position in MiB above, so
 * that a position in bytes is the entry without its low 20 bits. */
static inline VhdxBlockState
vhdx_entry_state(uint64_t entry)
{
    return (VhdxBlockState)(entry & 7);
}

static inline uint64_t
vhdx_entry_position(uint64_t entry)
{
    return entry & ~(VHDX_MIB - 1);
}

static inline bool
vhdx_entry_has_reserved(uint64_t entry)
{
    return (entry & (VHDX_MIB - 1) & ~(uint64_t)7) != 0;
}

/* POSITION is a multiple of 1 MiB; 0 for the states without a place. */
static inline uint64_t
vhdx_entry(VhdxBlockState state, uint64_t position)
{
    return position | (uint64_t)state;
}

#endif
