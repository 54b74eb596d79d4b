/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `check` looks at in a VHDX. */
#include "formats/vhdx/source.h"

#include "formats/vhdx/sweep.h"
#include "io/error.h"
#include "io/lent.h"

#include <inttypes.h>

/* Each copy of the header by itself: only one of them is used. */
static bool
check_headers(VcFile *file, VcReport *report, GError **error)
{
    static const uint64_t positions[] = { VHDX_HEADER1_POSITION,
                                          VHDX_HEADER2_POSITION };
    for (unsigned i = 0; i < G_N_ELEMENTS(positions); i++) {
        g_autoptr(GError) fault = NULL;
        uint8_t raw[VHDX_HEADER_SIZE];
        VhdxHeader header;
        if (!vc_file_read(file, positions[i], raw, sizeof raw, error))
            return false;
        if (!vhdx_header_decode(raw, positions[i], &header, &fault))
            vc_report_add(report, VC_FINDING_WARNING, "%s; the other copy is used",
                          fault->message);
    }
    return true;
}

static void
report_log(const VhdxImage *image, VcReport *report)
{
    if (image->replayed)
        vc_report_add(report, VC_FINDING_NOTE,
                      "log: %" PRIu64 " entries to replay, which change %" PRIu64
                      " pages and clear %" PRIu64 " bytes; they count as replayed here",
                      image->replay.entries, image->replay.data_pages,
                      image->replay.zero_bytes);
    if (image->size > image->replay.size_before && image->replayed)
        vc_report_add(report, VC_FINDING_NOTE,
                      "log: the file grows from %" PRIu64 " to %" PRIu64 " bytes",
                      image->replay.size_before, image->replay.size_after);
}

static bool
is_finding(const GError *error)
{
    return g_error_matches(error, VC_ERROR, VC_ERROR_CORRUPT) ||
           g_error_matches(error, VC_ERROR, VC_ERROR_SHORT);
}

bool
vhdx_check(VcFile *file, VcReport *report, GError **error)
{
    g_autoptr(GPtrArray) warnings = vc_warnings_new();
    g_auto(VhdxImage) image = { 0 };
    GError *fault = NULL;

    bool open = vhdx_image_open(&image, vc_lent_file(file), warnings, &fault);
    for (guint i = 0; i < warnings->len; i++)
        vc_report_add(report, VC_FINDING_WARNING, "%s", (char *)warnings->pdata[i]);
    if (!open && !is_finding(fault)) {
        g_propagate_error(error, fault);
        return false;
    }
    if (!open) {
        vc_report_add(report, VC_FINDING_CORRUPT, "%s", fault->message);
        g_error_free(fault);
        return true;
    }
    report_log(&image, report);
    return check_headers(image.file, report, error) &&
           vhdx_sweep(&image, report, error);
}
