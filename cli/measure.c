/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `measure`: how large an output would be. */
#include "cli/command.h"

#include "cli/archive.h"
#include "cli/empty.h"
#include "cli/json.h"
#include "cli/print.h"
#include "io/error.h"

typedef struct {
    VcArguments arguments;
    VcTransfer transfer;
    VcArchive archive;
    char *target_format, *output, *size;
} Measure;

static void
measure_clear(Measure *m)
{
    vc_arguments_clear(&m->arguments);
    vc_transfer_clear(&m->transfer);
    vc_archive_clear(&m->archive);
    g_clear_pointer(&m->target_format, g_free);
    g_clear_pointer(&m->output, g_free);
    g_clear_pointer(&m->size, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Measure, measure_clear)

/* Adds what is to be measured: a size, or images. */
static bool
fill(Measure *m, VcPack *pack, GError **error)
{
    if (m->size) {
        uint64_t size;
        VcImage *image = g_new0(VcImage, 1);
        g_ptr_array_add(pack->images, image);
        return vc_archive_refuse(&m->archive, "--size is of a disk alone", error) &&
               vc_arguments_size("--size", m->size, 0, &size, error) &&
               vc_empty_open(image, size, error) &&
               vc_pack_disk(pack, image, 0, "drive-scsi0", error);
    }
    if (pack->target.format->max_disks > 1)
        return vc_archive_fill(&m->archive, pack, NULL, m->arguments.files,
                               m->arguments.n_files, error);

    if (!vc_archive_refuse(&m->archive,
                           "only an archive holds a configuration (-O vma)", error))
        return false;
    const VcImage *image = vc_transfer_open(&m->transfer, pack->images,
                                            m->arguments.files[0], NULL, error);
    unsigned disk;
    return image && vc_image_single_disk(image, &disk, error) &&
           vc_pack_disk(pack, image, disk, image->source->layout.disks[disk].name,
                        error);
}

static bool
measure(Measure *m, const VcFormat *format, bool json, GError **error)
{
    g_auto(VcPack) pack = { 0 };
    g_auto(VcConversion) conversion = { 0 };
    uint64_t required, full;
    vc_pack_init(&pack, &m->transfer, "the output", format);
    vc_conversion_init(&conversion);
    if (!fill(m, &pack, error))
        return false;
    vc_pack_plan(&pack, &conversion);
    if (!vc_conversion_measure(&conversion, 0, &m->transfer.convert, &required, &full,
                               error))
        return false;
    for (guint i = 0; i < pack.images->len; i++) {
        const VcImage *image = pack.images->pdata[i];
        vc_transfer_say(vc_source_warnings(image->source), image->path);
    }

    if (!json) {
        vc_print_line("required size: %" G_GUINT64_FORMAT, required);
        vc_print_line("fully allocated size: %" G_GUINT64_FORMAT, full);
        return true;
    }
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_builder_begin_object(b);
    vc_json_number(b, "required", required);
    vc_json_number(b, "fully-allocated", full);
    json_builder_end_object(b);
    vc_print_json(b);
    return true;
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Measure) m = { 0 };
    const GOptionEntry entries[] = {
        { "format", 'f', 0, G_OPTION_ARG_FILENAME, &m.transfer.reading.format,
          "Format of the image (found by its content)", "FORMAT" },
        { "target-format", 'O', 0, G_OPTION_ARG_FILENAME, &m.target_format,
          "Format of the output (raw)", "FORMAT" },
        { "output", 0, 0, G_OPTION_ARG_FILENAME, &m.output, "human or json", "KIND" },
        { "size", 0, 0, G_OPTION_ARG_FILENAME, &m.size,
          "Measure for an empty disk of this size instead of an image", "SIZE" },
        { NULL },
    };
    bool json;
    vc_arguments_init(&m.arguments, command);
    vc_arguments_add(&m.arguments, entries);
    vc_transfer_add(&m.transfer, &m.arguments);
    vc_archive_add(&m.archive, &m.arguments);
    if (!vc_arguments_parse(&m.arguments, argc, argv, error))
        return m.arguments.status;

    const VcFormat *format = vc_format_find(m.target_format ? m.target_format : "raw",
                                            error);
    if (!format)
        return 1;
    if (vc_transfer_help(&m.transfer, format))
        return 0;
    guint n = m.size ? 0 : 1;
    guint max = n > 0 && format->max_disks > 1 ? G_MAXUINT : n;
    return vc_arguments_json(&m.arguments, m.output, &json, error) &&
                   vc_arguments_count(&m.arguments, n, max, "an image, or --size",
                                      error) &&
                   vc_transfer_prepare(&m.transfer, error) &&
                   measure(&m, format, json, error)
               ? 0
               : 1;
}

const VcCommand vc_command_measure = {
    .name = "measure",
    .usage = "IMAGE",
    .summary = "Tell how many bytes an output would have.",
    .run = run,
};
