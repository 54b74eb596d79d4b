/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "formats/format.h"

const VcFormat vc_format_raw = { .name = "raw", .max_disks = 1 };
