/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that all writing commands share. */
#include "cli/transfer.h"

#include "cli/identity.h"
#include "cli/print.h"
#include "io/error.h"
#include "io/watch.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* qemu-img's limit; a longer run of zeros would never be met in one request. */
#define SPARSE_MAX ((uint64_t)16 << 20)

void
vc_transfer_add(VcTransfer *t, VcArguments *arguments)
{
    const GOptionEntry entries[] = {
        { "progress", 'p', 0, G_OPTION_ARG_NONE, &t->progress,
          "Show progress; --progress=json as JSON lines on standard error", NULL },
        { "progress-format", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME,
          &t->progress_format, NULL, NULL },
        { "progress-fd", 0, 0, G_OPTION_ARG_FILENAME, &t->progress_fd,
          "Write progress as JSON lines to descriptor N", "N" },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &t->quiet, "Say nothing but errors",
          NULL },
        { "options", 'o', 0, G_OPTION_ARG_FILENAME_ARRAY, &t->options,
          "Options of the target's format; -o help lists them", "KEY=VALUE,…" },
        { "force", 0, 0, G_OPTION_ARG_NONE, &t->force, "Replace existing outputs",
          NULL },
        { "sparse", 'S', 0, G_OPTION_ARG_FILENAME, &t->sparse,
          "Shortest run of zeros that becomes a hole; 0 for none (4k)", "SIZE" },
        { "no-holes", 0, 0, G_OPTION_ARG_NONE, &t->no_holes, "The same as -S 0", NULL },
        { "size-align", 0, 0, G_OPTION_ARG_FILENAME, &t->align,
          "Round the size of disks up to a multiple of SIZE (Azure: 1M)", "SIZE" },
        { "workers", 'm', 0, G_OPTION_ARG_FILENAME, &t->workers,
          "Number of threads that move data (16)", "N" },
        { "unordered", 'W', 0, G_OPTION_ARG_NONE, &t->unordered,
          "Accepted; writes may always overtake one another", NULL },
        { "cache", 't', 0, G_OPTION_ARG_FILENAME, &t->target_cache,
          "How outputs meet the page cache: none, writeback, unsafe", "MODE" },
        { "rate", 'r', 0, G_OPTION_ARG_FILENAME, &t->rate,
          "At most SIZE bytes a second", "SIZE" },
        { "reflink", 0, 0, G_OPTION_ARG_FILENAME, &t->reflink,
          "Share blocks with the source where the file system can: auto, always, never",
          "WHEN" },
        { "compress", 0, 0, G_OPTION_ARG_FILENAME, &t->compress,
          "Compress the output: zstd[:LEVEL][,threads=N], gzip[:LEVEL], lzo, none",
          "HOW" },
        { "reproducible", 0, 0, G_OPTION_ARG_NONE, &t->reproducible,
          "Fixed UUIDs and times: equal input gives equal bytes", NULL },
        { "no-sync", 0, 0, G_OPTION_ARG_NONE, &t->no_sync,
          "Do not wait until outputs are safe from a power cut", NULL },
        { NULL },
    };
    vc_arguments_add(arguments, entries);
    vc_reading_add(&t->reading, arguments);
}

bool
vc_transfer_help(const VcTransfer *t, const VcFormat *format)
{
    bool wanted = false;
    for (char **o = t->options; o && *o; o++)
        wanted = wanted || strcmp(*o, "help") == 0 || strcmp(*o, "?") == 0;
    if (!wanted)
        return false;

    vc_print_line("Options of format %s:", format->name);
    for (const VcOptionSpec *s = format->create_options; s && s->key; s++) {
        static const char *const kinds[] = { "SIZE", "on|off", NULL, "TEXT" };
        const char *kind = s->type == VC_OPTION_CHOICE ? s->choices : kinds[s->type];
        g_autofree char *usage = g_strdup_printf("%s=%s", s->key, kind);
        vc_print_line("  %-32s %s%s%s%s", usage, s->help, s->fallback ? " (" : "",
                      s->fallback ? s->fallback : "", s->fallback ? ")" : "");
    }
    return true;
}

/* Whether descriptor FD came with us, for writing. Else one of our own files could get
 * the number; those are closed on exec, which what was passed on to us cannot be. */
static bool
is_given(int fd)
{
    int flags = fcntl(fd, F_GETFD), status = fcntl(fd, F_GETFL);
    return flags >= 0 && !(flags & FD_CLOEXEC) && status >= 0 &&
           (status & O_ACCMODE) != O_RDONLY && !(status & O_PATH);
}

static bool
prepare_progress(VcTransfer *t, GError **error)
{
    t->fd = STDERR_FILENO;
    if (t->progress_format && strcmp(t->progress_format, "json") != 0) {
        vc_fail(error, VC_ERROR_USAGE, "--progress: '%s' is not json",
                t->progress_format);
        return false;
    }
    uint64_t fd;
    if (!vc_arguments_number("--progress-fd", t->progress_fd, G_MAXINT, STDERR_FILENO,
                             &fd, error))
        return false;
    t->fd = (int)fd;
    if (t->progress_fd && !is_given(t->fd)) {
        vc_fail(
            error, VC_ERROR_USAGE,
            "--progress-fd: descriptor %d is not open for writing; the caller has to "
            "pass it on",
            t->fd);
        return false;
    }
    if (t->progress_format || t->progress_fd)
        t->style = VC_PROGRESS_JSON;
    else if (t->progress && !t->quiet)
        t->style = VC_PROGRESS_LINE;
    if (t->quiet)
        vc_print_be_quiet();
    return true;
}

static bool
prepare_sparse(VcTransfer *t, GError **error)
{
    uint64_t *sparse = &t->convert.sparse;
    if (!vc_arguments_size("-S", t->sparse, VC_SPARSE_DEFAULT, sparse, error))
        return false;
    if (*sparse > SPARSE_MAX || *sparse % 512 != 0) {
        vc_fail(error, VC_ERROR_USAGE,
                "-S: '%s' is not a multiple of 512 up to 16M, nor 0 for no holes",
                t->sparse);
        return false;
    }
    if (t->no_holes)
        *sparse = 0;
    return true;
}

static bool
prepare_align(VcTransfer *t, GError **error)
{
    if (t->align && vc_options_text(t->create, "size", NULL)) {
        vc_fail(
            error, VC_ERROR_USAGE,
            "--size-align rounds the size of the source, and -o size is another one");
        return false;
    }
    return vc_arguments_size("--size-align", t->align, 0, &t->size_align, error);
}

static bool
prepare_reflink(VcTransfer *t, GError **error)
{
    static const char *const words[] = { "auto", "always", "never" };
    for (size_t i = 0; t->reflink && i < G_N_ELEMENTS(words); i++) {
        if (strcmp(t->reflink, words[i]) == 0) {
            t->convert.reflink = (VcReflink)i;
            return true;
        }
    }
    /* What is shared comes as it lies, zeros as well, and so with another layout. */
    if (!t->reflink && t->reproducible)
        t->convert.reflink = VC_REFLINK_NEVER;
    if (!t->reflink)
        return true;
    vc_fail(error, VC_ERROR_USAGE, "--reflink is auto, always or never, not '%s'",
            t->reflink);
    return false;
}

static bool
prepare_mode(VcTransfer *t, GError **error)
{
    if (t->target_is_zero && !t->in_place) {
        vc_fail(error, VC_ERROR_USAGE,
                "--target-is-zero is about an existing target: it requires -n");
        return false;
    }
    if (t->in_place)
        t->mode = VC_OUTPUT_IN_PLACE;
    else if (t->force || vc_manners == VC_MANNERS_QEMU_IMG)
        t->mode = VC_OUTPUT_FORCE;
    else
        t->mode = VC_OUTPUT_NEW;
    return true;
}

bool
vc_transfer_prepare(VcTransfer *t, GError **error)
{
    uint64_t workers;
    t->convert.sync = !t->no_sync;
    t->convert.progress = vc_progress_report;
    t->create = vc_options_new();
    t->watches = g_ptr_array_new_with_free_func((GDestroyNotify)vc_watch_free);
    t->inputs = g_ptr_array_new_with_free_func(g_free);
    for (char **o = t->options; o && *o; o++)
        if (!vc_options_parse(t->create, *o, error))
            return false;
    if (!vc_reading_prepare(&t->reading, error) || !prepare_progress(t, error) ||
        !prepare_sparse(t, error) || !prepare_reflink(t, error) ||
        !prepare_mode(t, error) ||
        !vc_cache_parse("-t", t->target_cache, &t->convert.target_cache,
                        &t->convert.sync, error) ||
        !vc_arguments_size("-r", t->rate, 0, &t->convert.rate, error) ||
        !prepare_align(t, error) ||
        !vc_arguments_number("-m", t->workers, VC_WORKERS_MAX, VC_WORKERS_DEFAULT,
                             &workers, error) ||
        !vc_identity_prepare(&t->convert.identity, t->reproducible, error))
        return false;
    t->convert.workers = (unsigned)workers;
    if (workers == 0)
        t->reading.image.readahead = 0;
    return !t->compress ||
           vc_compress_options_parse(t->compress, &t->compression, error);
}

void
vc_transfer_clear(VcTransfer *t)
{
    vc_reading_clear(&t->reading);
    g_clear_pointer(&t->progress_format, g_free);
    g_clear_pointer(&t->progress_fd, g_free);
    g_clear_pointer(&t->workers, g_free);
    g_clear_pointer(&t->sparse, g_free);
    g_clear_pointer(&t->target_cache, g_free);
    g_clear_pointer(&t->rate, g_free);
    g_clear_pointer(&t->reflink, g_free);
    g_clear_pointer(&t->compress, g_free);
    g_clear_pointer(&t->align, g_free);
    g_clear_pointer(&t->options, g_strfreev);
    g_clear_pointer(&t->disks, g_strfreev);
    g_clear_pointer(&t->create, vc_options_free);
    g_clear_pointer(&t->watches, g_ptr_array_unref);
    g_clear_pointer(&t->inputs, g_ptr_array_unref);
}
