/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file to give away that is only lent. */
#include "io/lent.h"

typedef struct {
    VcFile base;
    VcFile *file; /* borrowed */
} LentFile;

static VcFile *
lender(VcFile *file)
{
    return ((LentFile *)file)->file;
}

static bool
lent_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
          GError **error)
{
    return vc_file_read_some(lender(file), position, buffer, length, got, error);
}

static bool
lent_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
           GError **error)
{
    return vc_file_write(lender(file), position, buffer, length, error);
}

static bool
lent_size(VcFile *file, uint64_t *size, GError **error)
{
    return vc_file_size(lender(file), size, error);
}

static bool
lent_run(VcFile *file, uint64_t position, bool *data, uint64_t *length, GError **error)
{
    return vc_file_run(lender(file), position, data, length, error);
}

static bool
lent_zero(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    return vc_file_zero(lender(file), position, length, error);
}

static bool
lent_truncate(VcFile *file, uint64_t size, GError **error)
{
    return vc_file_truncate(lender(file), size, error);
}

static bool
lent_end(VcFile *file, uint64_t end, GError **error)
{
    return vc_file_end(lender(file), end, error);
}

static void
lent_free(VcFile *file)
{
    vc_file_clear(file);
    g_free(file);
}

static const VcFileOps lent_ops = {
    .read = lent_read,
    .write = lent_write,
    .size = lent_size,
    .run = lent_run,
    .zero = lent_zero,
    .truncate = lent_truncate,
    .end = lent_end,
    .free = lent_free,
};

VcFile *
vc_lent_file(VcFile *file)
{
    LentFile *lent = g_new0(LentFile, 1);
    vc_file_init(&lent->base, &lent_ops, file->name, file->seekable);
    lent->base.reads_zero = file->reads_zero;
    lent->base.fd = file->fd;
    lent->file = file;
    return &lent->base;
}
