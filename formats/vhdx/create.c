/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a new VHDX shall be like: the options, checked and made whole. */
#include "formats/vhdx/create.h"

#include "formats/vhdx/vhdx.h"
#include "io/bytes.h"
#include "io/error.h"

#include <inttypes.h>
#include <stdlib.h>

/* What Windows takes for a dynamic disk. */
#define BLOCK_SIZE_DEFAULT ((uint64_t)32 << 20)
/* What Windows takes, and enough: nothing is ever logged here. */
#define LOG_SIZE_DEFAULT VHDX_MIB
/* The largest multiple of 1 MiB that its 32-bit field holds. */
#define LOG_SIZE_MAX (((uint64_t)1 << 32) - VHDX_MIB)
/* What Windows tells of its disks. */
#define PHYSICAL_SECTOR_DEFAULT 4096u
#define METADATA_SIZE ((uint32_t)1 << 20)

const VcOptionSpec vhdx_create_options[] = {
    { "subformat", VC_OPTION_CHOICE, "dynamic|fixed", "dynamic",
      "blocks allocated as they are needed, or all from the beginning" },
    { "block_size", VC_OPTION_SIZE, NULL, "32M",
      "1M to 256M, a power of two; 1M keeps the sparse disks of Linux guests small" },
    { "log_size", VC_OPTION_SIZE, NULL, "1M", "of the journal, a multiple of 1M" },
    { "logical_sector_size", VC_OPTION_CHOICE, "512|4096", "of the source",
      "sector size that the guest sees" },
    { "physical_sector_size", VC_OPTION_CHOICE, "512|4096", "4096",
      "sector size that the guest is told to align to" },
    { "size", VC_OPTION_SIZE, NULL, "of the source", "size of the disk" },
    { "block_state_zero", VC_OPTION_BOOL, NULL, "off",
      "taken for qemu-img's sake; blocks that are not there read as zero either way" },
    { NULL },
};

static bool
plan_block_size(const VcOptions *options, VhdxPlan *plan, GError **error)
{
    uint64_t size = vc_options_size(options, "block_size", 0);
    if (size == 0) /* also as qemu-img means it: what is best */
        size = BLOCK_SIZE_DEFAULT;
    if (size < VHDX_BLOCK_SIZE_MIN || size > VHDX_BLOCK_SIZE_MAX ||
        (size & (size - 1)) != 0) {
        vc_fail(error, VC_ERROR_USAGE,
                "option block_size: %" PRIu64
                " is not a power of two from 1M to 256M (1048576 to 268435456)",
                size);
        return false;
    }
    plan->metadata.block_size = (uint32_t)size;
    return true;
}

static bool
plan_log(const VcOptions *options, VhdxPlan *plan, GError **error)
{
    uint64_t size = vc_options_size(options, "log_size", LOG_SIZE_DEFAULT);
    if (size == 0 || size % VHDX_MIB != 0 || size > LOG_SIZE_MAX) {
        vc_fail(error, VC_ERROR_USAGE,
                "option log_size: %" PRIu64 " is not a multiple of 1M from 1M to 4095M",
                size);
        return false;
    }
    plan->header = (VhdxHeader){
        .version = 1,
        .log_length = (uint32_t)size,
        .log_offset = VHDX_HEADER_SECTION_SIZE,
    };
    return true;
}

static uint32_t
sector_option(const VcOptions *options, const char *key, uint32_t fallback)
{
    const char *text = vc_options_text(options, key, NULL);
    return text ? (uint32_t)strtoul(text, NULL, 10) : fallback;
}

static void
plan_sectors(VcDisk *disk, const VcOptions *options, VhdxPlan *plan,
             GPtrArray *warnings)
{
    uint32_t own = disk->logical_sector == 4096 ? 4096 : 512;
    uint32_t logical = sector_option(options, "logical_sector_size", own);
    uint32_t physical = sector_option(options, "physical_sector_size",
                                      PHYSICAL_SECTOR_DEFAULT);

    if (disk->logical_sector > 512 && disk->logical_sector != logical)
        vc_warn(warnings,
                "the disk has sectors of %" PRIu32 " bytes and becomes one of %" PRIu32
                ": partition tables count in sectors and will not be found",
                disk->logical_sector, logical);
    disk->logical_sector = plan->metadata.logical_sector = logical;
    disk->physical_sector = plan->metadata.physical_sector = physical;
}

static bool
plan_size(VcDisk *disk, const VcOptions *options, VhdxPlan *plan, GPtrArray *warnings,
          GError **error)
{
    if (disk->size == VC_SIZE_UNKNOWN) {
        vc_fail(
            error, VC_ERROR_UNSUPPORTED,
            "a VHDX needs the size of its disk from the start, and the source does not "
            "tell it; give it with --size, or store the source in a file first");
        return false;
    }

    uint64_t given, size;
    if (!vc_sink_choose_size(disk, options, &given, error))
        return false;
    if (!vc_round_up(given, disk->logical_sector, &size) || size > VHDX_DISK_SIZE_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "a disk of %" PRIu64 " bytes: a VHDX holds at most 64 TiB, %" PRIu64
                " bytes",
                given, VHDX_DISK_SIZE_MAX);
        return false;
    }
    if (size != given)
        vc_warn(warnings,
                "size %" PRIu64 " rounded up to %" PRIu64
                ", a multiple of the logical sector size",
                given, size);
    if (size == 0)
        vc_warn(warnings, "a disk of 0 bytes: other programs do not open such a VHDX");
    disk->size = plan->metadata.disk_size = size;
    return true;
}

static VhdxGuid
draw(const VcIdentity *identity, const char *purpose, const char *name)
{
    uint8_t uuid[16];
    vc_identity_uuid(identity, purpose, name, uuid);
    return vhdx_guid_from_uuid(uuid);
}

/* One after the other, as Windows does: log, metadata, BAT, payload. */
static void
plan_places(VhdxPlan *plan)
{
    const VhdxMetadata *m = &plan->metadata;
    plan->geometry = vhdx_geometry(m->disk_size, m->block_size, m->logical_sector,
                                   false);

    /* At most 513 MiB. A region without a length would be one that nobody has tested.
     */
    uint64_t bat = MAX(plan->geometry.entries, 1) * VHDX_BAT_ENTRY_SIZE;
    bat += (VHDX_MIB - bat % VHDX_MIB) % VHDX_MIB;

    plan->metadata_region = (VhdxRegion){
        .id = vhdx_guid_metadata,
        .offset = plan->header.log_offset + plan->header.log_length,
        .length = METADATA_SIZE,
        .required = true, /* VirtualBox refuses both regions without it */
    };
    plan->bat = (VhdxRegion){
        .id = vhdx_guid_bat,
        .offset = plan->metadata_region.offset + METADATA_SIZE,
        .length = (uint32_t)bat,
        .required = true,
    };
    plan->payload = plan->bat.offset + plan->bat.length;
}

bool
vhdx_plan(VcDisk *disk, const VcOptions *options, const VcIdentity *identity,
          VhdxPlan *plan, GPtrArray *warnings, GError **error)
{
    *plan = (VhdxPlan){ 0 };
    if (!plan_block_size(options, plan, error) || !plan_log(options, plan, error))
        return false;
    plan_sectors(disk, options, plan, warnings);
    if (!plan_size(disk, options, plan, warnings, error))
        return false;
    plan->metadata.fixed = g_str_equal(vc_options_text(options, "subformat", "dynamic"),
                                       "fixed");

    plan->header.file_write = draw(identity, "vhdx file write", disk->name);
    plan->header.data_write = draw(identity, "vhdx data write", disk->name);
    plan->metadata.disk_id = draw(identity, "vhdx disk id", disk->name);
    plan_places(plan);
    return true;
}
