/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to io/posix*.c: one file of the system behind two descriptors, buffered and
 * direct. Threads may read and write at once; only the two flags change. */
#ifndef VC_IO_POSIX_FILE_H
#define VC_IO_POSIX_FILE_H

#include "io/behind.h"
#include "io/posix.h"
#include "io/reserve.h"
#include "io/runs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

typedef struct {
    VcFile base;            /* base.fd is the buffered descriptor; owned */
    int direct;             /* the same file with O_DIRECT, owned; or -1 */
    uintptr_t direct_unit;  /* positions, lengths and memory that may go direct */
    uintptr_t read_unit;    /* the same for reads: what the disk takes is enough */
    bool direct_reads;      /* else only writes go direct, */
    bool direct_misses;     /* and large reads of what the page cache does not hold */
    bool device;            /* a block device: its size is fixed, all of it is data */
    bool no_sync;           /* see vc_posix_no_sync */
    atomic_bool reaches;    /* an output: grown ahead of what is written, see reach() */
    _Atomic uint64_t reach; /* as far as it was grown */
    pthread_mutex_t growing;
    VcReserve *reserve;      /* of an output; or NULL */
    VcBehind *behind;        /* of an output; or NULL */
    VcRuns *seen;            /* of a source, which does not change; or NULL */
    atomic_bool refused;     /* the file system does not do direct I/O after all */
    atomic_bool all_is_data; /* the file system does not tell its holes */
} VcPosixFile;

/* Gives a seekable file over FD (taken); STATUS is FD's. */
VcPosixFile *vc_posix_file_new(int fd, const struct stat *status, const char *name,
                               const VcFileOps *ops);

/* Opens PATH once more, with O_DIRECT and FLAGS, if it is still the same file and its
 * file system has direct I/O; else the file stays buffered. */
void vc_posix_file_add_direct(VcPosixFile *file, const char *path, int flags);

/* Whether these bytes may be written through the direct descriptor. */
bool vc_posix_file_is_direct(VcPosixFile *file, uint64_t position, const void *buffer,
                             size_t length);

/* After a direct request failed with ERRNUM: true when it should be repeated buffered.
 */
bool vc_posix_file_refuses(VcPosixFile *file, int errnum);

/* Operations that sources and outputs share. */
bool vc_posix_file_read(VcFile *file, uint64_t position, void *buffer, size_t length,
                        size_t *got, GError **error);
bool vc_posix_file_size(VcFile *file, uint64_t *size, GError **error);
bool vc_posix_file_run(VcFile *file, uint64_t position, bool *data, uint64_t *length,
                       GError **error);
void vc_posix_file_free(VcFile *file);

#endif
