/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user's file, which nobody may write. */
#include "tests/fuzz/guard.h"

typedef struct {
    VcFile base;
    VcFile *file; /* borrowed */
} Guarded;

static bool
guarded_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
             GError **error)
{
    return vc_file_read_some(((Guarded *)file)->file, position, buffer, length, got,
                             error);
}

static bool
guarded_size(VcFile *file, uint64_t *size, GError **error)
{
    return vc_file_size(((Guarded *)file)->file, size, error);
}

static bool
guarded_run(VcFile *file, uint64_t position, bool *data, uint64_t *length,
            GError **error)
{
    return vc_file_run(((Guarded *)file)->file, position, data, length, error);
}

static bool
guarded_write(VcFile *file G_GNUC_UNUSED, uint64_t position G_GNUC_UNUSED,
              const void *data G_GNUC_UNUSED, size_t length G_GNUC_UNUSED,
              GError **error G_GNUC_UNUSED)
{
    g_assert_not_reached();
}

static bool
guarded_zero(VcFile *file G_GNUC_UNUSED, uint64_t position G_GNUC_UNUSED,
             uint64_t length G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    g_assert_not_reached();
}

static bool
guarded_truncate(VcFile *file G_GNUC_UNUSED, uint64_t size G_GNUC_UNUSED,
                 GError **error G_GNUC_UNUSED)
{
    g_assert_not_reached();
}

static void
guarded_free(VcFile *file)
{
    vc_file_clear(file);
    g_free(file);
}

static const VcFileOps guarded_ops = {
    .read = guarded_read,
    .write = guarded_write,
    .size = guarded_size,
    .run = guarded_run,
    .zero = guarded_zero,
    .truncate = guarded_truncate,
    .free = guarded_free,
};

VcFile *
fuzz_guard(VcFile *file)
{
    Guarded *guarded = g_new0(Guarded, 1);
    vc_file_init(&guarded->base, &guarded_ops, file->name, true);
    guarded->file = file;
    return &guarded->base;
}
