/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a check of a VHD is expected to find. */
#ifndef VC_TESTS_VPC_FINDINGS_H
#define VC_TESTS_VPC_FINDINGS_H

#include "tests/formats/vpc/image.h"

static inline unsigned
count(const VcReport *report, VcFindingKind kind, const char *words)
{
    unsigned n = 0;
    for (unsigned i = 0; i < report->findings->len; i++) {
        const VcFinding *finding = &g_array_index(report->findings, VcFinding, i);
        n += finding->kind == kind && strstr(finding->text, words);
    }
    return n;
}

/* Checks FILE, which is taken, and expects N findings of KIND with WORDS and no others.
 */
static inline void
expect(VcFile *file, VcFindingKind kind, const char *words, unsigned n)
{
    g_autoptr(GError) error = NULL;
    VcReport report;
    vc_report_init(&report);
    ck_assert(vc_format_vpc.check(file, &report, &error));
    assert_no_error(error);
    if (count(&report, kind, words) != n || report.findings->len != n) {
        for (unsigned i = 0; i < report.findings->len; i++)
            printf("# %s\n", g_array_index(report.findings, VcFinding, i).text);
        ck_abort_msg("expected %u times '%s'", n, words);
    }
    vc_report_clear(&report);
    vc_file_free(file);
}

#endif
