/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes an image of chance through a format's sink, and a flat copy beside it, for
 * other programs to judge: write-image FORMAT OPTIONS SIZE SECTOR RUNS SEED IMAGE FLAT.
 */
#include "formats/format.h"
#include "io/output.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    uint64_t offset, length;
} Run;

#define RUN_CELLS_MAX 64

static uint64_t
number(const char *text)
{
    uint64_t value;
    if (!vc_size_parse(text, &value)) {
        fprintf(stderr, "write-image: '%s' is not a number\n", text);
        exit(2);
    }
    return value;
}

static void
need(bool good, const GError *error)
{
    if (good)
        return;
    fprintf(stderr, "write-image: %s\n", error->message);
    exit(1);
}

/* COUNT runs, one in each part of the disk; the first begins and the last ends with it.
 * In the order of chance, where SINK takes any. */
static Run *
make_runs(const VcSink *sink, unsigned count, GRand *chance)
{
    uint64_t size = sink->layout.disks[0].size;
    uint64_t cells = size / VC_CELL + (size % VC_CELL != 0);
    Run *runs = g_new0(Run, count + 1);

    for (unsigned i = 0; i < count; i++) {
        uint64_t from = cells * i / count, to = cells * (i + 1) / count;
        if (from == to)
            continue;
        uint64_t most = MIN(to - from, RUN_CELLS_MAX);
        uint64_t length = 1 + g_rand_int(chance) % most;
        uint64_t at = from + g_rand_int(chance) % (to - from - length + 1);
        at = i == 0 ? 0 : i == count - 1 ? to - length : at;
        runs[i].offset = at * VC_CELL;
        runs[i].length = MIN(length * VC_CELL, size - runs[i].offset);
    }
    for (unsigned i = count; sink->order == VC_ORDER_ANY && i > 1; i--) {
        unsigned other = g_rand_int(chance) % i;
        Run run = runs[i - 1];
        runs[i - 1] = runs[other];
        runs[other] = run;
    }
    return runs;
}

static void
write_run(VcSink *sink, VcFile *flat, Run run, GRand *chance)
{
    g_autoptr(GError) error = NULL;
    static uint8_t data[RUN_CELLS_MAX * VC_CELL];
    for (size_t i = 0; i < run.length; i++)
        data[i] = (uint8_t)g_rand_int(chance);
    if (flat)
        need(vc_file_write(flat, run.offset, data, run.length, &error), error);

    const uint8_t *at = data;
    while (run.length > 0) {
        uint64_t position, length;
        need(vc_sink_place(sink, 0, run.offset, run.length, &position, &length, &error),
             error);
        need(vc_file_write(sink->file, position, at, length, &error), error);
        at += length;
        run.offset += length;
        run.length -= length;
    }
}

/* Gives an output at PATH. */
static VcOutput *
open_output(const char *path)
{
    g_autoptr(GError) error = NULL;
    VcOutput *output = vc_output_open(path, VC_OUTPUT_FORCE, VC_CACHE_WRITEBACK, false,
                                      &error);
    need(output != NULL, error);
    return output;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    if (argc != 8 && argc != 9) {
        fprintf(
            stderr,
            "usage: write-image FORMAT OPTIONS SIZE SECTOR RUNS SEED IMAGE [FLAT]\n");
        return 2;
    }
    const VcFormat *format = vc_format_find(argv[1], &error);
    need(format != NULL, error);
    g_autoptr(VcOptions) options = vc_options_new();
    need(vc_options_parse(options, argv[2], &error), error);
    VcLayout layout = { 0 };
    VcDisk *disk = vc_layout_add_disk(&layout, "disk", number(argv[3]));
    disk->logical_sector = (uint32_t)number(argv[4]);
    unsigned count = (unsigned)number(argv[5]);
    g_autoptr(GRand) chance = g_rand_new_with_seed((uint32_t)number(argv[6]));
    VcIdentity identity = { .reproducible = true };

    g_autoptr(VcOutput) image = open_output(argv[7]);
    g_autoptr(VcOutput) copy = argc > 8 ? open_output(argv[8]) : NULL;
    VcFile *flat = copy ? vc_output_file(copy) : NULL;
    g_autoptr(VcSink) sink = vc_format_create(format, vc_output_file(image), &layout,
                                              options, &identity, &error);
    need(sink != NULL, error);

    g_autofree Run *runs = make_runs(sink, count, chance);
    for (unsigned i = 0; i < count; i++)
        if (runs[i].length > 0)
            write_run(sink, flat, runs[i], chance);
    need(vc_sink_finish(sink, &error), error);
    need(vc_output_commit(image, &error), error);
    if (copy) {
        need(vc_file_truncate(flat, sink->layout.disks[0].size, &error), error);
        need(vc_output_commit(copy, &error), error);
    }
    vc_layout_clear(&layout);
    return 0;
}
