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

typedef struct {
    uint64_t begin, end;
} Span;

struct VcReserve {
    int fd;
    pthread_rwlock_t inside; /* shared: the file is being changed */
    atomic_uint returns;     /* how often space came back for want of it */
    pthread_mutex_t mutex;   /* over what follows */
    Span zone;               /* where writes follow one another, with what is ahead */
    uint64_t written;        /* of the zone */
    GArray *spans;           /* of Span: what was reserved, for give_back */
    bool off;
};

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
    return r;
}

unsigned
vc_reserve_enter(VcReserve *r)
{
    if (!r)
        return 0;
    pthread_rwlock_rdlock(&r->inside);
    return r->returns;
}

void
vc_reserve_leave(VcReserve *r)
{
    if (r)
        pthread_rwlock_unlock(&r->inside);
}

/* Reserves what lies between the end of the zone and END. */
static void
reserve(VcReserve *r, uint64_t end)
{
    Span span = { r->zone.end, end };
    /* Kept even when it fails: a part may have been allocated. */
    g_array_append_val(r->spans, span);
    if (fallocate(r->fd, FALLOC_FL_KEEP_SIZE, (off_t)span.begin,
                  (off_t)(span.end - span.begin)) == 0)
        r->zone.end = end;
    else
        r->off = errno != EINTR;
}

/* A write from BEGIN to END goes on where the zone ends, or just behind (workers
 * overtake each other), and most of the zone has been written. */
static bool
goes_on(const VcReserve *r, uint64_t begin, uint64_t end)
{
    uint64_t gap = begin > r->zone.end ? begin - r->zone.end : 0;
    return begin >= r->zone.begin && end > r->zone.end && gap <= r->written &&
           r->written >= (r->zone.end - r->zone.begin) / 2;
}

void
vc_reserve_expect(VcReserve *r, uint64_t position, uint64_t length)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->mutex);
    uint64_t end = position + length, ahead = MIN(r->written, VC_RESERVE_STEP);
    if (goes_on(r, position, end) && end <= INT64_MAX - VC_RESERVE_STEP) {
        if (ahead >= STEP_MIN && !r->off)
            reserve(r, end + ahead);
        else
            r->zone.end = end;
    } else if (position < r->zone.begin || end > r->zone.end) {
        r->zone = (Span){ position, end };
        r->written = 0;
    }
    r->written += length;
    pthread_mutex_unlock(&r->mutex);
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
        uint64_t end = data < 0 ? span.end : MIN((uint64_t)data, span.end);
        while (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, hole,
                         (off_t)end - hole) != 0)
            if (errno != EINTR)
                return;
        span.begin = end;
    }
}

/* With `inside` held alone. */
static void
give_back(VcReserve *r, uint64_t end)
{
    for (guint i = 0; i < r->spans->len; i++) {
        Span span = g_array_index(r->spans, Span, i);
        punch_holes(r->fd, (Span){ span.begin, MIN(span.end, end) });
    }
    g_array_set_size(r->spans, 0);
    r->zone = (Span){ 0 };
    r->written = 0;
}

void
vc_reserve_give_back(VcReserve *r, uint64_t end)
{
    if (!r)
        return;
    pthread_rwlock_wrlock(&r->inside);
    pthread_mutex_lock(&r->mutex);
    give_back(r, end);
    pthread_mutex_unlock(&r->mutex);
    pthread_rwlock_unlock(&r->inside);
}

bool
vc_reserve_retry(VcReserve *r, unsigned entered)
{
    if (!r)
        return false;
    pthread_rwlock_wrlock(&r->inside);
    pthread_mutex_lock(&r->mutex);
    if (r->spans->len > 0) {
        give_back(r, UINT64_MAX);
        r->returns++;
    }
    r->off = true;
    bool again = r->returns != entered;
    pthread_mutex_unlock(&r->mutex);
    pthread_rwlock_unlock(&r->inside);
    return again;
}

void
vc_reserve_free(VcReserve *r)
{
    if (!r)
        return;
    g_array_unref(r->spans);
    pthread_mutex_destroy(&r->mutex);
    pthread_rwlock_destroy(&r->inside);
    g_free(r);
}
