/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands between an image and Hyper-V. */
#include "cli/hyperv.h"

#include "io/error.h"

#include <string.h>
#include <sys/stat.h>

/* Larger ones are not attached; a fixed VHD can be. */
#define VHD_MAX ((uint64_t)2040 << 30)

static bool
is_sparse(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_blocks * 512 < (uint64_t)st.st_size;
}

GPtrArray *
vc_hyperv_obstacles(const VcImage *image)
{
    const VcSource *source = image->source;
    bool vhd = strcmp(source->format->name, "vpc") == 0;
    if (!vhd && strcmp(source->format->name, "vhdx") != 0)
        return NULL;

    GPtrArray *obstacles = vc_warnings_new();
    const VcDisk *disk = &source->layout.disks[0];
    if (is_sparse(image->path))
        vc_warn(obstacles, "the file has holes, which Hyper-V refuses (0xC03A001A): "
                           "convert with --no-holes, or copy it without them");
    if (vhd && disk->size > VHD_MAX)
        vc_warn(obstacles, "the disk is larger than the 2040 GiB of Hyper-V's limit");
    if (disk->logical_sector == 4096)
        vc_warn(obstacles, "the logical sectors have 4096 bytes: it is no disk to boot "
                           "machines of generation 1 from");
    if (disk->physical_sector == 512)
        vc_warn(obstacles,
                "the physical sectors have 512 bytes: slow on disks that have "
                "4096");
    return obstacles;
}
