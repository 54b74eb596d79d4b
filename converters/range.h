/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A part of one disk, seen as an image of its own. */
#ifndef VC_CONVERTERS_RANGE_H
#define VC_CONVERTERS_RANGE_H

#include "formats/source.h"

/* Gives a source of one disk: LENGTH bytes from OFFSET of disk DISK of WHOLE (borrowed,
 * to be read through the range only). They must lie within the disk. */
VcSource *vc_range(VcSource *whole, unsigned disk, uint64_t offset, uint64_t length);

#endif
