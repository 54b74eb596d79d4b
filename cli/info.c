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

/* Tells about IMAGE, whose parent lies at PARENT. */
static void
tell_one(const VcImage *image, const char *parent, JsonBuilder *builder)
{
    g_auto(VcAbout) about = { 0 };
    vc_about_init(&about, image, parent);
    if (builder)
        vc_about_json(&about, builder);
    else
        vc_about_print(&about);
}

/* And about those above it, as they were adopted. */
static void
tell_chain(const VcImage *image, JsonBuilder *builder)
{
    const GPtrArray *parents = image->parents;
    VcImage one = *image;
    for (guint i = 0; i <= parents->len; i++) {
        const VcAncestor *next = i < parents->len ? parents->pdata[i] : NULL;
        if (i > 0 && !builder)
            vc_print_line("%s", "");
        tell_one(&one, next ? next->path : NULL, builder);
        if (next)
            one = (VcImage){ .source = next->source, .path = next->path, .disk = -1 };
    }
}

static bool
tell(Info *info, bool json, GError **error)
{
    g_auto(VcImage) image = { 0 };
    info->reading.image.no_parent = !info->chain;
    if (!vc_reading_open(&info->reading, info->arguments.files[0], NULL, &image, error))
        return false;
    g_autoptr(JsonBuilder) builder = json ? json_builder_new() : NULL;
    if (json && info->chain)
        json_builder_begin_array(builder);
    const GPtrArray *warnings = vc_source_warnings(image.source);
    tell_chain(&image, builder);
    if (json && info->chain)
        json_builder_end_array(builder);
    if (json)
        vc_print_json(builder);
    else
        vc_transfer_say(warnings, image.path);
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
