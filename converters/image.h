/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening an image as the user names it: path, "-", or "archive#disk". */
#ifndef VC_CONVERTERS_IMAGE_H
#define VC_CONVERTERS_IMAGE_H

#include "converters/chain.h"
#include "io/compress.h"

typedef struct {
    VcSource *source;          /* owned */
    int disk;                  /* the disk behind '#', -1 when none was named */
    char *path;                /* owned: the name without '#disk' */
    GPtrArray *parents;        /* owned; of VcAncestor *, the nearest first */
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

void vc_image_clear(VcImage *image);

#endif
