/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The content of an archive into a directory. */
#include "cli/unpack.h"

#include "cli/print.h"
#include "formats/label.h"
#include "io/error.h"
#include "io/interrupt.h"
#include "io/memory.h"
#include "io/temporary.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
free_source(gpointer source)
{
    vc_source_free(source);
}

void
vc_unpack_init(VcUnpack *unpack, VcTransfer *transfer)
{
    *unpack = (VcUnpack){
        .transfer = transfer,
        .prefix = "",
        .names = vc_names_new(),
        .images = vc_transfer_images_new(),
        .texts = g_ptr_array_new_with_free_func(g_free),
        .configs = g_ptr_array_new_with_free_func(free_source),
    };
    vc_conversion_init(&unpack->conversion);
}

void
vc_unpack_clear(VcUnpack *unpack)
{
    if (!unpack->names)
        return;
    vc_conversion_clear(&unpack->conversion);
    g_clear_pointer(&unpack->configs, g_ptr_array_unref);
    g_clear_pointer(&unpack->texts, g_ptr_array_unref);
    g_clear_pointer(&unpack->images, g_ptr_array_unref);
    g_clear_pointer(&unpack->names, g_hash_table_unref);
}

/* The path of FILE (taken) in the directory; lives as long as UNPACK. */
static const char *
own_path(VcUnpack *unpack, char *file)
{
    char *path = g_build_filename(unpack->directory, file, NULL);
    g_free(file);
    g_ptr_array_add(unpack->texts, path);
    return path;
}

static const char *
safe_path(VcUnpack *unpack, const char *kind, const char *prefix, const char *name,
          const char *suffix)
{
    bool renamed;
    char *file = vc_names_take(unpack->names, prefix, name, suffix, &renamed);
    if (renamed) {
        g_autofree char *label = vc_label(name);
        vc_print_note("%s '%s' is written as '%s'", kind, label, file);
    }
    return own_path(unpack, file);
}

/* The archive chose the names: a link that waits under one of them would take the file
 * out of the directory. */
static VcOutputMode
choose_mode(const VcUnpack *unpack)
{
    return unpack->transfer->mode == VC_OUTPUT_FORCE ? VC_OUTPUT_FORCE_NO_LINK
                                                     : VC_OUTPUT_NEW_NO_LINK;
}

void
vc_unpack_disk(VcUnpack *unpack, const VcImage *image, unsigned disk, const char *file)
{
    const VcDisk *from = &image->source->layout.disks[disk];
    const char *path = file ? safe_path(unpack, "disk", "", file, "")
                            : safe_path(unpack, "disk", unpack->prefix, from->name,
                                        unpack->format->suffix);
    VcTarget target = vc_transfer_target(unpack->transfer, path, unpack->format);
    target.mode = choose_mode(unpack);
    vc_transfer_add_disk(unpack->transfer, &target, from, from->name);
    unsigned index = vc_transfer_add_target(&unpack->conversion, &target);
    vc_conversion_add_route(&unpack->conversion, image->source, disk, index, 0);
}

/* A configuration is a raw image that lies in memory: so it is written by the same
 * rules as the disks, and gets its name together with them. */
static bool
add_config(VcUnpack *unpack, const VcBlob *blob, GError **error)
{
    const VcFormat *raw = vc_format_find("raw", error);
    g_assert(raw);
    VcSource *source = vc_format_open(
        /* Without a name, which could be that of a target. */
        raw, vc_memory_file_from("", blob->data, blob->length), NULL, error);
    if (!source)
        return false;
    g_ptr_array_add(unpack->configs, source);

    VcTarget target = { .path = safe_path(unpack, "config", "", blob->name, ""),
                        .format = raw,
                        .mode = choose_mode(unpack) };
    vc_transfer_say_leftovers(target.path);
    vc_layout_add_disk(&target.layout, "", blob->length);
    unsigned index = vc_transfer_add_target(&unpack->conversion, &target);
    vc_conversion_add_route(&unpack->conversion, source, 0, index, 0);
    return true;
}

bool
vc_unpack_configs(VcUnpack *unpack, const VcImage *image, GError **error)
{
    const VcLayout *layout = &image->source->layout;
    for (unsigned i = 0; i < layout->n_blobs; i++)
        if (!add_config(unpack, &layout->blobs[i], error))
            return false;
    return true;
}

static bool
make_directory(VcUnpack *unpack, GError **error)
{
    struct stat st;
    unpack->made = mkdir(unpack->directory, 0777) == 0;
    if (unpack->made ||
        (errno == EEXIST && stat(unpack->directory, &st) == 0 && S_ISDIR(st.st_mode)))
        return true;
    vc_fail_errno(error, errno == EEXIST ? ENOTDIR : errno, "%s", unpack->directory);
    return false;
}

static bool
has_route(const VcUnpack *unpack, const VcSource *source)
{
    for (guint i = 0; i < unpack->conversion.routes->len; i++)
        if (g_array_index(unpack->conversion.routes, VcRoute, i).source == source)
            return true;
    return false;
}

/* An archive of which no disk is wanted, or which has none, is read all the same: its
 * configurations are only as good as what is around them. */
static bool
read_unused(const VcUnpack *unpack, GError **error)
{
    for (guint i = 0; i < unpack->images->len; i++) {
        VcSource *source = ((const VcImage *)unpack->images->pdata[i])->source;
        if (has_route(unpack, source))
            continue;
        memset(source->skip, true, sizeof source->skip);
        VcExtent extent;
        do {
            if (!vc_interrupt_check(error) || !vc_source_next(source, &extent, error))
                return false;
        } while (extent.kind != VC_END);
    }
    return true;
}

/* The files last through a power cut; the name of a new directory must, too. */
static bool
sync_parent(const VcUnpack *unpack, GError **error)
{
    if (!unpack->made || unpack->transfer->no_sync)
        return true;
    g_autofree char *path = g_strdup(unpack->directory);
    for (size_t end = strlen(path); end > 1 && path[end - 1] == '/'; end--)
        path[end - 1] = '\0';
    if (vc_temporary_sync_directory(path, error))
        return true;
    g_prefix_error(error, "%s: ", unpack->directory);
    return false;
}

bool
vc_unpack_run(VcUnpack *unpack, GError **error)
{
    if (!read_unused(unpack, error) || !make_directory(unpack, error))
        return false;
    unpack->conversion.directory = unpack->directory;
    if (vc_transfer_run(unpack->transfer, &unpack->conversion, unpack->images, error))
        return sync_parent(unpack, error);
    if (unpack->made)
        rmdir(unpack->directory); /* fails where somebody has put something into it */
    return false;
}

static void
fail_with_list(const VcImage *image, const char *wanted, GError **error)
{
    const VcLayout *layout = &image->source->layout;
    g_autoptr(GString) list = g_string_new(NULL);
    for (unsigned i = 0; i < layout->n_disks; i++) {
        g_autofree char *label = vc_label(layout->disks[i].name);
        g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", label);
    }
    vc_fail(error, VC_ERROR_USAGE, "%s: there is no disk '%s'; its disks are: %s",
            image->path, wanted, list->str);
}

bool
vc_unpack_choose(const VcImage *image, char **names, bool chosen[VC_DISKS_MAX],
                 GError **error)
{
    const VcLayout *layout = &image->source->layout;
    for (unsigned i = 0; i < layout->n_disks; i++)
        chosen[i] = (image->disk < 0 || (unsigned)image->disk == i) &&
                    (!names || g_strv_contains((const char *const *)names,
                                               layout->disks[i].name));
    for (char **name = names; name && *name; name++) {
        if (vc_source_find_disk(image->source, *name) < 0) {
            fail_with_list(image, *name, error);
            return false;
        }
    }
    return true;
}
