/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The structures of a VHD file as bytes. */
#include "formats/vpc/wire.h"

#include "io/bytes.h"
#include "io/error.h"

#include <string.h>

/* One's complement of the sum of all bytes, with those of the checksum taken as zero.
 */
static uint32_t
checksum(const uint8_t *raw, size_t length, size_t at)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += i < at || i >= at + 4 ? raw[i] : 0;
    return ~sum;
}

/* Early XenServer hides a file by byte 85 and leaves the checksum as it was. */
static bool
hidden_by_xenserver(const uint8_t raw[static VPC_FOOTER_SIZE])
{
    return memcmp(raw + 28, "tap", 3) == 0 && raw[85] != 0;
}

static uint32_t
footer_checksum(const uint8_t raw[static VPC_FOOTER_SIZE])
{
    uint32_t computed = checksum(raw, VPC_FOOTER_SIZE, 64);
    if (computed != load_be32(raw + 64) && hidden_by_xenserver(raw))
        computed += raw[85];
    return computed;
}

bool
vpc_footer_valid(const uint8_t raw[static VPC_FOOTER_SIZE])
{
    return memcmp(raw, "conectix", 8) == 0 &&
           load_be32(raw + 64) == footer_checksum(raw);
}

/* "Hard Disk Footer Format". */
bool
vpc_footer_decode(const uint8_t raw[static VPC_FOOTER_SIZE], uint64_t offset,
                  VpcFooter *footer, GError **error)
{
    if (memcmp(raw, "v_poison", 8) == 0) {
        vc_fail(
            error, VC_ERROR_UNSUPPORTED,
            "XenServer has disabled this VHD (cookie v_poison): it is not to be used");
        return false;
    }
    if (memcmp(raw, "conectix", 8) != 0) {
        vc_corrupt(error, offset, "no VHD footer");
        return false;
    }
    uint32_t stored = load_be32(raw + 64), computed = footer_checksum(raw);
    if (stored != computed) {
        vc_corrupt(error, offset + 64,
                   "the footer's checksum is 0x%08x, computed 0x%08x", stored,
                   computed);
        return false;
    }
    uint32_t version = load_be32(raw + 12), type = load_be32(raw + 60);
    if (version >> 16 != 1) {
        vc_fail(error, VC_ERROR_UNSUPPORTED, "VHD version %u.%u; known is 1.0",
                version >> 16, version & 0xffff);
        return false;
    }
    if (type != VPC_FIXED && type != VPC_DYNAMIC && type != VPC_DIFFERENCING) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "disk type %u; known are 2 (fixed), 3 (dynamic), 4 (differencing)",
                type);
        return false;
    }

    *footer = (VpcFooter){
        .features = load_be32(raw + 8),
        .version = version,
        .data_offset = load_be64(raw + 16),
        .timestamp = load_be32(raw + 24),
        .creator_version = load_be32(raw + 32),
        .original_size = load_be64(raw + 40),
        .current_size = load_be64(raw + 48),
        .geometry = { load_be16(raw + 56), raw[58], raw[59] },
        .type = type,
        .saved_state = raw[84],
        .hidden = raw[85],
    };
    memcpy(footer->creator, raw + 28, 4);
    memcpy(footer->host, raw + 36, 4);
    memcpy(footer->id, raw + 68, 16);
    return true;
}

void
vpc_footer_encode(const VpcFooter *footer, uint8_t raw[static VPC_FOOTER_SIZE])
{
    memset(raw, 0, VPC_FOOTER_SIZE);
    memcpy(raw, "conectix", 8);
    store_be32(raw + 8, footer->features);
    store_be32(raw + 12, footer->version);
    store_be64(raw + 16, footer->data_offset);
    store_be32(raw + 24, footer->timestamp);
    memcpy(raw + 28, footer->creator, 4);
    store_be32(raw + 32, footer->creator_version);
    memcpy(raw + 36, footer->host, 4);
    store_be64(raw + 40, footer->original_size);
    store_be64(raw + 48, footer->current_size);
    store_be16(raw + 56, footer->geometry.cylinders);
    raw[58] = footer->geometry.heads;
    raw[59] = footer->geometry.sectors;
    store_be32(raw + 60, footer->type);
    memcpy(raw + 68, footer->id, 16);
    raw[84] = footer->saved_state;
    raw[85] = footer->hidden;
    store_be32(raw + 64, checksum(raw, VPC_FOOTER_SIZE, 64));
}

static bool
check_block_size(uint32_t block_size, uint64_t offset, GError **error)
{
    if (block_size < VPC_SECTOR || (block_size & (block_size - 1)) != 0) {
        vc_corrupt(error, offset + 32,
                   "block size %u is not a power of two of at least 512", block_size);
        return false;
    }
    if (block_size > VPC_BLOCK_MAX) {
        vc_fail(error, VC_ERROR_LIMIT, "block size %u is larger than %u", block_size,
                VPC_BLOCK_MAX);
        return false;
    }
    return true;
}

/* "Dynamic Disk Header Format". */
bool
vpc_header_decode(const uint8_t raw[static VPC_HEADER_SIZE], uint64_t offset,
                  VpcHeader *header, GError **error)
{
    if (memcmp(raw, "cxsparse", 8) != 0) {
        vc_corrupt(error, offset, "no dynamic disk header");
        return false;
    }
    uint32_t stored = load_be32(raw + 36);
    uint32_t computed = checksum(raw, VPC_HEADER_SIZE, 36);
    if (stored != computed) {
        vc_corrupt(error, offset + 36,
                   "the dynamic disk header's checksum is 0x%08x, computed 0x%08x",
                   stored, computed);
        return false;
    }
    uint32_t version = load_be32(raw + 24);
    if (version >> 16 != 1) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "dynamic disk header version %u.%u; known is 1.0", version >> 16,
                version & 0xffff);
        return false;
    }
    uint64_t table_offset = load_be64(raw + 16);
    if (table_offset < VPC_FOOTER_SIZE || table_offset % VPC_SECTOR != 0) {
        vc_corrupt(error, offset + 16,
                   "the BAT's offset 0x%" G_GINT64_MODIFIER
                   "x is not a sector behind the first",
                   table_offset);
        return false;
    }
    uint32_t block_size = load_be32(raw + 32);
    if (!check_block_size(block_size, offset, error))
        return false;

    *header = (VpcHeader){
        .next = load_be64(raw + 8),
        .table_offset = table_offset,
        .version = version,
        .entries = load_be32(raw + 28),
        .block_size = block_size,
        .parent_timestamp = load_be32(raw + 56),
    };
    memcpy(header->parent_id, raw + 40, 16);
    memcpy(header->parent_name, raw + 64, 512);
    for (size_t i = 0; i < VPC_LOCATORS; i++) {
        const uint8_t *at = raw + 576 + 24 * i;
        header->locators[i] = (VpcLocator){
            .space = load_be32(at + 4),
            .length = load_be32(at + 8),
            .offset = load_be64(at + 16),
        };
        memcpy(header->locators[i].code, at, 4);
    }
    return true;
}

void
vpc_header_encode(const VpcHeader *header, uint8_t raw[static VPC_HEADER_SIZE])
{
    memset(raw, 0, VPC_HEADER_SIZE);
    memcpy(raw, "cxsparse", 8);
    store_be64(raw + 8, header->next);
    store_be64(raw + 16, header->table_offset);
    store_be32(raw + 24, header->version);
    store_be32(raw + 28, header->entries);
    store_be32(raw + 32, header->block_size);
    memcpy(raw + 40, header->parent_id, 16);
    store_be32(raw + 56, header->parent_timestamp);
    memcpy(raw + 64, header->parent_name, 512);
    for (size_t i = 0; i < VPC_LOCATORS; i++) {
        uint8_t *at = raw + 576 + 24 * i;
        memcpy(at, header->locators[i].code, 4);
        store_be32(at + 4, header->locators[i].space);
        store_be32(at + 8, header->locators[i].length);
        store_be64(at + 16, header->locators[i].offset);
    }
    store_be32(raw + 36, checksum(raw, VPC_HEADER_SIZE, 36));
}

#define CYLINDERS_MAX 65535u

VpcGeometry
vpc_geometry(uint64_t size)
{
    uint64_t total = MIN(size / VPC_SECTOR, (uint64_t)CYLINDERS_MAX * 16 * 255);
    uint64_t sectors, heads, tracks; /* tracks: cylinders times heads */

    if (total >= (uint64_t)CYLINDERS_MAX * 16 * 63) {
        sectors = 255;
        heads = 16;
        tracks = total / sectors;
    } else {
        sectors = 17;
        tracks = total / sectors;
        heads = MAX(4, (tracks + 1023) / 1024);
        if (tracks >= heads * 1024 || heads > 16) {
            sectors = 31;
            heads = 16;
            tracks = total / sectors;
        }
        if (tracks >= heads * 1024) {
            sectors = 63;
            heads = 16;
            tracks = total / sectors;
        }
    }
    return (VpcGeometry){ (uint16_t)(tracks / heads), (uint8_t)heads,
                          (uint8_t)sectors };
}

uint64_t
vpc_geometry_size(VpcGeometry geometry)
{
    return (uint64_t)geometry.cylinders * geometry.heads * geometry.sectors *
           VPC_SECTOR;
}

bool
vpc_geometry_is_largest(VpcGeometry geometry)
{
    return geometry.cylinders == CYLINDERS_MAX && geometry.heads == 16 &&
           geometry.sectors == 255;
}

uint32_t
vpc_bitmap_size(uint32_t block_size)
{
    uint32_t bytes = (block_size / VPC_SECTOR + 7) / 8;
    return (bytes + VPC_SECTOR - 1) / VPC_SECTOR * VPC_SECTOR;
}

char *
vpc_id_text(const uint8_t id[static 16])
{
    GString *text = g_string_sized_new(32);
    for (unsigned i = 0; i < 16; i++)
        g_string_append_printf(text, "%02x", id[i]);
    return g_string_free(text, FALSE);
}
