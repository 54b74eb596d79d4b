/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a command opens its sources. */
#include "cli/reading.h"

#include "cli/failure.h"
#include "io/error.h"

#include <string.h>

void
vc_reading_add(VcReading *reading, VcArguments *arguments)
{
    const GOptionEntry entries[] = {
        { "source-cache", 'T', 0, G_OPTION_ARG_FILENAME, &reading->cache,
          "How sources meet the page cache: none, writeback", "MODE" },
        { "force-share", 'U', 0, G_OPTION_ARG_NONE, &reading->share,
          "Read also what another program has open for writing", NULL },
        { "image-opts", 0, 0, G_OPTION_ARG_NONE, &reading->image_opts,
          "Images are given as driver=FORMAT,file.filename=PATH,KEY=VALUE,…", NULL },
        { "chain", 0, 0, G_OPTION_ARG_NONE, &reading->chain,
          "Follow a differencing image to parents elsewhere, or without an id", NULL },
        { "memory-limit", 0, 0, G_OPTION_ARG_FILENAME, &reading->memory,
          "Memory for the window of a compressed stream (128M)", "SIZE" },
        { "spool", 0, 0, G_OPTION_ARG_FILENAME, &reading->spool,
          "Keep a temporary copy of a stream in DIR where one is needed", "DIR" },
        { NULL },
    };
    vc_arguments_add(arguments, entries);
}

bool
vc_cache_parse(const char *option, const char *text, VcCache *cache, bool *sync,
               GError **error)
{
    static const struct {
        const char *name;
        VcCache cache;
    } modes[] = {
        { "none", VC_CACHE_NONE },           { "directsync", VC_CACHE_NONE },
        { "writeback", VC_CACHE_WRITEBACK }, { "writethrough", VC_CACHE_WRITEBACK },
        { "unsafe", VC_CACHE_WRITEBACK },
    };

    *cache = VC_CACHE_AUTO;
    if (!text)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (strcmp(text, modes[i].name) != 0)
            continue;
        *cache = modes[i].cache;
        if (sync && strcmp(text, "unsafe") == 0)
            *sync = false;
        return true;
    }
    vc_fail(error, VC_ERROR_USAGE,
            "%s: invalid cache option '%s'; known are none, directsync, writeback, "
            "writethrough, unsafe",
            option, text);
    return false;
}

bool
vc_reading_prepare(VcReading *reading, GError **error)
{
    VcImageOptions *image = &reading->image;
    image->follow_chain = reading->chain;
    image->share = reading->share;
    image->spool = reading->spool;
    image->readahead = 1;
    if (!vc_cache_parse("-T", reading->cache, &image->cache, NULL, error) ||
        !vc_arguments_size("--memory-limit", reading->memory, 0, &image->memory, error))
        return false;
    if (reading->format) {
        image->format = vc_format_find(reading->format, error);
        if (!image->format)
            return false;
    }
    uint64_t size;
    return vc_arguments_size("--size", reading->size, 0, &size, error);
}

void
vc_reading_clear(VcReading *reading)
{
    g_clear_pointer(&reading->format, g_free);
    g_clear_pointer(&reading->cache, g_free);
    g_clear_pointer(&reading->memory, g_free);
    g_clear_pointer(&reading->spool, g_free);
    g_clear_pointer(&reading->size, g_free);
}

/* Takes out of OPTIONS what names the file and its format, as libvirt writes it:
 * "driver=vhdx,file.driver=file,file.filename=disk.vhdx". What is left is for the
 * format to know. TEXT is for the message. */
static char *
take_file(VcOptions *options, const char *text, const VcFormat **format, GError **error)
{
    /* How vconv opens a source anyway, or what -U says. */
    static const char *const ignored[] = { "read-only", "force-share",
                                           "file.force-share" };
    for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
        g_free(vc_options_take(options, ignored[i]));

    g_autofree char *protocol = vc_options_take(options, "file.driver");
    g_autofree char *driver = vc_options_take(options, "driver");
    g_autofree char *plain = vc_options_take(options, "filename");
    g_autofree char *path = vc_options_take(options, "file.filename");
    if (!path)
        path = g_steal_pointer(&plain);
    if (!path || (protocol && strcmp(protocol, "file") != 0)) {
        vc_fail(error, VC_ERROR_USAGE,
                "--image-opts: '%s' names no local file; vconv takes "
                "driver=FORMAT,file.filename=PATH and options of the format",
                text);
        return NULL;
    }
    if (driver && strcmp(driver, "file") != 0) {
        const VcFormat *found = vc_format_find(driver, error);
        if (!found)
            return NULL;
        if (*format && found != *format) {
            vc_fail(error, VC_ERROR_USAGE,
                    "--image-opts: %s is to be read as %s, not as %s", path,
                    (*format)->name, found->name);
            return NULL;
        }
        *format = found;
    }
    vc_failure_add_file(path);
    return g_steal_pointer(&path);
}

/* Gives the path of the image that was typed as TEXT, with its format in OPTIONS, and
 * in GIVEN what is for the format to know. */
static char *
find_path(const VcReading *reading, const char *text, VcImageOptions *options,
          VcOptions *given, GError **error)
{
    if (!reading->image_opts)
        return g_strdup(text);
    return vc_options_parse(given, text, error)
               ? take_file(given, text, &options->format, error)
               : NULL;
}

bool
vc_reading_open(const VcReading *reading, const char *name, const VcFormat *format,
                VcImage *image, GError **error)
{
    VcImageOptions options = reading->image;
    if (format)
        options.format = format;
    g_autoptr(VcOptions) given = vc_options_new();
    g_autofree char *path = find_path(reading, name, &options, given, error);
    if (reading->size)
        vc_options_set(given, "size", reading->size);
    options.options = given;
    return path && vc_image_open(image, path, &options, error);
}

char *
vc_reading_path(VcReading *reading, const char *name, const VcFormat *format,
                GError **error)
{
    if (format)
        reading->image.format = format;
    g_autoptr(VcOptions) given = vc_options_new();
    g_autofree char *path = find_path(reading, name, &reading->image, given, error);
    const char *key = vc_options_first(given);
    if (path && key) {
        vc_fail(error, VC_ERROR_USAGE, "--image-opts: option '%s' means nothing here",
                key);
        return NULL;
    }
    return g_steal_pointer(&path);
}
