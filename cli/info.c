/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `info`: what an image is, from its headers alone. */
#include "cli/command.h"

#include "cli/about.h"
#include "cli/print.h"
#include "cli/transfer.h"

typedef struct {
    VcArguments arguments;
    VcReading reading;
    char *output;
    gboolean chain;
} Info;

static void
info_clear(Info *info)
{
    vc_arguments_clear(&info->arguments);
    vc_reading_clear(&info->reading);
    g_clear_pointer(&info->output, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Info, info_clear)

/* Opens the parent at PATH. What was typed is of the child; and RAW is what it has no
 * id of. */
static bool
open_parent(const Info *info, const char *path, bool raw, VcImage *image,
            GError **error)
{
    VcImageOptions options = info->reading.image;
    options.format = raw ? vc_format_find("raw", error) : NULL;
    return vc_image_open(image, path, &options, error);
}

/* Tells about image I of the chain NAMES. *RAW: it has no id; becomes that of its
 * parent. */
static bool
tell_one(const Info *info, const GPtrArray *names, guint i, bool *raw,
         JsonBuilder *builder, GError **error)
{
    g_auto(VcImage) image = { 0 };
    const char *name = names->pdata[i];
    const char *parent = i + 1 < names->len ? names->pdata[i + 1] : NULL;
    if (!(i == 0 ? vc_reading_open(&info->reading, name, NULL, &image, error)
                 : open_parent(info, name, *raw, &image, error)))
        return false;
    *raw = image.source->parent && !image.source->parent->id;
    const GPtrArray *warnings = vc_source_warnings(image.source);
    g_auto(VcAbout) about = { 0 };
    vc_about_init(&about, &image, parent);
    if (builder) {
        vc_about_json(&about, builder);
        return true;
    }
    vc_about_print(&about);
    vc_transfer_say(warnings, image.path);
    return true;
}

/* The names of the image and of its parents, the nearest first. */
static GPtrArray *
find_chain(Info *info, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(names, g_strdup(info->arguments.files[0]));
    if (info->chain) {
        g_auto(VcImage) image = { 0 };
        if (!vc_reading_open(&info->reading, info->arguments.files[0], NULL, &image,
                             error))
            return NULL;
        for (guint i = 0; i < image.parents->len; i++)
            g_ptr_array_add(names, g_strdup(image.parents->pdata[i]));
    }
    return g_steal_pointer(&names);
}

static bool
tell(Info *info, bool json, GError **error)
{
    g_autoptr(GPtrArray) names = find_chain(info, error);
    if (!names)
        return false;
    g_autoptr(JsonBuilder) builder = json ? json_builder_new() : NULL;
    if (json && info->chain)
        json_builder_begin_array(builder);
    info->reading.image.no_parent = true;
    bool raw = false;
    for (guint i = 0; i < names->len; i++) {
        if (i > 0 && !json)
            vc_print_line("%s", "");
        if (!tell_one(info, names, i, &raw, builder, error))
            return false;
    }
    if (json && info->chain)
        json_builder_end_array(builder);
    if (json)
        vc_print_json(builder);
    return true;
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Info) info = { 0 };
    const GOptionEntry entries[] = {
        { "format", 'f', 0, G_OPTION_ARG_FILENAME, &info.reading.format,
          "Format of the image (found by its content)", "FORMAT" },
        { "output", 0, 0, G_OPTION_ARG_FILENAME, &info.output, "human or json",
          "KIND" },
        { "backing-chain", 0, 0, G_OPTION_ARG_NONE, &info.chain,
          "Tell about all parents of a differencing image, too", NULL },
        { NULL },
    };
    bool json;
    vc_arguments_init(&info.arguments, command);
    vc_arguments_add(&info.arguments, entries);
    vc_reading_add(&info.reading, &info.arguments);
    if (!vc_arguments_parse(&info.arguments, argc, argv, error))
        return info.arguments.status;
    return vc_arguments_json(&info.arguments, info.output, &json, error) &&
                   vc_arguments_count(&info.arguments, 1, 1, "one image", error) &&
                   vc_reading_prepare(&info.reading, error) && tell(&info, json, error)
               ? 0
               : 1;
}

const VcCommand vc_command_info = {
    .name = "info",
    .usage = "IMAGE",
    .summary = "Tell what an image is: format, size, disks, parents.",
    .details = "Only headers are read: of a compressed archive its first part.",
    .run = run,
};
