/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The structures of a VMA archive between bytes and structs. */
#include "formats/vma/wire.h"

#include "io/bytes.h"
#include "io/error.h"

#define MD5_SIZE 16u
#define FIXED_MD5 32u
#define EXTENT_MD5 24u

static const uint8_t magic[4] = "VMA";
static const uint8_t extent_magic[4] = { 'V', 'M', 'A', 'E' };

void
vma_md5(GChecksum *md5, const uint8_t *data, size_t length, size_t hole,
        uint8_t digest[static 16])
{
    static const uint8_t zeros[MD5_SIZE];
    size_t behind = hole + MD5_SIZE, size = MD5_SIZE;

    g_checksum_reset(md5);
    g_checksum_update(md5, data, (gssize)hole);
    g_checksum_update(md5, zeros, MD5_SIZE);
    g_checksum_update(md5, data + behind, (gssize)(length - behind));
    g_checksum_get_digest(md5, digest, &size);
    g_checksum_reset(md5);
}

bool
vma_magic_is_right(const uint8_t raw[static 4])
{
    return memcmp(raw, magic, sizeof magic) == 0;
}

bool
vma_fixed_decode(const uint8_t raw[static VMA_FIXED_HEADER], VmaFixed *fixed,
                 GError **error)
{
    if (!vma_magic_is_right(raw)) {
        vc_corrupt(error, 0,
                   "not a VMA archive: it begins with 0x%08x, expected 0x%08x",
                   load_be32(raw), load_be32(magic));
        return false;
    }
    *fixed = (VmaFixed){
        .version = load_be32(raw + 4),
        .ctime = (int64_t)load_be64(raw + 24),
        .blobs_position = load_be32(raw + 48),
        .blobs_size = load_be32(raw + 52),
        .header_size = load_be32(raw + 56),
    };
    memcpy(fixed->uuid, raw + 8, sizeof fixed->uuid);
    memcpy(fixed->md5, raw + FIXED_MD5, sizeof fixed->md5);
    for (size_t i = 0; i < VMA_CONFIGS; i++) {
        fixed->config_name[i] = load_be32(raw + 2044 + 4 * i);
        fixed->config_data[i] = load_be32(raw + 3068 + 4 * i);
    }
    for (size_t i = 0; i < VMA_DEVICES; i++) {
        fixed->device[i].name = load_be32(raw + 4096 + 32 * i);
        fixed->device[i].size = load_be64(raw + 4096 + 32 * i + 8);
    }
    return true;
}

void
vma_fixed_encode(const VmaFixed *fixed, uint8_t raw[static VMA_FIXED_HEADER])
{
    memset(raw, 0, VMA_FIXED_HEADER);
    memcpy(raw, magic, sizeof magic);
    store_be32(raw + 4, 1);
    memcpy(raw + 8, fixed->uuid, sizeof fixed->uuid);
    store_be64(raw + 24, (uint64_t)fixed->ctime);
    store_be32(raw + 48, fixed->blobs_position);
    store_be32(raw + 52, fixed->blobs_size);
    store_be32(raw + 56, fixed->header_size);
    for (size_t i = 0; i < VMA_CONFIGS; i++) {
        store_be32(raw + 2044 + 4 * i, fixed->config_name[i]);
        store_be32(raw + 3068 + 4 * i, fixed->config_data[i]);
    }
    for (size_t i = 0; i < VMA_DEVICES; i++) {
        store_be32(raw + 4096 + 32 * i, fixed->device[i].name);
        store_be64(raw + 4096 + 32 * i + 8, fixed->device[i].size);
    }
}

void
vma_header_seal(uint8_t *raw, size_t size)
{
    g_autoptr(GChecksum) md5 = g_checksum_new(G_CHECKSUM_MD5);
    vma_md5(md5, raw, size, FIXED_MD5, raw + FIXED_MD5);
}

static bool
check_extent(const uint8_t *raw, uint64_t position, const uint8_t *uuid, GChecksum *md5,
             GError **error)
{
    if (memcmp(raw, extent_magic, sizeof extent_magic) != 0) {
        vc_corrupt(error, position,
                   "no extent header: found 0x%08x, expected 0x%08x or the end of the "
                   "archive",
                   load_be32(raw), load_be32(extent_magic));
        return false;
    }
    uint8_t digest[MD5_SIZE];
    vma_md5(md5, raw, VMA_EXTENT_HEADER, EXTENT_MD5, digest);
    if (memcmp(raw + EXTENT_MD5, digest, sizeof digest) != 0) {
        vc_corrupt(error, position, "MD5 begins with 0x%08x, computed 0x%08x",
                   load_be32(raw + EXTENT_MD5), load_be32(digest));
        return false;
    }
    if (memcmp(raw + 8, uuid, 16) != 0) {
        vc_corrupt(error, position,
                   "the UUID begins with 0x%08x, that of the archive with 0x%08x",
                   load_be32(raw + 8), load_be32(uuid));
        return false;
    }
    if (load_be16(raw + 4) != 0) {
        vc_corrupt(error, position + 4, "the reserved bytes are 0x%04x, expected 0",
                   load_be16(raw + 4));
        return false;
    }
    return true;
}

bool
vma_extent_decode(const uint8_t raw[static VMA_EXTENT_HEADER], uint64_t position,
                  const uint8_t uuid[static 16], GChecksum *md5,
                  VmaExtentHeader *header, GError **error)
{
    if (!check_extent(raw, position, uuid, md5, error))
        return false;

    unsigned sum = 0;
    header->blocks = load_be16(raw + 6);
    for (size_t i = 0; i < VMA_SLOTS; i++) {
        const uint8_t *at = raw + 40 + 8 * i;
        /* The byte between mask and device is reserved, and nobody looks at it. */
        header->slots[i] = (VmaSlot){
            .mask = load_be16(at),
            .device = at[3],
            .cluster = load_be32(at + 4),
        };
        if (header->slots[i].device != 0)
            sum += vma_mask_count(header->slots[i].mask);
    }
    /* So the count is never above VMA_EXTENT_BLOCKS_MAX. */
    if (sum != header->blocks) {
        vc_corrupt(error, position + 6, "it counts %u blocks, its slots %u",
                   header->blocks, sum);
        return false;
    }
    return true;
}

void
vma_extent_encode(const VmaExtentHeader *header, const uint8_t uuid[static 16],
                  GChecksum *md5, uint8_t raw[static VMA_EXTENT_HEADER])
{
    memset(raw, 0, VMA_EXTENT_HEADER);
    memcpy(raw, extent_magic, sizeof extent_magic);
    store_be16(raw + 6, header->blocks);
    memcpy(raw + 8, uuid, 16);
    for (size_t i = 0; i < VMA_SLOTS; i++) {
        uint8_t *at = raw + 40 + 8 * i;
        store_be16(at, header->slots[i].mask);
        at[3] = header->slots[i].device;
        store_be32(at + 4, header->slots[i].cluster);
    }
    vma_md5(md5, raw, VMA_EXTENT_HEADER, EXTENT_MD5, raw + EXTENT_MD5);
}

bool
vma_extent_is_likely(const uint8_t raw[static VMA_EXTENT_HEADER],
                     const uint8_t uuid[static 16])
{
    return memcmp(raw, extent_magic, sizeof extent_magic) == 0 &&
           memcmp(raw + 8, uuid, 16) == 0;
}
