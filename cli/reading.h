/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a command opens its sources: the options that all reading commands share. */
#ifndef VC_CLI_READING_H
#define VC_CLI_READING_H

#include "cli/arguments.h"
#include "converters/image.h"

typedef struct {
    /* As typed. */
    gboolean share, chain, image_opts;
    char *format, *cache, *memory, *spool, *size;
    /* Made of it. */
    VcImageOptions image;
} VcReading;

/* Adds the options; -f is left to the command, whose letters differ. */
void vc_reading_add(VcReading *reading, VcArguments *arguments);
bool vc_reading_prepare(VcReading *reading, GError **error);
void vc_reading_clear(VcReading *reading);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcReading, vc_reading_clear)

/* Opens NAME, which with --image-opts is "driver=vhdx,file.filename=PATH", and what
 * else stands there is an option of the format's open. FORMAT overrides -f when not
 * NULL. */
bool vc_reading_open(const VcReading *reading, const char *name, const VcFormat *format,
                     VcImage *image, GError **error);

/* For commands that need no more than the path of one image, owned by the caller, and
 * its format, which is in reading->image then. */
char *vc_reading_path(VcReading *reading, const char *name, const VcFormat *format,
                      GError **error);

/* What of -t or -T means something to us. *SYNC (may be NULL) becomes false for
 * "unsafe". */
bool vc_cache_parse(const char *option, const char *text, VcCache *cache, bool *sync,
                    GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcImage, vc_image_clear)

#endif
