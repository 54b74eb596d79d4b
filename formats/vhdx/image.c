/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VHDX that was opened: reading its structures, in the order in which they may be
 * trusted: headers, log, region tables, metadata. */
#include "formats/vhdx/image.h"

#include "io/allocate.h"
#include "io/error.h"
#include "io/overlay.h"

#include <inttypes.h>
#include <string.h>

static bool
read_identifier(VhdxImage *image, GError **error)
{
    uint8_t raw[VHDX_IDENTIFIER_SIZE];
    if (!vc_file_read(image->file, VHDX_IDENTIFIER_POSITION, raw, sizeof raw, error)) {
        g_prefix_error(error, "file identifier: ");
        return false;
    }
    return vhdx_identifier_decode(raw, VHDX_IDENTIFIER_POSITION, &image->creator,
                                  error);
}

static bool
read_header(VhdxImage *image, GError **error)
{
    uint8_t first[VHDX_HEADER_SIZE], second[VHDX_HEADER_SIZE];
    bool second_chosen;
    if (!vc_file_read(image->file, VHDX_HEADER1_POSITION, first, sizeof first, error) ||
        !vc_file_read(image->file, VHDX_HEADER2_POSITION, second, sizeof second,
                      error)) {
        g_prefix_error(error, "headers: ");
        return false;
    }
    return vhdx_headers_choose(first, second, &image->header, &second_chosen, error) &&
           vhdx_header_check(
               &image->header,
               second_chosen ? VHDX_HEADER2_POSITION : VHDX_HEADER1_POSITION, error);
}

static bool
replay_log(VhdxImage *image, GPtrArray *warnings, GError **error)
{
    const VhdxHeader *h = &image->header;
    bool inside = h->log_offset <= image->size &&
                  h->log_length <= image->size - h->log_offset;

    if (vhdx_guid_is_zero(&h->log)) {
        if (h->log_length == 0)
            vc_warn(warnings, "header: the log, which is empty, has length 0");
        else if (!inside)
            vc_warn(warnings,
                    "header: the log, which is empty, lies at 0x%" PRIx64
                    ", beyond the end of the file",
                    h->log_offset);
        return true;
    }
    VhdxLog log = { .offset = h->log_offset, .length = h->log_length, .guid = h->log };
    image->file = vc_overlay_file(image->file);
    image->replayed = true;
    if (!vhdx_log_replay(&log, image->file, &image->replay, error))
        return false;
    image->size = image->replay.size_after;
    if (image->replay.beyond_last != 0)
        vc_warn(warnings,
                "log: a change at 0x%" PRIx64
                ", beyond the end of the file and of what the log announces",
                image->replay.beyond_last);
    return true;
}

static bool
check_in_file(const VhdxImage *image, const VhdxRegion *region, const char *what,
              GError **error)
{
    if (region->offset <= image->size && region->length <= image->size - region->offset)
        return true;
    vc_fail(error, VC_ERROR_SHORT,
            "%s region of 0x%" PRIx32 " bytes at 0x%" PRIx64
            ", but the file ends at 0x%" PRIx64,
            what, region->length, region->offset, image->size);
    return false;
}

/* The first region table counts, the second where the first is damaged. */
static bool
read_regions(VhdxImage *image, VhdxRegion *metadata, GPtrArray *warnings,
             GError **error)
{
    g_autofree uint8_t *first = g_malloc(VHDX_REGIONS_SIZE);
    g_autofree uint8_t *second = g_malloc(VHDX_REGIONS_SIZE);
    if (!vc_file_read(image->file, VHDX_REGIONS1_POSITION, first, VHDX_REGIONS_SIZE,
                      error) ||
        !vc_file_read(image->file, VHDX_REGIONS2_POSITION, second, VHDX_REGIONS_SIZE,
                      error)) {
        g_prefix_error(error, "region tables: ");
        return false;
    }

    g_autoptr(GError) error1 = NULL;
    g_autoptr(GError) error2 = NULL;
    bool valid1 = vhdx_regions_verify(first, VHDX_REGIONS1_POSITION, &error1);
    bool valid2 = vhdx_regions_verify(second, VHDX_REGIONS2_POSITION, &error2);
    if (!valid1 && !valid2) {
        vc_fail(error, VC_ERROR_CORRUPT, "neither region table is valid: %s; %s",
                error1->message, error2->message);
        return false;
    }
    if (!valid1)
        vc_warn(warnings, "%s; the second one is used", error1->message);
    else if (!valid2)
        vc_warn(warnings, "%s; the first one is used", error2->message);
    else if (memcmp(first, second, VHDX_REGIONS_SIZE) != 0)
        vc_warn(warnings, "the region tables differ; the first one is used");

    image->regions = vhdx_regions_decode(valid1 ? first : second,
                                         valid1 ? VHDX_REGIONS1_POSITION
                                                : VHDX_REGIONS2_POSITION,
                                         &image->header, &image->n_regions, error);
    if (!image->regions)
        return false;
    image->bat = *vhdx_regions_find(image->regions, image->n_regions, &vhdx_guid_bat);
    *metadata = *vhdx_regions_find(image->regions, image->n_regions,
                                   &vhdx_guid_metadata);
    return check_in_file(image, metadata, "metadata", error) &&
           check_in_file(image, &image->bat, "BAT", error);
}

static bool
read_value(VhdxImage *image, const VhdxRegion *region, const VhdxItem *item,
           GPtrArray *warnings, GError **error)
{
    uint8_t raw[16];
    uint64_t position = region->offset + item->offset;
    uint32_t length = vhdx_item_size(item->kind);
    g_assert(length <= sizeof raw);
    return vc_file_read(image->file, position, raw, length, error) &&
           vhdx_value_decode(item->kind, raw, position, &image->metadata, warnings,
                             error);
}

/* ITEM may be NULL. */
static bool
read_locator(VhdxImage *image, const VhdxRegion *region, const VhdxItem *item,
             GPtrArray *warnings, GError **error)
{
    if (!image->metadata.has_parent) {
        if (item)
            vc_warn(warnings, "metadata: a parent locator, but the disk has no parent");
        return true;
    }
    /* The decoder of the table let no item of more than 1 MiB pass. */
    g_autofree uint8_t *raw = vc_allocate(1, (size_t)item->length + 1, error);
    uint64_t position = region->offset + item->offset;
    if (!raw || !vc_file_read(image->file, position, raw, item->length, error) ||
        !vhdx_locator_decode(raw, item->length, position, &image->locator, error))
        return false;
    if (image->locator.odd_linkage)
        vc_warn(warnings, "parent locator: a linkage that is not written in lower case "
                          "and braces");
    return true;
}

static bool
read_metadata(VhdxImage *image, const VhdxRegion *region, GPtrArray *warnings,
              GError **error)
{
    if (region->length < VHDX_METADATA_TABLE_SIZE) {
        vc_corrupt(error, region->offset, "metadata region of 0x%" PRIx32 " bytes",
                   region->length);
        return false;
    }
    g_autofree uint8_t *raw = g_malloc(VHDX_METADATA_TABLE_SIZE);
    if (!vc_file_read(image->file, region->offset, raw, VHDX_METADATA_TABLE_SIZE,
                      error))
        return false;
    unsigned count;
    g_autofree VhdxItem *items = vhdx_items_decode(raw, region->offset, region->length,
                                                   &count, warnings, error);
    if (!items)
        return false;
    for (unsigned kind = 0; kind < VHDX_VALUES; kind++)
        if (!read_value(image, region,
                        vhdx_items_find(items, count, (VhdxItemKind)kind), warnings,
                        error))
            return false;
    const VhdxItem *locator = vhdx_items_find(items, count, VHDX_ITEM_PARENT_LOCATOR);
    return vhdx_metadata_check(&image->metadata, locator != NULL, region->offset,
                               error) &&
           read_locator(image, region, locator, warnings, error);
}

static bool
check_geometry(VhdxImage *image, GPtrArray *warnings, GError **error)
{
    const VhdxMetadata *m = &image->metadata;
    image->geometry = vhdx_geometry(m->disk_size, m->block_size, m->logical_sector,
                                    m->has_parent);
    if (m->disk_size == 0)
        vc_warn(warnings, "the virtual disk has size 0");

    uint64_t room = image->bat.length / VHDX_BAT_ENTRY_SIZE;
    if (image->geometry.entries > room) {
        vc_corrupt(error, image->bat.offset,
                   "BAT region has room for %" PRIu64 " entries, a disk of %" PRIu64
                   " bytes in blocks of %" PRIu32 " needs %" PRIu64 "; it begins",
                   room, m->disk_size, m->block_size, image->geometry.entries);
        return false;
    }
    return true;
}

bool
vhdx_image_open(VhdxImage *image, VcFile *file, GPtrArray *warnings, GError **error)
{
    VhdxRegion metadata = { 0 };
    *image = (VhdxImage){ .file = file };
    return vc_file_size(file, &image->size, error) && read_identifier(image, error) &&
           read_header(image, error) && replay_log(image, warnings, error) &&
           read_regions(image, &metadata, warnings, error) &&
           read_metadata(image, &metadata, warnings, error) &&
           check_geometry(image, warnings, error);
}

void
vhdx_image_clear(VhdxImage *image)
{
    g_clear_pointer(&image->file, vc_file_free);
    g_clear_pointer(&image->creator, g_free);
    g_clear_pointer(&image->regions, g_free);
    vhdx_locator_clear(&image->locator);
}
