/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file whose Nth operation fails. */
#include "tests/contract/faulty.h"

#include "io/error.h"

#include <errno.h>

typedef struct {
    VcFile base;
    VcFile *file;  /* borrowed */
    unsigned left; /* operations that still succeed */
    bool failed;
} Faulty;

static bool
go_on(VcFile *file, const char *what, GError **error)
{
    Faulty *f = (Faulty *)file;
    if (f->left > 0) {
        f->left--;
        return true;
    }
    f->failed = true;
    vc_fail_errno(error, EIO, "%s", what);
    return false;
}

static VcFile *
below(VcFile *file)
{
    return ((Faulty *)file)->file;
}

static bool
faulty_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
            GError **error)
{
    return go_on(file, "reading", error) &&
           vc_file_read_some(below(file), position, buffer, length, got, error);
}

static bool
faulty_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
             GError **error)
{
    return go_on(file, "writing", error) &&
           vc_file_write(below(file), position, buffer, length, error);
}

static bool
faulty_size(VcFile *file, uint64_t *size, GError **error)
{
    return go_on(file, "asking for the size", error) &&
           vc_file_size(below(file), size, error);
}

static bool
faulty_run(VcFile *file, uint64_t position, bool *data, uint64_t *length,
           GError **error)
{
    return go_on(file, "looking for holes", error) &&
           vc_file_run(below(file), position, data, length, error);
}

static bool
faulty_zero(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    return go_on(file, "zeroing", error) &&
           vc_file_zero(below(file), position, length, error);
}

static bool
faulty_truncate(VcFile *file, uint64_t size, GError **error)
{
    return go_on(file, "truncating", error) &&
           vc_file_truncate(below(file), size, error);
}

static bool
faulty_sync(VcFile *file, GError **error)
{
    return go_on(file, "syncing", error) && vc_file_sync(below(file), error);
}

static void
faulty_free(VcFile *file)
{
    vc_file_clear(file);
    g_free(file);
}

static const VcFileOps faulty_ops = {
    .read = faulty_read,
    .write = faulty_write,
    .size = faulty_size,
    .run = faulty_run,
    .zero = faulty_zero,
    .truncate = faulty_truncate,
    .sync = faulty_sync,
    .free = faulty_free,
};

VcFile *
faulty_file(VcFile *file, unsigned nth)
{
    Faulty *f = g_new0(Faulty, 1);
    vc_file_init(&f->base, &faulty_ops, file->name, file->seekable);
    f->base.reads_zero = file->reads_zero;
    f->file = file;
    f->left = nth - 1;
    return &f->base;
}

bool
faulty_file_failed(const VcFile *file)
{
    return ((const Faulty *)file)->failed;
}
