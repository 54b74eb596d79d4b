/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An output that keeps nothing but its size. */
#include "io/null.h"

typedef struct {
    VcFile base;
    uint64_t size;
} NullFile;

static bool
null_write(VcFile *file, uint64_t position, const void *buffer G_GNUC_UNUSED,
           size_t length, GError **error G_GNUC_UNUSED)
{
    NullFile *null = (NullFile *)file;
    null->size = MAX(null->size, position + length);
    return true;
}

static bool
null_zero(VcFile *file, uint64_t position, uint64_t length,
          GError **error G_GNUC_UNUSED)
{
    NullFile *null = (NullFile *)file;
    null->size = MAX(null->size, position + length);
    return true;
}

static bool
null_size(VcFile *file, uint64_t *size, GError **error G_GNUC_UNUSED)
{
    *size = ((NullFile *)file)->size;
    return true;
}

static bool
null_truncate(VcFile *file, uint64_t size, GError **error G_GNUC_UNUSED)
{
    ((NullFile *)file)->size = size;
    return true;
}

static void
null_free(VcFile *file)
{
    vc_file_clear(file);
    g_free(file);
}

static const VcFileOps null_ops = {
    .write = null_write,
    .size = null_size,
    .zero = null_zero,
    .truncate = null_truncate,
    .free = null_free,
};

VcFile *
vc_null_file(const char *name)
{
    NullFile *null = g_new0(NullFile, 1);
    vc_file_init(&null->base, &null_ops, name, true);
    null->base.reads_zero = true;
    return &null->base;
}
