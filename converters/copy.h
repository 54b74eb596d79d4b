/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine: the disks of one source into the places that their sinks give.
 *
 * One conductor (the caller's thread) walks the source into windows, workers fill them
 * and look for zeros, the conductor places them in the order made, workers write. So
 * the bytes of the output do not depend on the number of workers. */
#ifndef VC_CONVERTERS_COPY_H
#define VC_CONVERTERS_COPY_H

#include "converters/pace.h"
#include "converters/window.h"

/* How the source is walked. */
typedef enum {
    VC_WALK_STORED, /* vc_source_next: as the file has it */
    VC_WALK_MAP,    /* vc_source_map: disk by disk, offsets rising */
} VcWalk;

/* Where one disk of the source goes. */
typedef struct {
    VcSink *sink; /* NULL: nowhere */
    unsigned disk;
    VcZeroPolicy zeros;
} VcCopyRoute;

typedef struct {
    VcWalk walk;
    unsigned workers;
    bool dry; /* place, but do not write; of each unit of a sink as little is read as
                 tells that it is not zero */
    VcReflink reflink;
    VcPace *pace;
} VcCopySettings;

/* Copies. ROUTES has an entry for each disk of SOURCE. Adds to STATS. A disk of unknown
 * size ends where its stream ends. */
bool vc_copy(VcSource *source, const VcCopyRoute *routes,
             const VcCopySettings *settings, VcConvertStats *stats, GError **error);

#endif
