/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory whose lack is an error like another. */
#include "io/allocate.h"

#include "io/error.h"
#include "io/file.h"

#include <errno.h>
#include <stdlib.h>

static void
refuse(size_t count, size_t size, GError **error)
{
    vc_fail_errno(error, ENOMEM, "%zu times %zu bytes of memory", count, size);
}

void *
vc_allocate(size_t count, size_t size, GError **error)
{
    void *memory = g_try_malloc0_n(count, size);
    if (!memory)
        refuse(count, size, error);
    return memory;
}

void *
vc_allocate_aligned(size_t length, GError **error)
{
    void *memory = aligned_alloc(VC_ALIGNMENT, length);
    if (!memory)
        refuse(1, length, error);
    return memory;
}

void *
vc_allocate_more(void *memory, size_t length, GError **error)
{
    void *more = g_try_realloc(memory, length);
    if (!more)
        refuse(1, length, error);
    return more;
}
