/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of an image: what a file holds when its compression is off. */
#ifndef VC_CONVERTERS_CONTENT_H
#define VC_CONVERTERS_CONTENT_H

#include "converters/image-options.h"
#include "io/compress.h"

/* What was seen of a file. */
typedef struct {
    VcCompression compression; /* which is off now */
    VcCompression ignored;     /* what it begins as and, format being given, is not */
    bool said; /* the user or its name says what it is, or it is a pipe, of which none
                  could; else it is more likely a part of a disk that begins so */
} VcContent;

/* Opens NAME for reading: decompressed, without a format; it is locked and watched.
 * VC_ERROR_USAGE when it looks like compressed data and like an image. CONTENT is
 * filled as far as it is known when that fails, too. Errors begin with the file's name.
 */
VcFile *vc_content_open(const char *name, const VcImageOptions *options,
                        VcContent *content, GError **error);

/* VC_ERROR_IO when another program holds FILE, opened from NAME, for writing; from now
 * on it is watched. Neither with options->share. */
bool vc_content_lock(VcFile *file, const char *name, const VcImageOptions *options,
                     GError **error);

#endif
