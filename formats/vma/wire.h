/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The structures of a VMA archive between bytes and structs, without I/O.
 *
 *     header (fixed part, blob buffer, padding)  extent  extent  ...  end of the file
 *
 * An extent is a header of 512 bytes with slots, one for each cluster, and then the
 * blocks that those slots say are stored, in the order of the slots. All numbers are
 * big-endian, except the lengths of blobs. */
#ifndef VC_FORMATS_VMA_WIRE_H
#define VC_FORMATS_VMA_WIRE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMA_BLOCK 4096u
#define VMA_CLUSTER 65536u /* 16 blocks */
#define VMA_CLUSTER_BLOCKS 16u
#define VMA_SLOTS 59u
/* Proxmox's writer ends an extent with this many used slots, and so do we. */
#define VMA_SLOTS_WRITTEN 58u
#define VMA_EXTENT_HEADER 512u
#define VMA_EXTENT_BLOCKS_MAX (VMA_SLOTS * VMA_CLUSTER_BLOCKS)

#define VMA_FIXED_HEADER 12288u
#define VMA_CONFIGS 256u
#define VMA_DEVICES 256u
#define VMA_DEVICE_FIRST 1u /* an empty slot of an extent has device 0 */
#define VMA_DEVICE_LAST 254u
/* Proxmox's writer stops at 512 KiB; as many configs of the greatest length as there
 * may be need little more than this. */
#define VMA_HEADER_MAX (16u << 20)
/* Cluster numbers have 32 bits. */
#define VMA_DISK_MAX ((uint64_t)1 << 48)

/* The MD5 of LENGTH bytes in which the 16 from HOLE on, where the sum itself is stored,
 * count as zero. MD5 is reset before and after. */
void vma_md5(GChecksum *md5, const uint8_t *data, size_t length, size_t hole,
             uint8_t digest[static 16]);

/* The fixed part of the archive's header. Pointers are offsets in the blob buffer, 0
 * for none. */
typedef struct {
    uint8_t uuid[16];
    int64_t ctime; /* seconds since 1970 */
    uint8_t md5[16];
    uint32_t version;
    uint32_t blobs_position,
        blobs_size;       /* bytes; the position from the file's beginning */
    uint32_t header_size; /* bytes, fixed part and padding included */
    uint32_t config_name[VMA_CONFIGS], config_data[VMA_CONFIGS];
    struct {
        uint32_t name;
        uint64_t size; /* bytes */
    } device[VMA_DEVICES];
} VmaFixed;

bool vma_magic_is_right(const uint8_t raw[static 4]);

/* Decodes; nothing but the magic is checked here: the sum covers the whole header. */
bool vma_fixed_decode(const uint8_t raw[static VMA_FIXED_HEADER], VmaFixed *fixed,
                      GError **error);
/* Encodes all but the MD5, which stays zero; `version` is always 1. */
void vma_fixed_encode(const VmaFixed *fixed, uint8_t raw[static VMA_FIXED_HEADER]);
/* Puts the MD5 into a whole encoded header. */
void vma_header_seal(uint8_t *raw, size_t size);

typedef struct {
    uint16_t mask;  /* bit j: block j of the cluster is stored; else it is zero */
    uint8_t device; /* 0: the slot is not used */
    uint32_t cluster;
} VmaSlot;

typedef struct {
    uint16_t blocks; /* that follow this header */
    VmaSlot slots[VMA_SLOTS];
} VmaExtentHeader;

/* Decodes the extent header that lies at POSITION. Checks magic, MD5, UUID, reserved
 * bytes, and that the count of blocks is possible and is the sum of the masks. Messages
 * begin with what is wrong; the caller says which extent it is. */
bool vma_extent_decode(const uint8_t raw[static VMA_EXTENT_HEADER], uint64_t position,
                       const uint8_t uuid[static 16], GChecksum *md5,
                       VmaExtentHeader *header, GError **error);
void vma_extent_encode(const VmaExtentHeader *header, const uint8_t uuid[static 16],
                       GChecksum *md5, uint8_t raw[static VMA_EXTENT_HEADER]);

/* True when RAW begins as extents of the archive with UUID begin. */
bool vma_extent_is_likely(const uint8_t raw[static VMA_EXTENT_HEADER],
                          const uint8_t uuid[static 16]);

/* How many bits of MASK are set. */
static inline unsigned
vma_mask_count(uint16_t mask)
{
    return (unsigned)__builtin_popcount(mask);
}

/* The end (16 at most) of the run of equal bits of MASK that begins at FROM (below 16).
 */
static inline unsigned
vma_mask_run(uint16_t mask, unsigned from)
{
    unsigned bits = (unsigned)mask >> from;
    /* Above bit 15 stands a bit that differs from bit 15, so that the run ends there.
     */
    unsigned other = bits & 1 ? ~bits : bits | (1u << (VMA_CLUSTER_BLOCKS - from));
    return from + (unsigned)__builtin_ctz(other);
}

/* How many clusters a disk of SIZE bytes has. */
static inline uint64_t
vma_cluster_count(uint64_t size)
{
    return size / VMA_CLUSTER + (size % VMA_CLUSTER != 0);
}

#endif
