/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The formats, one row each; probing, opening and creating by row. */
#include "formats/format.h"

#include "io/error.h"

#include <string.h>

extern const VcFormat vc_format_vma, vc_format_vpc, vc_format_vhdx, vc_format_raw;

const VcFormat *const vc_formats[] = {
    &vc_format_vma, &vc_format_vpc, &vc_format_vhdx, &vc_format_raw, NULL,
};

const VcFormat *
vc_format_find(const char *name, GError **error)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; vc_formats[i]; i++) {
        const VcFormat *format = vc_formats[i];
        if (strcmp(name, format->name) == 0 ||
            (format->alias && strcmp(name, format->alias) == 0))
            return format;
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", format->name);
        if (format->alias)
            g_string_append_printf(names, " (or %s)", format->alias);
    }
    vc_fail(error, VC_ERROR_USAGE, "unknown format '%s'; known are %s", name,
            names->str);
    return NULL;
}

const VcFormat *
vc_format_probe(VcFile *file, GError **error)
{
    const VcFormat *found = NULL, *raw = NULL;
    for (size_t i = 0; vc_formats[i]; i++) {
        const VcFormat *format = vc_formats[i];
        bool match = false;
        if (!format->probe) {
            raw = format;
        } else if (!format->probe(file, &match, error)) {
            g_prefix_error(error, "%s: ", file->name);
            return NULL;
        }
        /* One of the signatures is payload, which a guest may have written so. */
        if (match && found) {
            vc_fail(
                error, VC_ERROR_USAGE,
                "%s: looks like a %s image and like a %s image; -f FORMAT says which "
                "one it is",
                file->name, found->name, format->name);
            return NULL;
        }
        if (match)
            found = format;
    }
    return found ? found : raw;
}

const VcFormat *
vc_format_probe_end(const uint8_t raw[static VC_TRAILER_SIZE], uint64_t at)
{
    for (size_t i = 0; vc_formats[i]; i++)
        if (vc_formats[i]->probe_end && vc_formats[i]->probe_end(raw, at))
            return vc_formats[i];
    return NULL;
}

VcSource *
vc_format_open(const VcFormat *format, VcFile *file, const VcOptions *options,
               GError **error)
{
    g_autofree char *name = g_strdup(file->name);

    if (!vc_options_check(options, format->name, format->open_options, error)) {
        vc_file_free(file);
        return NULL;
    }
    if (!file->seekable && !format->from_stream) {
        vc_file_free(file);
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "%s: a %s image cannot be read from a pipe or compressed stream: its "
                "tables need random access; store it in a file first",
                name, format->name);
        return NULL;
    }
    VcSource *source = format->open(file, options, error);
    if (!source) {
        g_prefix_error(error, "%s: ", name);
        return NULL;
    }
    source->format = format;
    return source;
}

/* Partition tables count in logical sectors, and guests take 512 bytes for granted. */
static void
warn_of_sectors(VcSink *sink, const VcFormat *format, const VcLayout *layout)
{
    for (unsigned i = 0; i < layout->n_disks && !format->keeps_sectors; i++)
        if (layout->disks[i].logical_sector > 512)
            vc_warn(sink->warnings,
                    "the disk%s%s has logical sectors of %u bytes, which a %s image "
                    "cannot tell: where they have 512, its partitions are not found",
                    layout->n_disks > 1 ? " " : "",
                    layout->n_disks > 1 ? layout->disks[i].name : "",
                    layout->disks[i].logical_sector, format->name);
}

VcSink *
vc_format_create(const VcFormat *format, VcFile *file, const VcLayout *layout,
                 const VcOptions *options, const VcIdentity *identity, GError **error)
{
    if (!format->create) {
        vc_fail(error, VC_ERROR_UNSUPPORTED, "vconv does not write %s images",
                format->name);
        return NULL;
    }
    if (!vc_options_check(options, format->name, format->create_options, error))
        return NULL;
    if (layout->n_disks > format->max_disks) {
        vc_fail(
            error, VC_ERROR_USAGE,
            "%s: a %s image holds at most %u disk%s, not %u; choose one with --disk",
            file->name, format->name, format->max_disks,
            format->max_disks == 1 ? "" : "s", layout->n_disks);
        return NULL;
    }
    VcSink *sink = format->create(file, layout, options, identity, error);
    if (!sink) {
        g_prefix_error(error, "%s: ", file->name);
        return NULL;
    }
    sink->format = format;
    warn_of_sectors(sink, format, layout);
    return sink;
}
