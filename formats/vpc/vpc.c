/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of VHD images. */
#include "formats/format.h"

const VcFormat vc_format_vpc = { .name = "vpc", .max_disks = 1 };
