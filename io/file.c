/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes at positions: what is common to all files. */
#include "io/file.h"

#include "io/error.h"
#include "io/interrupt.h"

void
vc_file_init(VcFile *file, const VcFileOps *ops, const char *name, bool seekable)
{
    file->ops = ops;
    file->name = g_strdup(name);
    file->seekable = seekable;
    file->fd = -1;
}

void
vc_file_clear(VcFile *file)
{
    g_clear_pointer(&file->name, g_free);
}

bool
vc_file_read_some(VcFile *file, uint64_t position, void *buffer, size_t length,
                  size_t *got, GError **error)
{
    if (!file->ops->read) {
        vc_fail(error, VC_ERROR_UNSUPPORTED, "this output cannot be read back");
        return false;
    }
    return file->ops->read(file, position, buffer, length, got, error);
}

bool
vc_file_read(VcFile *file, uint64_t position, void *buffer, size_t length,
             GError **error)
{
    size_t got = 0;
    if (!vc_file_read_some(file, position, buffer, length, &got, error))
        return false;
    if (got < length) {
        vc_fail(error, VC_ERROR_SHORT,
                "the file ends at 0x%" G_GINT64_MODIFIER "x, %zu more bytes expected",
                position + got, length - got);
        return false;
    }
    return true;
}

bool
vc_file_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
              GError **error)
{
    if (!file->ops->write) {
        vc_fail(error, VC_ERROR_UNSUPPORTED, "this file is open for reading only");
        return false;
    }
    return file->ops->write(file, position, buffer, length, error);
}

bool
vc_file_size(VcFile *file, uint64_t *size, GError **error)
{
    if (!file->ops->size) {
        vc_fail(error, VC_ERROR_UNSUPPORTED, "the size of a stream is not known");
        return false;
    }
    return file->ops->size(file, size, error);
}

bool
vc_file_run(VcFile *file, uint64_t position, bool *data, uint64_t *length,
            GError **error)
{
    if (file->ops->run)
        return file->ops->run(file, position, data, length, error);

    uint64_t size;
    if (!vc_file_size(file, &size, error))
        return false;
    *data = true;
    *length = size - position;
    return true;
}

bool
vc_file_zero(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    static const uint8_t zeros[64 << 10];

    if (file->ops->zero)
        return file->ops->zero(file, position, length, error);
    while (length > 0) {
        size_t piece = MIN(length, sizeof zeros);
        if (!vc_interrupt_check(error) ||
            !vc_file_write(file, position, zeros, piece, error))
            return false;
        position += piece;
        length -= piece;
    }
    return true;
}

bool
vc_file_truncate(VcFile *file, uint64_t size, GError **error)
{
    if (!file->ops->truncate) {
        vc_fail(error, VC_ERROR_UNSUPPORTED, "this file is open for reading only");
        return false;
    }
    return file->ops->truncate(file, size, error);
}

bool
vc_file_end(VcFile *file, uint64_t end, GError **error)
{
    uint64_t size;
    if (file->ops->end)
        return file->ops->end(file, end, error);
    if (!vc_file_truncate(file, end, error))
        return false;
    if (file->reads_zero || !file->ops->size)
        return true;
    return vc_file_size(file, &size, error) &&
           (size <= end || vc_file_zero(file, end, size - end, error));
}

bool
vc_file_sync(VcFile *file, GError **error)
{
    return !file->ops->sync || file->ops->sync(file, error);
}

bool
vc_file_barrier(VcFile *file, GError **error)
{
    return !file->in_place || vc_file_sync(file, error);
}

bool
vc_file_settle(VcFile *file, uint64_t position, GError **error)
{
    return !file->ops->settle || file->ops->settle(file, position, error);
}

void
vc_file_free(VcFile *file)
{
    if (file)
        file->ops->free(file);
}
