/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks and configurations on their way into one archive. */
#include "cli/pack.h"

#include "formats/label.h"
#include "io/error.h"

#include <string.h>

/* More than any format takes; what is no configuration (/dev/zero) has no end. */
#define CONFIG_MAX (1u << 20)

void
vc_pack_init(VcPack *pack, VcTransfer *transfer, const char *path,
             const VcFormat *format)
{
    *pack = (VcPack){ .transfer = transfer,
                      .target = vc_transfer_target(transfer, path, format),
                      .images = vc_transfer_images_new(),
                      .routes = g_array_new(FALSE, FALSE, sizeof(VcRoute)) };
}

void
vc_pack_clear(VcPack *pack)
{
    vc_layout_clear(&pack->target.layout);
    g_clear_pointer(&pack->images, g_ptr_array_unref);
    g_clear_pointer(&pack->routes, g_array_unref);
}

bool
vc_pack_has_disk(const VcPack *pack, const char *name)
{
    const VcLayout *layout = &pack->target.layout;
    for (unsigned i = 0; i < layout->n_disks; i++)
        if (strcmp(layout->disks[i].name, name) == 0)
            return true;
    return false;
}

bool
vc_pack_disk(VcPack *pack, const VcImage *image, unsigned disk, const char *name,
             GError **error)
{
    VcLayout *layout = &pack->target.layout;
    unsigned max = pack->target.format->max_disks;
    if (layout->n_disks == max) {
        vc_fail(error, VC_ERROR_LIMIT, "%s: an archive holds at most %u disks",
                pack->target.path, max);
        return false;
    }
    if (vc_pack_has_disk(pack, name)) {
        g_autofree char *label = vc_label(name);
        vc_fail(error, VC_ERROR_USAGE, "%s: the archive has a disk '%s' already",
                image->path, label);
        return false;
    }
    VcRoute route = { .source = image->source,
                      .source_disk = disk,
                      .target_disk = layout->n_disks };
    g_array_append_val(pack->routes, route);
    vc_transfer_add_disk(pack->transfer, &pack->target,
                         &image->source->layout.disks[disk], name);
    return true;
}

bool
vc_pack_archive(VcPack *pack, const VcImage *image, GError **error)
{
    const VcLayout *layout = &image->source->layout;
    for (unsigned i = 0; i < layout->n_disks; i++)
        if ((image->disk < 0 || (unsigned)image->disk == i) &&
            !vc_pack_disk(pack, image, i, layout->disks[i].name, error))
            return false;
    const VcLayout *present = &pack->target.layout;
    for (unsigned i = 0; i < present->n_blobs; i++) {
        for (unsigned j = 0; j < layout->n_blobs; j++) {
            if (strcmp(present->blobs[i].name, layout->blobs[j].name) != 0)
                continue;
            g_autofree char *label = vc_label(layout->blobs[j].name);
            vc_fail(error, VC_ERROR_USAGE,
                    "%s: the archive has a configuration '%s' already", image->path,
                    label);
            return false;
        }
    }
    for (unsigned i = 0; i < layout->n_blobs; i++)
        vc_layout_add_blob(&pack->target.layout, layout->blobs[i].name,
                           layout->blobs[i].data, layout->blobs[i].length);
    return true;
}

/* Gives what is in the file at PATH, which may be a FIFO. */
static GByteArray *
read_config(const char *path, GError **error)
{
    /* "-" is a file's name here: standard input may be a disk. */
    g_autoptr(VcFile) file = vc_posix_open(strcmp(path, "-") == 0 ? "./-" : path,
                                           VC_CACHE_WRITEBACK, error);
    g_autoptr(GByteArray) config = g_byte_array_new();
    for (size_t got = 1; file && got > 0;) {
        uint8_t piece[4096];
        if (!vc_file_read_some(file, config->len, piece, sizeof piece, &got, error))
            return NULL;
        g_byte_array_append(config, piece, (guint)got);
        if (config->len > CONFIG_MAX) {
            vc_fail(error, VC_ERROR_LIMIT, "is longer than %u bytes", CONFIG_MAX);
            return NULL;
        }
    }
    return file ? g_steal_pointer(&config) : NULL;
}

bool
vc_pack_config(VcPack *pack, const char *path, const char *name, GError **error)
{
    g_autoptr(GByteArray) config = read_config(path, error);
    if (!config) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    g_ptr_array_add(pack->transfer->inputs, g_strdup(path));
    vc_layout_add_blob(&pack->target.layout, name, config->data, config->len);
    return true;
}

void
vc_pack_drop_config(VcPack *pack, const char *name)
{
    VcLayout *layout = &pack->target.layout;
    unsigned kept = 0;
    for (unsigned i = 0; i < layout->n_blobs; i++) {
        VcBlob *blob = &layout->blobs[i];
        if (strcmp(blob->name, name) != 0) {
            layout->blobs[kept++] = *blob;
            continue;
        }
        g_free(blob->name);
        g_free(blob->data);
    }
    layout->n_blobs = kept;
}

void
vc_pack_plan(const VcPack *pack, VcConversion *conversion)
{
    unsigned index = vc_conversion_add_target(conversion, &pack->target);
    for (guint i = 0; i < pack->routes->len; i++) {
        const VcRoute *r = &g_array_index(pack->routes, VcRoute, i);
        vc_conversion_add_route(conversion, r->source, r->source_disk, index,
                                r->target_disk);
    }
}

bool
vc_pack_run(VcPack *pack, GError **error)
{
    g_auto(VcConversion) conversion = { 0 };
    vc_conversion_init(&conversion);
    vc_pack_plan(pack, &conversion);
    return vc_transfer_run(pack->transfer, &conversion, pack->images, error);
}
