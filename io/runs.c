/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs of data and holes of a file that were seen. */
#include "io/runs.h"

#include <glib.h>
#include <pthread.h>

struct VcRuns {
    pthread_mutex_t mutex;
    GArray *runs; /* VcRun, ascending, apart from each other */
};

VcRuns *
vc_runs_new(void)
{
    VcRuns *runs = g_new0(VcRuns, 1);
    pthread_mutex_init(&runs->mutex, NULL);
    runs->runs = g_array_new(FALSE, FALSE, sizeof(VcRun));
    return runs;
}

void
vc_runs_free(VcRuns *runs)
{
    if (!runs)
        return;
    g_array_unref(runs->runs);
    pthread_mutex_destroy(&runs->mutex);
    g_free(runs);
}

static const VcRun *
run_at(const VcRuns *runs, guint i)
{
    return &g_array_index(runs->runs, VcRun, i);
}

/* The number of runs that end at or before POSITION. */
static guint
count_before(const VcRuns *runs, uint64_t position)
{
    guint low = 0, high = runs->runs->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (run_at(runs, middle)->end <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
vc_runs_find(VcRuns *runs, uint64_t position, VcRun *run)
{
    pthread_mutex_lock(&runs->mutex);
    guint i = count_before(runs, position);
    bool found = i < runs->runs->len && run_at(runs, i)->begin <= position;
    if (found)
        *run = *run_at(runs, i);
    pthread_mutex_unlock(&runs->mutex);
    return found;
}

void
vc_runs_add(VcRuns *runs, const VcRun *run)
{
    pthread_mutex_lock(&runs->mutex);
    guint first = count_before(runs, run->begin), end = first;
    while (end < runs->runs->len && run_at(runs, end)->begin < run->end)
        end++;
    if (end > first)
        g_array_remove_range(runs->runs, first, end - first);
    if (runs->runs->len == VC_RUNS_MAX) {
        g_array_set_size(runs->runs, 0);
        first = 0;
    }
    g_array_insert_val(runs->runs, first, *run);
    pthread_mutex_unlock(&runs->mutex);
}
