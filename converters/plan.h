/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a source can be walked into a target, or why it cannot: one pure function. */
#ifndef VC_CONVERTERS_PLAN_H
#define VC_CONVERTERS_PLAN_H

#include "converters/copy.h"

/* What matters of the two sides. */
typedef struct {
    bool source_map;       /* random access */
    bool source_next;      /* a stored order of its own */
    bool source_unaligned; /* whose extents begin inside of cells of 4 KiB */
    bool source_ascending; /* which goes disk by disk, offsets rising */
    VcOrder order;         /* that the sink accepts */
    bool append_only;      /* the sink's format is stored front to back */
    bool target_pipe;      /* the target takes bytes only at its end */
} VcPlanQuestion;

typedef struct {
    VcWalk walk;
    bool place_first; /* walk once to place everything and make the metadata, then once
                         more to move the payload in ascending order */
} VcPlan;

/* VC_ERROR_UNSUPPORTED says what is in the way and the remedy. */
bool vc_plan(const VcPlanQuestion *question, VcPlan *plan, GError **error);

#endif
