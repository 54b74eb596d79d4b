/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk of a given size that holds nothing, as a source. */
#include "cli/empty.h"

#include "io/memory.h"

bool
vc_empty_open(VcImage *image, uint64_t size, GError **error)
{
    /* A hole in a file in memory: it takes no memory. */
    g_autoptr(VcFile) file = vc_memory_file("empty disk");
    if (!vc_file_truncate(file, size, error))
        return false;
    const VcFormat *raw = vc_format_find("raw", error);
    VcSource *source = vc_format_open(raw, g_steal_pointer(&file), NULL, error);
    if (!source)
        return false;
    *image = (VcImage){ .source = source, .disk = -1, .path = g_strdup("-") };
    return true;
}
