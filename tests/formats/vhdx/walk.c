/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks VHDX images for the tests over the corpus: opens IMAGE, lets it adopt its
 * PARENT and so on, and tells line by line what came of it.
 *
 *   walk [--sha256] [--check] [--range=OFFSET+LENGTH]... IMAGE [PARENT]...
 */
#include "formats/format.h"
#include "io/checksum.h"
#include "io/error.h"
#include "io/posix.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PIECE ((size_t)64 << 10)

static gboolean sha256, check;
static char **ranges, **paths;

static const GOptionEntry options[] = {
    { "sha256", 0, 0, G_OPTION_ARG_NONE, &sha256, "hash the whole disk", NULL },
    { "check", 0, 0, G_OPTION_ARG_NONE, &check, "check, too", NULL },
    { "range", 0, 0, G_OPTION_ARG_STRING_ARRAY, &ranges, "hash these", "O+L" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, NULL },
    { NULL },
};

static VcSource *
open_chain(char **path, GError **error)
{
    const VcFormat *format = vc_format_find("vhdx", NULL);
    VcFile *file = vc_posix_open(*path, VC_CACHE_WRITEBACK, error);
    if (!file)
        return NULL;
    g_autoptr(VcSource) source = vc_format_open(format, file, NULL, error);
    if (!source)
        return NULL;
    if (source->parent && path[1]) {
        VcSource *parent = open_chain(path + 1, error);
        if (!parent)
            return NULL;
        if (!vc_source_adopt(source, parent, error)) {
            vc_source_free(parent);
            return NULL;
        }
    }
    return g_steal_pointer(&source);
}

/* Hashes LENGTH bytes at OFFSET: all of them, or only the pieces that are not zero,
 * each with its offset before it, which is quick over a disk of many GiB. */
static char *
hash(const VcSource *source, uint64_t offset, uint64_t length, bool whole,
     GError **error)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree uint8_t *data = g_malloc(PIECE);
    VcExtent extent = { 0 };

    for (uint64_t end = offset + length; offset < end;) {
        size_t piece = MIN(end - offset, PIECE - offset % PIECE);
        if (offset >= extent.offset + extent.length &&
            !vc_source_map(source, 0, offset, &extent, error))
            return NULL;
        uint64_t extent_end = extent.offset + extent.length;
        if (!whole && extent.kind == VC_ZERO && extent_end / PIECE > offset / PIECE) {
            offset = MIN(end, extent_end - extent_end % PIECE);
            continue;
        }
        if (!vc_source_read(source, 0, offset, data, piece, error))
            return NULL;
        if (whole || !vc_is_zero(data, piece)) {
            g_autofree char *text = g_strdup_printf("%" PRIu64 "\n", offset);
            if (!whole)
                g_checksum_update(sum, (const guchar *)text, -1);
            g_checksum_update(sum, data, (gssize)piece);
        }
        offset += piece;
    }
    return g_strdup(g_checksum_get_string(sum));
}

static bool
walk(const VcSource *source, GError **error)
{
    uint64_t size = source->layout.disks[0].size, extents = 0, data = 0;
    VcExtent extent;
    for (uint64_t at = 0; at < size; at += extent.length) {
        if (!vc_source_map(source, 0, at, &extent, error))
            return false;
        extents++;
        data += extent.kind == VC_DATA ? extent.length : 0;
    }
    printf("extents %" PRIu64 "\ndata %" PRIu64 "\n", extents, data);

    g_autofree char *print = hash(source, 0, size, false, error);
    if (!print)
        return false;
    printf("fingerprint %s\n", print);
    if (sha256) {
        g_autofree char *sum = hash(source, 0, size, true, error);
        if (!sum)
            return false;
        printf("sha256 %s\n", sum);
    }
    return true;
}

/* The hash of all ranges together, as far as the disk goes. */
static bool
hash_ranges(const VcSource *source, GError **error)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    for (char **range = ranges; *range; range++) {
        char *plus;
        uint64_t size = source->layout.disks[0].size;
        uint64_t offset = MIN(strtoull(*range, &plus, 10), size);
        size_t length = MIN(strtoull(plus + 1, NULL, 10), size - offset);
        g_autofree uint8_t *data = g_malloc(length);
        if (!vc_source_read(source, 0, offset, data, length, error))
            return false;
        g_checksum_update(sum, data, (gssize)length);
    }
    printf("ranges %s\n", g_checksum_get_string(sum));
    return true;
}

static bool
check_file(const char *path, GError **error)
{
    static const char *const kinds[] = { "note", "warning", "leak", "corrupt" };
    g_autoptr(VcFile) file = vc_posix_open(path, VC_CACHE_WRITEBACK, error);
    VcReport report;
    vc_report_init(&report);
    bool ok = file && vc_format_find("vhdx", NULL)->check(file, &report, error);
    for (guint i = 0; ok && i < report.findings->len; i++) {
        const VcFinding *f = &g_array_index(report.findings, VcFinding, i);
        printf("check-%s %s\n", kinds[f->kind], f->text);
    }
    if (ok)
        printf("check %" PRIu64 " of %" PRIu64 " blocks, end %" PRIu64 "\n",
               report.allocated, report.total, report.end);
    vc_report_clear(&report);
    return ok;
}

static bool
run(GError **error)
{
    if (check && !check_file(paths[0], error))
        return false;
    g_autoptr(VcSource) source = open_chain(paths, error);
    if (!source)
        return false;
    printf("size %" PRIu64 "\n", source->layout.disks[0].size);
    for (char **path = source->parent ? source->parent->paths : NULL; path && *path;
         path++)
        printf("parent %s\n", *path);

    bool ok = vc_source_index(source, error) && walk(source, error) &&
              (!ranges || hash_ranges(source, error));
    for (guint i = 0; i < source->warnings->len; i++)
        printf("warning %s\n", (char *)source->warnings->pdata[i]);
    return ok;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("IMAGE [PARENT]...");
    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || !paths) {
        fprintf(stderr, "%s\n", error ? error->message : "no image");
        return 2;
    }
    bool ok = run(&error);
    if (!ok)
        printf("refused %d %s\n", error->code, error->message);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("memory %ld\n", usage.ru_maxrss << 10);
    g_strfreev(ranges);
    g_strfreev(paths);
    return ok ? 0 : 1;
}
