/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `check` found in an image. */
#ifndef VC_FORMATS_REPORT_H
#define VC_FORMATS_REPORT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    VC_FINDING_NOTE,    /* worth knowing: a log to replay, bytes behind the end */
    VC_FINDING_WARNING, /* wrong, but every byte can be read as it was meant */
    VC_FINDING_LEAK,    /* space that nothing refers to */
    VC_FINDING_CORRUPT, /* data may be wrong or lost */
} VcFindingKind;

typedef struct {
    VcFindingKind kind;
    char *text; /* one line, as error messages */
} VcFinding;

typedef struct {
    GArray *findings;   /* of VcFinding, at most VC_FINDINGS_MAX of each kind */
    uint64_t count[4];  /* of each kind, all of them */
    uint64_t total;     /* allocation units of the disk (blocks, clusters) */
    uint64_t allocated; /* of them in the file */
    uint64_t end;       /* where the last structure in the file ends */
} VcReport;

/* More of a kind are counted, not kept: a hostile file must not fill the memory. */
#define VC_FINDINGS_MAX 1000

void vc_report_init(VcReport *report);
void vc_report_clear(VcReport *report);
/* Whether a text of KIND would be kept; if not, the finding is counted here. For
 * findings that come in such numbers that it takes time to put them into words. */
bool vc_report_wants(VcReport *report, VcFindingKind kind);
void vc_report_add(VcReport *report, VcFindingKind kind, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Makes a finding of WHAT (taken) where it says that the file, or the compressed stream
 * in it, is damaged or ends early. Anything else, a limit or an error of the system,
 * says nothing about the file: then it is the error. */
bool vc_report_damage(VcReport *report, GError *what, GError **error);

#endif
