/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `create`: empty images of every format that vconv writes. */
#include "cli/command.h"

#include "cli/empty.h"
#include "cli/pack.h"
#include "cli/print.h"
#include "io/error.h"

#include <unistd.h>

typedef struct {
    VcArguments arguments;
    VcTransfer transfer;
    char *format, *backing;
} Create;

static void
create_clear(Create *c)
{
    vc_arguments_clear(&c->arguments);
    vc_transfer_clear(&c->transfer);
    g_clear_pointer(&c->format, g_free);
    g_clear_pointer(&c->backing, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Create, create_clear)

static bool
find_size(const Create *c, uint64_t *size, GError **error)
{
    *size = vc_options_size(c->transfer.create, "size", VC_SIZE_UNKNOWN);
    if (c->arguments.n_files == 2) {
        if (*size == VC_SIZE_UNKNOWN)
            return vc_arguments_size("the size", c->arguments.files[1], 0, size, error);
        vc_fail(error, VC_ERROR_USAGE, "%s: two sizes are given, %s and -o size",
                c->arguments.files[0], c->arguments.files[1]);
        return false;
    }
    if (*size != VC_SIZE_UNKNOWN)
        return true;
    vc_fail(error, VC_ERROR_USAGE, "%s: an empty image needs a size, such as 10G",
            c->arguments.files[0]);
    return false;
}

static bool
create(Create *c, const VcFormat *format, GError **error)
{
    const char *path = c->arguments.files[0];
    uint64_t size;
    if (!find_size(c, &size, error))
        return false;

    g_auto(VcPack) pack = { 0 };
    vc_pack_init(&pack, &c->transfer, path, format);
    VcImage *image = g_new0(VcImage, 1);
    g_ptr_array_add(pack.images, image);
    if (!vc_empty_open(image, size, error) ||
        !vc_pack_disk(&pack, image, 0, format->max_disks > 1 ? "drive-scsi0" : "",
                      error) ||
        !vc_pack_run(&pack, error))
        return false;
    if (!c->transfer.quiet && !vc_output_is(path, STDOUT_FILENO))
        vc_print_line("Formatting '%s', fmt=%s size=%" G_GUINT64_FORMAT, path,
                      format->name, size);
    return true;
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Create) c = { 0 };
    const GOptionEntry entries[] = {
        { "format", 'f', 0, G_OPTION_ARG_FILENAME, &c.format,
          "Format of the image (by the suffix of its name, else raw)", "FORMAT" },
        { "backing", 'b', G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &c.backing, NULL,
          NULL },
        { NULL },
    };
    vc_arguments_init(&c.arguments, command);
    vc_arguments_add(&c.arguments, entries);
    vc_transfer_add(&c.transfer, &c.arguments);
    if (!vc_arguments_parse(&c.arguments, argc, argv, error))
        return c.arguments.status;

    const VcFormat *format;
    if (c.format || vc_manners == VC_MANNERS_QEMU_IMG || c.arguments.n_files == 0)
        format = vc_format_find(c.format ? c.format : "raw", error);
    else
        format = vc_transfer_format_by_name(c.arguments.files[0]);
    if (!format)
        return 1;
    if (vc_transfer_help(&c.transfer, format))
        return 0;
    if (c.backing) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "-b: vconv does not write differencing images");
        return 1;
    }
    return vc_arguments_count(&c.arguments, 1, 2, "a file and a size", error) &&
                   vc_transfer_prepare(&c.transfer, error) && create(&c, format, error)
               ? 0
               : 1;
}

const VcCommand vc_command_create = {
    .name = "create",
    .usage = "FILE SIZE",
    .summary = "Make an empty image.",
    .run = run,
};
