/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `check` found in an image. */
#include "formats/report.h"

#include "io/error.h"

#include <stdarg.h>

static void
clear_finding(gpointer finding)
{
    g_free(((VcFinding *)finding)->text);
}

void
vc_report_init(VcReport *report)
{
    *report = (VcReport){ .findings = g_array_new(FALSE, FALSE, sizeof(VcFinding)) };
    g_array_set_clear_func(report->findings, clear_finding);
}

void
vc_report_clear(VcReport *report)
{
    g_clear_pointer(&report->findings, g_array_unref);
}

bool
vc_report_wants(VcReport *report, VcFindingKind kind)
{
    bool kept = report->count[kind] < VC_FINDINGS_MAX;
    report->count[kind] += !kept;
    return kept;
}

void
vc_report_add(VcReport *report, VcFindingKind kind, const char *format, ...)
{
    if (report->count[kind]++ >= VC_FINDINGS_MAX)
        return;

    va_list args;
    va_start(args, format);
    VcFinding finding = { .kind = kind, .text = g_strdup_vprintf(format, args) };
    va_end(args);
    g_array_append_val(report->findings, finding);
}

bool
vc_report_damage(VcReport *report, GError *what, GError **error)
{
    if (!g_error_matches(what, VC_ERROR, VC_ERROR_CORRUPT) &&
        !g_error_matches(what, VC_ERROR, VC_ERROR_SHORT)) {
        g_propagate_error(error, what);
        return false;
    }
    vc_report_add(report, VC_FINDING_CORRUPT, "%s", what->message);
    g_error_free(what);
    return true;
}
