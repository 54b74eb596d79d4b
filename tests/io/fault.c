/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file whose Nth operation goes wrong. */
#include "tests/io/fault.h"

#include "io/error.h"

#include <errno.h>
#include <inttypes.h>

typedef struct {
    VcFile base;
    VcFile *inner;     /* owned */
    VcFaultPlan *plan; /* borrowed */
} FaultFile;

/* Counts OPERATION; true when this one is to go wrong. */
static bool
strikes(VcFile *file, unsigned operation)
{
    VcFaultPlan *plan = ((FaultFile *)file)->plan;
    if (plan->operations != 0 && !(plan->operations & operation))
        return false;
    unsigned number = atomic_fetch_add(&plan->count, 1) + 1;
    if (plan->nth == 0 || number < plan->nth || (number > plan->nth && !plan->lasting))
        return false;
    atomic_store(&plan->happened, true);
    if (plan->kind != VC_FAULT_DELAY)
        return true;
    g_usleep(plan->delay_us);
    return false;
}

static VcFaultKind
kind(VcFile *file)
{
    return ((FaultFile *)file)->plan->kind;
}

static VcFile *
inner(VcFile *file)
{
    return ((FaultFile *)file)->inner;
}

static bool
fail(const char *what, GError **error)
{
    vc_fail_errno(error, EIO, "%s, by intention", what);
    return false;
}

static bool
fault_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
           GError **error)
{
    bool strike = strikes(file, VC_FAULT_READ);
    if (strike && kind(file) == VC_FAULT_FAIL)
        return fail("read", error);
    if (strike && kind(file) == VC_FAULT_SHORT)
        length /= 2;
    if (!vc_file_read_some(inner(file), position, buffer, length, got, error))
        return false;
    if (strike && kind(file) == VC_FAULT_GARBAGE && *got > 0)
        ((uint8_t *)buffer)[*got / 2] ^= 0x10;
    return true;
}

static bool
fault_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
            GError **error)
{
    if (!strikes(file, VC_FAULT_WRITE))
        return vc_file_write(inner(file), position, buffer, length, error);
    if (kind(file) != VC_FAULT_SHORT)
        return fail("write", error);
    if (vc_file_write(inner(file), position, buffer, length / 2, error))
        vc_fail_errno(error, ENOSPC, "write of %zu bytes at 0x%" PRIx64, length,
                      position);
    return false;
}

static bool
fault_size(VcFile *file, uint64_t *size, GError **error)
{
    return strikes(file, VC_FAULT_SIZE) ? fail("size", error)
                                        : vc_file_size(inner(file), size, error);
}

static bool
fault_run(VcFile *file, uint64_t position, bool *data, uint64_t *length, GError **error)
{
    return strikes(file, VC_FAULT_RUN)
               ? fail("looking for holes", error)
               : vc_file_run(inner(file), position, data, length, error);
}

static bool
fault_zero(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    return strikes(file, VC_FAULT_ZERO)
               ? fail("zeroing", error)
               : vc_file_zero(inner(file), position, length, error);
}

static bool
fault_truncate(VcFile *file, uint64_t size, GError **error)
{
    return strikes(file, VC_FAULT_TRUNCATE)
               ? fail("setting the size", error)
               : vc_file_truncate(inner(file), size, error);
}

static bool
fault_sync(VcFile *file, GError **error)
{
    return strikes(file, VC_FAULT_SYNC) ? fail("sync", error)
                                        : vc_file_sync(inner(file), error);
}

static bool
fault_settle(VcFile *file, uint64_t position, GError **error)
{
    return vc_file_settle(inner(file), position, error);
}

static void
fault_free(VcFile *file)
{
    vc_file_free(inner(file));
    vc_file_clear(file);
    g_free(file);
}

static const VcFileOps fault_ops = {
    .read = fault_read,
    .write = fault_write,
    .size = fault_size,
    .run = fault_run,
    .zero = fault_zero,
    .truncate = fault_truncate,
    .sync = fault_sync,
    .settle = fault_settle,
    .free = fault_free,
};

VcFile *
vc_fault_file(VcFile *file, VcFaultPlan *plan)
{
    FaultFile *f = g_new0(FaultFile, 1);
    vc_file_init(&f->base, &fault_ops, file->name, file->seekable);
    f->base.reads_zero = file->reads_zero;
    f->inner = file;
    f->plan = plan;
    return &f->base;
}
