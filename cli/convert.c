/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `convert`: any image into any other, with the options of qemu-img. */
#include "cli/command.h"

#include "cli/archive.h"
#include "cli/print.h"
#include "cli/transfer.h"
#include "io/error.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    VcArguments arguments;
    VcTransfer transfer;
    VcArchive archive;
    /* As typed. */
    gboolean compress_clusters, offload, salvage, target_image_opts, bitmaps;
    char *target_format, *backing, *snapshot;
    char **objects;
    /* Made of it. */
    const VcFormat *target;
} Convert;

static void
convert_clear(Convert *c)
{
    vc_arguments_clear(&c->arguments);
    vc_transfer_clear(&c->transfer);
    vc_archive_clear(&c->archive);
    g_clear_pointer(&c->target_format, g_free);
    g_clear_pointer(&c->backing, g_free);
    g_clear_pointer(&c->snapshot, g_free);
    g_clear_pointer(&c->objects, g_strfreev);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Convert, convert_clear)

static void
add_options(Convert *c)
{
    const GOptionEntry entries[] = {
        { "format", 'f', 0, G_OPTION_ARG_FILENAME, &c->transfer.reading.format,
          "Format of the sources (found by their content)", "FORMAT" },
        { "target-format", 'O', 0, G_OPTION_ARG_FILENAME, &c->target_format,
          "Format of the target (by the suffix of its name, else raw)", "FORMAT" },
        { "in-place", 'n', 0, G_OPTION_ARG_NONE, &c->transfer.in_place,
          "The target exists (a block device, say) and is written where it is", NULL },
        { "target-is-zero", 0, 0, G_OPTION_ARG_NONE, &c->transfer.target_is_zero,
          "With -n: the target reads as zero already", NULL },
        { "size", 0, 0, G_OPTION_ARG_FILENAME, &c->transfer.reading.size,
          "Size of a raw source that comes from a pipe", "SIZE" },
        { "disk", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &c->transfer.disks,
          "The disk of an archive to convert, as ARCHIVE#NAME", "NAME" },
        { "offload", 'C', 0, G_OPTION_ARG_NONE, &c->offload,
          "Accepted; copies are left to the file system where it can", NULL },
        { "compress-clusters", 'c', G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE,
          &c->compress_clusters, NULL, NULL },
        { "salvage", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &c->salvage, NULL,
          NULL },
        { "bitmaps", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &c->bitmaps, NULL,
          NULL },
        { "backing", 'B', G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &c->backing,
          NULL, NULL },
        { "snapshot", 'l', G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &c->snapshot,
          NULL, NULL },
        { "object", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME_ARRAY, &c->objects,
          NULL, NULL },
        { "target-image-opts", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE,
          &c->target_image_opts, NULL, NULL },
        { NULL },
    };
    vc_arguments_add(&c->arguments, entries);
    vc_transfer_add(&c->transfer, &c->arguments);
    vc_archive_add(&c->archive, &c->arguments);
}

/* Options of qemu-img that mean something vconv does not do: better said than ignored.
 */
static bool
refuse(const Convert *c, GError **error)
{
    const struct {
        bool given;
        const char *reason;
    } refused[] = {
        { c->compress_clusters, "-c: none of the formats has compressed clusters" },
        { c->salvage,
          "--salvage is not supported by vconv: a source that cannot be read "
          "is an error" },
        { c->bitmaps, "--bitmaps: none of the formats has them" },
        { c->backing, "-B: vconv does not write differencing images" },
        { c->snapshot, "-l: none of the formats has internal snapshots" },
        { c->objects, "--object is not supported by vconv" },
        { c->target_image_opts, "--target-image-opts is not supported by vconv; use -O "
                                "FORMAT and the path" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        if (!refused[i].given)
            continue;
        vc_fail(error, VC_ERROR_UNSUPPORTED, "%s", refused[i].reason);
        return false;
    }
    return true;
}

/* -O, or what the name of the target says. */
static bool
choose_format(Convert *c, const char *path, GError **error)
{
    if (c->target_format) {
        c->target = vc_format_find(c->target_format, error);
        return c->target != NULL;
    }
    if (vc_manners == VC_MANNERS_QEMU_IMG || !path) {
        c->target = vc_format_find("raw", error);
        return c->target != NULL;
    }
    c->target = vc_transfer_format_by_name(path);
    return true;
}

static bool
choose_disk(Convert *c, GError **error)
{
    char **disks = c->transfer.disks;
    if (!disks)
        return true;
    c->transfer.reading.image.disk = disks[0];
    if (!disks[1])
        return true;
    vc_fail(error, VC_ERROR_USAGE,
            "a %s image holds one disk: give --disk once, or use vma-to-%s",
            c->target->name, c->target->name);
    return false;
}

static bool
convert_one(Convert *c, const char *from, const char *to, GError **error)
{
    g_autoptr(GPtrArray) images = vc_transfer_images_new();
    g_auto(VcConversion) conversion = { 0 };
    vc_conversion_init(&conversion);

    if (!choose_disk(c, error))
        return false;
    const VcImage *image = vc_transfer_open(&c->transfer, images, from, NULL, error);
    unsigned disk;
    if (!image || !vc_image_single_disk(image, &disk, error))
        return false;
    vc_transfer_say_guess(image);

    VcTarget target = vc_transfer_target(&c->transfer, to, c->target);
    const VcDisk *from_disk = &image->source->layout.disks[disk];
    vc_transfer_add_disk(&c->transfer, &target, from_disk, from_disk->name);
    unsigned index = vc_transfer_add_target(&conversion, &target);
    vc_conversion_add_route(&conversion, image->source, disk, index, 0);
    return vc_transfer_run(&c->transfer, &conversion, images, error);
}

static bool
convert(Convert *c, GError **error)
{
    char **files = c->arguments.files;
    guint n = c->arguments.n_files;
    const char *to = files[n - 1];

    if (strcmp(to, "-") != 0 && g_file_test(to, G_FILE_TEST_IS_DIR)) {
        vc_fail(error, VC_ERROR_USAGE, "%s: is a directory; convert writes one file",
                to);
        return false;
    }
    if (c->target->max_disks > 1)
        return vc_archive_write(&c->archive, &c->transfer, NULL, files, n - 1, to,
                                c->target, error);
    if (n > 2) {
        vc_fail(
            error, VC_ERROR_USAGE,
            "%u sources for one %s image: vconv does not join images; convert each to "
            "a target of its own, or all of them to one archive with -O vma",
            n - 1, c->target->name);
        return false;
    }
    return vc_archive_refuse(&c->archive,
                             "only an archive holds a configuration (-O vma)", error) &&
           convert_one(c, files[0], to, error);
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Convert) c = { 0 };
    vc_arguments_init(&c.arguments, command);
    add_options(&c);
    if (!vc_arguments_parse(&c.arguments, argc, argv, error))
        return c.arguments.status;

    const char *to = c.arguments.n_files > 0
                         ? c.arguments.files[c.arguments.n_files - 1]
                         : NULL;
    if (!choose_format(&c, to, error))
        return 1;
    if (vc_transfer_help(&c.transfer, c.target))
        return 0;
    if (!refuse(&c, error) ||
        !vc_arguments_count(&c.arguments, 2, G_MAXUINT, "a source and a target",
                            error) ||
        !vc_transfer_prepare(&c.transfer, error))
        return 1;

    if (c.transfer.style == VC_PROGRESS_LINE && !vc_output_is(to, STDOUT_FILENO)) {
        c.transfer.style = VC_PROGRESS_QEMU;
        c.transfer.fd = STDOUT_FILENO;
    }
    return convert(&c, error) ? 0 : 1;
}

const VcCommand vc_command_convert = {
    .name = "convert",
    .usage = "SRC… DST",
    .summary = "Convert an image into another format.",
    .details =
        "SRC may be ARCHIVE#DISK, or \"-\" for standard input; DST may be \"-\" for\n"
        "standard output. Several sources are for an archive as target (-O vma).",
    .run = run,
};
