/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every way in which a registered format can be written: what the contract runs over.
 */
#ifndef VC_TESTS_VARIANT_H
#define VC_TESTS_VARIANT_H

#include "formats/format.h"

typedef struct {
    const VcFormat *format;
    char *text; /* "vpc subformat=fixed": for messages, and a seed */
    VcOptions *options;
} Variant;

/* The formats of the registry that can be written and read, each without options and
 * with each choice of each of its options that are choices. Nothing here knows a
 * format. */
unsigned variant_count(void);
const Variant *variant_get(int index);

/* A layout of N disks of SIZE bytes; the later ones are 4096 bytes larger each. False
 * when the format does not hold so many. */
bool variant_layout(const Variant *variant, unsigned n, uint64_t size,
                    VcLayout *layout);

/* The unit in which the sink allocates, 0 when it has none. */
uint64_t variant_unit(const Variant *variant);

#endif
