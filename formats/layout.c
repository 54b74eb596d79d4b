/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an image holds: disks, and the small files beside them. */
#include "formats/layout.h"

#include <string.h>

VcDisk *
vc_layout_add_disk(VcLayout *layout, const char *name, uint64_t size)
{
    layout->disks = g_renew(VcDisk, layout->disks, layout->n_disks + 1);
    VcDisk *disk = &layout->disks[layout->n_disks++];
    *disk = (VcDisk){ .name = g_strdup(name), .size = size, .logical_sector = 512 };
    return disk;
}

void
vc_layout_add_blob(VcLayout *layout, const char *name, const void *data, size_t length)
{
    uint8_t *copy = g_malloc(length + 1);
    if (length > 0)
        memcpy(copy, data, length);
    copy[length] = '\0';
    layout->blobs = g_renew(VcBlob, layout->blobs, layout->n_blobs + 1);
    layout->blobs[layout->n_blobs++] =
        (VcBlob){ .name = g_strdup(name), .data = copy, .length = length };
}

void
vc_layout_copy(VcLayout *to, const VcLayout *from)
{
    *to = (VcLayout){ 0 };
    for (unsigned i = 0; i < from->n_disks; i++) {
        VcDisk *disk = vc_layout_add_disk(to, from->disks[i].name, from->disks[i].size);
        disk->logical_sector = from->disks[i].logical_sector;
        disk->physical_sector = from->disks[i].physical_sector;
        disk->vmstate = from->disks[i].vmstate;
    }
    for (unsigned i = 0; i < from->n_blobs; i++)
        vc_layout_add_blob(to, from->blobs[i].name, from->blobs[i].data,
                           from->blobs[i].length);
}

void
vc_layout_clear(VcLayout *layout)
{
    for (unsigned i = 0; i < layout->n_disks; i++)
        g_free(layout->disks[i].name);
    for (unsigned i = 0; i < layout->n_blobs; i++) {
        g_free(layout->blobs[i].name);
        g_free(layout->blobs[i].data);
    }
    g_free(layout->disks);
    g_free(layout->blobs);
    *layout = (VcLayout){ 0 };
}
