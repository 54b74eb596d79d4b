/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether two disks hold the same bytes. */
#ifndef VC_CONVERTERS_COMPARE_H
#define VC_CONVERTERS_COMPARE_H

#include "converters/convert.h"

typedef struct {
    bool same;
    bool size_differs; /* the smaller one was compared as if zeros followed */
    uint64_t first;    /* offset of the first difference, when not same */
    bool first_in_map; /* strict: the first difference is in allocation, not content */
} VcComparison;

/* Compares disk A of SOURCE_A with disk B of SOURCE_B. What both know to be zero is not
 * read. At least one of them needs `map`; the other may come in stored order. STRICT:
 * sizes and allocation must be equal too, as `qemu-img compare -s`. Only workers,
 * progress and user of OPTIONS count. */
bool vc_compare(VcSource *source_a, unsigned a, VcSource *source_b, unsigned b,
                bool strict, const VcConvertOptions *options, VcComparison *comparison,
                GError **error);

#endif
