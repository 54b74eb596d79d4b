/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an image is to be opened. */
#ifndef VC_CONVERTERS_IMAGE_OPTIONS_H
#define VC_CONVERTERS_IMAGE_OPTIONS_H

#include "formats/format.h"
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
    bool no_parent;     /* do not look for parents */
    const char *spool;  /* directory for a temporary copy of what cannot be seeked;
                           NULL: none */
    GPtrArray *watches; /* gets a VcWatch on each file that is opened; may be NULL */
    unsigned readahead; /* 0: decompress in the caller's thread; else in its own */
} VcImageOptions;

#endif
