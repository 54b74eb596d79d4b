/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `vma verify`: reads all of an archive, and finds what is missing, too. */
#include "cli/command.h"

#include "cli/print.h"
#include "cli/transfer.h"
#include "cli/vma.h"
#include "converters/content.h"
#include "io/error.h"

typedef struct {
    VcArguments arguments;
    VcReading reading;
    gboolean verbose;
} Verify;

static void
verify_clear(Verify *v)
{
    vc_arguments_clear(&v->arguments);
    vc_reading_clear(&v->reading);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Verify, verify_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcReport, vc_report_clear)

/* The first fault is the error, with the number of the others. */
static bool
judge(const char *name, const VcReport *report, GError **error)
{
    uint64_t faults = report->count[VC_FINDING_CORRUPT];
    g_autoptr(GPtrArray) warnings = vc_warnings_new();
    for (guint i = 0; i < report->findings->len; i++) {
        const VcFinding *f = &g_array_index(report->findings, VcFinding, i);
        if (f->kind == VC_FINDING_CORRUPT) {
            g_autofree char *others =
                faults > 1 ? g_strdup_printf(" (and %" G_GUINT64_FORMAT
                                             " more faults; 'vconv check' lists them)",
                                             faults - 1)
                           : g_strdup("");
            vc_fail(error, VC_ERROR_CORRUPT, "%s: %s%s", name, f->text, others);
            return false;
        }
        if (f->kind == VC_FINDING_WARNING)
            vc_warn(warnings, "%s", f->text);
    }
    vc_transfer_say(warnings, name);
    return true;
}

static bool
verify(Verify *v, GError **error)
{
    const VcFormat *format = vc_vma_format();
    g_autofree char *path = vc_reading_path(&v->reading, v->arguments.files[0], format,
                                            error);
    if (!path)
        return false;
    VcContent content;
    g_autoptr(VcFile) file = vc_content_open(path, &v->reading.image, &content, error);
    if (!file)
        return false;

    g_auto(VcReport) report = { 0 };
    vc_report_init(&report);
    if (!format->check(file, &report, error)) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    if (!judge(path, &report, error))
        return false;
    if (v->verbose)
        vc_print_line("%s: complete and sound", path);
    return true;
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Verify) v = { 0 };
    const GOptionEntry entries[] = {
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &v.verbose, "Say that all is well",
          NULL },
        { NULL },
    };
    vc_arguments_init(&v.arguments, command);
    vc_arguments_add(&v.arguments, entries);
    vc_reading_add(&v.reading, &v.arguments);
    if (!vc_arguments_parse(&v.arguments, argc, argv, error))
        return v.arguments.status;
    if (!vc_arguments_count(&v.arguments, 1, 1, "one archive", error) ||
        !vc_reading_prepare(&v.reading, error) || !verify(&v, error))
        return 1;
    return 0;
}

const VcCommand vc_command_vma_verify = {
    .name = "vma verify",
    .usage = "ARCHIVE [-v]",
    .summary = "Check a whole archive: checksums, missing and doubled clusters.",
    .run = run,
};
