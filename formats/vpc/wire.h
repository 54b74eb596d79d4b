/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The structures of a VHD file as bytes: footer, dynamic disk header, geometry. Without
 * I/O. "Virtual Hard Disk Image Format Specification", version 1.0; all integers are
 * big endian, a sector is always 512 bytes, every offset counts from the file's
 * beginning. */
#ifndef VC_FORMATS_VPC_WIRE_H
#define VC_FORMATS_VPC_WIRE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define VPC_SECTOR 512u
#define VPC_FOOTER_SIZE 512u
#define VPC_HEADER_SIZE 1024u
#define VPC_LOCATORS 8u

/* A BAT entry of a block that is not in the file; also the end of all addresses. */
#define VPC_UNALLOCATED UINT32_MAX

/* The specification, Hyper-V and QEMU end here. */
#define VPC_SIZE_MAX ((uint64_t)2040 << 30)

/* BAT entries are 32-bit sector numbers and all ones is taken. */
#define VPC_FILE_MAX ((uint64_t)VPC_UNALLOCATED * VPC_SECTOR)

/* Known are 512 KiB and 2 MiB; the specification wants a power of two sectors. A larger
 * one than this nobody has written, and a block is the least that a sector costs. */
#define VPC_BLOCK_MAX (256u << 20)

/* Entries of a BAT: 64 MiB of memory, and 32 TiB of 2 MiB blocks or 64 GiB of 4 KiB
 * ones. */
#define VPC_BAT_ENTRIES_MAX (16u << 20)

/* Timestamps count seconds from 2000-01-01 00:00 UTC, which this is in Unix time. */
#define VPC_EPOCH INT64_C(946684800)

enum { VPC_FIXED = 2, VPC_DYNAMIC = 3, VPC_DIFFERENCING = 4 };

typedef struct {
    uint16_t cylinders;
    uint8_t heads, sectors;
} VpcGeometry;

/* Hard disk footer; also a copy of it at 0 in dynamic and differencing disks. */
typedef struct {
    uint32_t features;    /* bit 1 must be set, bit 0: temporary */
    uint32_t version;     /* 0x00010000 */
    uint64_t data_offset; /* of the dynamic disk header; all ones when fixed */
    uint32_t timestamp;
    char creator[4];
    uint32_t creator_version; /* 16.16 */
    char host[4];
    uint64_t original_size, current_size; /* bytes */
    VpcGeometry geometry;
    uint32_t type;
    uint8_t id[16];
    uint8_t saved_state; /* 1: belongs to a suspended machine */
    uint8_t hidden;      /* XenServer's, the first of the reserved bytes */
} VpcFooter;

typedef struct {
    char code[4];
    uint32_t space; /* sectors by the specification, bytes in most files: not used */
    uint32_t length;
    uint64_t offset;
} VpcLocator;

/* Dynamic disk header. */
typedef struct {
    uint64_t next; /* all ones */
    uint64_t table_offset;
    uint32_t version; /* 0x00010000 */
    uint32_t entries; /* of the BAT; may be more than the disk needs */
    uint32_t block_size;
    uint8_t parent_id[16];
    uint32_t parent_timestamp;
    uint8_t parent_name[512]; /* UTF-16, big endian, padded with zeros */
    VpcLocator locators[VPC_LOCATORS];
} VpcHeader;

/* True when RAW begins with the cookie and its checksum is right. */
bool vpc_footer_valid(const uint8_t raw[static VPC_FOOTER_SIZE]);

/* Reads a footer that lies at OFFSET. VC_ERROR_CORRUPT: no cookie or a wrong checksum;
 * VC_ERROR_UNSUPPORTED: another version or disk type, or disabled by XenServer. */
bool vpc_footer_decode(const uint8_t raw[static VPC_FOOTER_SIZE], uint64_t offset,
                       VpcFooter *footer, GError **error);
void vpc_footer_encode(const VpcFooter *footer, uint8_t raw[static VPC_FOOTER_SIZE]);

/* Reads a header that lies at OFFSET. VC_ERROR_CORRUPT: cookie, checksum, table offset
 * or block size; VC_ERROR_UNSUPPORTED: another version; VC_ERROR_LIMIT: block size. */
bool vpc_header_decode(const uint8_t raw[static VPC_HEADER_SIZE], uint64_t offset,
                       VpcHeader *header, GError **error);
void vpc_header_encode(const VpcHeader *header, uint8_t raw[static VPC_HEADER_SIZE]);

/* The geometry that belongs to SIZE bytes (appendix "CHS Calculation"). */
VpcGeometry vpc_geometry(uint64_t size);
/* Bytes that a geometry reaches. */
uint64_t vpc_geometry_size(VpcGeometry geometry);
/* The largest geometry: says only that the disk is larger than a geometry can tell. */
bool vpc_geometry_is_largest(VpcGeometry geometry);

/* Bytes of the sector bitmap before a block's data: whole sectors. */
uint32_t vpc_bitmap_size(uint32_t block_size);

/* Gives 32 hexadecimal digits, the name of an image to its children. */
char *vpc_id_text(const uint8_t id[static 16]);

#endif
