/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs of data and holes of a file that were seen: asking the system again for the end
 * of a long one may cost a look at each of its pages, as on tmpfs. For files that do
 * not change. Threads may ask and add at once. */
#ifndef VC_IO_RUNS_H
#define VC_IO_RUNS_H

#include <stdbool.h>
#include <stdint.h>

/* Runs that are kept. A file of more makes each of them short, or has so many bytes
 * that looking at them is no longer what matters. */
#define VC_RUNS_MAX 4096u

/* What lies from `begin` to `end`. */
typedef struct {
    uint64_t begin, end;
    bool data;
} VcRun;

typedef struct VcRuns VcRuns;

VcRuns *vc_runs_new(void);
void vc_runs_free(VcRuns *runs);

/* Whether the run with POSITION in it was seen; then *RUN is that. */
bool vc_runs_find(VcRuns *runs, uint64_t position, VcRun *run);

/* Keeps RUN, which is not empty. What it overlaps is kept no longer. */
void vc_runs_add(VcRuns *runs, const VcRun *run);

#endif
