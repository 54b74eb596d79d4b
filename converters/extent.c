/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of an extent. */
#include "converters/extent.h"

#include <string.h>

bool
vc_extent_read(const VcExtent *extent, uint64_t offset, void *buffer, size_t length,
               GError **error)
{
    g_assert(offset >= extent->offset && length <= extent->length &&
             offset - extent->offset <= extent->length - length);

    if (extent->kind == VC_ZERO) {
        memset(buffer, 0, length);
        return true;
    }
    uint64_t position = extent->position + (offset - extent->offset);
    if (!vc_file_read(extent->file, position, buffer, length, error)) {
        g_prefix_error(error, "%s: ", extent->file->name);
        return false;
    }
    return true;
}
