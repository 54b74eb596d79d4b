/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory whose lack is an error like another.
 *
 * What is small comes from GLib, which ends the program when there is none. Buffers and
 * tables of more than 64 KiB, and all whose size a file tells, come from here. */
#ifndef VC_IO_ALLOCATE_H
#define VC_IO_ALLOCATE_H

#include <glib.h>
#include <stddef.h>

/* Gives zeroed memory for COUNT > 0 things of SIZE > 0 bytes, for g_free. Fails with
 * VC_ERROR_IO when there is none. */
void *vc_allocate(size_t count, size_t size, GError **error);

/* Gives memory for LENGTH > 0 bytes, a multiple of VC_ALIGNMENT, at such an address,
 * for free. It is not zeroed. */
void *vc_allocate_aligned(size_t length, GError **error);

/* Gives MEMORY (of GLib; may be NULL) with room for LENGTH > 0 bytes; what is new is
 * not zeroed. Where it fails MEMORY stays as it was. */
void *vc_allocate_more(void *memory, size_t length, GError **error);

#endif
