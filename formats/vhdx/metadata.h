/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The metadata region: its table and the items that describe the disk; bytes to structs
 * and back, without I/O. POSITION is always where RAW lies in the file, for messages.
 */
#ifndef VC_VHDX_METADATA_H
#define VC_VHDX_METADATA_H

#include "formats/vhdx/geometry.h"
#include "formats/vhdx/guid.h"

#include <glib.h>

/* The table fills the first 64 KiB of the region (MS-VHDX 2.6.1). */
#define VHDX_METADATA_TABLE_SIZE 65536u
#define VHDX_ITEMS_MAX 2047u
#define VHDX_USER_ITEMS_MAX 1024u
#define VHDX_ITEM_LENGTH_MAX ((uint32_t)1 << 20)

typedef enum {
    VHDX_ITEM_FILE_PARAMETERS,
    VHDX_ITEM_DISK_SIZE,
    VHDX_ITEM_LOGICAL_SECTOR,
    VHDX_ITEM_PHYSICAL_SECTOR,
    VHDX_ITEM_DISK_ID,        /* these five must be in every file */
    VHDX_ITEM_PARENT_LOCATOR, /* only, and always, with a parent */
    VHDX_ITEM_UNKNOWN,
} VhdxItemKind;

#define VHDX_VALUES 5u /* the kinds before VHDX_ITEM_PARENT_LOCATOR */

typedef struct {
    VhdxItemKind kind;
    VhdxGuid id;
    uint32_t offset; /* from the beginning of the region */
    uint32_t length; /* 0: empty */
    bool user, virtual_disk, required;
} VhdxItem;

/* What the five values say. */
typedef struct {
    uint32_t block_size;
    bool fixed; /* LeaveBlocksAllocated, and no parent */
    bool has_parent;
    uint64_t disk_size;
    VhdxGuid disk_id; /* of the "page 83" of SCSI: the same in parent and child */
    uint32_t logical_sector;
    uint32_t physical_sector; /* 0: not one that makes sense */
} VhdxMetadata;

/* Bytes of a value: 8, 8, 4, 4, 16. */
uint32_t vhdx_item_size(VhdxItemKind kind);

/* Gives all items of the table (g_free), *COUNT of them. VC_ERROR_CORRUPT: no
 * signature, too many, outside the region (of REGION_LENGTH bytes) or in the table, on
 * one another, one key twice, one of the five values missing or too short;
 * VC_ERROR_UNSUPPORTED: an unknown item that is required. A value that is too long is a
 * warning. */
VhdxItem *vhdx_items_decode(const uint8_t raw[static VHDX_METADATA_TABLE_SIZE],
                            uint64_t position, uint32_t region_length, unsigned *count,
                            GPtrArray *warnings, GError **error);

/* Borrowed from ITEMS; NULL when there is none, or it is empty. */
const VhdxItem *vhdx_items_find(const VhdxItem *items, unsigned count,
                                VhdxItemKind kind);

/* Decodes one of the five values (vhdx_item_size(kind) bytes) into its part of
 * METADATA. VC_ERROR_CORRUPT where it is not one that MS-VHDX allows; a physical sector
 * size that makes no sense is a warning. */
bool vhdx_value_decode(VhdxItemKind kind, const uint8_t *raw, uint64_t position,
                       VhdxMetadata *metadata, GPtrArray *warnings, GError **error);

/* What can be told only from all of them: the size is a multiple of the logical sector,
 * and a parent locator is there when there is a parent. POSITION is the region's. */
bool vhdx_metadata_check(const VhdxMetadata *metadata, bool has_locator,
                         uint64_t position, GError **error);

/* The table and the five values where Windows puts them, right behind the table. The
 * rest of the region is zero. */
#define VHDX_METADATA_ENCODED_SIZE (VHDX_METADATA_TABLE_SIZE + 4096u)
void vhdx_metadata_encode(const VhdxMetadata *metadata,
                          uint8_t raw[static VHDX_METADATA_ENCODED_SIZE]);

#endif
