/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: a script of places in a new VHD, which then reads as the model says. */
#include "tests/fuzz/fuzz.h"

#include "formats/format.h"
#include "io/memory.h"

#include <string.h>

#define CELLS_MAX 300u

extern const VcFormat vc_format_vpc;

typedef struct {
    VcSink *sink;
    uint64_t size;
    uint8_t model[CELLS_MAX]; /* what fills each cell, 0: nothing was placed */
} Script;

static void
put(Script *s, unsigned cell, uint8_t fill)
{
    uint8_t bytes[VC_CELL];
    uint64_t offset = (uint64_t)cell * VC_CELL, position, again, run;
    uint64_t length = offset < s->size ? MIN(VC_CELL, s->size - offset) : 0;

    if (length == 0)
        return;
    memset(bytes, fill, sizeof bytes);
    g_assert(vc_sink_place(s->sink, 0, offset, length, &position, &run, NULL));
    g_assert(run == length);
    g_assert(vc_sink_place(s->sink, 0, offset, length, &again, &run, NULL));
    g_assert(again == position && position % VC_CELL == 0);
    g_assert(vc_file_write(s->sink->file, position, bytes, length, NULL));
    s->model[cell] = fill;
}

static void
verify(const Script *s, VcFile *file)
{
    g_autoptr(GError) error = NULL;
    VcReport report;
    vc_report_init(&report);
    g_assert(vc_format_vpc.check(file, &report, NULL));
    g_assert(report.count[VC_FINDING_CORRUPT] == 0 &&
             report.count[VC_FINDING_LEAK] == 0);
    vc_report_clear(&report);

    g_autoptr(VcSource) source = vc_format_open(&vc_format_vpc, file, NULL, &error);
    g_assert_no_error(error);
    g_assert(source->layout.disks[0].size == (s->size + 511) / 512 * 512);
    for (uint64_t offset = 0; offset < s->size; offset += VC_CELL) {
        uint8_t bytes[VC_CELL];
        size_t length = MIN(VC_CELL, s->size - offset);
        g_assert(vc_source_read(source, 0, offset, bytes, length, NULL));
        for (size_t i = 0; i < length; i += 256)
            g_assert(bytes[i] == s->model[offset / VC_CELL]);
        g_assert(bytes[length - 1] == s->model[offset / VC_CELL]);
    }
}

/* Options, two bytes of size, then pairs of a cell and what goes there. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const words[] = { "block_size=4k", "block_size=8k",
                                         "block_size=128k", "block_size=2M",
                                         "subformat=fixed" };
    if (size < 3)
        return 0;
    Script s = { .size = ((uint64_t)data[1] << 8 | data[2]) * 16 + data[0] };
    s.size = MIN(s.size, (uint64_t)CELLS_MAX * VC_CELL);
    bool fixed = data[0] % 5 == 4, old = !fixed && data[0] & 0x80;

    VcFile *file = vc_memory_file("image");
    if (old) {
        g_autofree uint8_t *garbage = g_malloc(100000);
        memset(garbage, 0xa5, 100000);
        vc_file_write(file, 0, garbage, 100000, NULL);
        file->reads_zero = false;
    }
    g_autoptr(VcOptions) options = vc_options_new();
    vc_options_parse(options, words[data[0] % 5], NULL);
    VcIdentity identity = { .reproducible = true };
    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "disk", s.size);
    s.sink = vc_format_create(&vc_format_vpc, file, &layout, options, &identity, NULL);
    vc_layout_clear(&layout);
    g_assert(s.sink);
    for (size_t i = 3; i + 1 < size; i += 2)
        put(&s, data[i] % CELLS_MAX, data[i + 1]);
    g_assert(vc_sink_finish(s.sink, NULL));
    vc_sink_free(s.sink);
    verify(&s, file);
    return 0;
}
