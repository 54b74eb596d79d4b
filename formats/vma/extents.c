/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The extents of an archive that is being written. */
#include "formats/vma/extents.h"

#include "io/allocate.h"

VmaExtents *
vma_extents_new(uint64_t position, const uint8_t *uuid, GError **error)
{
    VmaExtents *e = vc_allocate(1, sizeof *e, error);
    if (!e)
        return NULL;
    e->uuid = uuid;
    e->md5 = g_checksum_new(G_CHECKSUM_MD5);
    e->position = position;
    return e;
}

void
vma_extents_free(VmaExtents *extents)
{
    if (!extents)
        return;
    g_checksum_free(extents->md5);
    g_free(extents);
}

bool
vma_extents_flush(VmaExtents *extents, VcFile *file, GError **error)
{
    size_t length = extents->batch_length;
    extents->batch_length = 0;
    return length == 0 ||
           vc_file_write(file, extents->batch_position, extents->batch, length, error);
}

bool
vma_extents_close(VmaExtents *extents, VcFile *file, GError **error)
{
    uint64_t waiting_end = extents->batch_position + extents->batch_length;
    if ((extents->batch_length == VMA_BATCH || waiting_end != extents->position) &&
        !vma_extents_flush(extents, file, error))
        return false;
    if (extents->batch_length == 0)
        extents->batch_position = extents->position;
    vma_extent_encode(&extents->header, extents->uuid, extents->md5,
                      extents->batch + extents->batch_length);
    extents->batch_length += VMA_EXTENT_HEADER;

    extents->position += VMA_EXTENT_HEADER +
                         (uint64_t)extents->header.blocks * VMA_BLOCK;
    extents->n_slots = 0;
    extents->header = (VmaExtentHeader){ 0 };
    return true;
}

bool
vma_extents_add(VmaExtents *extents, VcFile *file, unsigned device, uint32_t cluster,
                GError **error)
{
    if (!vma_extents_has_room(extents) && !vma_extents_close(extents, file, error))
        return false;
    extents->header.slots[extents->n_slots++] = (VmaSlot){
        .device = (uint8_t)device,
        .cluster = cluster,
    };
    return true;
}

uint64_t
vma_extents_store(VmaExtents *extents, unsigned first, unsigned count)
{
    VmaSlot *slot = &extents->header.slots[extents->n_slots - 1];
    uint64_t position = extents->position + VMA_EXTENT_HEADER +
                        (uint64_t)extents->header.blocks * VMA_BLOCK;
    g_assert(count > 0 && first + count <= VMA_CLUSTER_BLOCKS &&
             slot->mask < 1u << first);
    slot->mask |= (uint16_t)(((1u << count) - 1) << first);
    extents->header.blocks = (uint16_t)(extents->header.blocks + count);
    return position;
}

bool
vma_extents_skip(VmaExtents *extents, VcFile *file, uint64_t count, unsigned blocks,
                 GError **error)
{
    bool open = extents->n_slots > 0;
    g_assert(file->only_size && !(open && vma_extents_has_room(extents)));
    if (open && !vma_extents_close(extents, file, error))
        return false;
    uint64_t payload = (uint64_t)VMA_SLOTS_WRITTEN * blocks * VMA_BLOCK;
    extents->position += count * (VMA_EXTENT_HEADER + payload);
    return true;
}
