/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine: conductor over windows and workers. */
#include "converters/copy.h"

#include "converters/pool.h"
#include "io/clone.h"
#include "io/error.h"

/* Windows in flight: memory is bounded by this whatever an image says. */
#define WINDOWS_MAX 40u

/* Windows that gather at once. In a stream the disks of a running machine interleave,
 * and so do a few places of each; beyond this the one that was used longest ago goes on
 * its way. One is enough where the source ascends. */
#define OPEN_MAX 12u

typedef struct {
    VcSource *source;
    const VcCopyRoute *routes;
    const VcCopySettings *settings;
    VcConvertStats *stats;
    VcPool *pool;

    unsigned n_windows;
    GQueue idle;    /* free windows */
    GQueue open;    /* gathering; used last at the tail */
    GQueue filling; /* with the workers, in the order made */
    GQueue writing; /* with the workers, in the order placed */
    unsigned open_max;

    uint64_t end[VC_DISKS_MAX]; /* where each disk's last run ended */
    bool no_clone;              /* it was tried, and is not to be had here */
    GHashTable *seen_units;     /* dry: units (of one sink's disk) that were placed */
} Conductor;

static void
free_windows(GQueue *queue)
{
    g_queue_clear_full(queue, (GDestroyNotify)vc_window_free);
}

static void
conductor_clear(Conductor *c)
{
    /* The workers first: they may still have windows. */
    vc_pool_free(c->pool);
    free_windows(&c->idle);
    free_windows(&c->open);
    free_windows(&c->filling);
    free_windows(&c->writing);
    g_clear_pointer(&c->seen_units, g_hash_table_unref);
}

/* Writes to a target that takes bytes only at its end. */
static bool
write_in_order(Conductor *c, VcWindow *window, GError **error)
{
    uint64_t written = 0;
    if (!vc_window_write(window, &written, error))
        return false;
    c->stats->written += written;

    VcSink *sink = window->sink;
    uint64_t end = vc_window_end(window, 0);
    if (vc_file_settle(sink->file, vc_sink_settled(sink, end), error))
        return true;
    g_prefix_error(error, "%s: ", sink->file->name);
    return false;
}

/* Key of the unit in which OFFSET of a disk lies. */
static uint64_t
unit_key(const VcSink *sink, uint64_t offset)
{
    return offset / sink->unit;
}

static bool
is_known_unit(const Conductor *c, const VcSink *sink, uint64_t offset)
{
    uint64_t key = unit_key(sink, offset);
    return g_hash_table_contains(c->seen_units, &key);
}

static bool
learns_units(const Conductor *c, const VcSink *sink)
{
    return c->settings->dry && sink->unit != 0 && sink->unit % VC_WINDOW == 0;
}

static void
learn_unit(Conductor *c, const VcWindow *window)
{
    if (!learns_units(c, window->sink) || vc_window_end(window, 0) == 0)
        return;
    uint64_t key = unit_key(window->sink, window->offset);
    g_hash_table_add(c->seen_units, g_memdup2(&key, sizeof key));
}

/* Places the oldest window that is with the workers, and sends it to be written. */
static bool
retire(Conductor *c, GError **error)
{
    VcWindow *window = g_queue_peek_head(&c->filling);
    if (!vc_pool_wait(c->pool, window, error) || !vc_window_place(window, error))
        return false;

    bool in_order = !window->sink->file->seekable;
    if (c->settings->dry)
        learn_unit(c, window);
    else if (in_order && !write_in_order(c, window, error))
        return false;

    g_queue_pop_head(&c->filling);
    if (c->settings->dry || in_order) {
        g_queue_push_tail(&c->idle, window);
        return true;
    }
    vc_pool_submit(c->pool, window, VC_WORK_WRITE);
    g_queue_push_tail(&c->writing, window);
    return true;
}

static bool
reap(Conductor *c, GError **error)
{
    VcWindow *window = g_queue_peek_head(&c->writing);
    if (!vc_pool_wait(c->pool, window, error))
        return false;
    g_queue_push_tail(&c->idle, g_queue_pop_head(&c->writing));
    return true;
}

/* Retires and reaps what is ready without waiting. */
static bool
poll_workers(Conductor *c, GError **error)
{
    while (!g_queue_is_empty(&c->filling) &&
           vc_pool_is_done(c->pool, g_queue_peek_head(&c->filling)))
        if (!retire(c, error))
            return false;
    while (!g_queue_is_empty(&c->writing) &&
           vc_pool_is_done(c->pool, g_queue_peek_head(&c->writing)))
        if (!reap(c, error))
            return false;
    return true;
}

static bool
close_oldest(Conductor *c, GError **error)
{
    VcWindow *window = g_queue_pop_head(&c->open);
    vc_window_close(window);
    g_queue_push_tail(&c->filling, window);
    vc_pool_submit(c->pool, window, VC_WORK_FILL);
    return poll_workers(c, error);
}

static bool
close_all(Conductor *c, GError **error)
{
    while (!g_queue_is_empty(&c->open))
        if (!close_oldest(c, error))
            return false;
    return true;
}

/* Gives a free window, waiting for one where all are under way. */
static VcWindow *
take_window(Conductor *c, GError **error)
{
    while (g_queue_is_empty(&c->idle)) {
        if (c->n_windows < WINDOWS_MAX) {
            c->n_windows++;
            return vc_window_new();
        }
        bool ok = !g_queue_is_empty(&c->filling) ? retire(c, error) : reap(c, error);
        if (!ok)
            return NULL;
        if (g_queue_is_empty(&c->idle) && !g_queue_is_empty(&c->writing) &&
            !reap(c, error))
            return NULL;
    }
    return g_queue_pop_head(&c->idle);
}

/* The open window in which OFFSET of ROUTE's disk lies, opened if need be. */
static VcWindow *
gathering_window(Conductor *c, const VcCopyRoute *route, uint64_t offset,
                 GError **error)
{
    for (GList *link = c->open.tail; link; link = link->prev) {
        VcWindow *window = link->data;
        if (vc_window_covers(window, route->sink, route->disk, offset)) {
            g_queue_unlink(&c->open, link);
            g_queue_push_tail_link(&c->open, link);
            return window;
        }
    }
    while (c->open.length >= c->open_max)
        if (!close_oldest(c, error))
            return NULL;

    VcWindow *window = take_window(c, error);
    if (!window)
        return NULL;
    vc_window_open(window, route->sink, route->disk, offset - offset % VC_WINDOW,
                   &route->zeros);
    g_queue_push_tail(&c->open, window);
    return window;
}

/* Zeroes the whole windows of a run of zeros at once, where a sink with fixed places
 * needs it; the rest goes through windows like data. */
static bool
zero_run(Conductor *c, const VcCopyRoute *route, uint64_t offset, uint64_t length,
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
pass_zeros(Conductor *c, const VcCopyRoute *route, VcExtent *extent, GError **error)
{
    if (route->zeros.sparse != 0 && !route->zeros.write_zeros)
        return true; /* what is never placed reads as zero */

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
            VcWindow *window = gathering_window(c, route, extent->offset, error);
            if (!window || !vc_window_add(window, extent, error))
                return false;
        }
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
clone_run(Conductor *c, const VcCopyRoute *route, const VcExtent *extent,
          uint64_t *cloned, GError **error)
{
    VcSink *sink = route->sink;
    *cloned = 0;
    uint64_t length = extent->length - extent->length % VC_CELL, position;
    if (c->settings->reflink == VC_REFLINK_NEVER || c->settings->dry || c->no_clone ||
        length < CLONE_MIN || extent->offset % VC_CELL != 0 ||
        extent->position % VC_CLONE_ALIGNMENT != 0 || extent->file->fd < 0 ||
        sink->file->fd < 0 || !(sink->identity || sink->unit != 0))
        return true;

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
refuse_copy(const Conductor *c, const VcCopyRoute *route, const VcExtent *extent,
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
pass_clones(Conductor *c, const VcCopyRoute *route, VcExtent *extent, GError **error)
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
pass_data(Conductor *c, const VcCopyRoute *route, VcExtent *extent, GError **error)
{
    while (extent->length > 0) {
        uint64_t piece = MIN(extent->length, VC_WINDOW - extent->offset % VC_WINDOW);
        if (!learns_units(c, route->sink) ||
            !is_known_unit(c, route->sink, extent->offset)) {
            VcWindow *window = gathering_window(c, route, extent->offset, error);
            if (!window || !vc_window_add(window, extent, error))
                return false;
            /* To learn of a unit before its next window is read. */
            if (learns_units(c, route->sink) &&
                (extent->offset + piece) % VC_WINDOW == 0 && !close_all(c, error))
                return false;
        }
        c->stats->read += piece;
        if (!vc_pace_advance(c->settings->pace, piece, piece, error))
            return false;
        extent->offset += piece;
        extent->length -= piece;
        extent->position += piece;
    }
    return true;
}

static bool
pass_extent(Conductor *c, VcExtent *extent, GError **error)
{
    const VcCopyRoute *route = &c->routes[extent->disk];
    if (!route->sink)
        return true;
    if (extent->kind == VC_DATA)
        return pass_clones(c, route, extent, error) &&
               pass_data(c, route, extent, error);

    uint64_t length = extent->length;
    return pass_zeros(c, route, extent, error) &&
           vc_pace_advance(c->settings->pace, length, 0, error);
}

static bool
walk_map(Conductor *c, GError **error)
{
    if (!vc_source_index(c->source, error))
        return false;
    for (unsigned disk = 0; disk < c->source->layout.n_disks; disk++) {
        if (!c->routes[disk].sink)
            continue;
        if (c->seen_units)
            g_hash_table_remove_all(c->seen_units);
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
walk_stored(Conductor *c, GError **error)
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
        if (!close_all(c, error))
            return false;
        route->sink->layout.disks[route->disk].size = c->end[i];
    }
    return true;
}

static bool
drain(Conductor *c, GError **error)
{
    if (!close_all(c, error))
        return false;
    while (!g_queue_is_empty(&c->filling))
        if (!retire(c, error))
            return false;
    while (!g_queue_is_empty(&c->writing))
        if (!reap(c, error))
            return false;
    return true;
}

bool
vc_copy(VcSource *source, const VcCopyRoute *routes, const VcCopySettings *settings,
        VcConvertStats *stats, GError **error)
{
    bool ascending = settings->walk == VC_WALK_MAP || source->ascending;
    Conductor c = {
        .source = source,
        .routes = routes,
        .settings = settings,
        .stats = stats,
        .pool = vc_pool_new(settings->dry ? 0 : settings->workers),
        .open_max = ascending ? 1 : OPEN_MAX,
        .seen_units = settings->dry ? g_hash_table_new_full(g_int64_hash, g_int64_equal,
                                                            g_free, NULL)
                                    : NULL,
    };
    bool ok = (settings->walk == VC_WALK_MAP ? walk_map(&c, error)
                                             : walk_stored(&c, error)) &&
              drain(&c, error);
    stats->written += vc_pool_written(c.pool);
    conductor_clear(&c);
    return ok;
}
