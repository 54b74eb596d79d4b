/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine's workers: they fill and write windows.
 *
 * With no workers the same calls do the work at once, in the caller's thread: the
 * serial reference. Plain pthreads, which ThreadSanitizer understands. */
#ifndef VC_CONVERTERS_POOL_H
#define VC_CONVERTERS_POOL_H

#include "converters/window.h"

typedef struct VcPool VcPool;

typedef enum { VC_WORK_FILL, VC_WORK_WRITE } VcWork;

VcPool *vc_pool_new(unsigned workers);

/* Hands WINDOW to a worker. The caller does not touch it before vc_pool_wait. */
void vc_pool_submit(VcPool *pool, VcWindow *window, VcWork work);

/* True when WINDOW is back. Without waiting. */
bool vc_pool_is_done(VcPool *pool, VcWindow *window);

/* Waits until WINDOW is back; false with the worker's error. */
bool vc_pool_wait(VcPool *pool, VcWindow *window, GError **error);

/* Payload bytes written so far. */
uint64_t vc_pool_written(VcPool *pool);

/* Ends the work in hand, drops what waits, joins the workers. */
void vc_pool_free(VcPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VcPool, vc_pool_free)

#endif
