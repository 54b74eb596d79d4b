/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A conversion: disks of sources on their way into output files.
 *
 * One archive with five disks into five VHDX files is one source, five targets, five
 * routes; five images into one VMA is five sources, one target, five routes. */
#ifndef VC_CONVERTERS_CONVERT_H
#define VC_CONVERTERS_CONVERT_H

#include "converters/image.h"
#include "io/compress.h"
#include "io/output.h"

/* One output file. Strings and options are borrowed and must outlive the run. */
typedef struct {
    const char *path; /* "-": standard output */
    const VcFormat *format;
    const VcOptions *options; /* may be NULL */
    VcLayout layout;          /* owned: disks in the order of target_disk, and blobs */
    VcOutputMode mode;
    bool target_is_zero;        /* in place: the user says that it reads as zero */
    VcCompressOptions compress; /* of the whole file */
} VcTarget;

typedef struct {
    VcSource *source;
    unsigned source_disk;
    unsigned target; /* index */
    unsigned target_disk;
} VcRoute;

typedef enum { VC_REFLINK_AUTO, VC_REFLINK_ALWAYS, VC_REFLINK_NEVER } VcReflink;

/* Called from the conductor's thread, at most every 1/10 s, and once at the end with
 * DONE == TOTAL. Bytes of disks. */
typedef void (*VcProgress)(void *user, uint64_t done, uint64_t total);

typedef struct {
    unsigned
        workers; /* 0: all in the caller's thread; output bytes do not depend on it */
    uint64_t sparse; /* shortest run of zeros that becomes a hole; 0: write all zeros */
    uint64_t rate;   /* bytes per second, 0 for no limit */
    VcCache target_cache;
    bool sync; /* fsync before the outputs get their names */
    VcReflink reflink;
    VcIdentity identity;
    VcProgress progress; /* may be NULL */
    void *user;
} VcConvertOptions;

#define VC_SPARSE_DEFAULT ((uint64_t)4096)
/* Most of them wait for the disk, and fast disks need that many requests at once. */
#define VC_WORKERS_DEFAULT 16u

typedef struct {
    uint64_t written; /* payload bytes */
    uint64_t cloned;  /* of them shared in the file system */
} VcConvertStats;

typedef struct {
    GArray *targets; /* of VcTarget */
    GArray *routes;  /* of VcRoute; by source, then by source_disk for each target */
    GPtrArray *warnings; /* said by sinks, each with the path before it */
    /* Borrowed, all may be NULL: the directory of all targets, in which no other run
     * gives names while this one does; */
    const char *directory;
    /* of VcWatch: files that must be at the end what they were at the beginning; */
    const GPtrArray *watches;
    /* of VcImage and of paths (char *): what is open for reading, and what else was
     * read. No target may be one of them, nor a source, by whatever name. */
    const GPtrArray *images, *inputs;
} VcConversion;

void vc_conversion_init(VcConversion *conversion);
void vc_conversion_clear(VcConversion *conversion);
/* Adds a target that takes LAYOUT's content (copied); gives its index. */
unsigned vc_conversion_add_target(VcConversion *conversion, const VcTarget *target);
void vc_conversion_add_route(VcConversion *conversion, VcSource *source,
                             unsigned source_disk, unsigned target,
                             unsigned target_disk);

/* Runs it. First every target is planned, and refused with reason and remedy before
 * anything is created; then the data moves; then every output is finished and gets its
 * name. After an error no output has been touched. STATS may be NULL. Disks of a source
 * that no route takes are skipped. */
bool vc_conversion_run(VcConversion *conversion, const VcConvertOptions *options,
                       VcConvertStats *stats, GError **error);

/* The exact size in bytes of target number TARGET if it were run (REQUIRED; reads the
 * source where zeros have to be found), and of it when every block is allocated
 * (FULLY_ALLOCATED). Sources need `map`. */
bool vc_conversion_measure(VcConversion *conversion, unsigned target,
                           const VcConvertOptions *options, uint64_t *required,
                           uint64_t *fully_allocated, GError **error);

#endif
