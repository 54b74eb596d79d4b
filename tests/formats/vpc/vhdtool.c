/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program for the tests in Python: reads, writes and checks VHD files through the
 * format alone, without the engine.
 *
 *   vhdtool probe FILE                         vpc | other
 *   vhdtool read OPTIONS RANGES FILE PARENT... size, SHA-256 of the disk (or of the
 * ranges OFFSET+LENGTH;...), parents, warnings vhdtool write OPTIONS RAW FILE a VHD
 * with the disk RAW, time 2020-01-01 vhdtool check FILE findings
 *
 * OPTIONS and RANGES may be empty. Errors go to standard output as "error TEXT" and
 * give the exit status 1. */
#include "formats/format.h"
#include "io/checksum.h"
#include "io/error.h"
#include "io/posix.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)1 << 20)

extern const VcFormat vc_format_vpc;

static int
fail(GError *error)
{
    printf("error %s\n", error->message);
    g_error_free(error);
    return 1;
}

static bool
hash_range(const VcSource *source, uint64_t offset, uint64_t length, GChecksum *sum,
           GError **error)
{
    g_autofree uint8_t *buffer = g_malloc(PIECE);
    while (length > 0) {
        size_t piece = MIN(length, PIECE);
        if (!vc_source_read(source, 0, offset, buffer, piece, error))
            return false;
        g_checksum_update(sum, buffer, (gssize)piece);
        offset += piece;
        length -= piece;
    }
    return true;
}

static bool
hash(const VcSource *source, const char *ranges, GError **error)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_auto(GStrv) parts = g_strsplit(ranges, ";", -1);

    if (!parts[0] && !hash_range(source, 0, source->layout.disks[0].size, sum, error))
        return false;
    for (char **part = parts; *part; part++) {
        char *end;
        uint64_t offset = g_ascii_strtoull(*part, &end, 10);
        uint64_t length = g_ascii_strtoull(end + 1, NULL, 10);
        if (!hash_range(source, offset, length, sum, error))
            return false;
    }
    printf("size %" G_GUINT64_FORMAT "\n", source->layout.disks[0].size);
    printf("sha256 %s\n", g_checksum_get_string(sum));
    return true;
}

static VcSource *
open_chain(char **paths, const VcOptions *options, GError **error)
{
    VcFile *file = vc_posix_open(paths[0], VC_CACHE_WRITEBACK, error);
    g_autoptr(VcSource)
        source = file ? vc_format_open(&vc_format_vpc, file, options, error) : NULL;
    if (!source)
        return NULL;
    for (char **path = source->parent ? source->parent->paths : NULL; path && *path;
         path++)
        printf("parent %s\n", *path);
    for (unsigned i = 0; i < source->warnings->len; i++)
        printf("warning %s\n", (char *)source->warnings->pdata[i]);
    g_ptr_array_set_size(source->warnings, 0);
    if (!paths[1])
        return g_steal_pointer(&source);

    g_autoptr(VcSource) below = open_chain(paths + 1, NULL, error);
    if (!below || !vc_source_adopt(source, below, error))
        return NULL;
    below = NULL;
    for (unsigned i = 0; i < source->warnings->len; i++)
        printf("warning %s\n", (char *)source->warnings->pdata[i]);
    return g_steal_pointer(&source);
}

static int
read_image(char **args)
{
    GError *error = NULL;
    g_autoptr(VcOptions) options = vc_options_new();
    if (!vc_options_parse(options, args[0], &error))
        return fail(error);
    g_autoptr(VcSource) source = open_chain(args + 2, options, &error);
    if (!source)
        return fail(error);
    unsigned told = source->warnings->len;
    if (!hash(source, args[1], &error))
        return fail(error);
    const GPtrArray *all = vc_source_warnings(source);
    for (unsigned i = told; i < all->len; i++)
        printf("warning %s\n", (char *)all->pdata[i]);
    return 0;
}

static bool
copy(VcFile *from, uint64_t size, VcSink *sink, GError **error)
{
    g_autofree uint8_t *buffer = g_malloc(VC_CELL);
    for (uint64_t at = 0; at < size; at += VC_CELL) {
        size_t length = MIN(size - at, VC_CELL);
        uint64_t position, run;
        if (!vc_file_read(from, at, buffer, length, error))
            return false;
        if (vc_is_zero(buffer, length))
            continue;
        if (!vc_sink_place(sink, 0, at, length, &position, &run, error) ||
            !vc_file_write(sink->file, position, buffer, length, error))
            return false;
    }
    return vc_sink_finish(sink, error);
}

static int
write_image(char **args)
{
    GError *error = NULL;
    VcIdentity identity = { .reproducible = true, .time = 1577836800 };
    VcLayout layout = { 0 };
    uint64_t size;
    g_autoptr(VcOptions) options = vc_options_new();
    g_autoptr(VcFile) from = vc_posix_open(args[1], VC_CACHE_WRITEBACK, &error);
    if (!from || !vc_options_parse(options, args[0], &error) ||
        !vc_file_size(from, &size, &error))
        return fail(error);

    int fd = open(args[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    g_autoptr(VcFile)
        to = vc_posix_output(fd, NULL, args[2], VC_CACHE_WRITEBACK, &error);
    if (!to)
        return fail(error);
    to->reads_zero = true;
    vc_layout_add_disk(&layout, args[1], size);
    g_autoptr(VcSink) sink = vc_format_create(&vc_format_vpc, to, &layout, options,
                                              &identity, &error);
    vc_layout_clear(&layout);
    if (!sink || !copy(from, size, sink, &error))
        return fail(error);
    for (unsigned i = 0; i < sink->warnings->len; i++)
        printf("warning %s\n", (char *)sink->warnings->pdata[i]);
    return 0;
}

static int
check_image(const char *path)
{
    static const char *const kinds[] = { "note", "warning", "leak", "corrupt" };
    GError *error = NULL;
    VcReport report;
    g_autoptr(VcFile) file = vc_posix_open(path, VC_CACHE_WRITEBACK, &error);

    if (!file)
        return fail(error);
    vc_report_init(&report);
    bool done = vc_format_vpc.check(file, &report, &error);
    for (unsigned i = 0; i < report.findings->len; i++) {
        const VcFinding *finding = &g_array_index(report.findings, VcFinding, i);
        printf("%s %s\n", kinds[finding->kind], finding->text);
    }
    vc_report_clear(&report);
    return done ? 0 : fail(error);
}

static int
probe(const char *path)
{
    GError *error = NULL;
    bool match = false;
    g_autoptr(VcFile) file = vc_posix_open(path, VC_CACHE_WRITEBACK, &error);
    if (!file || !vc_format_vpc.probe(file, &match, &error))
        return fail(error);
    printf("%s\n", match ? "vpc" : "other");
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "probe") == 0)
        return probe(argv[2]);
    if (argc >= 5 && strcmp(argv[1], "read") == 0)
        return read_image(argv + 2);
    if (argc == 5 && strcmp(argv[1], "write") == 0)
        return write_image(argv + 2);
    if (argc == 3 && strcmp(argv[1], "check") == 0)
        return check_image(argv[2]);
    fprintf(stderr, "usage: see the source\n");
    return 2;
}
