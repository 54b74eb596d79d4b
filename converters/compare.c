/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether two disks hold the same bytes: two maps walked by several threads, or one map
 * beside what comes in stored order. */
#include "converters/compare.h"

#include "converters/compare-piece.h"
#include "converters/pace.h"
#include "io/error.h"
#include "io/interrupt.h"

#include <pthread.h>
#include <signal.h>

/* More threads than this only wait for one another. */
#define WORKERS_MAX 64u

typedef struct {
    VcSide a, b;
    bool strict;
    unsigned workers;
    VcPace pace; /* the caller's thread alone */

    pthread_mutex_t mutex; /* over what follows, and the sides, while workers run */
    uint64_t offset, end;  /* the range that no piece was made of yet */
    uint64_t done;
    VcVerdict verdict;
} Walk;

/* Makes the next piece that must be read. False at the end, or when nothing that lies
 * further on can matter. The lock is held. */
static bool
next_piece(Walk *w, VcPiece *piece)
{
    while (w->offset < w->end && !w->verdict.set) {
        GError *error = NULL;
        if (!vc_interrupt_check(&error) ||
            !vc_piece_find(&w->a, &w->b, w->offset, w->end, piece, &error)) {
            vc_verdict_error(&w->verdict, w->offset, error);
            return false;
        }
        if (w->strict && vc_piece_allocation_differs(piece)) {
            vc_verdict_difference(&w->verdict, w->offset, true);
            return false;
        }
        w->offset += piece->length;
        if (!vc_piece_is_zero(piece))
            return true;
        w->done += piece->length;
    }
    return false;
}

static void
tell(VcPace *pace, uint64_t done)
{
    /* next_piece sees the interruption. */
    vc_pace_advance(pace, done - pace->done, 0, NULL);
}

/* Pieces are made ascending and each one is finished, so the verdict at the lowest
 * offset is the same for any number of threads. */
static void
work(Walk *w, VcPace *pace)
{
    VcBuffers buffers;
    VcVerdict verdict = { 0 };
    GError *error = NULL;
    uint64_t length = 0;

    if (!vc_buffers_init(&buffers, &error)) {
        pthread_mutex_lock(&w->mutex);
        vc_verdict_error(&w->verdict, w->offset, error);
        pthread_mutex_unlock(&w->mutex);
        return;
    }

    for (;;) {
        VcPiece piece;
        pthread_mutex_lock(&w->mutex);
        vc_verdict_merge(&w->verdict, &verdict);
        w->done += length;
        uint64_t done = w->done;
        bool more = next_piece(w, &piece);
        pthread_mutex_unlock(&w->mutex);
        if (!more)
            break;
        if (pace)
            tell(pace, done);
        length = piece.length;
        vc_piece_compare(&piece, &buffers, &verdict);
    }
    vc_buffers_clear(&buffers);
}

static void *
work_in_thread(void *user)
{
    work(user, NULL);
    return NULL;
}

/* Compares [w->offset, w->end) of two sides that are mapped. The caller's thread is one
 * of the workers; threads that cannot be had are done without. */
static void
compare_maps(Walk *w)
{
    pthread_t threads[WORKERS_MAX];
    unsigned started = 0;
    sigset_t all, before;

    pthread_mutex_init(&w->mutex, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started + 1 < MIN(w->workers, WORKERS_MAX) &&
           pthread_create(&threads[started], NULL, work_in_thread, w) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    work(w, &w->pace);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&w->mutex);
}

/* Compares one run of the stored order (side a) with the map of side b. */
static void
compare_run(Walk *w, const VcBuffers *buffers)
{
    w->offset = w->a.extent.offset;
    w->end = w->offset + w->a.extent.length;
    while (w->offset < w->end) {
        VcPiece piece;
        VcVerdict verdict = { 0 };
        GError *error = NULL;
        uint64_t offset = w->offset;
        if (!vc_interrupt_check(&error) ||
            !vc_piece_find(&w->a, &w->b, offset, w->end, &piece, &error)) {
            vc_verdict_error(&w->verdict, offset, error);
            return;
        }
        w->offset += piece.length;
        w->done += piece.length;
        tell(&w->pace, w->done);
        if (w->verdict.set && offset >= w->verdict.offset)
            continue; /* only what lies before can still matter */
        if (w->strict && vc_piece_allocation_differs(&piece))
            vc_verdict_difference(&verdict, offset, true);
        else
            vc_piece_compare(&piece, buffers, &verdict);
        vc_verdict_merge(&w->verdict, &verdict);
        if (w->verdict.error)
            return;
    }
}

/* Compares what SOURCE gives in stored order (side a) with the map of side b. Sets the
 * size of side a where it was not known. */
static bool
compare_stored(Walk *w, VcSource *source, unsigned disk, GError **error)
{
    uint64_t highest = 0;
    VcBuffers buffers;
    if (!vc_buffers_init(&buffers, error))
        return false;
    for (unsigned i = 0; i < source->layout.n_disks; i++)
        source->skip[i] = i != disk;

    bool ok;
    while ((ok = vc_source_next(source, &w->a.extent, error)) &&
           w->a.extent.kind != VC_END) {
        if (w->a.extent.disk != disk)
            continue;
        highest = MAX(highest, w->a.extent.offset + w->a.extent.length);
        compare_run(w, &buffers);
        if (w->verdict.error || (w->verdict.set && source->ascending))
            break;
    }
    vc_buffers_clear(&buffers);
    if (w->a.size == VC_SIZE_UNKNOWN && w->a.extent.kind == VC_END)
        w->a.size = highest;
    return ok;
}

/* What follows the stored disk is compared with zeros. */
static void
compare_tail(Walk *w)
{
    if (w->verdict.set || w->a.size >= w->b.size)
        return;
    w->a.source = NULL;
    w->a.extent = (VcExtent){ .kind = VC_ZERO };
    w->offset = w->a.size;
    w->end = w->b.size;
    compare_maps(w);
}

static bool
index_if_mapped(VcSource *source, GError **error)
{
    return !vc_source_has_map(source) || vc_source_index(source, error);
}

static bool
give(Walk *w, VcComparison *comparison, GError **error)
{
    if (w->verdict.error) {
        g_propagate_error(error, w->verdict.error);
        return false;
    }
    bool size_differs = w->a.size != w->b.size;
    if (w->strict && size_differs && w->a.size != VC_SIZE_UNKNOWN)
        vc_verdict_difference(&w->verdict, MIN(w->a.size, w->b.size), true);
    *comparison = (VcComparison){ .same = !w->verdict.set,
                                  .size_differs = size_differs,
                                  .first = w->verdict.offset,
                                  .first_in_map = w->verdict.in_map };
    w->pace.total = w->done;
    vc_pace_end(&w->pace);
    return true;
}

static void
start_pace(Walk *w, const VcConvertOptions *options)
{
    VcConvertOptions only = { 0 };
    if (options) {
        only.progress = options->progress;
        only.user = options->user;
    }
    vc_pace_start(&w->pace, &only, w->end);
}

static bool
compare_sides(VcSource *source_a, unsigned a, VcSource *source_b, unsigned b,
              bool strict, const VcConvertOptions *options, VcComparison *comparison,
              GError **error)
{
    if (!index_if_mapped(source_a, error) || !vc_source_index(source_b, error))
        return false;

    Walk w = { .a = { .source = source_a, .disk = a },
               .b = { .source = source_b, .disk = b },
               .strict = strict,
               .workers = options ? options->workers : 0 };
    w.a.size = source_a->layout.disks[a].size;
    w.b.size = source_b->layout.disks[b].size;
    bool known = w.a.size != VC_SIZE_UNKNOWN;
    w.end = MAX(w.a.size, w.b.size);
    start_pace(&w, options);

    /* The sizes are the first thing that must be the same; then nothing is read. */
    if (strict && known && w.a.size != w.b.size)
        return give(&w, comparison, error);
    if (vc_source_has_map(source_a)) {
        compare_maps(&w);
    } else {
        if (!compare_stored(&w, source_a, a, error)) {
            g_clear_error(&w.verdict.error);
            return false;
        }
        compare_tail(&w);
    }
    return give(&w, comparison, error);
}

bool
vc_compare(VcSource *source_a, unsigned a, VcSource *source_b, unsigned b, bool strict,
           const VcConvertOptions *options, VcComparison *comparison, GError **error)
{
    if (vc_source_has_map(source_b))
        return compare_sides(source_a, a, source_b, b, strict, options, comparison,
                             error);
    if (vc_source_has_map(source_a))
        return compare_sides(source_b, b, source_a, a, strict, options, comparison,
                             error);
    vc_fail(error, VC_ERROR_UNSUPPORTED,
            "%s and %s: neither can be read at random, and their orders may differ; "
            "--spool DIR copies them to temporary files first",
            source_a->file->name, source_b->file->name);
    return false;
}
