/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of an image: what a file holds when its compression is off. */
#ifndef VC_CONVERTERS_CONTENT_H
#define VC_CONVERTERS_CONTENT_H

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
