/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading whole disks through the two questions that a source answers. */
#include "tests/formats/vma/reading.h"

#include <string.h>

/* Above the largest disk of any test that is read to its end. */
#define SIZE_MAX_READ ((uint64_t)64 << 20)

/* What no test stores in a disk at a sector's beginning, so that gaps are seen. */
#define NOT_YET 0xee

void
contents_clear(Contents *contents)
{
    for (unsigned i = 0; i < VC_DISKS_MAX; i++)
        g_clear_pointer(&contents->disks[i], g_free);
}

bool
read_stored(VcSource *source, Contents *contents, GError **error)
{
    uint64_t left[VC_DISKS_MAX] = { 0 };
    *contents = (Contents){ 0 };
    for (unsigned i = 0; i < source->layout.n_disks; i++) {
        uint64_t size = source->layout.disks[i].size;
        if (source->skip[i] || size > SIZE_MAX_READ)
            continue;
        contents->disks[i] = g_malloc(size);
        memset(contents->disks[i], NOT_YET, size);
        left[i] = size;
    }
    for (;;) {
        VcExtent extent;
        if (!vc_source_next(source, &extent, error))
            return false;
        if (extent.kind == VC_END)
            break;
        uint8_t *disk = contents->disks[extent.disk];
        if (!disk)
            continue;
        g_assert(extent.length <= left[extent.disk]);
        left[extent.disk] -= extent.length;
        if (extent.kind == VC_ZERO)
            memset(disk + extent.offset, 0, extent.length);
        else if (!vc_file_read(extent.file, extent.position, disk + extent.offset,
                               extent.length, error))
            return false;
    }
    for (unsigned i = 0; i < source->layout.n_disks; i++)
        g_assert(left[i] == 0);
    return true;
}

bool
read_mapped(VcSource *source, Contents *contents, GError **error)
{
    *contents = (Contents){ 0 };
    if (!vc_source_index(source, error))
        return false;
    for (unsigned i = 0; i < source->layout.n_disks; i++) {
        uint64_t size = source->layout.disks[i].size, piece;
        if (source->skip[i] || size > SIZE_MAX_READ)
            continue;
        contents->disks[i] = g_malloc(size);
        for (uint64_t at = 0; at < size; at += piece) {
            piece = MIN(size - at, 99991);
            if (!vc_source_read(source, i, at, contents->disks[i] + at, piece, error))
                return false;
        }
    }
    return true;
}
