/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of an image: what a file holds when its compression is off. */
#include "converters/content.h"

#include "converters/ahead.h"
#include "io/error.h"
#include "io/lock.h"
#include "io/watch.h"

#include <string.h>

static bool
probe_compression(VcFile *file, VcCompression *compression, GError **error)
{
    uint8_t head[16];
    size_t got;
    if (!vc_file_read_some(file, 0, head, sizeof head, &got, error)) {
        g_prefix_error(error, "%s: ", file->name);
        return false;
    }
    *compression = vc_compression_probe(head, got);
    return true;
}

/* A disk may begin with anything, also as a compressed file does: where FORMAT, which
 * was given, begins with one, only a name says that NAME is compressed. */
static bool
is_plain(const VcFormat *format, const char *name)
{
    return format && (!format->probe || format->probe_end) &&
           vc_compression_by_name(name) == VC_COMPRESSION_NONE;
}

/* One of two signatures is payload, which a guest may have written so: that of a fixed
 * VHD lies at its end. */
static bool
refuse_two_claims(VcFile *file, VcCompression compression, const VcFormat *given,
                  GError **error)
{
    if (given || !file->seekable)
        return true;
    const VcFormat *format = vc_format_probe(file, error);
    if (format && format->probe)
        vc_fail(error, VC_ERROR_USAGE,
                "%s: looks like %s data and like a %s image; -f FORMAT says which one "
                "it is",
                file->name, vc_compression_name(compression), format->name);
    return format && !format->probe;
}

/* Gives the decompressed stream of FILE (taken), read ahead when that is wanted. */
static VcFile *
stream_file(VcFile *file, VcCompression compression, const VcImageOptions *options,
            GError **error)
{
    g_autofree char *name = g_strdup(file->name);
    g_autoptr(VcStream) stream = vc_stream_from_file(file);
    if (compression != VC_COMPRESSION_NONE) {
        uint64_t memory = options->memory > 0 ? options->memory
                                              : VC_DECOMPRESS_MEMORY_DEFAULT;
        stream = vc_decompress(g_steal_pointer(&stream), compression, memory, error);
    }
    if (stream && options->readahead > 0)
        stream = vc_ahead(g_steal_pointer(&stream), error);
    if (!stream) {
        g_prefix_error(error, "%s: ", name);
        return NULL;
    }
    return vc_stream_file(g_steal_pointer(&stream), name);
}

bool
vc_content_lock(VcFile *file, const char *name, const VcImageOptions *options,
                GError **error)
{
    g_autoptr(GError) reason = NULL;
    /* Standard input is shared with who started us, and so the lock would outlive us.
     */
    if (options->share)
        return true;
    VcWatch *watch = NULL;
    if ((strcmp(name, "-") == 0 || vc_lock(file, false, &reason)) &&
        (!options->watches || vc_watch_new(file, &watch, &reason))) {
        if (watch)
            g_ptr_array_add(options->watches, watch);
        return true;
    }
    vc_fail(error, VC_ERROR_IO, "%s: %s; -U reads it all the same", name,
            reason->message);
    return false;
}

VcFile *
vc_content_open(const char *name, const VcImageOptions *options, VcContent *content,
                GError **error)
{
    bool input = strcmp(name, "-") == 0;
    *content = (VcContent){ .said = input || options->format ||
                                    vc_compression_by_name(name) !=
                                        VC_COMPRESSION_NONE };
    g_autoptr(VcFile) file = vc_posix_open(name, options->cache, error);
    if (!file) {
        g_prefix_error(error, "%s: ", input ? "standard input" : name);
        return NULL;
    }
    content->said |= !file->seekable;
    VcCompression compression;
    if (!vc_content_lock(file, name, options, error) ||
        !probe_compression(file, &compression, error))
        return NULL;
    if (is_plain(options->format, name)) {
        content->ignored = compression;
        compression = VC_COMPRESSION_NONE;
    }
    content->compression = compression;
    bool plain = compression == VC_COMPRESSION_NONE;
    if (!plain && !refuse_two_claims(file, compression, options->format, error))
        return NULL;
    if (plain && (file->seekable || options->readahead == 0))
        return g_steal_pointer(&file);
    return stream_file(g_steal_pointer(&file), compression, options, error);
}
