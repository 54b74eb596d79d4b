/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source: where the bytes of each disk lie in the file.
 *
 * It answers `map` (random access; const, so from many threads at once), or `next`
 * (stored order, for archives that come down a pipe), or both. It never moves payload.
 *
 * The vc_source_* functions are the only callers of the operations. They check what a
 * format answers and put the file's name in front of its errors. */
#ifndef VC_FORMATS_SOURCE_H
#define VC_FORMATS_SOURCE_H

#include "formats/facts.h"
#include "formats/layout.h"
#include "io/file.h"

typedef enum {
    VC_DATA, /* the bytes lie in a file */
    VC_ZERO, /* the bytes are zero */
    VC_END,  /* `next` only: nothing follows */
} VcKind;

/* A run of one disk. */
typedef struct {
    unsigned disk;
    VcKind kind;
    uint64_t offset, length; /* bytes of the disk */
    VcFile *file;      /* VC_DATA: the file that holds it (a parent's, in a chain) */
    uint64_t position; /* VC_DATA: where it lies there */
    unsigned depth;    /* how many parents down it was found; 0: in the image itself */
    bool absent;       /* VC_ZERO: not allocated anywhere in the chain */
} VcExtent;

/* Where a differencing image says that its parent is. Strings are hostile. */
typedef struct {
    char **paths; /* candidates, best first: UTF-8, slashes, NULL-terminated */
    char *id;     /* the linkage that the parent must have, as text for messages; NULL:
                     none, so it is a raw image, and nothing tells whether the right one */
} VcParent;

typedef struct VcSource VcSource;

typedef struct {
    /* What lies at OFFSET of DISK: fills kind, length (at most to the disk's end), and
     * file and position. The length comes in as what is wanted: to look further may
     * cost, and is for nothing. NULL: only `next`. */
    bool (*map)(const VcSource *source, unsigned disk, uint64_t offset,
                VcExtent *extent, GError **error);
    /* The next run in stored order. The payload of a stream must have been read (from
     * extent.file, which may be a piece read ahead), or be given up, before the next
     * call. At the end it checks that all disks that are not skipped were complete.
     * NULL: `map` from 0 up, disk by disk. */
    bool (*next)(VcSource *source, VcExtent *extent, GError **error);
    /* Prepares `map` where that costs a pass over the file (VMA); called once, before
     * the first `map`. NULL: nothing to do. */
    bool (*index)(VcSource *source, GError **error);
    /* Takes PARENT for good if it is the right one; otherwise that is VC_ERROR_PARENT
     * and it stays the caller's. Only on a source whose `parent` is set; `map` and
     * `next` fail before. PARENT may still be without its own parent. */
    bool (*adopt)(VcSource *source, VcSource *parent, GError **error);
    /* Tells what `info` shows beyond the layout. NULL: nothing. */
    void (*describe)(const VcSource *source, VcFacts *facts);
    /* Adds to WARNINGS what `map` met since the last call. What it remembers for this
     * it must guard against other threads. NULL: nothing. */
    void (*conclude)(VcSource *source, GPtrArray *warnings);
    void (*free)(VcSource *source);
} VcSourceOps;

/* Formats embed this as their first member. */
struct VcSource {
    const VcSourceOps *ops;
    const struct VcFormat *format; /* set by vc_format_open */
    VcFile *file;                  /* owned */
    VcLayout layout;               /* owned */
    VcParent *parent;              /* owned; NULL when there is none */
    char *identity; /* owned; what children call this image: VHDX DataWriteGuid, lower
                       case in braces; VHD unique id, 32 hexadecimal digits; NULL:
                       cannot be a parent */
    GPtrArray *warnings;     /* what was read in spite of a fault; see vc_warn; to tell
                                them all: vc_source_warnings */
    bool skip[VC_DISKS_MAX]; /* disks that the caller does not want */
    bool guessed;            /* raw because nothing claimed its beginning */
    bool unaligned;          /* extents may begin inside of a cell, VC_CELL */
    bool ascending;          /* `next` goes disk by disk, offsets rising */
    bool indexed;            /* `index` was called */
    struct {
        unsigned disk;
        uint64_t offset;
    } cursor; /* of `next` over `map` */
};

static inline bool
vc_source_has_map(const VcSource *source)
{
    return source->ops->map != NULL && (source->file->seekable || !source->ops->next);
}

/* Calls `index` if that was not done; needed before vc_source_map. */
bool vc_source_index(VcSource *source, GError **error);

/* What lies at OFFSET (below the size) of DISK. The extent begins at OFFSET and has
 * length > 0. */
bool vc_source_map(const VcSource *source, unsigned disk, uint64_t offset,
                   VcExtent *extent, GError **error);

/* The same for a child of SOURCE, which wants at most LENGTH (> 0) bytes: the extent is
 * not longer, and nothing is looked at that lies behind. */
bool vc_source_map_within(const VcSource *source, unsigned disk, uint64_t offset,
                          uint64_t length, VcExtent *extent, GError **error);

/* The next run in stored order, without those of skipped disks; VC_END at the end. */
bool vc_source_next(VcSource *source, VcExtent *extent, GError **error);

/* Reads LENGTH bytes at OFFSET of DISK through the map; beyond the disk's end is an
 * error. */
bool vc_source_read(const VcSource *source, unsigned disk, uint64_t offset,
                    void *buffer, size_t length, GError **error);

bool vc_source_adopt(VcSource *source, VcSource *parent, GError **error);

/* What was read in spite of a fault so far, `map` by others included: to be asked when
 * the work is done, by one thread. Borrowed. */
const GPtrArray *vc_source_warnings(VcSource *source);

/* Index of the disk named NAME, or -1. */
int vc_source_find_disk(const VcSource *source, const char *name);

void vc_source_free(VcSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VcSource, vc_source_free)

/* --- for formats ------------------------------------------------------------------ */

/* Fills in the base; FILE is taken. */
void vc_source_init(VcSource *source, const VcSourceOps *ops, VcFile *file);
/* Frees what the base owns; for the `free` of formats. */
void vc_source_clear(VcSource *source);
void vc_parent_free(VcParent *parent);

#endif
