/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `vma create`: an archive of the given disks and configurations, as they are. */
#include "cli/command.h"

#include "cli/pack.h"
#include "cli/vma.h"
#include "io/error.h"

#include <string.h>

typedef struct {
    VcArguments arguments;
    VcTransfer transfer;
    char **configs, **drives;
    gboolean verbose;
    unsigned number; /* of the next disk without a name */
} Create;

static void
create_clear(Create *c)
{
    vc_arguments_clear(&c->arguments);
    vc_transfer_clear(&c->transfer);
    g_clear_pointer(&c->configs, g_strfreev);
    g_clear_pointer(&c->drives, g_strfreev);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Create, create_clear)

/* "[NAME=]PATH": a path with '=' in it needs a name. */
static bool
add_disk(Create *c, VcPack *pack, const char *text, const VcFormat *format,
         GError **error)
{
    const char *equals = strchr(text, '=');
    g_autofree char *name = equals ? g_strndup(text, (gsize)(equals - text))
                                   : g_strdup_printf("disk%u", c->number++);
    const char *path = equals ? equals + 1 : text;
    if (name[0] == '\0' || path[0] == '\0') {
        vc_fail(error, VC_ERROR_USAGE, "'%s' is not [NAME=]PATH", text);
        return false;
    }
    const VcImage *image = vc_transfer_open(&c->transfer, pack->images, path, format,
                                            error);
    unsigned disk;
    return image && vc_image_single_disk(image, &disk, error) &&
           vc_pack_disk(pack, image, disk, name, error);
}

/* "format=F:[NAME=]PATH" */
static bool
add_drive(Create *c, VcPack *pack, const char *text, GError **error)
{
    const char *colon = strchr(text, ':');
    if (!g_str_has_prefix(text, "format=") || !colon) {
        vc_fail(error, VC_ERROR_USAGE, "-d: '%s' is not format=FORMAT:[NAME=]PATH",
                text);
        return false;
    }
    const char *name = text + strlen("format=");
    g_autofree char *word = g_strndup(name, (gsize)(colon - name));
    const VcFormat *format = vc_format_find(word, error);
    return format && add_disk(c, pack, colon + 1, format, error);
}

static bool
fill(Create *c, VcPack *pack, GError **error)
{
    for (char **path = c->configs; path && *path; path++) {
        g_autofree char *name = g_path_get_basename(*path);
        if (!vc_pack_config(pack, *path, name, error))
            return false;
    }
    for (char **drive = c->drives; drive && *drive; drive++)
        if (!add_drive(c, pack, *drive, error))
            return false;
    for (guint i = 1; i < c->arguments.n_files; i++)
        if (!add_disk(c, pack, c->arguments.files[i], NULL, error))
            return false;
    return true;
}

static bool
create(Create *c, GError **error)
{
    const char *to = c->arguments.files[0];
    if (g_str_has_prefix(to, "exec:")) {
        vc_fail(
            error, VC_ERROR_UNSUPPORTED,
            "vconv starts no programs: write to \"-\" and pipe it, or name the archive "
            ".vma.zst, .vma.gz or .vma.lzo");
        return false;
    }
    if (c->drives && c->arguments.n_files > 1) {
        vc_fail(error, VC_ERROR_USAGE,
                "disks are given with -d or behind the archive, "
                "not both");
        return false;
    }
    g_auto(VcPack) pack = { 0 };
    vc_pack_init(&pack, &c->transfer, to, vc_vma_format());
    return fill(c, &pack, error) && vc_pack_run(&pack, error);
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Create) c = { 0 };
    const GOptionEntry entries[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME_ARRAY, &c.configs,
          "A configuration, stored under its base name; may be repeated", "FILE" },
        { "drive", 'd', 0, G_OPTION_ARG_FILENAME_ARRAY, &c.drives,
          "A disk; may be repeated", "format=FORMAT:[NAME=]PATH" },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &c.verbose, "Show progress", NULL },
        { "force", 0, 0, G_OPTION_ARG_NONE, &c.transfer.force,
          "Replace an existing archive", NULL },
        { "compress", 0, 0, G_OPTION_ARG_FILENAME, &c.transfer.compress,
          "Compress: zstd[:LEVEL][,threads=N], gzip[:LEVEL], lzo, none", "HOW" },
        { "reproducible", 0, 0, G_OPTION_ARG_NONE, &c.transfer.reproducible,
          "Fixed UUID and time: equal input gives equal bytes", NULL },
        { "no-sync", 0, 0, G_OPTION_ARG_NONE, &c.transfer.no_sync,
          "Do not wait until the archive is safe from a power cut", NULL },
        { "workers", 'm', 0, G_OPTION_ARG_FILENAME, &c.transfer.workers,
          "Number of threads that move data (16)", "N" },
        { NULL },
    };
    vc_arguments_init(&c.arguments, command);
    vc_arguments_add(&c.arguments, entries);
    vc_reading_add(&c.transfer.reading, &c.arguments);
    if (!vc_arguments_parse(&c.arguments, argc, argv, error))
        return c.arguments.status;
    c.transfer.progress = c.verbose;
    return vc_arguments_count(&c.arguments, 1, G_MAXUINT, "an archive", error) &&
                   vc_transfer_prepare(&c.transfer, error) && create(&c, error)
               ? 0
               : 1;
}

const VcCommand vc_command_vma_create = {
    .name = "vma create",
    .usage = "ARCHIVE [[NAME=]DISK…]",
    .summary = "Make an archive of disks and configurations as they are.",
    .run = run,
};
