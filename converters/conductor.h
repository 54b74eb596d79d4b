/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conductor: windows on their way from gathering to written, in the order made. */
#ifndef VC_CONVERTERS_CONDUCTOR_H
#define VC_CONVERTERS_CONDUCTOR_H

#include "converters/convert.h"
#include "converters/pool.h"

typedef struct {
    VcPool *pool;
    VcConvertStats *stats;
    bool dry; /* windows are filled and placed, not written */

    uint8_t *buffers; /* of all windows */
    unsigned n_windows;
    unsigned open_max;
    GQueue idle;    /* free windows */
    GQueue open;    /* gathering; used last at the tail */
    GQueue filling; /* with the workers, in the order made */
    GQueue writing; /* with the workers, in the order placed */

    GHashTable
        *units; /* dry: units of the present disk in which something was placed */
} VcConductor;

/* ASCENDING: the source never comes back to a window that it left. STATS are borrowed.
 */
void vc_conductor_init(VcConductor *conductor, unsigned workers, bool ascending,
                       bool dry, VcConvertStats *stats);
void vc_conductor_clear(VcConductor *conductor);

/* Gives the open window (owned by the conductor) in which OFFSET of DISK of SINK lies.
 */
VcWindow *vc_conductor_window(VcConductor *conductor, VcSink *sink, unsigned disk,
                              uint64_t offset, const VcZeroPolicy *zeros,
                              GError **error);

/* Sends all open windows on their way. */
bool vc_conductor_close_all(VcConductor *conductor, GError **error);

/* Places all that was gathered; it may still be written. What the caller places itself
 * comes next in the order made. */
bool vc_conductor_place_all(VcConductor *conductor, GError **error);

/* Sends all on their way and waits until everything is written. */
bool vc_conductor_drain(VcConductor *conductor, GError **error);

/* Dry, and SINK allocates in units of whole windows: then one cell tells of a unit, and
 * the rest of it need not be read. */
bool vc_conductor_learns_units(const VcConductor *conductor, const VcSink *sink);
bool vc_conductor_knows_unit(const VcConductor *conductor, const VcSink *sink,
                             uint64_t offset);
/* Another disk begins. */
void vc_conductor_forget_units(VcConductor *conductor);

#endif
