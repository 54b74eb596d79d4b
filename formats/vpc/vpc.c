/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of VHD images. */
#include "formats/vpc/vpc.h"

#include "formats/vpc/footers.h"

static const VcOptionSpec open_options[] = {
    { "size_rule", VC_OPTION_CHOICE, "current_size|chs", "current_size",
      "which number of the footer is the size; chs: as Virtual PC" },
    { "force_size_calc", VC_OPTION_CHOICE, "current_size|chs", "current_size",
      "the same, under QEMU's name" },
    { "ignore_bitmaps", VC_OPTION_BOOL, NULL, "off",
      "dynamic disks: read what lies in sectors that are marked as never written, as "
      "QEMU "
      "does" },
    { NULL },
};

static const VcOptionSpec create_options[] = {
    { "subformat", VC_OPTION_CHOICE, "dynamic|fixed", "dynamic",
      "blocks as they are needed, or the raw disk and a footer (for Azure)" },
    { "block_size", VC_OPTION_SIZE, NULL, "2M",
      "of dynamic disks: a power of two, 4K to 256M; other programs expect 2M or "
      "512K" },
    { "force_size", VC_OPTION_BOOL, NULL, "on",
      "accepted for QEMU's sake: the size is always exact" },
    { "creator", VC_OPTION_CHOICE, "vcnv|win", "vcnv",
      "the program to name as creator; win: QEMU before 10.0, too, sees the exact "
      "size" },
    { "size", VC_OPTION_SIZE, NULL, "of the source", "size of the disk" },
    { NULL },
};

const VcFormat vc_format_vpc = {
    .name = "vpc",
    .alias = "vhd",
    .suffix = ".vhd",
    .description = "VHD image (Virtual PC, Hyper-V, Azure, XenServer)",
    .max_disks = 1,
    .probe = vpc_probe,
    .probe_end = vpc_probe_end,
    .open = vpc_open,
    .open_options = open_options,
    .create = vpc_create,
    .create_options = create_options,
    .check = vpc_check,
};
