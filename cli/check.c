/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `check`: is an image what its format says, with the exit codes of qemu-img. */
#include "cli/command.h"

#include "cli/json.h"
#include "cli/print.h"
#include "cli/reading.h"
#include "converters/content.h"
#include "io/error.h"

enum { CHECK_FAILED = 1, CHECK_CORRUPT = 2, CHECK_LEAKS = 3, CHECK_UNSUPPORTED = 63 };

typedef struct {
    VcArguments arguments;
    VcReading reading;
    char *output, *repair;
    gboolean quiet;
} Check;

static void
check_clear(Check *c)
{
    vc_arguments_clear(&c->arguments);
    vc_reading_clear(&c->reading);
    g_clear_pointer(&c->output, g_free);
    g_clear_pointer(&c->repair, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Check, check_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcReport, vc_report_clear)

static const char *const kinds[] = { "note", "warning", "leak", "corrupt" };

static void
json_count(JsonBuilder *b, const char *key, uint64_t count)
{
    if (count > 0)
        vc_json_number(b, key, count);
}

static void
print_json(const char *name, const VcFormat *format, const VcReport *report)
{
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_builder_begin_object(b);
    json_count(b, "image-end-offset", report->end);
    json_count(b, "total-clusters", report->total);
    if (report->total > 0)
        vc_json_number(b, "allocated-clusters", report->allocated);
    vc_json_number(b, "check-errors", 0);
    json_count(b, "corruptions", report->count[VC_FINDING_CORRUPT]);
    json_count(b, "leaks", report->count[VC_FINDING_LEAK]);
    json_count(b, "warnings", report->count[VC_FINDING_WARNING]);
    vc_json_text(b, "filename", name);
    if (format) /* else damaged before that could be told */
        vc_json_text(b, "format", format->name);
    if (report->findings->len > 0) {
        json_builder_set_member_name(b, "findings");
        json_builder_begin_array(b);
        for (guint i = 0; i < report->findings->len; i++) {
            const VcFinding *f = &g_array_index(report->findings, VcFinding, i);
            json_builder_begin_object(b);
            vc_json_text(b, "kind", kinds[f->kind]);
            vc_json_text(b, "text", f->text);
            json_builder_end_object(b);
        }
        json_builder_end_array(b);
    }
    json_builder_end_object(b);
    vc_print_json(b);
}

static void
print_human(const VcReport *report)
{
    uint64_t corruptions = report->count[VC_FINDING_CORRUPT],
             leaks = report->count[VC_FINDING_LEAK];
    for (guint i = 0; i < report->findings->len; i++) {
        const VcFinding *f = &g_array_index(report->findings, VcFinding, i);
        vc_print_line("%s: %s", kinds[f->kind], f->text);
    }
    if (corruptions > 0)
        vc_print_line("%" G_GUINT64_FORMAT " errors were found on the image.",
                      corruptions);
    if (leaks > 0)
        vc_print_line("%" G_GUINT64_FORMAT " leaked clusters were found on the image.",
                      leaks);
    if (corruptions == 0 && leaks == 0)
        vc_print_line("No errors were found on the image.");
    if (report->total > 0)
        vc_print_line("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " = %.2f%% allocated",
                      report->allocated, report->total,
                      (double)report->allocated * 100 / (double)report->total);
    if (report->end > 0)
        vc_print_line("Image end offset: %" G_GUINT64_FORMAT, report->end);
}

static bool
open_image(const Check *c, const char *path, VcContent *content, VcFile **file,
           const VcFormat **format, GError **error)
{
    *file = vc_content_open(path, &c->reading.image, content, error);
    if (!*file)
        return false;
    *format = c->reading.image.format ? c->reading.image.format
                                      : vc_format_probe(*file, error);
    return *format != NULL;
}

/* Gives the exit status. */
static int
check(Check *c, bool json, GError **error)
{
    g_autofree char *path = vc_reading_path(&c->reading, c->arguments.files[0], NULL,
                                            error);
    if (!path)
        return CHECK_FAILED;
    g_autoptr(VcFile) file = NULL;
    const VcFormat *format = NULL;
    VcContent content;
    GError *what = NULL;
    g_auto(VcReport) report = { 0 };
    vc_report_init(&report);
    if (!open_image(c, path, &content, &file, &format, &what)) {
        if (!content.said) {
            g_propagate_error(error, what);
            return CHECK_FAILED;
        }
        /* What is said must not depend on where in a stream the damage lies. */
        if (!vc_report_damage(&report, what, error))
            return CHECK_FAILED;
    } else if (!format->check) {
        vc_fail(error, VC_ERROR_UNSUPPORTED, "%s: %s images have nothing to check",
                path, format->name);
        return CHECK_UNSUPPORTED;
    } else if (!format->check(file, &report, error)) {
        g_prefix_error(error, "%s: ", path);
        return CHECK_FAILED;
    }
    if (json)
        print_json(path, format, &report);
    else if (!c->quiet)
        print_human(&report);
    if (report.count[VC_FINDING_CORRUPT] > 0)
        return CHECK_CORRUPT;
    return report.count[VC_FINDING_LEAK] > 0 ? CHECK_LEAKS : 0;
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Check) c = { 0 };
    const GOptionEntry entries[] = {
        { "format", 'f', 0, G_OPTION_ARG_FILENAME, &c.reading.format,
          "Format of the image (found by its content)", "FORMAT" },
        { "output", 0, 0, G_OPTION_ARG_FILENAME, &c.output, "human or json", "KIND" },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &c.quiet, "Print nothing but errors",
          NULL },
        { "repair", 'r', G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &c.repair, NULL,
          NULL },
        { NULL },
    };
    bool json;
    vc_arguments_init(&c.arguments, command);
    vc_arguments_add(&c.arguments, entries);
    vc_reading_add(&c.reading, &c.arguments);
    if (!vc_arguments_parse(&c.arguments, argc, argv, error))
        return c.arguments.status;
    if (!vc_arguments_json(&c.arguments, c.output, &json, error) ||
        !vc_arguments_count(&c.arguments, 1, 1, "one image", error) ||
        !vc_reading_prepare(&c.reading, error))
        return CHECK_FAILED;
    if (c.repair) {
        vc_fail(
            error, VC_ERROR_UNSUPPORTED,
            "-r: vconv never changes a source; 'vconv convert' makes a sound copy of "
            "what can be read");
        return CHECK_UNSUPPORTED;
    }
    return check(&c, json, error);
}

const VcCommand vc_command_check = {
    .name = "check",
    .usage = "IMAGE",
    .summary = "Look for faults in the structure and the allocation of an image.",
    .details =
        "Exit status: 0 clean, 1 the check failed, 2 corrupt, 3 space that nothing\n"
        "refers to, 63 the format has nothing to check.",
    .run = run,
};
