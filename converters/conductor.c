/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conductor: windows on their way from gathering to written, in the order made. */
#include "converters/conductor.h"

#include "io/error.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Windows in flight: memory is bounded by this whatever an image says. */
#define WINDOWS_MAX 32u

/* A direct write of one window made of small pages has more segments than a virtio disk
 * takes at once, so the kernel would split it; of huge pages it has one. */
#define HUGE_PAGE ((size_t)2 << 20)

/* Windows that gather at once. In a stream the disks of a running machine interleave,
 * and so do a few places of each; beyond this the one that was used longest ago goes on
 * its way. One is enough where the source ascends. */
#define OPEN_MAX 12u

void
vc_conductor_init(VcConductor *c, unsigned workers, bool ascending, bool dry,
                  VcConvertStats *stats)
{
    *c = (VcConductor){ .pool = vc_pool_new(workers),
                        .stats = stats,
                        .dry = dry,
                        .open_max = ascending ? 1 : OPEN_MAX };
    if (dry)
        c->units = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
}

static void
free_windows(GQueue *queue)
{
    g_queue_clear_full(queue, (GDestroyNotify)vc_window_free);
}

void
vc_conductor_clear(VcConductor *c)
{
    /* The workers first: they may still have windows. */
    c->stats->written += vc_pool_written(c->pool);
    vc_pool_free(c->pool);
    free_windows(&c->idle);
    free_windows(&c->open);
    free_windows(&c->filling);
    free_windows(&c->writing);
    g_clear_pointer(&c->units, g_hash_table_unref);
    free(c->buffers);
}

bool
vc_conductor_learns_units(const VcConductor *c, const VcSink *sink)
{
    return c->dry && sink->unit != 0 && sink->unit % VC_WINDOW == 0;
}

bool
vc_conductor_knows_unit(const VcConductor *c, const VcSink *sink, uint64_t offset)
{
    uint64_t unit = offset / sink->unit;
    return g_hash_table_contains(c->units, &unit);
}

void
vc_conductor_forget_units(VcConductor *c)
{
    if (c->units)
        g_hash_table_remove_all(c->units);
}

static void
learn_unit(VcConductor *c, const VcWindow *window)
{
    if (!vc_conductor_learns_units(c, window->sink) || !vc_window_is_placed(window))
        return;
    uint64_t unit = window->offset / window->sink->unit;
    g_hash_table_add(c->units, g_memdup2(&unit, sizeof unit));
}

/* Writes to a target that takes bytes only at its end. */
static bool
write_in_order(VcConductor *c, VcWindow *window, GError **error)
{
    uint64_t written = 0;
    if (!vc_window_write(window, &written, error))
        return false;
    c->stats->written += written;

    VcSink *sink = window->sink;
    uint64_t settled = vc_sink_settled(sink, vc_window_end(window, 0));
    if (vc_file_settle(sink->file, settled, error))
        return true;
    g_prefix_error(error, "%s: ", sink->file->name);
    return false;
}

/* Places the oldest window that is with the workers, and sends it to be written. */
static bool
retire(VcConductor *c, GError **error)
{
    VcWindow *window = g_queue_peek_head(&c->filling);
    if (!vc_pool_wait(c->pool, window, error) || !vc_window_place(window, error))
        return false;

    bool in_order = !window->sink->file->seekable;
    if (c->dry)
        learn_unit(c, window);
    else if (in_order && !write_in_order(c, window, error))
        return false;

    g_queue_pop_head(&c->filling);
    if (c->dry || in_order || !vc_window_is_placed(window)) {
        g_queue_push_tail(&c->idle, window);
        return true;
    }
    vc_pool_submit(c->pool, window, VC_WORK_WRITE);
    g_queue_push_tail(&c->writing, window);
    return true;
}

static bool
reap(VcConductor *c, GError **error)
{
    VcWindow *window = g_queue_peek_head(&c->writing);
    if (!vc_pool_wait(c->pool, window, error))
        return false;
    g_queue_push_tail(&c->idle, g_queue_pop_head(&c->writing));
    return true;
}

/* Retires and reaps what is ready without waiting. */
static bool
poll_workers(VcConductor *c, GError **error)
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

/* Closing depends on the windows that are open and on nothing that a thread does, so
 * the order made is the same in every run. */
static bool
close_oldest(VcConductor *c, GError **error)
{
    VcWindow *window = g_queue_pop_head(&c->open);
    vc_window_close(window);
    g_queue_push_tail(&c->filling, window);
    vc_pool_submit(c->pool, window, VC_WORK_FILL);
    return poll_workers(c, error);
}

bool
vc_conductor_close_all(VcConductor *c, GError **error)
{
    while (!g_queue_is_empty(&c->open))
        if (!close_oldest(c, error))
            return false;
    return true;
}

bool
vc_conductor_place_all(VcConductor *c, GError **error)
{
    if (!vc_conductor_close_all(c, error))
        return false;
    while (!g_queue_is_empty(&c->filling))
        if (!retire(c, error))
            return false;
    return true;
}

bool
vc_conductor_drain(VcConductor *c, GError **error)
{
    if (!vc_conductor_place_all(c, error))
        return false;
    while (!g_queue_is_empty(&c->writing))
        if (!reap(c, error))
            return false;
    return true;
}

static VcWindow *
make_window(VcConductor *c, GError **error)
{
    size_t size = (size_t)WINDOWS_MAX * VC_WINDOW;
    if (!c->buffers) {
        /* Memory that is never touched is never there. */
        c->buffers = aligned_alloc(HUGE_PAGE, size);
        if (!c->buffers) {
            vc_fail_errno(error, ENOMEM, "the buffers of the conversion");
            return NULL;
        }
        madvise(c->buffers, size, MADV_HUGEPAGE);
    }
    return vc_window_new(c->buffers + (size_t)c->n_windows++ * VC_WINDOW);
}

/* Gives a free window, waiting for one where all are under way. */
static VcWindow *
take_window(VcConductor *c, GError **error)
{
    while (g_queue_is_empty(&c->idle)) {
        if (c->n_windows < WINDOWS_MAX)
            return make_window(c, error);
        bool ok = !g_queue_is_empty(&c->filling) ? retire(c, error) : reap(c, error);
        if (!ok)
            return NULL;
        if (g_queue_is_empty(&c->idle) && !g_queue_is_empty(&c->writing) &&
            !reap(c, error))
            return NULL;
    }
    return g_queue_pop_head(&c->idle);
}

VcWindow *
vc_conductor_window(VcConductor *c, VcSink *sink, unsigned disk, uint64_t offset,
                    const VcZeroPolicy *zeros, GError **error)
{
    for (GList *link = c->open.tail; link; link = link->prev) {
        VcWindow *window = link->data;
        if (vc_window_covers(window, sink, disk, offset)) {
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
    vc_window_open(window, sink, disk, offset - offset % VC_WINDOW, zeros);
    g_queue_push_tail(&c->open, window);
    return window;
}
