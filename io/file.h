/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes at positions: the one view that formats have of a file, a pipe or memory.
 *
 * Two kinds. A *seekable* file can be read at any position, by many threads at once. A
 * *stream* (a pipe, a decompressed archive) is read by one thread at rising positions;
 * its first VC_STREAM_LOOKBACK bytes may be read again until reading goes beyond them,
 * which is what probing needs. Outputs: a *seekable* file takes writes anywhere, from
 * many threads; an *append-only* one (a pipe, a compressed file) only at its end.
 *
 * Errors carry no file name; the caller that knows it puts it in front. */
#ifndef VC_IO_FILE_H
#define VC_IO_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VC_STREAM_LOOKBACK ((uint64_t)128 << 10)

/* Memory, position and length that suit direct I/O on every disk that we know of. */
#define VC_ALIGNMENT 4096u

typedef struct VcFile VcFile;

typedef struct {
    /* Reads up to LENGTH bytes; *GOT < LENGTH only at the end of the file. */
    bool (*read)(VcFile *file, uint64_t position, void *buffer, size_t length,
                 size_t *got, GError **error);
    /* Writes all of LENGTH. */
    bool (*write)(VcFile *file, uint64_t position, const void *buffer, size_t length,
                  GError **error);
    bool (*size)(VcFile *file, uint64_t *size, GError **error);
    /* The run of data or hole that begins at POSITION (before the end): see
     * vc_file_run. NULL: all is data. */
    bool (*run)(VcFile *file, uint64_t position, bool *data, uint64_t *length,
                GError **error);
    bool (*zero)(VcFile *file, uint64_t position, uint64_t length, GError **error);
    bool (*truncate)(VcFile *file, uint64_t size, GError **error);
    /* See vc_file_end. NULL: by truncate, size and zero. */
    bool (*end)(VcFile *file, uint64_t end, GError **error);
    bool (*sync)(VcFile *file, GError **error);
    /* Append-only files that reorder: see vc_file_settle. NULL: nothing to do. */
    bool (*settle)(VcFile *file, uint64_t position, GError **error);
    void (*free)(VcFile *file);
} VcFileOps;

/* Implementations embed this as their first member. */
struct VcFile {
    const VcFileOps *ops;
    char *name;      /* for messages; owned */
    bool seekable;   /* false: a stream, or append-only */
    bool in_place;   /* output: it has its name already, so that after a power cut the
                        order counts in which bytes came to last */
    bool reads_zero; /* output: what was never written reads as zero (a new file) */
    bool only_size;  /* output: it keeps nothing else, and nobody asks where things lie,
                        so that what is stored again and again need only be counted */
    int fd; /* the descriptor behind it, or -1: for in-kernel copies, and to tell
               what is only in memory */
};

/* Reads exactly LENGTH bytes. VC_ERROR_SHORT when the file ends before. */
bool vc_file_read(VcFile *file, uint64_t position, void *buffer, size_t length,
                  GError **error);

/* Reads up to LENGTH bytes; *GOT < LENGTH only at the end of the file. */
bool vc_file_read_some(VcFile *file, uint64_t position, void *buffer, size_t length,
                       size_t *got, GError **error);

/* A seekable output may be longer than what was written to it until vc_file_truncate
 * sets its size. */
bool vc_file_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
                   GError **error);

/* The size in bytes of a seekable file or block device. */
bool vc_file_size(VcFile *file, uint64_t *size, GError **error);

/* What lies at POSITION of a seekable file: *DATA false means that *LENGTH > 0 bytes
 * from there are known to read as zero without being read. POSITION must be below the
 * size. */
bool vc_file_run(VcFile *file, uint64_t position, bool *data, uint64_t *length,
                 GError **error);

/* Makes LENGTH bytes from POSITION of a seekable output read as zero, freeing the space
 * where the file system can. */
bool vc_file_zero(VcFile *file, uint64_t position, uint64_t length, GError **error);

/* Sets the size of an output; what is new reads as zero. On a block device: checks that
 * it is large enough. */
bool vc_file_truncate(VcFile *file, uint64_t size, GError **error);

/* Makes END the end of an output: as vc_file_truncate, and where the output cannot
 * become shorter, being a block device, what lies behind END reads as zero. What an
 * append-only output cannot be cut to is an error; what it holds behind all that has
 * gone out, because it leads to a file or a device that was there before, goes the same
 * way. */
bool vc_file_end(VcFile *file, uint64_t end, GError **error);

/* What was written survives a power cut after this. */
bool vc_file_sync(VcFile *file, GError **error);

/* What was written so far lasts before what comes: between the tables of an image and
 * what leads to them. Costs nothing where an output gets its name at the end. */
bool vc_file_barrier(VcFile *file, GError **error);

/* A promise of the writer of an append-only file: nothing below POSITION will be
 * written any more, so gaps there are zeros and may go out. No effect on seekable
 * files. */
bool vc_file_settle(VcFile *file, uint64_t position, GError **error);

void vc_file_free(VcFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VcFile, vc_file_free)

/* --- for implementations -------------------------------------------------------- */

/* Fills in the base. NAME is copied. */
void vc_file_init(VcFile *file, const VcFileOps *ops, const char *name, bool seekable);
/* Frees what the base owns; for the `free` of implementations. */
void vc_file_clear(VcFile *file);

#endif
