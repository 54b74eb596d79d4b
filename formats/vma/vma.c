/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of VMA archives. */
#include "formats/format.h"

const VcFormat vc_format_vma = { .name = "vma", .max_disks = 1 };
