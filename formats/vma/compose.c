/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of an archive that is to be written. */
#include "formats/vma/compose.h"

#include "formats/label.h"
#include "formats/vma/blobs.h"
#include "io/error.h"

#include <string.h>

#define SECTOR 512u

static bool
compose_size(VcDisk *disk, GPtrArray *warnings, GError **error)
{
    g_autofree char *label = vc_label(disk->name);
    if (disk->size == 0 || disk->size == VC_SIZE_UNKNOWN) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                disk->size == 0
                    ? "%s has no bytes; a VMA archive cannot hold an empty disk"
                    : "the size of %s is not known; a VMA archive begins with the "
                      "sizes of its disks, so give it with -o size",
                label);
        return false;
    }
    if (disk->size > VMA_DISK_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "%s has %" G_GUINT64_FORMAT
                " bytes; a disk in a VMA archive has at most %" G_GUINT64_FORMAT,
                label, disk->size, VMA_DISK_MAX);
        return false;
    }
    uint64_t rounded = (disk->size + SECTOR - 1) / SECTOR * SECTOR;
    if (rounded != disk->size)
        vc_warn(warnings,
                "size of %s rounded up from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                " bytes",
                label, disk->size, rounded);
    disk->size = rounded;
    return true;
}

bool
vma_compose_layout(VcLayout *layout, GPtrArray *warnings, GError **error)
{
    if (layout->n_blobs > VMA_CONFIGS) {
        vc_fail(error, VC_ERROR_LIMIT,
                "%u configuration files; a VMA archive holds at most %u",
                layout->n_blobs, VMA_CONFIGS);
        return false;
    }
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < layout->n_disks; i++) {
        VcDisk *disk = &layout->disks[i];
        if (disk->name[0] == '\0') {
            /* As Proxmox's `vma create` calls them. */
            g_free(disk->name);
            disk->name = g_strdup_printf("disk%u", i);
        }
        if (!compose_size(disk, warnings, error))
            return false;
        if (!g_hash_table_add(names, disk->name)) {
            g_autofree char *label = vc_label(disk->name);
            vc_warn(warnings,
                    "two disks are called %s; Proxmox cannot restore such an archive",
                    label);
        }
    }
    return true;
}

/* Adds a blob and sets *POINTER to it. WHAT and NAME are for the message. */
static bool
add_blob(VmaBlobWriter *writer, const char *what, const char *name, const void *data,
         size_t length, uint32_t *pointer, GError **error)
{
    if (length > VMA_BLOB_MAX) {
        g_autofree char *label = vc_label(name);
        vc_fail(error, VC_ERROR_LIMIT, "the %s %s has %zu bytes; at most %u fit", what,
                label, length, VMA_BLOB_MAX);
        return false;
    }
    *pointer = vma_blob_writer_add(writer, data, length);
    if (VMA_FIXED_HEADER + vma_blob_writer_table(writer) > VMA_HEADER_WRITTEN_MAX) {
        vc_fail(
            error, VC_ERROR_LIMIT,
            "configuration files and names are too large: the header would have more "
            "than the %u bytes that Proxmox allows",
            VMA_HEADER_WRITTEN_MAX);
        return false;
    }
    return true;
}

static bool
add_blobs(VmaBlobWriter *writer, const VcLayout *layout, VmaFixed *fixed,
          GError **error)
{
    for (unsigned i = 0; i < layout->n_blobs; i++) {
        const VcBlob *blob = &layout->blobs[i];
        if (!add_blob(writer, "name of config", blob->name, blob->name,
                      strlen(blob->name) + 1, &fixed->config_name[i], error) ||
            !add_blob(writer, "config", blob->name, blob->data, blob->length,
                      &fixed->config_data[i], error))
            return false;
    }
    for (unsigned i = 0; i < layout->n_disks; i++) {
        const VcDisk *disk = &layout->disks[i];
        unsigned id = VMA_DEVICE_FIRST + i;
        fixed->device[id].size = disk->size;
        if (!add_blob(writer, "name of disk", disk->name, disk->name,
                      strlen(disk->name) + 1, &fixed->device[id].name, error))
            return false;
    }
    return true;
}

GByteArray *
vma_compose_header(const VcLayout *layout, const uint8_t uuid[static 16], int64_t ctime,
                   GError **error)
{
    VmaBlobWriter writer;
    VmaFixed fixed = { .ctime = ctime, .blobs_position = VMA_FIXED_HEADER };
    memcpy(fixed.uuid, uuid, sizeof fixed.uuid);

    vma_blob_writer_init(&writer);
    GByteArray *header = NULL;
    if (add_blobs(&writer, layout, &fixed, error)) {
        fixed.blobs_size = writer.bytes->len;
        fixed.header_size = VMA_FIXED_HEADER + (uint32_t)vma_blob_writer_table(&writer);
        header = g_byte_array_sized_new(fixed.header_size);
        g_byte_array_set_size(header, fixed.header_size);
        memset(header->data, 0, header->len);
        vma_fixed_encode(&fixed, header->data);
        memcpy(header->data + VMA_FIXED_HEADER, writer.bytes->data, writer.bytes->len);
        vma_header_seal(header->data, header->len);
    }
    vma_blob_writer_clear(&writer);
    return header;
}
