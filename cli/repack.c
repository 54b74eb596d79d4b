/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `repack`: the same archive with its clusters in order. */
#include "cli/command.h"

#include "cli/pack.h"
#include "converters/ordered.h"
#include "io/error.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    VcArguments arguments;
    VcTransfer transfer;
    char *uuid, *ctime;
} Repack;

static void
repack_clear(Repack *r)
{
    vc_arguments_clear(&r->arguments);
    vc_transfer_clear(&r->transfer);
    g_clear_pointer(&r->uuid, g_free);
    g_clear_pointer(&r->ctime, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Repack, repack_clear)

/* The format of archives: the first that holds several disks and can be written. */
static const VcFormat *
archive_format(void)
{
    for (size_t i = 0; vc_formats[i]; i++)
        if (vc_formats[i]->max_disks > 1 && vc_formats[i]->create)
            return vc_formats[i];
    g_assert_not_reached();
}

static bool
apply_identity(Repack *r, GError **error)
{
    if (r->uuid)
        vc_options_set(r->transfer.create, "uuid", r->uuid);
    if (!r->ctime)
        return true;
    gint64 time_s;
    if (!g_ascii_string_to_signed(r->ctime, 10, G_MININT64, G_MAXINT64, &time_s,
                                  NULL)) {
        vc_fail(error, VC_ERROR_USAGE,
                "--ctime: '%s' is not a number of seconds since 1970", r->ctime);
        return false;
    }
    r->transfer.convert.identity.time = time_s;
    return true;
}

static bool
repack(Repack *r, GError **error)
{
    const VcFormat *format = archive_format();
    g_auto(VcPack) pack = { 0 };
    vc_pack_init(&pack, &r->transfer, r->arguments.files[1], format);
    const VcImage *image = vc_transfer_open(&r->transfer, pack.images,
                                            r->arguments.files[0], format, error);
    if (!image)
        return false;

    g_autoptr(VcSource) ordered = vc_ordered(image->source);
    VcImage view = *image;
    view.source = ordered;
    return vc_pack_archive(&pack, &view, error) && vc_pack_run(&pack, error);
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Repack) r = { 0 };
    const GOptionEntry entries[] = {
        { "uuid", 0, 0, G_OPTION_ARG_FILENAME, &r.uuid, "UUID of the new archive",
          "UUID" },
        { "ctime", 0, 0, G_OPTION_ARG_FILENAME, &r.ctime,
          "Its creation time, in seconds since 1970", "SECONDS" },
        { NULL },
    };
    vc_arguments_init(&r.arguments, command);
    vc_arguments_add(&r.arguments, entries);
    vc_transfer_add(&r.transfer, &r.arguments);
    if (!vc_arguments_parse(&r.arguments, argc, argv, error))
        return r.arguments.status;
    if (vc_transfer_help(&r.transfer, archive_format()))
        return 0;
    if (!vc_arguments_count(&r.arguments, 2, 2, "two archives", error) ||
        !vc_transfer_prepare(&r.transfer, error) || !apply_identity(&r, error))
        return 1;
    if (r.transfer.style == VC_PROGRESS_NONE && !r.transfer.quiet &&
        isatty(STDERR_FILENO))
        r.transfer.style = VC_PROGRESS_LINE;
    return repack(&r, error) ? 0 : 1;
}

const VcCommand vc_command_repack = {
    .name = "repack",
    .usage = "ARCHIVE NEW-ARCHIVE",
    .summary = "Copy an archive with its disks one after the other, in order.",
    .details =
        "With --reproducible equal content gives equal bytes. The new archive is\n"
        "compressed as its name says: .zst, .gz, .lzo.",
    .run = run,
};
