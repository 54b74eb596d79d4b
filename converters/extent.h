/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of an extent. */
#ifndef VC_CONVERTERS_EXTENT_H
#define VC_CONVERTERS_EXTENT_H

#include "formats/source.h"

/* Reads LENGTH bytes of the disk from OFFSET on, which lie within EXTENT (VC_DATA or
 * VC_ZERO). Errors begin with the name of the file that holds them. */
bool vc_extent_read(const VcExtent *extent, uint64_t offset, void *buffer,
                    size_t length, GError **error);

#endif
