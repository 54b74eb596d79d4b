/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that unpack pieces of a zstd stream side by side. */
#include "io/zstd-jobs.h"

#include "io/allocate.h"
#include "io/error.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* While one is pulled, and the next is read, the threads shall have work. */
#define JOBS_PER_THREAD 2u

/* One that is at its end is kept for the next, up to this much memory: where the kernel
 * has to clear the pages each time, that is a tenth of the work. */
#define SPARE_MAX ((uint64_t)32 << 20)

/* The caller's before it is added and when it is done, and else the thread's. */
typedef struct {
    VcZstdPiece piece;
    VcInput in; /* what is left of it */
    VcZstdDecoder decoder;
    uint64_t cost; /* of the largest piece that it had */
    uint8_t *out;
    size_t room, length; /* what came out of the piece */
    size_t taken;        /* by the caller */
    GError *error;       /* behind it */
    bool done;           /* under the mutex */
} Job;

struct VcZstdJobs {
    uint64_t memory, cost;
    GQueue jobs; /* of Job *, in the order of the stream; the caller's alone */
    Job *spare;
    unsigned n_threads, n_threads_max;
    pthread_t threads[VC_ZSTD_THREADS_MAX];
    atomic_bool stopping;

    pthread_mutex_t mutex;  /* over what follows */
    pthread_cond_t waiting; /* threads: there is a job, or the end */
    pthread_cond_t done;    /* the caller: a job is done */
    GQueue todo;            /* of those jobs that no thread has taken */
};

static void
free_job(gpointer data)
{
    Job *job = data;
    vc_zstd_piece_clear(&job->piece);
    vc_zstd_decoder_clear(&job->decoder);
    g_free(job->out);
    g_clear_error(&job->error);
    g_free(job);
}

/* One byte more than may come, so that the library never waits for room. */
static bool
make_room(Job *job)
{
    size_t room = (size_t)job->piece.unpacked + 1;
    if (room <= job->room)
        return true;
    g_free(job->out);
    job->out = vc_allocate_more(NULL, room, &job->error);
    job->room = job->out ? room : 0;
    return job->out != NULL;
}

static bool
unpack_some(Job *job, uint64_t memory)
{
    if (!job->decoder.inside) {
        VcZstdHeader header;
        VcZstdFound found;
        if (!vc_zstd_find(&job->in, memory, &found, &header, &job->error))
            return false;
        vc_zstd_decoder_begin(&job->decoder, &header);
    }
    size_t put;
    bool ok = vc_zstd_decoder_pull(&job->decoder, &job->in, job->out + job->length,
                                   job->room - job->length, &put, &job->error);
    job->length += put;
    if (job->length <= job->piece.unpacked)
        return ok;
    /* The library should have said so. */
    g_clear_error(&job->error);
    vc_corrupt(&job->error, job->in.position, "a zstd block holds more than it may");
    return false;
}

static void
run(VcZstdJobs *jobs, Job *job)
{
    bool ok = make_room(job) && (job->decoder.context ||
                                 vc_zstd_decoder_init(&job->decoder, &job->error));
    while (ok && (job->decoder.inside || job->in.left > 0) &&
           !atomic_load(&jobs->stopping))
        ok = unpack_some(job, jobs->memory);
}

static void *
run_thread(void *user)
{
    VcZstdJobs *jobs = user;

    pthread_mutex_lock(&jobs->mutex);
    for (;;) {
        while (!atomic_load(&jobs->stopping) && g_queue_is_empty(&jobs->todo))
            pthread_cond_wait(&jobs->waiting, &jobs->mutex);
        if (atomic_load(&jobs->stopping))
            break;
        Job *job = g_queue_pop_head(&jobs->todo);
        pthread_mutex_unlock(&jobs->mutex);
        run(jobs, job);
        pthread_mutex_lock(&jobs->mutex);
        job->done = true;
        pthread_cond_signal(&jobs->done);
    }
    pthread_mutex_unlock(&jobs->mutex);
    return NULL;
}

/* Fewer threads than wanted, down to none, are slower and still right. */
static void
start_thread(VcZstdJobs *jobs)
{
    /* Signals are the main thread's. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&jobs->threads[jobs->n_threads], NULL, run_thread, jobs) == 0)
        jobs->n_threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

VcZstdJobs *
vc_zstd_jobs_new(uint64_t memory)
{
    VcZstdJobs *jobs = g_new0(VcZstdJobs, 1);
    jobs->memory = memory;
    jobs->n_threads_max = MIN(g_get_num_processors(), VC_ZSTD_THREADS_MAX);
    g_queue_init(&jobs->jobs);
    g_queue_init(&jobs->todo);
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->waiting, NULL);
    pthread_cond_init(&jobs->done, NULL);
    return jobs;
}

void
vc_zstd_jobs_free(VcZstdJobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->mutex);
    atomic_store(&jobs->stopping, true);
    pthread_cond_broadcast(&jobs->waiting);
    pthread_mutex_unlock(&jobs->mutex);
    for (unsigned i = 0; i < jobs->n_threads; i++)
        pthread_join(jobs->threads[i], NULL);

    g_queue_clear(&jobs->todo);
    g_queue_clear_full(&jobs->jobs, free_job);
    if (jobs->spare)
        free_job(jobs->spare);
    pthread_cond_destroy(&jobs->done);
    pthread_cond_destroy(&jobs->waiting);
    pthread_mutex_destroy(&jobs->mutex);
    g_free(jobs);
}

unsigned
vc_zstd_jobs_count(const VcZstdJobs *jobs)
{
    return jobs->jobs.length;
}

uint64_t
vc_zstd_jobs_cost(const VcZstdJobs *jobs)
{
    return jobs->cost;
}

bool
vc_zstd_jobs_want(const VcZstdJobs *jobs)
{
    return jobs->jobs.length < JOBS_PER_THREAD * jobs->n_threads_max;
}

void
vc_zstd_jobs_add(VcZstdJobs *jobs, VcZstdPiece *piece)
{
    Job *job = jobs->spare ? g_steal_pointer(&jobs->spare) : g_new0(Job, 1);
    VcZstdPiece empty = job->piece;
    job->piece = *piece;
    *piece = empty;
    vc_zstd_piece_reset(piece);
    vc_zstd_piece_input(&job->piece, &job->in);
    job->cost = MAX(job->cost, vc_zstd_piece_cost(&job->piece));
    job->length = job->taken = 0;
    job->done = false;
    jobs->cost += job->cost;
    g_queue_push_tail(&jobs->jobs, job);

    pthread_mutex_lock(&jobs->mutex);
    g_queue_push_tail(&jobs->todo, job);
    pthread_cond_signal(&jobs->waiting);
    pthread_mutex_unlock(&jobs->mutex);
    if (jobs->n_threads < jobs->n_threads_max)
        start_thread(jobs);
}

static void
wait_for(VcZstdJobs *jobs, Job *job)
{
    pthread_mutex_lock(&jobs->mutex);
    if (jobs->n_threads == 0 && !job->done) {
        g_queue_remove(&jobs->todo, job);
        run(jobs, job);
        job->done = true;
    }
    while (!job->done)
        pthread_cond_wait(&jobs->done, &jobs->mutex);
    pthread_mutex_unlock(&jobs->mutex);
}

bool
vc_zstd_jobs_pull(VcZstdJobs *jobs, uint8_t *buffer, size_t length, size_t *put,
                  GError **error)
{
    Job *job = g_queue_peek_head(&jobs->jobs);
    wait_for(jobs, job);

    *put = MIN(length, job->length - job->taken);
    if (*put > 0)
        memcpy(buffer, job->out + job->taken, *put);
    job->taken += *put;
    if (job->taken < job->length)
        return true;
    if (job->error) {
        g_propagate_error(error, g_error_copy(job->error));
        return false;
    }
    g_queue_pop_head(&jobs->jobs);
    jobs->cost -= job->cost;
    if (job->cost <= SPARE_MAX && !jobs->spare)
        jobs->spare = job;
    else
        free_job(job);
    return true;
}
