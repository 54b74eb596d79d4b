/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The metadata region: its table and the items that describe the disk. */
#include "formats/vhdx/metadata.h"

#include "io/bytes.h"
#include "io/error.h"

#include <inttypes.h>
#include <stdlib.h>

#define ITEMS_AT 32u /* the entries begin behind the table's header */
#define ENTRY_SIZE 32u

enum { IS_USER = 1, IS_VIRTUAL_DISK = 2, IS_REQUIRED = 4 };
enum { LEAVE_BLOCKS_ALLOCATED = 1, HAS_PARENT = 2 };

/* MS-VHDX 2.6.2, table of known items; offsets are those that Windows uses. */
static const struct {
    const VhdxGuid *id;
    const char *name;
    uint32_t size, flags, offset;
} known[] = {
    [VHDX_ITEM_FILE_PARAMETERS] = { &vhdx_guid_file_parameters, "file parameters", 8,
                                    IS_REQUIRED, 0x10000 },
    [VHDX_ITEM_DISK_SIZE] = { &vhdx_guid_disk_size, "virtual disk size", 8,
                              IS_REQUIRED | IS_VIRTUAL_DISK, 0x10008 },
    [VHDX_ITEM_LOGICAL_SECTOR] = { &vhdx_guid_logical_sector, "logical sector size", 4,
                                   IS_REQUIRED | IS_VIRTUAL_DISK, 0x10010 },
    [VHDX_ITEM_PHYSICAL_SECTOR] = { &vhdx_guid_physical_sector, "physical sector size",
                                    4, IS_REQUIRED | IS_VIRTUAL_DISK, 0x10014 },
    [VHDX_ITEM_DISK_ID] = { &vhdx_guid_disk_id, "virtual disk id", 16,
                            IS_REQUIRED | IS_VIRTUAL_DISK, 0x10018 },
    [VHDX_ITEM_PARENT_LOCATOR] = { &vhdx_guid_parent_locator, "parent locator", 0,
                                   IS_REQUIRED, 0 },
};

uint32_t
vhdx_item_size(VhdxItemKind kind)
{
    g_assert(kind < VHDX_VALUES);
    return known[kind].size;
}

static VhdxItemKind
kind_of(const VhdxGuid *id, bool user)
{
    /* The key is the GUID together with IsUser: a user's item is never one of ours. */
    unsigned kind = 0;
    while (kind < G_N_ELEMENTS(known) && (user || !vhdx_guid_equal(id, known[kind].id)))
        kind++;
    return (VhdxItemKind)kind;
}

/* --- the table ----------------------------------------------------------------------
 */

static bool
check_item(const VhdxItem *item, uint64_t position, uint32_t region_length,
           GPtrArray *warnings, GError **error)
{
    char id[VHDX_GUID_TEXT_SIZE];
    vhdx_guid_format(&item->id, id);
    bool value = item->kind < VHDX_VALUES;
    const char *name = item->kind < VHDX_ITEM_UNKNOWN ? known[item->kind].name : id;

    if (item->kind == VHDX_ITEM_UNKNOWN && item->required) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "metadata table: unknown item %s is required, entry at 0x%" PRIx64, id,
                position);
        return false;
    }
    if (item->length == 0 && item->offset != 0) {
        vc_corrupt(error, position + 16,
                   "metadata table: empty item %s at offset 0x%" PRIx32 ", expected 0",
                   name, item->offset);
        return false;
    }
    if (item->length > 0 &&
        (item->offset < VHDX_METADATA_TABLE_SIZE ||
         item->length > VHDX_ITEM_LENGTH_MAX || item->offset > region_length ||
         item->length > region_length - item->offset)) {
        vc_corrupt(
            error, position + 16,
            "metadata table: item %s has 0x%" PRIx32 " bytes at offset 0x%" PRIx32
            ", expected at most 1 MiB between 0x10000 and the region's end 0x%" PRIx32,
            name, item->length, item->offset, region_length);
        return false;
    }
    if (value && item->length < known[item->kind].size) {
        vc_corrupt(error, position + 20,
                   "metadata table: item %s has %" PRIu32 " bytes, expected %" PRIu32,
                   name, item->length, known[item->kind].size);
        return false;
    }
    if (value && item->length > known[item->kind].size)
        vc_warn(warnings,
                "metadata table: item %s has %" PRIu32 " bytes, expected %" PRIu32
                " at 0x%" PRIx64,
                name, item->length, known[item->kind].size, position + 20);
    return true;
}

static int
compare_keys(const void *a, const void *b)
{
    const VhdxItem *x = a, *y = b;
    int order = memcmp(x->id.bytes, y->id.bytes, sizeof x->id.bytes);
    return order != 0 ? order : x->user - y->user;
}

static int
compare_offsets(const void *a, const void *b)
{
    const VhdxItem *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* No key twice, no item on another. */
static bool
check_together(const VhdxItem *items, unsigned count, uint64_t position, GError **error)
{
    g_autofree VhdxItem *sorted = g_new(VhdxItem, count + 1);
    char id[VHDX_GUID_TEXT_SIZE];
    memcpy(sorted, items, count * sizeof *items);

    qsort(sorted, count, sizeof *sorted, compare_keys);
    for (unsigned i = 1; i < count; i++) {
        if (compare_keys(&sorted[i - 1], &sorted[i]) == 0) {
            vhdx_guid_format(&sorted[i].id, id);
            vc_corrupt(error, position, "metadata table: item %s is listed twice", id);
            return false;
        }
    }
    /* Empty items have offset 0 and length 0, and come first. */
    qsort(sorted, count, sizeof *sorted, compare_offsets);
    for (unsigned i = 1; i < count; i++) {
        if (sorted[i].offset - sorted[i - 1].offset < sorted[i - 1].length) {
            vhdx_guid_format(&sorted[i].id, id);
            vc_corrupt(error, position + sorted[i].offset,
                       "metadata table: item %s overlaps the item before it", id);
            return false;
        }
    }
    return true;
}

VhdxItem *
vhdx_items_decode(const uint8_t raw[static VHDX_METADATA_TABLE_SIZE], uint64_t position,
                  uint32_t region_length, unsigned *count, GPtrArray *warnings,
                  GError **error)
{
    if (memcmp(raw, "metadata", 8) != 0) {
        vc_corrupt(error, position, "metadata table: no signature 'metadata'");
        return NULL;
    }
    unsigned n = load_le16(raw + 10);
    if (n > VHDX_ITEMS_MAX) {
        vc_corrupt(error, position + 10,
                   "metadata table: %u entries, expected at most %u", n,
                   VHDX_ITEMS_MAX);
        return NULL;
    }

    g_autofree VhdxItem *items = g_new0(VhdxItem, n + 1);
    unsigned users = 0;
    for (unsigned i = 0; i < n; i++) {
        uint32_t at = ITEMS_AT + i * ENTRY_SIZE, flags = load_le32(raw + at + 24);
        VhdxItem *item = &items[i];
        *item = (VhdxItem){
            .offset = load_le32(raw + at + 16),
            .length = load_le32(raw + at + 20),
            .user = flags & IS_USER,
            .virtual_disk = flags & IS_VIRTUAL_DISK,
            .required = flags & IS_REQUIRED,
        };
        memcpy(item->id.bytes, raw + at, 16);
        item->kind = kind_of(&item->id, item->user);
        users += item->user;
        if (!check_item(item, position + at, region_length, warnings, error))
            return NULL;
    }
    if (users > VHDX_USER_ITEMS_MAX) {
        vc_corrupt(error, position + 10,
                   "metadata table: %u user entries, expected at most %u", users,
                   VHDX_USER_ITEMS_MAX);
        return NULL;
    }
    if (!check_together(items, n, position, error))
        return NULL;
    for (unsigned kind = 0; kind < VHDX_VALUES; kind++) {
        if (!vhdx_items_find(items, n, (VhdxItemKind)kind)) {
            vc_corrupt(error, position, "metadata table: no item %s", known[kind].name);
            return NULL;
        }
    }
    *count = n;
    return g_steal_pointer(&items);
}

const VhdxItem *
vhdx_items_find(const VhdxItem *items, unsigned count, VhdxItemKind kind)
{
    for (unsigned i = 0; i < count; i++)
        if (items[i].kind == kind && items[i].length > 0)
            return &items[i];
    return NULL;
}

/* --- the values ---------------------------------------------------------------------
 */

static bool
is_sector_size(uint32_t size)
{
    return size == 512 || size == 4096;
}

static bool
decode_parameters(const uint8_t *raw, uint64_t position, VhdxMetadata *metadata,
                  GError **error)
{
    uint32_t block_size = load_le32(raw), flags = load_le32(raw + 4);
    if (block_size < VHDX_BLOCK_SIZE_MIN || block_size > VHDX_BLOCK_SIZE_MAX ||
        (block_size & (block_size - 1)) != 0) {
        vc_corrupt(error, position,
                   "file parameters: block size is 0x%" PRIx32
                   ", expected a power of two from 1 MiB to 256 MiB",
                   block_size);
        return false;
    }
    metadata->block_size = block_size;
    metadata->has_parent = flags & HAS_PARENT;
    metadata->fixed = !metadata->has_parent && (flags & LEAVE_BLOCKS_ALLOCATED);
    return true;
}

static bool
decode_disk_size(const uint8_t *raw, uint64_t position, VhdxMetadata *metadata,
                 GError **error)
{
    metadata->disk_size = load_le64(raw);
    if (metadata->disk_size <= VHDX_DISK_SIZE_MAX)
        return true;
    vc_corrupt(error, position,
               "virtual disk size is %" PRIu64
               " bytes, expected at most 64 TiB (%" PRIu64 ")",
               metadata->disk_size, VHDX_DISK_SIZE_MAX);
    return false;
}

bool
vhdx_value_decode(VhdxItemKind kind, const uint8_t *raw, uint64_t position,
                  VhdxMetadata *metadata, GPtrArray *warnings, GError **error)
{
    switch (kind) {
    case VHDX_ITEM_FILE_PARAMETERS:
        return decode_parameters(raw, position, metadata, error);
    case VHDX_ITEM_DISK_SIZE:
        return decode_disk_size(raw, position, metadata, error);
    case VHDX_ITEM_DISK_ID:
        memcpy(metadata->disk_id.bytes, raw, 16);
        return true;
    case VHDX_ITEM_LOGICAL_SECTOR:
        metadata->logical_sector = load_le32(raw);
        if (is_sector_size(metadata->logical_sector))
            return true;
        vc_corrupt(error, position,
                   "logical sector size is %" PRIu32 ", expected 512 or 4096",
                   metadata->logical_sector);
        return false;
    case VHDX_ITEM_PHYSICAL_SECTOR:
        /* It places no byte: not worth refusing a disk for. */
        metadata->physical_sector = load_le32(raw);
        if (!is_sector_size(metadata->physical_sector)) {
            vc_warn(warnings,
                    "physical sector size is %" PRIu32
                    ", expected 512 or 4096; ignored, at 0x%" PRIx64,
                    metadata->physical_sector, position);
            metadata->physical_sector = 0;
        }
        return true;
    case VHDX_ITEM_PARENT_LOCATOR:
    case VHDX_ITEM_UNKNOWN:
        break;
    }
    g_assert_not_reached();
}

bool
vhdx_metadata_check(const VhdxMetadata *metadata, bool has_locator, uint64_t position,
                    GError **error)
{
    if (metadata->disk_size % metadata->logical_sector != 0) {
        vc_corrupt(error, position,
                   "virtual disk size is %" PRIu64
                   ", expected a multiple of the logical sector size %" PRIu32
                   "; metadata region",
                   metadata->disk_size, metadata->logical_sector);
        return false;
    }
    if (metadata->has_parent && !has_locator) {
        vc_corrupt(
            error, position,
            "a differencing disk without the item parent locator; metadata region");
        return false;
    }
    return true;
}

void
vhdx_metadata_encode(const VhdxMetadata *metadata,
                     uint8_t raw[static VHDX_METADATA_ENCODED_SIZE])
{
    memset(raw, 0, VHDX_METADATA_ENCODED_SIZE);
    memcpy(raw, "metadata", 8);
    store_le16(raw + 10, VHDX_VALUES);
    for (size_t kind = 0; kind < VHDX_VALUES; kind++) {
        uint8_t *entry = raw + ITEMS_AT + kind * ENTRY_SIZE;
        memcpy(entry, known[kind].id->bytes, 16);
        store_le32(entry + 16, known[kind].offset);
        store_le32(entry + 20, known[kind].size);
        store_le32(entry + 24, known[kind].flags);
    }

    store_le32(raw + known[VHDX_ITEM_FILE_PARAMETERS].offset, metadata->block_size);
    store_le32(raw + known[VHDX_ITEM_FILE_PARAMETERS].offset + 4,
               (metadata->fixed ? LEAVE_BLOCKS_ALLOCATED : 0) |
                   (metadata->has_parent ? HAS_PARENT : 0));
    store_le64(raw + known[VHDX_ITEM_DISK_SIZE].offset, metadata->disk_size);
    memcpy(raw + known[VHDX_ITEM_DISK_ID].offset, metadata->disk_id.bytes, 16);
    store_le32(raw + known[VHDX_ITEM_LOGICAL_SECTOR].offset, metadata->logical_sector);
    store_le32(raw + known[VHDX_ITEM_PHYSICAL_SECTOR].offset,
               metadata->physical_sector);
}
