/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `compare`: do two images hold the same disk, with the texts and codes of qemu-img. */
#include "cli/command.h"

#include "converters/compare.h"

#include "cli/json.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/transfer.h"
#include "io/error.h"

#include <string.h>
#include <unistd.h>

enum { COMPARE_SAME, COMPARE_DIFFERENT, COMPARE_NOT_OPENED, COMPARE_NOT_READ = 4 };

/* The unit in which qemu-img tells where disks differ. */
#define SECTOR 512u

/* Enough for a disk; more only push one another out of the caches. */
#define WORKERS_DEFAULT 8u

typedef struct {
    VcArguments arguments;
    VcReading reading;
    char *second_format, *output, *workers;
    gboolean quiet, progress, strict;
    bool json;
} Compare;

static void
compare_clear(Compare *c)
{
    vc_arguments_clear(&c->arguments);
    vc_reading_clear(&c->reading);
    g_clear_pointer(&c->second_format, g_free);
    g_clear_pointer(&c->output, g_free);
    g_clear_pointer(&c->workers, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Compare, compare_clear)

static void
print_json(const VcComparison *result)
{
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_builder_begin_object(b);
    vc_json_bool(b, "identical", result->same);
    vc_json_bool(b, "size-differs", result->size_differs);
    if (!result->same)
        vc_json_number(b, "first-difference", result->first);
    json_builder_end_object(b);
    vc_print_json(b);
}

static void
print_human(const Compare *c, const VcComparison *result, uint64_t common)
{
    if (c->strict && result->size_differs) {
        vc_print_line("Strict mode: Image size mismatch!");
        return;
    }
    uint64_t at = result->first - result->first % SECTOR;
    if (result->size_differs && (result->same || result->first >= common))
        vc_print_line("Warning: Image size mismatch!");
    if (result->same)
        vc_print_line("Images are identical.");
    else if (result->first_in_map)
        vc_print_line(
            "Strict mode: Offset %" G_GUINT64_FORMAT " block status mismatch!", at);
    else
        vc_print_line("Content mismatch at offset %" G_GUINT64_FORMAT "!", at);
}

static bool
open_both(const Compare *c, VcImage images[2], unsigned disks[2], GError **error)
{
    const VcFormat *second = NULL;
    if (c->second_format && !(second = vc_format_find(c->second_format, error)))
        return false;
    /* -f is about the first one; the second is found by its content, as in qemu-img. */
    VcReading readings[2] = { c->reading, c->reading };
    readings[1].image.format = second;
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    g_ptr_array_add(others, &images[0]);
    readings[1].image.others = others;
    for (int i = 0; i < 2; i++) {
        if (!vc_reading_open(&readings[i], c->arguments.files[i], NULL, &images[i],
                             error) ||
            !vc_image_single_disk(&images[i], &disks[i], error))
            return false;
    }
    return true;
}

static int
compare(const Compare *c, VcImage images[2], unsigned workers, GError **error)
{
    unsigned disks[2];
    if (!open_both(c, images, disks, error))
        return COMPARE_NOT_OPENED;

    VcConvertOptions options = { .workers = workers, .progress = vc_progress_report };
    VcComparison result;
    vc_progress_start(c->progress && !c->quiet ? VC_PROGRESS_QEMU : VC_PROGRESS_NONE,
                      c->json ? STDERR_FILENO : STDOUT_FILENO, "compare");
    bool well = vc_compare(images[0].source, disks[0], images[1].source, disks[1],
                           c->strict, &options, &result, error);
    vc_progress_end(well);
    if (!well)
        return COMPARE_NOT_READ;
    for (int i = 0; i < 2 && !c->quiet; i++)
        vc_transfer_say(vc_source_warnings(images[i].source), images[i].path);
    if (c->strict && result.size_differs)
        result.same = false;

    uint64_t size = images[0].source->layout.disks[disks[0]].size;
    uint64_t second_size = images[1].source->layout.disks[disks[1]].size;
    if (c->json)
        print_json(&result);
    else if (!c->quiet)
        print_human(c, &result, MIN(size, second_size));
    if (!vc_print_flush(error))
        return COMPARE_NOT_READ; /* 1 would say that they differ */
    return result.same ? COMPARE_SAME : COMPARE_DIFFERENT;
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Compare) c = { 0 };
    const GOptionEntry entries[] = {
        { "format", 'f', 0, G_OPTION_ARG_FILENAME, &c.reading.format,
          "Format of the first image (found by its content)", "FORMAT" },
        { "second-format", 'F', 0, G_OPTION_ARG_FILENAME, &c.second_format,
          "Format of the second image", "FORMAT" },
        { "strict", 's', 0, G_OPTION_ARG_NONE, &c.strict,
          "Sizes and allocation must be equal, too", NULL },
        { "progress", 'p', 0, G_OPTION_ARG_NONE, &c.progress, "Show progress", NULL },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &c.quiet, "Print nothing but errors",
          NULL },
        { "output", 0, 0, G_OPTION_ARG_FILENAME, &c.output, "human or json", "KIND" },
        { "workers", 'm', 0, G_OPTION_ARG_FILENAME, &c.workers,
          "Number of threads that read (8)", "N" },
        { NULL },
    };
    uint64_t workers;
    vc_arguments_init(&c.arguments, command);
    vc_arguments_add(&c.arguments, entries);
    vc_reading_add(&c.reading, &c.arguments);
    if (!vc_arguments_parse(&c.arguments, argc, argv, error))
        return c.arguments.status == 0 ? 0 : COMPARE_NOT_OPENED;
    if (!vc_arguments_json(&c.arguments, c.output, &c.json, error) ||
        !vc_arguments_count(&c.arguments, 2, 2, "two images", error) ||
        !vc_arguments_number("-m", c.workers, VC_WORKERS_MAX, WORKERS_DEFAULT, &workers,
                             error) ||
        !vc_reading_prepare(&c.reading, error))
        return COMPARE_NOT_OPENED;

    VcImage images[2] = { 0 };
    int status = compare(&c, images, (unsigned)workers, error);
    vc_image_clear(&images[0]);
    vc_image_clear(&images[1]);
    return status;
}

const VcCommand vc_command_compare = {
    .name = "compare",
    .usage = "IMAGE IMAGE",
    .summary = "Tell whether two images hold the same disk.",
    .details =
        "Where one is longer, the rest of it must be zero. Exit status: 0 same, 1\n"
        "different, 2 an image could not be opened, 4 it could not be read.",
    .run = run,
};
