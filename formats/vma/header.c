/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of an archive: reading and checking. */
#include "formats/vma/header.h"

#include "formats/label.h"
#include "formats/vma/blobs.h"
#include "io/allocate.h"
#include "io/error.h"

#include <string.h>

#define YEAR_10000 253402300800

/* What the functions below work on. */
typedef struct {
    VmaHeader *header;
    const VmaFixed *fixed;
    VmaBlobs blobs;
    GPtrArray *warnings;
} Parser;

/* Reads the fixed part, then all of it: no more than VMA_HEADER_MAX. */
static uint8_t *
read_bytes(VcFile *file, VmaFixed *fixed, GError **error)
{
    g_autofree uint8_t *raw = g_malloc0(VMA_FIXED_HEADER);
    size_t got;

    if (!vc_file_read_some(file, 0, raw, VMA_FIXED_HEADER, &got, error))
        return NULL;
    if (got >= 4 && !vma_fixed_decode(raw, fixed, error))
        return NULL;
    if (got < VMA_FIXED_HEADER) {
        vc_fail(
            error, VC_ERROR_SHORT,
            "the file ends inside the archive header: found %zu bytes, expected more "
            "than %u",
            got, VMA_FIXED_HEADER);
        return NULL;
    }
    if (fixed->header_size <= VMA_FIXED_HEADER) {
        vc_corrupt(error, 56, "the archive header has %u bytes, expected more than %u",
                   fixed->header_size, VMA_FIXED_HEADER);
        return NULL;
    }
    if (fixed->header_size > VMA_HEADER_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "the archive header claims %u bytes at 0x38; %u are the limit",
                fixed->header_size, VMA_HEADER_MAX);
        return NULL;
    }
    uint8_t *whole = vc_allocate_more(raw, fixed->header_size, error);
    if (!whole)
        return NULL;
    raw = whole;
    if (!vc_file_read(file, VMA_FIXED_HEADER, raw + VMA_FIXED_HEADER,
                      fixed->header_size - VMA_FIXED_HEADER, error)) {
        g_prefix_error(error, "archive header of %u bytes: ", fixed->header_size);
        return NULL;
    }
    return g_steal_pointer(&raw);
}

static bool
check_bytes(const VmaFixed *fixed, const uint8_t *raw, GError **error)
{
    g_autoptr(GChecksum) md5 = g_checksum_new(G_CHECKSUM_MD5);
    uint8_t digest[16];
    vma_md5(md5, raw, fixed->header_size, 32, digest);
    if (memcmp(digest, fixed->md5, sizeof digest) != 0) {
        vc_corrupt(error, 32,
                   "the archive header's MD5 begins with 0x%02x%02x%02x%02x, computed "
                   "0x%02x%02x%02x%02x",
                   fixed->md5[0], fixed->md5[1], fixed->md5[2], fixed->md5[3],
                   digest[0], digest[1], digest[2], digest[3]);
        return false;
    }
    if (fixed->version != 1) {
        vc_fail(error, VC_ERROR_UNSUPPORTED, "VMA version %u at 0x4; only 1 is known",
                fixed->version);
        return false;
    }
    /* Proxmox's reader adds these in 32 bits, where they can wrap. */
    if (fixed->blobs_position < VMA_FIXED_HEADER ||
        (uint64_t)fixed->blobs_position + fixed->blobs_size > fixed->header_size) {
        vc_corrupt(error, 48,
                   "the blob buffer of %u bytes at 0x%x is not inside 0x%x..0x%x, the "
                   "header behind its fixed part",
                   fixed->blobs_size, fixed->blobs_position, VMA_FIXED_HEADER,
                   fixed->header_size);
        return false;
    }
    return true;
}

/* Gives the name at POINTER, which stands in the header at POSITION. WHAT and NUMBER
 * are for messages. */
static char *
find_name(const Parser *p, const char *what, unsigned number, uint32_t pointer,
          uint64_t position, GError **error)
{
    const uint8_t *data;
    size_t length;

    if (!vma_blobs_find(&p->blobs, pointer, &data, &length)) {
        vc_corrupt(error, position,
                   "%s %u: its name pointer 0x%x is not the beginning of a blob", what,
                   number, pointer);
        return NULL;
    }
    if (length == 0 || data[length - 1] != '\0') {
        vc_corrupt(error, position,
                   "%s %u: its name of %zu bytes has no NUL at its end", what, number,
                   length);
        return NULL;
    }
    /* Proxmox's tool takes what stands before the first NUL. */
    char *name = g_strdup((const char *)data);
    if (strlen(name) != length - 1) {
        g_autofree char *label = vc_label(name);
        vc_warn(p->warnings, "%s %u: its name has a NUL inside and was cut to '%s'",
                what, number, label);
    }
    return name;
}

static bool
read_config(Parser *p, unsigned i, GError **error)
{
    uint32_t name_at = p->fixed->config_name[i], data_at = p->fixed->config_data[i];
    const uint8_t *data;
    size_t length;

    if (name_at == 0 || data_at == 0) {
        if (name_at != data_at)
            vc_warn(p->warnings, "config %u has no %s and was left out", i,
                    name_at == 0 ? "name" : "data");
        return true;
    }
    g_autofree char *name = find_name(p, "config", i, name_at, 2044 + 4 * (uint64_t)i,
                                      error);
    if (!name)
        return false;
    if (!vma_blobs_find(&p->blobs, data_at, &data, &length)) {
        vc_corrupt(error, 3068 + 4 * (uint64_t)i,
                   "config %u: its data pointer 0x%x is not the beginning of a blob", i,
                   data_at);
        return false;
    }
    vc_layout_add_blob(&p->header->layout, name, data, length);
    return true;
}

static bool
read_device(Parser *p, unsigned id, GError **error)
{
    VmaHeader *header = p->header;
    uint64_t size = p->fixed->device[id].size, position = 4096 + 32 * (uint64_t)id;

    if (size == 0) {
        if (p->fixed->device[id].name != 0)
            vc_warn(p->warnings, "device %u has a name but size 0 and was left out",
                    id);
        return true;
    }
    g_autofree char *name = find_name(p, "device", id, p->fixed->device[id].name,
                                      position, error);
    if (!name)
        return false;
    g_autofree char *label = vc_label(name);
    if (size > VMA_DISK_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "device %u (%s) claims %" G_GUINT64_FORMAT
                " bytes at 0x%" G_GINT64_MODIFIER "x; %" G_GUINT64_FORMAT
                " are the limit of the format",
                id, label, size, position + 8, VMA_DISK_MAX);
        return false;
    }
    if (size % 512 != 0)
        vc_warn(p->warnings,
                "the size of %s, %" G_GUINT64_FORMAT " bytes, is not a multiple of 512",
                label, size);

    unsigned index = header->layout.n_disks;
    VcDisk *disk = vc_layout_add_disk(&header->layout, name, size);
    disk->vmstate = strcmp(name, "vmstate") == 0;
    header->device[index] = (uint8_t)id;
    header->label[index] = g_steal_pointer(&label);
    header->disk_of_device[id] = (int16_t)index;
    return true;
}

static bool
read_lists(Parser *p, GError **error)
{
    for (unsigned i = 0; i < VMA_CONFIGS; i++)
        if (!read_config(p, i, error))
            return false;
    /* Devices 0 and 255 may be declared, but nothing can be stored for them. */
    for (unsigned id = VMA_DEVICE_FIRST; id <= VMA_DEVICE_LAST; id++)
        if (!read_device(p, id, error))
            return false;
    return true;
}

bool
vma_header_read(VmaHeader *header, VcFile *file, GPtrArray *warnings, GError **error)
{
    VmaFixed fixed;
    *header = (VmaHeader){ 0 };
    for (unsigned i = 0; i < VMA_DEVICES; i++)
        header->disk_of_device[i] = -1;

    g_autofree uint8_t *raw = read_bytes(file, &fixed, error);
    if (!raw || !check_bytes(&fixed, raw, error))
        return false;

    memcpy(header->uuid, fixed.uuid, sizeof header->uuid);
    header->ctime = fixed.ctime;
    header->size = fixed.header_size;
    header->blobs_size = fixed.blobs_size;
    if (fixed.ctime < 0 || fixed.ctime >= YEAR_10000)
        vc_warn(warnings,
                "the creation time, %" G_GINT64_FORMAT
                " seconds after 1970, is nonsense",
                fixed.ctime);

    Parser parser = { .header = header, .fixed = &fixed, .warnings = warnings };
    bool ok = vma_blobs_init(&parser.blobs, raw + fixed.blobs_position,
                             fixed.blobs_size, error) &&
              read_lists(&parser, error);
    vma_blobs_clear(&parser.blobs);
    if (!ok)
        vma_header_clear(header);
    return ok;
}

void
vma_header_clear(VmaHeader *header)
{
    vc_layout_clear(&header->layout);
    for (unsigned i = 0; i < VC_DISKS_MAX; i++)
        g_free(header->label[i]);
    *header = (VmaHeader){ 0 };
}
