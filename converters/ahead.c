/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream that is read in a thread of its own: a ring of buffers between the two. */
#include "converters/ahead.h"

#include "io/allocate.h"
#include "io/error.h"
#include "io/interrupt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct {
    uint8_t *data; /* VC_AHEAD_BUFFER bytes */
    size_t length;
} Buffer;

typedef struct {
    VcStream base;
    VcStream *inner; /* the thread's alone while it runs */
    int stop;        /* readable: the thread's waits are to end */
    pthread_t thread;
    bool running;
    size_t taken; /* of the first buffer; the consumer's alone */

    pthread_mutex_t mutex; /* over what follows */
    pthread_cond_t filled, freed;
    Buffer ring[VC_AHEAD_BUFFERS];
    unsigned first, count; /* the filled buffers */
    bool stopping;
    bool ended;    /* the last buffer is filled */
    GError *error; /* what comes behind it; NULL: the end of the stream */
} Ahead;

/* The buffer to fill next; NULL when no more is wanted. */
static Buffer *
wait_for_room(Ahead *a)
{
    Buffer *buffer = NULL;
    pthread_mutex_lock(&a->mutex);
    while (a->count == VC_AHEAD_BUFFERS && !a->stopping)
        pthread_cond_wait(&a->freed, &a->mutex);
    if (!a->stopping)
        buffer = &a->ring[(a->first + a->count) % VC_AHEAD_BUFFERS];
    pthread_mutex_unlock(&a->mutex);
    return buffer;
}

static void *
produce(void *user)
{
    Ahead *a = user;
    Buffer *buffer;
    bool more = true;

    vc_interrupt_watch(a->stop);
    while (more && (buffer = wait_for_room(a)) != NULL) {
        size_t got = 0;
        GError *error = NULL;
        more = vc_stream_pull(a->inner, buffer->data, VC_AHEAD_BUFFER, &got, &error) &&
               got == VC_AHEAD_BUFFER;

        pthread_mutex_lock(&a->mutex);
        buffer->length = got;
        a->count++;
        a->ended = !more;
        a->error = error;
        pthread_cond_signal(&a->filled);
        pthread_mutex_unlock(&a->mutex);
    }
    return NULL;
}

/* The first filled buffer; NULL behind the last one. */
static const Buffer *
wait_for_bytes(Ahead *a)
{
    pthread_mutex_lock(&a->mutex);
    while (a->count == 0 && !a->ended)
        pthread_cond_wait(&a->filled, &a->mutex);
    const Buffer *buffer = a->count > 0 ? &a->ring[a->first] : NULL;
    pthread_mutex_unlock(&a->mutex);
    return buffer;
}

static void
give_back(Ahead *a)
{
    a->taken = 0;
    pthread_mutex_lock(&a->mutex);
    a->first = (a->first + 1) % VC_AHEAD_BUFFERS;
    a->count--;
    pthread_cond_signal(&a->freed);
    pthread_mutex_unlock(&a->mutex);
}

static bool
ahead_pull(VcStream *stream, void *buffer, size_t length, size_t *got, GError **error)
{
    Ahead *a = (Ahead *)stream;
    uint8_t *at = buffer;

    *got = 0;
    while (*got < length) {
        const Buffer *from = wait_for_bytes(a);
        if (!from) {
            /* Behind the end: the thread touches nothing any more. */
            if (a->error && error)
                *error = g_error_copy(a->error);
            return a->error == NULL;
        }
        size_t piece = MIN(length - *got, from->length - a->taken);
        memcpy(at + *got, from->data + a->taken, piece);
        *got += piece;
        a->taken += piece;
        if (a->taken == from->length)
            give_back(a);
    }
    return true;
}

static void
stop(Ahead *a)
{
    uint64_t one = 1;
    pthread_mutex_lock(&a->mutex);
    a->stopping = true;
    pthread_cond_signal(&a->freed);
    pthread_mutex_unlock(&a->mutex);
    /* A new eventfd has room for one. */
    ssize_t written = write(a->stop, &one, sizeof one);
    g_assert(written == sizeof one);
    pthread_join(a->thread, NULL);
}

static void
ahead_free(VcStream *stream)
{
    Ahead *a = (Ahead *)stream;
    if (a->running)
        stop(a);
    vc_stream_free(a->inner);
    for (unsigned i = 0; i < VC_AHEAD_BUFFERS; i++)
        free(a->ring[i].data);
    if (a->stop >= 0)
        close(a->stop);
    g_clear_error(&a->error);
    pthread_cond_destroy(&a->filled);
    pthread_cond_destroy(&a->freed);
    pthread_mutex_destroy(&a->mutex);
    g_free(a);
}

static const VcStreamOps ahead_ops = { .pull = ahead_pull, .free = ahead_free };

static bool
make_buffers(Ahead *a, GError **error)
{
    for (unsigned i = 0; i < VC_AHEAD_BUFFERS; i++) {
        a->ring[i].data = vc_allocate_aligned(VC_AHEAD_BUFFER, error);
        if (!a->ring[i].data)
            return false;
    }
    return true;
}

static bool
start(Ahead *a, GError **error)
{
    a->stop = eventfd(0, EFD_CLOEXEC);
    if (a->stop < 0) {
        vc_fail_errno(error, errno, "reading ahead");
        return false;
    }
    /* Signals are the main thread's. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&a->thread, NULL, produce, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        vc_fail_errno(error, failed, "starting the thread that reads ahead");
        return false;
    }
    a->running = true;
    return true;
}

VcStream *
vc_ahead(VcStream *stream, GError **error)
{
    Ahead *a = g_new0(Ahead, 1);
    g_autoptr(VcStream) base = &a->base;
    a->base.ops = &ahead_ops;
    a->inner = stream;
    a->stop = -1;
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->filled, NULL);
    pthread_cond_init(&a->freed, NULL);

    if (!make_buffers(a, error) || !start(a, error))
        return NULL;
    return g_steal_pointer(&base);
}
