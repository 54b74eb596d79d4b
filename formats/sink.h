/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sink: where in the file the bytes of each disk go.
 *
 * It takes the whole layout at `create`, answers `place` from one thread, writes its
 * own metadata, and makes the file valid in `finish` and not before. It never moves
 * payload: the engine does, to the positions it was told. What is never placed reads as
 * zero. `create` writes nothing to a seekable file. A disk of VC_SIZE_UNKNOWN ends
 * where the highest run placed ends, so its zeros are placed too; or the size is put
 * into the sink's layout before `finish`. */
#ifndef VC_FORMATS_SINK_H
#define VC_FORMATS_SINK_H

#include "formats/layout.h"
#include "formats/options.h"
#include "io/file.h"

/* Payload is placed in cells: offsets are multiples of it, lengths too except at the
 * end of a disk. */
#define VC_CELL 4096u

/* The loosest order in which `place` may be called. */
typedef enum {
    VC_ORDER_ANY,
    VC_ORDER_ASCENDING, /* disk by disk, offsets rising */
} VcOrder;

typedef struct VcSink VcSink;

typedef struct {
    /* Where LENGTH bytes at OFFSET of DISK go: *RUN (1..LENGTH, whole cells) of them
     * lie together from *POSITION. Allocates. A sink with fixed places or blocks
     * (identity, or unit != 0) gives the same answer when it is asked again, even after
     * `finish`; others are asked for each byte at most once. Where the file is
     * `only_size` a run need not lie together. */
    bool (*place)(VcSink *sink, unsigned disk, uint64_t offset, uint64_t length,
                  uint64_t *position, uint64_t *run, GError **error);
    /* Nothing below the answer will be written any more (see vc_file_settle) once what
     * was placed so far is written. NULL: that is the end of the last run placed. */
    uint64_t (*settled)(const VcSink *sink);
    /* Tables, headers, footers, and the file's size: all that makes the file valid. The
     * payload has been written when it is called. */
    bool (*finish)(VcSink *sink, GError **error);
    void (*free)(VcSink *sink);
} VcSinkOps;

/* Formats embed this as their first member. */
struct VcSink {
    const VcSinkOps *ops;
    const struct VcFormat *format; /* set by vc_format_create */
    VcFile *file;                  /* borrowed */
    VcLayout layout; /* owned; as it will be stored: sizes may have been rounded up */
    VcOrder order;
    /* A disk's bytes have fixed places, allocated from the beginning (raw, fixed
     * images): zeros must be written where the file does not read as zero. */
    bool identity;
    /* Stored front to back, can go down a pipe as it is (raw, fixed VHD, VMA). */
    bool append_only;
    uint64_t unit; /* bytes of a disk allocated together (a block); 0: no blocks */
    GPtrArray *warnings; /* such as "size rounded up to"; see vc_warn */
};

bool vc_sink_place(VcSink *sink, unsigned disk, uint64_t offset, uint64_t length,
                   uint64_t *position, uint64_t *run, GError **error);
uint64_t vc_sink_settled(const VcSink *sink, uint64_t last_end);
bool vc_sink_finish(VcSink *sink, GError **error);
void vc_sink_free(VcSink *sink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VcSink, vc_sink_free)

/* --- for formats ------------------------------------------------------------------ */

/* Fills in the base; FILE is borrowed, LAYOUT copied. */
void vc_sink_init(VcSink *sink, const VcSinkOps *ops, VcFile *file,
                  const VcLayout *layout);
void vc_sink_clear(VcSink *sink);

/* Gives the size that DISK is to have: that of option size, or its own, which may be
 * VC_SIZE_UNKNOWN. VC_ERROR_USAGE when the option is less, or the disk's not known. */
bool vc_sink_choose_size(const VcDisk *disk, const VcOptions *options, uint64_t *size,
                         GError **error);

#endif
