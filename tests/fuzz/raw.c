/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw images, sink and source: a script of writes, read back in every way that there
 * is, holds what a flat model does.
 *
 * Byte 0: bit 0 the size is not known, bit 1 a used file, bit 2 enlarged by an option.
 * Two bytes of size. Then writes of 3 bytes: cell, cells modulo 16, fill. */
#include "tests/fuzz/fuzz.h"

#include "formats/format.h"
#include "io/memory.h"
#include "io/stream.h"

#include <string.h>

extern const VcFormat vc_format_raw;

#define CELLS_MAX 64u
#define HEAD 3u
#define WRITE 3u

typedef struct {
    uint64_t size, end; /* END: of what was written */
    uint8_t model[CELLS_MAX * VC_CELL];
} Script;

static void
write_all(Script *s, VcSink *sink, const uint8_t *data, size_t size)
{
    for (; size >= WRITE; data += WRITE, size -= WRITE) {
        uint64_t offset = data[0] % CELLS_MAX * (uint64_t)VC_CELL, position, run;
        if (offset >= s->size)
            continue;
        uint64_t length = MIN((data[1] % 16u + 1) * (uint64_t)VC_CELL,
                              s->size - offset);
        memset(s->model + offset, data[2], length);
        g_assert(vc_sink_place(sink, 0, offset, length, &position, &run, NULL));
        g_assert(run == length && position == offset);
        g_assert(vc_file_write(sink->file, position, s->model + offset, length, NULL));
        s->end = MAX(s->end, offset + length);
    }
}

/* Reads SOURCE in its order. */
static void
walk(const Script *s, VcSource *source, uint64_t size)
{
    static uint8_t bytes[CELLS_MAX * VC_CELL + 1];
    uint64_t at = 0;
    for (VcExtent extent;; at += extent.length) {
        g_assert(vc_source_next(source, &extent, NULL));
        if (extent.kind == VC_END)
            break;
        g_assert(extent.offset == at && extent.length > 0 &&
                 extent.length <= size - at);
        memset(bytes, 0, extent.length);
        if (extent.kind == VC_DATA)
            g_assert(
                vc_file_read(extent.file, extent.position, bytes, extent.length, NULL));
        g_assert(memcmp(bytes, s->model + at, extent.length) == 0);
    }
    g_assert(at == size);
}

static void
read_back(const Script *s, VcFile *file, const char *options, uint64_t size)
{
    g_autoptr(VcOptions) given = vc_options_new();
    g_assert(vc_options_parse(given, options, NULL));
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = vc_format_open(&vc_format_raw, file, given, &error);
    g_assert_no_error(error);
    walk(s, source, size);
}

static VcFile *
as_stream(const Script *s, uint64_t size)
{
    VcFile *file = vc_memory_file_from("flat", s->model, size);
    return vc_stream_file(vc_stream_from_file(file), "stream");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Script s;
    if (size < HEAD)
        return 0;
    memset(&s, 0, sizeof s);
    s.size = (data[1] + 256u * data[2]) * 4u;
    bool unknown = data[0] & 1, larger = !unknown && data[0] & 4;

    g_autoptr(VcFile) file = vc_memory_file("image");
    if (data[0] & 2) {
        static uint8_t dirt[300000];
        memset(dirt, 0xee, sizeof dirt);
        vc_file_write(file, 0, dirt, unknown ? 0 : sizeof dirt, NULL);
        file->reads_zero = false;
    }
    /* What a sink of fixed places does not write must be zero before. */
    if (!file->reads_zero)
        g_assert(vc_file_zero(file, 0, s.size, NULL));

    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "disk", unknown ? VC_SIZE_UNKNOWN : s.size);
    g_autoptr(VcOptions) options = vc_options_new();
    if (larger)
        vc_options_set(options, "size", "262144");
    g_autoptr(VcSink)
        sink = vc_format_create(&vc_format_raw, file, &layout, options, NULL, NULL);
    vc_layout_clear(&layout);
    g_assert(sink);
    write_all(&s, sink, data + HEAD, size - HEAD);
    g_assert(vc_sink_finish(sink, NULL));

    uint64_t whole = unknown ? s.end : larger ? sizeof s.model : s.size, got;
    g_assert(vc_file_size(file, &got, NULL) && got == whole);
    g_autofree char *sized = g_strdup_printf("size=%" G_GUINT64_FORMAT, whole);
    read_back(&s, g_steal_pointer(&file), sized, whole);
    read_back(&s, as_stream(&s, whole), sized, whole);
    read_back(&s, as_stream(&s, whole), "", whole);
    return 0;
}
