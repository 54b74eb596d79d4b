/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine: a source walked into windows. */
#include "converters/copy.h"

#include "converters/conductor.h"
#include "io/clone.h"
#include "io/error.h"

typedef struct {
    VcSource *source;
    const VcCopyRoute *routes;
    const VcCopySettings *settings;
    VcConvertStats *stats;
    VcConductor conductor;
    uint64_t end[VC_DISKS_MAX]; /* where each disk's last run ended */
    bool no_clone;              /* it was tried, and is not to be had here */
} Copy;

/* Hands the part of EXTENT that lies in its first window to that window. */
static bool
gather(Copy *c, const VcCopyRoute *route, const VcExtent *extent, GError **error)
{
    VcWindow *window = vc_conductor_window(&c->conductor, route->sink, route->disk,
                                           extent->offset, &route->zeros, error);
    return window && vc_window_add(window, extent, error);
}

/* Zeroes the whole windows of a run of zeros at once, where a sink with fixed places
 * needs it; the rest goes through windows like data. */
static bool
zero_run(Copy *c, const VcCopyRoute *route, uint64_t offset, uint64_t length,
         GError **error)
{
    VcSink *sink = route->sink;
    while (length > 0) {
        uint64_t position, run;
        if (!vc_sink_place(sink, route->disk, offset, length, &position, &run, error))
            return false;
        if (!c->settings->dry && !vc_file_zero(sink->file, position, run, error)) {
            g_prefix_error(error, "%s: ", sink->file->name);
            return false;
        }
        offset += run;
        length -= run;
    }
    return true;
}

static bool
pass_zeros(Copy *c, const VcCopyRoute *route, VcExtent *extent, GError **error)
{
    /* What is never placed reads as zero. */
    if (route->zeros.sparse != 0 && !route->zeros.write_zeros)
        return vc_pace_advance(c->settings->pace, extent->length, 0, error);

    while (extent->length > 0) {
        uint64_t to_window = VC_WINDOW - extent->offset % VC_WINDOW;
        uint64_t piece;
        if (route->zeros.sparse != 0 && to_window == VC_WINDOW &&
            extent->length >= VC_WINDOW) {
            piece = extent->length - extent->length % VC_WINDOW;
            if (!zero_run(c, route, extent->offset, piece, error))
                return false;
        } else {
            piece = MIN(extent->length, to_window);
            if (!gather(c, route, extent, error))
                return false;
        }
        if (!vc_pace_advance(c->settings->pace, piece, 0, error))
            return false;
        extent->offset += piece;
        extent->length -= piece;
    }
    return true;
}

/* Shorter runs are not worth a system call and an extent of their own. */
#define CLONE_MIN ((uint64_t)64 << 10)

/* Shares the whole cells at the beginning of EXTENT with the target, as far as they lie
 * together there; *CLONED is how much. 0 when this pair of files cannot. */
static bool
clone_run(Copy *c, const VcCopyRoute *route, const VcExtent *extent, uint64_t *cloned,
          GError **error)
{
    VcSink *sink = route->sink;
    *cloned = 0;
    uint64_t length = extent->length - extent->length % VC_CELL, position;
    if (c->settings->reflink == VC_REFLINK_NEVER || c->settings->dry || c->no_clone ||
        length < CLONE_MIN || extent->offset % VC_CELL != 0 ||
        extent->position % VC_CLONE_ALIGNMENT != 0 || extent->file->fd < 0 ||
        sink->file->fd < 0 || !(sink->identity || sink->unit != 0))
        return true;

    /* What is placed stays placed, with the zeros in it: so only where it is of use. */
    if (!vc_file_may_clone(sink->file, extent->file)) {
        c->no_clone = true;
        return true;
    }
    /* Places are given in the order of the source, whatever the workers have done. */
    if (!sink->identity && !vc_conductor_place_all(&c->conductor, error))
        return false;
    uint64_t run;
    if (!vc_sink_place(sink, route->disk, extent->offset, length, &position, &run,
                       error))
        return false;
    if (vc_file_clone(sink->file, position, extent->file, extent->position, run)) {
        *cloned = run;
        c->stats->cloned += run;
        return true;
    }
    c->no_clone = true;
    return true;
}

/* With --reflink=always: what could not be shared is an error, but for the odd ends
 * that no file system can share. */
static bool
refuse_copy(const Copy *c, const VcCopyRoute *route, const VcExtent *extent,
            GError **error)
{
    if (c->settings->reflink != VC_REFLINK_ALWAYS || c->settings->dry ||
        extent->length < CLONE_MIN)
        return true;
    vc_fail(
        error, VC_ERROR_UNSUPPORTED,
        "%s: cannot share extents with %s (another file system, one that cannot, or "
        "other positions); leave out --reflink=always to copy",
        route->sink->file->name, extent->file->name);
    return false;
}

static bool
pass_clones(Copy *c, const VcCopyRoute *route, VcExtent *extent, GError **error)
{
    uint64_t cloned;
    do {
        if (!clone_run(c, route, extent, &cloned, error))
            return false;
        extent->offset += cloned;
        extent->position += cloned;
        extent->length -= cloned;
        if (!vc_pace_advance(c->settings->pace, cloned, 0, error))
            return false;
    } while (cloned > 0);
    return refuse_copy(c, route, extent, error);
}

static bool
pass_data(Copy *c, const VcCopyRoute *route, VcExtent *extent, GError **error)
{
    while (extent->length > 0) {
        uint64_t piece = MIN(extent->length, VC_WINDOW - extent->offset % VC_WINDOW);
        if (!vc_conductor_learns_units(&c->conductor, route->sink) ||
            !vc_conductor_knows_unit(&c->conductor, route->sink, extent->offset)) {
            if (!gather(c, route, extent, error))
                return false;
            /* To learn of a unit before its next window is read. */
            if (vc_conductor_learns_units(&c->conductor, route->sink) &&
                (extent->offset + piece) % VC_WINDOW == 0 &&
                !vc_conductor_close_all(&c->conductor, error))
                return false;
        }
        if (!vc_pace_advance(c->settings->pace, piece, piece, error))
            return false;
        extent->offset += piece;
        extent->length -= piece;
        extent->position += piece;
    }
    return true;
}

static bool
pass_extent(Copy *c, VcExtent *extent, GError **error)
{
    const VcCopyRoute *route = &c->routes[extent->disk];
    if (!route->sink)
        return true;
    if (extent->kind == VC_DATA)
        return pass_clones(c, route, extent, error) &&
               pass_data(c, route, extent, error);
    return pass_zeros(c, route, extent, error);
}

static bool
walk_map(Copy *c, GError **error)
{
    if (!vc_source_index(c->source, error))
        return false;
    for (unsigned disk = 0; disk < c->source->layout.n_disks; disk++) {
        if (!c->routes[disk].sink)
            continue;
        /* What is still gathering belongs to the disk before. */
        if (!vc_conductor_close_all(&c->conductor, error))
            return false;
        vc_conductor_forget_units(&c->conductor);
        uint64_t size = c->source->layout.disks[disk].size;
        for (uint64_t offset = 0; offset < size;) {
            VcExtent extent;
            if (!vc_source_map(c->source, disk, offset, &extent, error))
                return false;
            offset += extent.length;
            if (!pass_extent(c, &extent, error))
                return false;
        }
    }
    return true;
}

static bool
walk_stored(Copy *c, GError **error)
{
    for (;;) {
        VcExtent extent;
        if (!vc_source_next(c->source, &extent, error))
            return false;
        if (extent.kind == VC_END)
            break;
        c->end[extent.disk] = MAX(c->end[extent.disk], extent.offset + extent.length);
        if (!pass_extent(c, &extent, error))
            return false;
    }
    /* Only now is the size of a disk known that came down a pipe. */
    for (unsigned i = 0; i < c->source->layout.n_disks; i++) {
        const VcCopyRoute *route = &c->routes[i];
        if (!route->sink || c->source->layout.disks[i].size != VC_SIZE_UNKNOWN)
            continue;
        if (!vc_conductor_close_all(&c->conductor, error))
            return false;
        route->sink->layout.disks[route->disk].size = c->end[i];
    }
    return true;
}

bool
vc_copy(VcSource *source, const VcCopyRoute *routes, const VcCopySettings *settings,
        VcConvertStats *stats, GError **error)
{
    bool ascending = settings->walk == VC_WALK_MAP || source->ascending;
    Copy c = {
        .source = source, .routes = routes, .settings = settings, .stats = stats
    };
    /* A dry run decides by what was placed before, so it is made one by one. */
    vc_conductor_init(&c.conductor, settings->dry ? 0 : settings->workers, ascending,
                      settings->dry, stats);
    bool ok = (settings->walk == VC_WALK_MAP ? walk_map(&c, error)
                                             : walk_stored(&c, error)) &&
              vc_conductor_drain(&c.conductor, error);
    vc_conductor_clear(&c.conductor);
    return ok;
}
