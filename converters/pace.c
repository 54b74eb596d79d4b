/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far a conversion is, and how fast it may go. */
#include "converters/pace.h"

#include "io/interrupt.h"

#define SAY_EVERY_US (G_USEC_PER_SEC / 10)

/* No single nap is longer, so that an interruption is soon noticed. */
#define NAP_MAX_US (G_USEC_PER_SEC / 10)

void
vc_pace_start(VcPace *pace, const VcConvertOptions *options, uint64_t total)
{
    int64_t now = g_get_monotonic_time();
    *pace = (VcPace){ .progress = options->progress,
                      .user = options->user,
                      .total = total,
                      .rate = options->rate,
                      .started_us = now,
                      .said_us = now };
    if (pace->progress)
        pace->progress(pace->user, 0, total);
}

static bool
wait_for_rate(VcPace *pace, GError **error)
{
    for (;;) {
        double due_us = (double)pace->moved / (double)pace->rate * G_USEC_PER_SEC;
        double ahead_us = due_us - (double)(g_get_monotonic_time() - pace->started_us);
        if (!vc_interrupt_check(error))
            return false;
        if (ahead_us <= 0)
            return true;
        g_usleep((gulong)MIN(ahead_us, NAP_MAX_US));
    }
}

bool
vc_pace_advance(VcPace *pace, uint64_t covered, uint64_t moved, GError **error)
{
    pace->done = MIN(pace->total, pace->done + covered);
    pace->moved += moved;
    if (!vc_interrupt_check(error) || (pace->rate > 0 && !wait_for_rate(pace, error)))
        return false;
    if (pace->progress) {
        int64_t now = g_get_monotonic_time();
        /* The end is said once, by vc_pace_end. */
        if (now - pace->said_us >= SAY_EVERY_US && pace->done < pace->total) {
            pace->said_us = now;
            pace->progress(pace->user, pace->done, pace->total);
        }
    }
    return true;
}

void
vc_pace_end(VcPace *pace)
{
    if (pace->progress)
        pace->progress(pace->user, pace->total, pace->total);
}
