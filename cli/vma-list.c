/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `vma list` and `vma config`: what the header of an archive holds. */
#include "cli/command.h"

#include "cli/print.h"
#include "cli/vma.h"
#include "io/error.h"

#include <string.h>

/* What Proxmox's tool gives for a configuration that is not there. */
#define NO_CONFIG 255

typedef struct {
    VcArguments arguments;
    VcReading reading;
    char *config;
    gboolean verbose;
} Look;

static void
look_clear(Look *look)
{
    vc_arguments_clear(&look->arguments);
    vc_reading_clear(&look->reading);
    g_clear_pointer(&look->config, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Look, look_clear)

static bool
open_archive(Look *look, int argc, char **argv, VcImage *image, GError **error)
{
    vc_reading_add(&look->reading, &look->arguments);
    return vc_arguments_parse(&look->arguments, argc, argv, error) &&
           vc_arguments_count(&look->arguments, 1, 1, "one archive", error) &&
           vc_reading_prepare(&look->reading, error) &&
           vc_vma_open(&look->reading, look->arguments.files[0], image, error);
}

static int
run_list(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Look) look = { 0 };
    g_auto(VcImage) image = { 0 };
    const GOptionEntry entries[] = {
        { "verbose", 'v', G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &look.verbose, NULL,
          NULL },
        { NULL },
    };
    vc_arguments_init(&look.arguments, command);
    vc_arguments_add(&look.arguments, entries);
    if (!open_archive(&look, argc, argv, &image, error))
        return look.arguments.status;
    vc_vma_print_list(image.source);
    return 0;
}

static int
run_config(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Look) look = { 0 };
    g_auto(VcImage) image = { 0 };
    const GOptionEntry entries[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &look.config,
          "Name of the configuration (qemu-server.conf)", "NAME" },
        { NULL },
    };
    vc_arguments_init(&look.arguments, command);
    vc_arguments_add(&look.arguments, entries);
    if (!open_archive(&look, argc, argv, &image, error))
        return look.arguments.status;

    const char *name = look.config ? look.config : "qemu-server.conf";
    const VcLayout *layout = &image.source->layout;
    for (unsigned i = 0; i < layout->n_blobs; i++) {
        if (strcmp(layout->blobs[i].name, name) == 0) {
            vc_print_bytes(layout->blobs[i].data, layout->blobs[i].length);
            return 0;
        }
    }
    vc_fail(error, VC_ERROR_USAGE, "%s: holds no configuration '%s'", image.path, name);
    return NO_CONFIG;
}

const VcCommand vc_command_vma_list = {
    .name = "vma list",
    .usage = "ARCHIVE",
    .summary = "List configurations, disks and the time of an archive.",
    .run = run_list,
};

const VcCommand vc_command_vma_config = {
    .name = "vma config",
    .usage = "ARCHIVE [-c NAME]",
    .summary = "Print a configuration of an archive.",
    .run = run_config,
};
