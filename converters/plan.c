/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a source can be walked into a target, or why it cannot. */
#include "converters/plan.h"

#include "io/error.h"

bool
vc_plan(const VcPlanQuestion *question, VcPlan *plan, GError **error)
{
    *plan = (VcPlan){ .walk = VC_WALK_STORED };
    /* Of a cell that comes in two parts, each would have zeros for the other. */
    bool ascend = question->target_pipe || question->order == VC_ORDER_ASCENDING ||
                  question->source_unaligned;

    /* Tables in front of what they describe, and no way back to write them. */
    plan->place_first = question->target_pipe && !question->append_only;
    if (plan->place_first && !question->source_map) {
        vc_fail(
            error, VC_ERROR_UNSUPPORTED,
            "this target format begins with tables, so into a pipe its source must be "
            "read twice, and this source comes as a stream; write to a file, or let "
            "--spool DIR store the source first");
        return false;
    }
    if (ascend && !question->source_ascending) {
        if (!question->source_map) {
            vc_fail(
                error, VC_ERROR_UNSUPPORTED,
                "the source comes as a stream whose blocks may lie in any order, and "
                "%s only in ascending order; give the source as an uncompressed file, "
                "or let --spool DIR store it first",
                question->source_unaligned
                    ? "a part of it that begins inside of 4 KiB is taken"
                    : "this target takes them");
            return false;
        }
        plan->walk = VC_WALK_MAP;
        return true;
    }
    if (plan->place_first || !question->source_next)
        plan->walk = VC_WALK_MAP;
    return true;
}
