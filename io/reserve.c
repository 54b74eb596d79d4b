/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Space of a new file, reserved ahead of its writes. */
#include "io/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Each reservation waits for the writes in flight, as a write into a hole would: below
 * this it is not worth a call. */
#define STEP_MIN ((uint64_t)4 << 20)

/* Workers overtake each other by as much as is in flight. */
#define GAP_MAX ((uint64_t)32 << 20)

/* Of what is free no more than this part, so that nobody else finds the disk full. */
#define FREE_PART 64u

/* What may have been reserved before zones that are left are given back. */
#define HELD_MAX ((uint64_t)1 << 30)

typedef struct {
    uint64_t begin, end;
} Span;

struct VcReserve {
    int fd;
    pthread_rwlock_t inside; /* shared: the file is being written to */
    pthread_mutex_t mutex;   /* over what follows */
    Span zone;               /* where writes follow one another, with what is ahead */
    uint64_t written;        /* of the zone */
    GArray *spans;           /* of Span: what was reserved, for give_back */
    uint64_t held;           /* their length */
    bool off;
};

/* What one output holds may be what another one needs. The order of locks: this one,
 * `inside`, `mutex`. */
static pthread_mutex_t all_mutex = PTHREAD_MUTEX_INITIALIZER;
static GSList *all;         /* of VcReserve * */
static atomic_uint returns; /* how often space came back for want of it */

VcReserve *
vc_reserve_new(int fd)
{
    struct statfs status;
    if (fstatfs(fd, &status) != 0 || status.f_type != EXT4_SUPER_MAGIC)
        return NULL;
    VcReserve *r = g_new0(VcReserve, 1);
    r->fd = fd;
    r->spans = g_array_new(FALSE, FALSE, sizeof(Span));
    pthread_rwlock_init(&r->inside, NULL);
    pthread_mutex_init(&r->mutex, NULL);
    pthread_mutex_lock(&all_mutex);
    all = g_slist_prepend(all, r);
    pthread_mutex_unlock(&all_mutex);
    return r;
}

unsigned
vc_reserve_enter(VcReserve *r)
{
    if (r)
        pthread_rwlock_rdlock(&r->inside);
    return returns;
}

void
vc_reserve_leave(VcReserve *r)
{
    if (r)
        pthread_rwlock_unlock(&r->inside);
}

/* How much may be reserved ahead. */
static uint64_t
allowance(const VcReserve *r)
{
    struct statfs status;
    if (r->off || r->written < STEP_MIN || fstatfs(r->fd, &status) != 0)
        return 0;
    uint64_t spare = (uint64_t)status.f_bavail / FREE_PART, block = status.f_bsize;
    return MIN(MIN(r->written, VC_RESERVE_STEP), spare * block);
}

/* Reserves what lies between the end of the zone and END; the file ends there at least,
 * so that all of it can be given back. */
static void
reserve(VcReserve *r, uint64_t end)
{
    Span span = { r->zone.end, end };
    /* Kept even when it fails: a part may have been allocated. */
    g_array_append_val(r->spans, span);
    r->held += end - span.begin;
    if (fallocate(r->fd, 0, (off_t)span.begin, (off_t)(end - span.begin)) == 0)
        r->zone.end = end;
    else
        r->off = errno != EINTR;
}

/* A write from BEGIN to END goes on where the zone ends, or just behind, and most of
 * the zone has been written. */
static bool
goes_on(const VcReserve *r, uint64_t begin, uint64_t end)
{
    uint64_t gap = begin > r->zone.end ? begin - r->zone.end : 0;
    return begin >= r->zone.begin && end > r->zone.end &&
           gap <= MIN(r->written, GAP_MAX) &&
           r->written >= (r->zone.end - r->zone.begin) / 2;
}

/* Whether so much is held that it is to be given back. */
static bool
expect(VcReserve *r, uint64_t begin, uint64_t end)
{
    bool left = false;
    if (goes_on(r, begin, end) && end <= INT64_MAX - VC_RESERVE_STEP) {
        uint64_t ahead = allowance(r);
        if (ahead >= STEP_MIN)
            reserve(r, end + ahead);
        else
            r->zone.end = end;
    } else if (begin < r->zone.begin || end > r->zone.end) {
        r->zone = (Span){ begin, end };
        r->written = 0;
        left = r->held > HELD_MAX;
    }
    r->written += end - begin;
    return left;
}

void
vc_reserve_expect(VcReserve *r, uint64_t position, uint64_t length)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->mutex);
    bool left = expect(r, position, position + length);
    pthread_mutex_unlock(&r->mutex);
    if (left)
        vc_reserve_give_back(r, UINT64_MAX);
}

/* What was reserved and not written is a hole to SEEK_HOLE. */
static void
punch_holes(int fd, Span span)
{
    while (span.begin < span.end) {
        off_t hole = lseek(fd, (off_t)span.begin, SEEK_HOLE);
        if (hole < 0 || (uint64_t)hole >= span.end)
            return;
        off_t data = lseek(fd, hole, SEEK_DATA);
        if (data < 0 && errno != ENXIO)
            return;
        uint64_t end = data < 0 ? span.end : MIN((uint64_t)data, span.end);
        while (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, hole,
                         (off_t)end - hole) != 0)
            if (errno != EINTR)
                return;
        span.begin = end;
    }
}

void
vc_reserve_give_back(VcReserve *r, uint64_t end)
{
    if (!r)
        return;
    pthread_rwlock_wrlock(&r->inside);
    pthread_mutex_lock(&r->mutex);
    for (guint i = 0; i < r->spans->len; i++) {
        Span span = g_array_index(r->spans, Span, i);
        punch_holes(r->fd, (Span){ span.begin, MIN(span.end, end) });
    }
    g_array_set_size(r->spans, 0);
    r->held = 0;
    r->zone = (Span){ 0 };
    r->written = 0;
    pthread_mutex_unlock(&r->mutex);
    pthread_rwlock_unlock(&r->inside);
}

/* Reserves no more. Gives whether something was reserved. */
static bool
turn_off(VcReserve *r)
{
    pthread_mutex_lock(&r->mutex);
    bool had = r->spans->len > 0;
    r->off = true;
    pthread_mutex_unlock(&r->mutex);
    return had;
}

bool
vc_reserve_retry(unsigned entered)
{
    pthread_mutex_lock(&all_mutex);
    bool had = false;
    for (GSList *link = all; link; link = link->next) {
        if (turn_off(link->data)) {
            vc_reserve_give_back(link->data, UINT64_MAX);
            had = true;
        }
    }
    if (had)
        returns++;
    bool again = returns != entered;
    pthread_mutex_unlock(&all_mutex);
    return again;
}

void
vc_reserve_free(VcReserve *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&all_mutex);
    all = g_slist_remove(all, r);
    pthread_mutex_unlock(&all_mutex);
    g_array_unref(r->spans);
    pthread_mutex_destroy(&r->mutex);
    pthread_rwlock_destroy(&r->inside);
    g_free(r);
}
