/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source: the checks and the reading that all formats share. */
#include "formats/source.h"

#include "io/error.h"

#include <string.h>

void
vc_source_init(VcSource *source, const VcSourceOps *ops, VcFile *file)
{
    source->ops = ops;
    source->file = file;
    source->warnings = vc_warnings_new();
}

void
vc_source_clear(VcSource *source)
{
    vc_layout_clear(&source->layout);
    g_clear_pointer(&source->parent, vc_parent_free);
    g_clear_pointer(&source->identity, g_free);
    g_clear_pointer(&source->warnings, g_ptr_array_unref);
    g_clear_pointer(&source->file, vc_file_free);
}

void
vc_source_free(VcSource *source)
{
    if (source)
        source->ops->free(source);
}

const GPtrArray *
vc_source_warnings(VcSource *source)
{
    if (source->ops->conclude)
        source->ops->conclude(source, source->warnings);
    return source->warnings;
}

void
vc_parent_free(VcParent *parent)
{
    if (!parent)
        return;
    g_strfreev(parent->paths);
    g_free(parent->id);
    g_free(parent);
}

bool
vc_source_index(VcSource *source, GError **error)
{
    if (!source->indexed && source->ops->index && !source->ops->index(source, error)) {
        g_prefix_error(error, "%s: ", source->file->name);
        return false;
    }
    source->indexed = true;
    return true;
}

bool
vc_source_map_within(const VcSource *source, unsigned disk, uint64_t offset,
                     uint64_t length, VcExtent *extent, GError **error)
{
    g_assert(disk < source->layout.n_disks && length > 0 &&
             offset < source->layout.disks[disk].size);

    length = MIN(length, source->layout.disks[disk].size - offset);
    *extent = (VcExtent){ .disk = disk, .offset = offset, .length = length };
    if (!source->ops->map(source, disk, offset, extent, error)) {
        g_prefix_error(error, "%s: ", source->file->name);
        return false;
    }
    g_assert(extent->length > 0);
    extent->length = MIN(extent->length, length);
    return true;
}

bool
vc_source_map(const VcSource *source, unsigned disk, uint64_t offset, VcExtent *extent,
              GError **error)
{
    return vc_source_map_within(source, disk, offset, UINT64_MAX, extent, error);
}

static bool
next_of_map(VcSource *source, VcExtent *extent, GError **error)
{
    while (source->cursor.disk < source->layout.n_disks) {
        unsigned disk = source->cursor.disk;
        uint64_t offset = source->cursor.offset;
        if (!source->skip[disk] && offset < source->layout.disks[disk].size) {
            if (!vc_source_map(source, disk, offset, extent, error))
                return false;
            source->cursor.offset += extent->length;
            return true;
        }
        source->cursor.disk++;
        source->cursor.offset = 0;
    }
    *extent = (VcExtent){ .kind = VC_END };
    return true;
}

bool
vc_source_next(VcSource *source, VcExtent *extent, GError **error)
{
    if (!source->ops->next)
        return next_of_map(source, extent, error);

    do {
        *extent = (VcExtent){ .kind = VC_END };
        if (!source->ops->next(source, extent, error)) {
            g_prefix_error(error, "%s: ", source->file->name);
            return false;
        }
        if (extent->kind == VC_END)
            return true;
        g_assert(extent->disk < source->layout.n_disks && extent->length > 0);
    } while (source->skip[extent->disk]);
    return true;
}

static bool
read_extent(const VcExtent *extent, uint8_t *buffer, size_t length, GError **error)
{
    if (extent->kind == VC_ZERO) {
        memset(buffer, 0, length);
        return true;
    }
    if (!vc_file_read(extent->file, extent->position, buffer, length, error)) {
        g_prefix_error(error, "%s: ", extent->file->name);
        return false;
    }
    return true;
}

bool
vc_source_read(const VcSource *source, unsigned disk, uint64_t offset, void *buffer,
               size_t length, GError **error)
{
    uint64_t size = source->layout.disks[disk].size;
    if (offset > size || length > size - offset) {
        vc_fail(error, VC_ERROR_USAGE, "%s: reading beyond the end of the disk",
                source->file->name);
        return false;
    }
    for (uint8_t *at = buffer; length > 0;) {
        VcExtent extent;
        if (!vc_source_map(source, disk, offset, &extent, error))
            return false;
        size_t piece = MIN(length, extent.length);
        if (!read_extent(&extent, at, piece, error))
            return false;
        at += piece;
        offset += piece;
        length -= piece;
    }
    return true;
}

bool
vc_source_adopt(VcSource *source, VcSource *parent, GError **error)
{
    if (!source->ops->adopt(source, parent, error)) {
        g_prefix_error(error, "%s: ", source->file->name);
        return false;
    }
    return true;
}

int
vc_source_find_disk(const VcSource *source, const char *name)
{
    for (unsigned i = 0; i < source->layout.n_disks; i++)
        if (strcmp(source->layout.disks[i].name, name) == 0)
            return (int)i;
    return -1;
}
