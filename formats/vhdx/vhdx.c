/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of VHDX images. */
#include "formats/format.h"

const VcFormat vc_format_vhdx = { .name = "vhdx", .max_disks = 1 };
