/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The format contract: one row per format, and the functions that open and create
 * through it. Help texts, -o keys, probing, <a>-to-<b> commands and the contract tests
 * come from the row. */
#ifndef VC_FORMATS_FORMAT_H
#define VC_FORMATS_FORMAT_H

#include "formats/options.h"
#include "formats/report.h"
#include "formats/sink.h"
#include "formats/source.h"

/* What the end of a stream is told by. */
#define VC_TRAILER_SIZE 512u

typedef struct VcFormat {
    const char *name;        /* "vpc" */
    const char *alias;       /* "vhd", or NULL */
    const char *suffix;      /* ".vhd": of files that vconv names */
    const char *description; /* "VHD image (Virtual PC, Hyper-V, Azure, XenServer)" */
    unsigned max_disks;      /* that one file can hold */
    bool from_stream;        /* `open` works on a stream */
    bool keeps_sectors;      /* an image tells the sizes of its disk's sectors */

    /* Sets *MATCH when FILE has the format's strong signature (and checksum, where a
     * signature alone could be payload). FILE may be a stream: then only its first
     * VC_STREAM_LOOKBACK bytes may be read. NULL: never matches by itself (raw). */
    bool (*probe)(VcFile *file, bool *match, GError **error);
    /* Whether a stream whose last bytes are RAW, and lie at AT, was such an image
     * though `probe` saw nothing in its beginning. NULL: `probe` sees them all. */
    bool (*probe_end)(const uint8_t raw[static VC_TRAILER_SIZE], uint64_t at);
    /* Gives a source over FILE, which is taken whatever happens. */
    VcSource *(*open)(VcFile *file, const VcOptions *options, GError **error);
    const VcOptionSpec *open_options;
    /* Gives a sink that writes LAYOUT to FILE (borrowed). NULL: read-only format. */
    VcSink *(*create)(VcFile *file, const VcLayout *layout, const VcOptions *options,
                      const VcIdentity *identity, GError **error);
    const VcOptionSpec *create_options;
    /* Looks at everything in FILE (borrowed) and reports; false only when the check
     * itself could not be done. NULL: this format has nothing to check. */
    bool (*check)(VcFile *file, VcReport *report, GError **error);
} VcFormat;

/* All formats, NULL-terminated, raw last. */
extern const VcFormat *const vc_formats[];

/* By name or alias; NULL and VC_ERROR_USAGE, which lists the names. */
const VcFormat *vc_format_find(const char *name, GError **error);

/* The format whose signature FILE has; raw when none claims it. VC_ERROR_USAGE when
 * more than one does: then what is inside of the image decides nothing. */
const VcFormat *vc_format_probe(VcFile *file, GError **error);

/* The format of which a stream was that ends with RAW at AT; NULL when none tells. */
const VcFormat *vc_format_probe_end(const uint8_t raw[static VC_TRAILER_SIZE],
                                    uint64_t at);

/* These two check the options and put the file's name before errors. Ownership as in
 * the row. */
VcSource *vc_format_open(const VcFormat *format, VcFile *file, const VcOptions *options,
                         GError **error);
VcSink *vc_format_create(const VcFormat *format, VcFile *file, const VcLayout *layout,
                         const VcOptions *options, const VcIdentity *identity,
                         GError **error);

#endif
