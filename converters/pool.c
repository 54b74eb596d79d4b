/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine's workers. */
#include "converters/pool.h"

#include <pthread.h>

typedef struct {
    VcWindow *window;
    VcWork work;
} Task;

struct VcPool {
    pthread_mutex_t lock;
    pthread_cond_t waiting; /* workers: there is a task, or the end */
    pthread_cond_t done;    /* the conductor: a window is back */
    GQueue writes, fills;   /* of Task *; writes go first, they give buffers back */
    bool end;
    uint64_t written;
    unsigned n_workers;
    pthread_t *workers;
};

static bool
do_work(VcWindow *window, VcWork work, uint64_t *written)
{
    return work == VC_WORK_FILL ? vc_window_fill(window, &window->error)
                                : vc_window_write(window, written, &window->error);
}

static void *
run_worker(void *user)
{
    VcPool *pool = user;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->end && g_queue_is_empty(&pool->writes) &&
               g_queue_is_empty(&pool->fills))
            pthread_cond_wait(&pool->waiting, &pool->lock);
        if (pool->end)
            break;
        Task *task = g_queue_pop_head(&pool->writes);
        if (!task)
            task = g_queue_pop_head(&pool->fills);
        pthread_mutex_unlock(&pool->lock);

        uint64_t written = 0;
        do_work(task->window, task->work, &written);

        pthread_mutex_lock(&pool->lock);
        pool->written += written;
        task->window->busy = false;
        g_free(task);
        pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

VcPool *
vc_pool_new(unsigned workers)
{
    VcPool *pool = g_new0(VcPool, 1);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->waiting, NULL);
    pthread_cond_init(&pool->done, NULL);
    g_queue_init(&pool->writes);
    g_queue_init(&pool->fills);

    pool->workers = g_new0(pthread_t, workers);
    /* Fewer threads than asked for, down to none, is slower and still right. */
    while (pool->n_workers < workers &&
           pthread_create(&pool->workers[pool->n_workers], NULL, run_worker, pool) == 0)
        pool->n_workers++;
    return pool;
}

void
vc_pool_submit(VcPool *pool, VcWindow *window, VcWork work)
{
    if (pool->n_workers == 0) {
        do_work(window, work, &pool->written);
        return;
    }
    Task *task = g_new(Task, 1);
    *task = (Task){ .window = window, .work = work };

    pthread_mutex_lock(&pool->lock);
    window->busy = true;
    g_queue_push_tail(work == VC_WORK_WRITE ? &pool->writes : &pool->fills, task);
    pthread_cond_signal(&pool->waiting);
    pthread_mutex_unlock(&pool->lock);
}

bool
vc_pool_is_done(VcPool *pool, VcWindow *window)
{
    pthread_mutex_lock(&pool->lock);
    bool busy = window->busy;
    pthread_mutex_unlock(&pool->lock);
    return !busy;
}

bool
vc_pool_wait(VcPool *pool, VcWindow *window, GError **error)
{
    pthread_mutex_lock(&pool->lock);
    while (window->busy)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);

    if (!window->error)
        return true;
    g_propagate_error(error, g_steal_pointer(&window->error));
    return false;
}

uint64_t
vc_pool_written(VcPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    uint64_t written = pool->written;
    pthread_mutex_unlock(&pool->lock);
    return written;
}

void
vc_pool_free(VcPool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->end = true;
    pthread_cond_broadcast(&pool->waiting);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_workers; i++)
        pthread_join(pool->workers[i], NULL);

    g_queue_clear_full(&pool->writes, g_free);
    g_queue_clear_full(&pool->fills, g_free);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->waiting);
    pthread_mutex_destroy(&pool->lock);
    g_free(pool->workers);
    g_free(pool);
}
