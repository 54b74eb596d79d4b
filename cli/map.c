/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `map`: where the bytes of a disk lie. */
#include "cli/command.h"

#include "cli/print.h"
#include "cli/reading.h"
#include "cli/transfer.h"
#include "io/error.h"
#include "io/interrupt.h"

#include <string.h>

typedef struct {
    VcArguments arguments;
    VcReading reading;
    char *output, *start, *length;
    bool json;
    bool any;      /* a run was printed */
    VcExtent held; /* may still grow */
} Map;

static void
map_clear(Map *m)
{
    vc_arguments_clear(&m->arguments);
    vc_reading_clear(&m->reading);
    g_clear_pointer(&m->output, g_free);
    g_clear_pointer(&m->start, g_free);
    g_clear_pointer(&m->length, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Map, map_clear)

static const char *
word(bool flag)
{
    return flag ? "true" : "false";
}

/* Whether the file that the user sees has the bytes there: what the log of a VHDX
 * changed is in memory, and the file still holds what was there before. */
static bool
is_in_file(const VcExtent *run)
{
    return run->kind == VC_DATA && run->file->fd >= 0;
}

/* One line for each run, which json-glib would spread over eight. */
static void
print_json_run(Map *m, const VcSource *source, const VcExtent *run)
{
    bool data = run->kind == VC_DATA;
    bool present = !(run->absent && source->parent);
    g_autofree char *place = is_in_file(run)
                                 ? g_strdup_printf(", \"offset\": %" G_GUINT64_FORMAT,
                                                   run->position)
                                 : g_strdup("");
    g_autofree char *line = g_strdup_printf(
        "%s{ \"start\": %" G_GUINT64_FORMAT ", \"length\": %" G_GUINT64_FORMAT
        ", \"depth\": %u, \"present\": %s, \"zero\": %s, \"data\": %s%s}",
        m->any ? ",\n" : "", run->offset, run->length, run->depth, word(present),
        word(!data), word(data), place);
    vc_print_text(line);
    m->any = true;
}

static void
print_run(Map *m, const VcSource *source)
{
    const VcExtent *run = &m->held;
    if (run->length == 0)
        return;
    if (m->json) {
        print_json_run(m, source, run);
    } else if (run->kind == VC_DATA) {
        g_autofree char *place = is_in_file(run)
                                     ? g_strdup_printf("%#" G_GINT64_MODIFIER "x",
                                                       run->position)
                                     : g_strdup("log");
        vc_print_line("%#-16" G_GINT64_MODIFIER "x%#-16" G_GINT64_MODIFIER "x%-16s%s",
                      run->offset, run->length, place, run->file->name);
    }
}

/* Formats answer block by block; what lies together is shown together. */
static bool
join(VcExtent *run, const VcExtent *next)
{
    if (run->length == 0 || run->kind != next->kind || run->depth != next->depth ||
        run->absent != next->absent || run->file != next->file ||
        (run->kind == VC_DATA && run->position + run->length != next->position))
        return false;
    run->length += next->length;
    return true;
}

static bool
walk(Map *m, VcImage *image, unsigned disk, uint64_t start, uint64_t length,
     GError **error)
{
    VcSource *source = image->source;
    if (!vc_source_has_map(source)) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "%s: what comes as a stream has no map; give an uncompressed file, or "
                "let --spool DIR store it first",
                image->path);
        return false;
    }
    if (!vc_source_index(source, error))
        return false;

    if (m->json)
        vc_print_text("[");
    else
        vc_print_line("%-16s%-16s%-16s%s", "Offset", "Length", "Mapped to", "File");
    uint64_t size = source->layout.disks[disk].size;
    uint64_t end = start < size && length < size - start ? start + length : size;
    while (start < end) {
        VcExtent extent;
        if (!vc_interrupt_check(error) ||
            !vc_source_map(source, disk, start, &extent, error))
            return false;
        extent.length = MIN(extent.length, end - start);
        start += extent.length;
        if (!join(&m->held, &extent)) {
            print_run(m, source);
            m->held = extent;
        }
    }
    print_run(m, source);
    if (m->json)
        vc_print_text("]\n");
    return true;
}

static bool
map(Map *m, GError **error)
{
    g_auto(VcImage) image = { 0 };
    unsigned disk;
    uint64_t start, length;
    bool well =
        vc_arguments_size("--start-offset", m->start, 0, &start, error) &&
        vc_arguments_size("--max-length", m->length, G_MAXINT64, &length, error) &&
        vc_reading_open(&m->reading, m->arguments.files[0], NULL, &image, error) &&
        vc_image_single_disk(&image, &disk, error) &&
        walk(m, &image, disk, start, length, error);
    if (well)
        vc_transfer_say(vc_source_warnings(image.source), image.path);
    return well;
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Map) m = { 0 };
    const GOptionEntry entries[] = {
        { "format", 'f', 0, G_OPTION_ARG_FILENAME, &m.reading.format,
          "Format of the image (found by its content)", "FORMAT" },
        { "output", 0, 0, G_OPTION_ARG_FILENAME, &m.output, "human or json", "KIND" },
        { "start-offset", 's', 0, G_OPTION_ARG_FILENAME, &m.start,
          "Where in the disk to begin", "SIZE" },
        { "max-length", 'l', 0, G_OPTION_ARG_FILENAME, &m.length,
          "How much of the disk to show", "SIZE" },
        { NULL },
    };
    vc_arguments_init(&m.arguments, command);
    vc_arguments_add(&m.arguments, entries);
    vc_reading_add(&m.reading, &m.arguments);
    if (!vc_arguments_parse(&m.arguments, argc, argv, error))
        return m.arguments.status;
    return vc_arguments_json(&m.arguments, m.output, &m.json, error) &&
                   vc_arguments_count(&m.arguments, 1, 1, "one image", error) &&
                   vc_reading_prepare(&m.reading, error) && map(&m, error)
               ? 0
               : 1;
}

const VcCommand vc_command_map = {
    .name = "map",
    .usage = "IMAGE",
    .summary = "Show where the bytes of a disk lie in its file.",
    .run = run,
};
