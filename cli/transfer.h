/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a command moves data into outputs: the options that all writing commands share,
 * and the run of a conversion with its progress, notes and warnings. */
#ifndef VC_CLI_TRANSFER_H
#define VC_CLI_TRANSFER_H

#include "cli/progress.h"
#include "cli/reading.h"
#include "converters/convert.h"

typedef struct {
    VcReading reading;
    /* As typed. */
    gboolean progress, quiet, force, in_place, target_is_zero, no_sync, no_holes,
        reproducible, unordered;
    char *progress_format, *progress_fd, *workers, *sparse, *target_cache, *rate,
        *reflink, *compress, *align;
    char **options; /* of -o, each "key=value,…" */
    char **disks;   /* of --disk, which not all commands have */
    /* Made of it. */
    VcOptions *create;
    GPtrArray *watches; /* of VcWatch, on the files behind the images that are open */
    GPtrArray *inputs;  /* of char *: files that are read and are no images */
    VcConvertOptions convert;
    VcCompressOptions compression;
    VcOutputMode mode;
    uint64_t size_align; /* 0: none */
    VcProgressStyle style;
    int fd;
} VcTransfer;

void vc_transfer_add(VcTransfer *transfer, VcArguments *arguments);
/* `-o help`: prints the options of FORMAT and gives true. */
bool vc_transfer_help(const VcTransfer *transfer, const VcFormat *format);
bool vc_transfer_prepare(VcTransfer *transfer, GError **error);
void vc_transfer_clear(VcTransfer *transfer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcTransfer, vc_transfer_clear)

/* The sources of one conversion (VcImage, owned), which stay open until it has run. */
GPtrArray *vc_transfer_images_new(void);
/* Opens NAME and adds it. FORMAT overrides -f when not NULL. */
VcImage *vc_transfer_open(const VcTransfer *transfer, GPtrArray *images,
                          const char *name, const VcFormat *format, GError **error);

/* A target at PATH with the -o options, mode and compression as typed, and an empty
 * layout: the caller's until vc_conversion_add_target. */
VcTarget vc_transfer_target(const VcTransfer *transfer, const char *path,
                            const VcFormat *format);

/* Says what runs that were killed have left of the target PATH. vc_transfer_target
 * does. */
void vc_transfer_say_leftovers(const char *path);

/* Appends DISK as NAME to the layout of TARGET, its size rounded up to --size-align. */
VcDisk *vc_transfer_add_disk(const VcTransfer *transfer, VcTarget *target,
                             const VcDisk *disk, const char *name);

/* Adds TARGET, of which nothing is left to clear; gives its index. */
unsigned vc_transfer_add_target(VcConversion *conversion, VcTarget *target);

/* The format whose suffix PATH has, before one of compression; else raw. */
const VcFormat *vc_transfer_format_by_name(const char *path);

/* Runs CONVERSION over IMAGES and says what its sources and sinks had to say. */
bool vc_transfer_run(VcTransfer *transfer, VcConversion *conversion,
                     const GPtrArray *images, GError **error);

/* Says when IMAGE was taken for raw because nothing else claimed it. */
void vc_transfer_say_guess(const VcImage *image);

/* Prints WARNINGS, each behind PATH unless that is NULL. */
void vc_transfer_say(const GPtrArray *warnings, const char *path);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcConversion, vc_conversion_clear)

#endif
