/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of VHDX images. */
#include "formats/vhdx/vhdx.h"

#include "formats/vhdx/source.h"

const VcFormat vc_format_vhdx = {
    .name = "vhdx",
    .suffix = ".vhdx",
    .description = "VHDX image (Hyper-V, Windows 8 and later)",
    .max_disks = 1,
    .keeps_sectors = true,
    .probe = vhdx_probe,
    .open = vhdx_open,
    .check = vhdx_check,
    .create = vhdx_create,
    .create_options = vhdx_create_options,
};
