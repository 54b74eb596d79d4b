/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `roundtrip`: proves that an image survives other formats. */
#include "cli/command.h"

#include "converters/compare.h"

#include "cli/json.h"
#include "cli/pack.h"
#include "cli/print.h"
#include "io/bytes.h"
#include "io/error.h"
#include "io/temporary.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    VcArguments arguments;
    VcTransfer transfer;
    char *via, *output;
    bool json;
    gboolean image_opts; /* of what the user names; our own are paths */
    /* Under way. */
    char *folder;    /* temporary, ours */
    GPtrArray *made; /* paths in it */
    JsonBuilder *builder;
    bool different; /* one did not come back as it was */
} Roundtrip;

static void
remove_path(gpointer path)
{
    unlink(path);
    g_free(path);
}

static void
roundtrip_clear(Roundtrip *r)
{
    g_clear_pointer(&r->made, g_ptr_array_unref);
    if (r->folder)
        rmdir(r->folder);
    g_clear_pointer(&r->folder, g_free);
    vc_arguments_clear(&r->arguments);
    vc_transfer_clear(&r->transfer);
    g_clear_pointer(&r->via, g_free);
    g_clear_pointer(&r->output, g_free);
    g_clear_object(&r->builder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Roundtrip, roundtrip_clear)

static bool
make_folder(Roundtrip *r, GError **error)
{
    const char *parent = r->transfer.reading.spool ? r->transfer.reading.spool
                                                   : g_get_tmp_dir();
    g_autofree char *name = g_build_filename(parent, "vconv-roundtrip", NULL);
    vc_transfer_say_leftovers(name);
    r->folder = vc_temporary_folder(name, error);
    r->made = g_ptr_array_new_with_free_func(remove_path);
    if (!r->folder)
        g_prefix_error(error, "%s: ", name);
    return r->folder != NULL;
}

/* The path of one temporary image, which goes with the rest. */
static const char *
own_path(Roundtrip *r, unsigned step, unsigned disk, const VcFormat *format)
{
    g_autofree char *name = g_strdup_printf("step%u-disk%u%s", step, disk,
                                            format->suffix);
    g_ptr_array_add(r->made, g_build_filename(r->folder, name, NULL));
    return r->made->pdata[r->made->len - 1];
}

/* Converts disk DISK of IMAGE to PATH. */
static bool
convert(Roundtrip *r, const char *image_name, const VcFormat *from, unsigned disk,
        const VcFormat *format, const char *path, GError **error)
{
    g_auto(VcPack) pack = { 0 };
    vc_pack_init(&pack, &r->transfer, path, format);
    r->transfer.reading.image_opts = r->image_opts && !from;
    const VcImage *image = vc_transfer_open(&r->transfer, pack.images, image_name, from,
                                            error);
    return image && vc_pack_disk(&pack, image, disk, "drive-scsi0", error) &&
           vc_pack_run(&pack, error);
}

static bool
compare(Roundtrip *r, unsigned disk, const char *path, const VcFormat *format,
        bool *same, GError **error)
{
    g_auto(VcImage) original = { 0 };
    g_auto(VcImage) copy = { 0 };
    VcComparison result;
    VcConvertOptions options = r->transfer.convert;
    VcReading theirs = r->transfer.reading, ours = r->transfer.reading;
    theirs.image_opts = r->image_opts;
    ours.image_opts = FALSE;
    options.progress = NULL;
    if (!vc_reading_open(&theirs, r->arguments.files[0], NULL, &original, error) ||
        !vc_reading_open(&ours, path, format, &copy, error) ||
        !vc_compare(original.source, disk, copy.source, 0, false, &options, &result,
                    error))
        return false;
    /* Formats store whole sectors; more than that must not be added. */
    uint64_t size = original.source->layout.disks[disk].size, rounded;
    if (!vc_round_up(size, original.source->layout.disks[disk].logical_sector,
                     &rounded))
        rounded = size;
    uint64_t got = copy.source->layout.disks[0].size;
    *same = result.same && (!result.size_differs || got == rounded);
    return true;
}

static void
tell(Roundtrip *r, const char *disk, const char *format, bool same)
{
    r->different |= !same;
    if (!r->json) {
        vc_print_line("%s%svia %s: %s", disk, disk[0] != '\0' ? " " : "", format,
                      same ? "identical" : "different");
        return;
    }
    json_builder_begin_object(r->builder);
    vc_json_text(r->builder, "disk", disk);
    vc_json_text(r->builder, "via", format);
    vc_json_bool(r->builder, "identical", same);
    json_builder_end_object(r->builder);
}

/* Each step is made from the one before, so that the last has been through all. */
static bool
walk_disk(Roundtrip *r, unsigned disk, const char *name, char **via, GError **error)
{
    const char *from = r->arguments.files[0];
    const VcFormat *from_format = NULL;
    unsigned from_disk = disk;
    for (unsigned i = 0; via[i]; i++) {
        const VcFormat *format = vc_format_find(via[i], error);
        bool same;
        if (!format)
            return false;
        const char *path = own_path(r, i, disk, format);
        if (!convert(r, from, from_format, from_disk, format, path, error) ||
            !compare(r, disk, path, format, &same, error))
            return false;
        tell(r, name, format->name, same);
        from = path;
        from_format = format;
        from_disk = 0;
    }
    g_ptr_array_set_size(r->made, 0);
    return true;
}

static bool
walk(Roundtrip *r, GError **error)
{
    g_auto(GStrv) via = g_strsplit(r->via ? r->via : "vma,vhdx,vpc,raw", ",", -1);
    g_auto(VcImage) image = { 0 };
    if (g_str_equal(r->arguments.files[0], "-") ||
        g_str_has_prefix(r->arguments.files[0], "-#")) {
        vc_fail(error, VC_ERROR_USAGE,
                "standard input cannot be read as often as roundtrip does; store it in "
                "a file first");
        return false;
    }
    if (!via[0]) {
        vc_fail(error, VC_ERROR_USAGE, "--via names no format");
        return false;
    }
    if (!vc_reading_open(&r->transfer.reading, r->arguments.files[0], NULL, &image,
                         error) ||
        !make_folder(r, error))
        return false;
    r->image_opts = r->transfer.reading.image_opts;
    for (unsigned i = 0; i < image.source->layout.n_disks; i++)
        if ((image.disk < 0 || (unsigned)image.disk == i) &&
            !walk_disk(r, i, image.source->layout.disks[i].name, via, error))
            return false;
    return true;
}

static bool
roundtrip(Roundtrip *r, GError **error)
{
    r->transfer.convert.sync = false; /* temporary files */
    r->builder = json_builder_new();
    json_builder_begin_object(r->builder);
    vc_json_text(r->builder, "filename", r->arguments.files[0]);
    json_builder_set_member_name(r->builder, "steps");
    json_builder_begin_array(r->builder);
    if (!walk(r, error))
        return false;
    json_builder_end_array(r->builder);
    vc_json_bool(r->builder, "identical", !r->different);
    json_builder_end_object(r->builder);
    if (r->json)
        vc_print_json(r->builder);
    return true;
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Roundtrip) r = { 0 };
    const GOptionEntry entries[] = {
        { "format", 'f', 0, G_OPTION_ARG_FILENAME, &r.transfer.reading.format,
          "Format of the image (found by its content)", "FORMAT" },
        { "via", 0, 0, G_OPTION_ARG_FILENAME, &r.via,
          "Formats to go through, in this order (vma,vhdx,vpc,raw)", "FORMAT,…" },
        { "output", 0, 0, G_OPTION_ARG_FILENAME, &r.output, "human or json", "KIND" },
        { NULL },
    };
    vc_arguments_init(&r.arguments, command);
    vc_arguments_add(&r.arguments, entries);
    vc_transfer_add(&r.transfer, &r.arguments);
    if (!vc_arguments_parse(&r.arguments, argc, argv, error))
        return r.arguments.status;
    if (!vc_arguments_json(&r.arguments, r.output, &r.json, error) ||
        !vc_arguments_count(&r.arguments, 1, 1, "one image", error) ||
        !vc_transfer_prepare(&r.transfer, error))
        return 1;
    if (r.transfer.compress) {
        vc_fail(error, VC_ERROR_USAGE,
                "--compress: what a roundtrip writes is read again at once, and by "
                "position");
        return 1;
    }
    if (!roundtrip(&r, error))
        return 1;
    return r.different ? 1 : 0;
}

const VcCommand vc_command_roundtrip = {
    .name = "roundtrip",
    .usage = "IMAGE",
    .summary = "Convert an image through other formats and prove that nothing changed.",
    .details =
        "Temporary files lie in --spool DIR, else in $TMPDIR. Exit status: 0 all\n"
        "identical, 1 not.",
    .run = run,
};
