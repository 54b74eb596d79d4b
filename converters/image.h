/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening an image as the user names it: path, "-", or "archive#disk". */
#ifndef VC_CONVERTERS_IMAGE_H
#define VC_CONVERTERS_IMAGE_H

#include "formats/format.h"
#include "io/compress.h"
#include "io/posix.h"

typedef struct {
    const VcFormat *format;   /* NULL: probe */
    const VcOptions *options; /* for the format's open; may be NULL */
    VcCache cache;
    uint64_t memory;   /* for decompression windows; 0: the default */
    const char *disk;  /* the one that is meant; NULL: the name may have "#disk" */
    bool follow_chain; /* --chain: take parents from other directories too, and such as
                          nothing verifies */
    bool share;        /* -U: read also what another program writes to */
    const GPtrArray
        *others;        /* of VcImage *: open already, beside this one; may be NULL */
    bool no_parent;     /* do not look for parents (info, check of one file) */
    const char *spool;  /* directory for a temporary copy of what cannot be seeked;
                           NULL: none */
    GPtrArray *watches; /* gets a VcWatch on each file that is opened; may be NULL */
    unsigned readahead; /* 0: decompress in the caller's thread; else in its own */
} VcImageOptions;

typedef struct {
    VcSource *source;          /* owned */
    int disk;                  /* the disk behind '#', -1 when none was named */
    char *path;                /* owned: the name without '#disk' */
    GPtrArray *parents;        /* owned; of char *: where the parents that were adopted
                                  lie, the nearest first */
    VcCompression compression; /* of the outer stream */
    bool guessed_raw;          /* no format claimed it and none was given */
} VcImage;

/* Opens NAME for reading. With options->disk, and with "#disk" (unless a file of that
 * very name exists), the other disks are skipped; a name that several disks have is
 * VC_ERROR_USAGE, and so is a stream that is one of the others. Differencing parents
 * are opened and adopted: from the image's own directory, or as the image says with
 * follow_chain; cycles and more than 64 levels are VC_ERROR_PARENT. Errors begin with
 * the file's name. */
bool vc_image_open(VcImage *image, const char *name, const VcImageOptions *options,
                   GError **error);

/* The one disk to work with: the named one, or the only one; VC_ERROR_USAGE lists them.
 */
bool vc_image_single_disk(const VcImage *image, unsigned *disk, GError **error);

/* VC_ERROR_IO when another program holds FILE, opened from NAME, for writing; from now
 * on it is watched. Neither with options->share. */
bool vc_image_lock(VcFile *file, const char *name, const VcImageOptions *options,
                   GError **error);

/* Opens NAME's bytes only: decompressed, without a format. For `check`. */
VcFile *vc_image_open_file(const char *name, const VcImageOptions *options,
                           VcCompression *compression, GError **error);

void vc_image_clear(VcImage *image);

#endif
