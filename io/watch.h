/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a file stays as it was while it is read. No system keeps others from writing
 * to what we read, and what was read half before and half after is no copy of anything.
 */
#ifndef VC_IO_WATCH_H
#define VC_IO_WATCH_H

#include "io/file.h"

typedef struct VcWatch VcWatch;

/* Gives in *WATCH one over the regular file behind FILE, before anything of it is read;
 * it outlives FILE. NULL for what is no such file: devices and pipes do not tell. */
bool vc_watch_new(const VcFile *file, VcWatch **watch, GError **error);

/* VC_ERROR_IO when size or time of modification have changed since. */
bool vc_watch_check(const VcWatch *watch, GError **error);

void vc_watch_free(VcWatch *watch);

#endif
