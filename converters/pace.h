/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far a conversion is, said now and then, and how fast it may go. */
#ifndef VC_CONVERTERS_PACE_H
#define VC_CONVERTERS_PACE_H

#include "converters/convert.h"

typedef struct {
    VcProgress progress; /* may be NULL */
    void *user;
    uint64_t done, total; /* bytes of disks */
    uint64_t rate;        /* bytes per second; 0: as fast as it goes */
    int64_t started_us, said_us;
    uint64_t moved; /* payload bytes, for the rate */
} VcPace;

void vc_pace_start(VcPace *pace, const VcConvertOptions *options, uint64_t total);

/* COVERED bytes of a disk are dealt with, MOVED of them as payload. Waits while the
 * rate is exceeded; VC_ERROR_CANCELLED after vc_interrupt. */
bool vc_pace_advance(VcPace *pace, uint64_t covered, uint64_t moved, GError **error);

/* Says that all is done. */
void vc_pace_end(VcPace *pace);

#endif
