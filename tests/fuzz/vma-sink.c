/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VMA sink: the input is a layout and a script of writes. What goes down a pipe is
 * what lies in a file, the source takes it, and it holds what a flat model does.
 *
 * Byte 0: bits 0 to 2 number of disks, bit 3 a used file, bit 4 the input is a config,
 * too, bit 5 there are options, bit 6 the first disk has a size that is refused, bit 7
 * the config is there twice as often as the last byte says, and once more. Two bytes
 * for each disk: its size, in units of 16 bytes. With options a length, and as many
 * bytes of text. Then writes of 3 bytes: cells to go on (255: to the next disk), cells
 * to write modulo 40, fill. */
#include "tests/fuzz/fuzz.h"

#include "formats/format.h"
#include "io/bytes.h"
#include "io/error.h"
#include "io/lent.h"
#include "io/memory.h"
#include "io/ordered.h"
#include "io/stream.h"

#include <string.h>
#include <uuid.h>

extern const VcFormat vc_format_vma;

#define DISKS_MAX 5u
#define CELLS_MAX 257u /* 65535 units of 16 bytes */
#define WRITE 3u

enum {
    DISKS = 7,
    USED = 8,
    CONFIG = 0x10,
    OPTIONS = 0x20,
    BAD_SIZE = 0x40,
    MANY = 0x80
};

typedef struct {
    const uint8_t *data;
    size_t size;
    unsigned disks, configs;
    VcOptions *options; /* borrowed; NULL: none */
    size_t writes;      /* where they begin */
    uint64_t sizes[DISKS_MAX];
    uint8_t model[DISKS_MAX][CELLS_MAX]; /* what fills each cell */
} Script;

static void
parse(Script *s, const uint8_t *data, size_t size)
{
    static const uint64_t refused[] = { 0, ((uint64_t)1 << 48) + 1, VC_SIZE_UNKNOWN };
    *s = (Script){ .data = data, .size = size };
    s->disks = MIN(data[0] & DISKS, DISKS_MAX);
    if (size < 1 + 2 * (size_t)s->disks)
        s->disks = (unsigned)((size - 1) / 2);
    for (unsigned i = 0; i < s->disks; i++)
        s->sizes[i] = 16 * (1 + (uint64_t)data[1 + 2 * i] + 256u * data[2 + 2 * i]);
    if (data[0] & BAD_SIZE && s->disks > 0)
        s->sizes[0] = refused[data[1] % G_N_ELEMENTS(refused)];
    if (data[0] & CONFIG)
        s->configs = data[0] & MANY ? 1 + 2u * data[size - 1] : 1;
    s->writes = 1 + 2 * (size_t)s->disks;
}

/* Takes the options from the input into OPTIONS; false where they are none. */
static bool
parse_options(Script *s, VcOptions *options)
{
    g_autoptr(GError) error = NULL;
    if (!(s->data[0] & OPTIONS) || s->writes == s->size)
        return true;
    size_t length = MIN(s->data[s->writes], s->size - s->writes - 1);
    g_autofree char *text = g_strndup((const char *)s->data + s->writes + 1, length);
    s->writes += 1 + length;
    s->options = options;
    bool well = vc_options_parse(options, text, &error);
    g_assert(well == !error);
    return well;
}

static void
make_layout(const Script *s, VcLayout *layout)
{
    static const char *const names[] = { "drive-scsi0", "", "drive-\033[1m", "vmstate",
                                         "drive-scsi0" };
    for (unsigned i = 0; i < s->disks; i++)
        vc_layout_add_disk(layout, names[i], s->sizes[i])->vmstate = i == 3;
    for (unsigned i = 0; i < s->configs; i++)
        vc_layout_add_blob(layout, "qemu-server.conf", s->data, s->size);
}

static void
put(Script *s, VcSink *sink, unsigned disk, uint64_t cell, uint64_t cells, uint8_t fill)
{
    uint8_t bytes[40 * VC_CELL];
    uint64_t offset = cell * VC_CELL, position, run;
    uint64_t length = MIN(cells * VC_CELL, s->sizes[disk] - offset);
    memset(bytes, fill, length);
    memset(s->model[disk] + cell, fill, (length + VC_CELL - 1) / VC_CELL);
    for (; length > 0; length -= run, offset += run) {
        g_assert(vc_sink_place(sink, disk, offset, length, &position, &run, NULL));
        g_assert(run > 0 && run <= length);
        g_assert(vc_file_write(sink->file, position, bytes, run, NULL));
        g_assert(
            vc_file_settle(sink->file, vc_sink_settled(sink, position + run), NULL));
    }
}

static void
write_all(Script *s, VcSink *sink)
{
    unsigned disk = 0;
    uint64_t cell = 0;
    for (size_t at = s->writes; s->size - at >= WRITE; at += WRITE) {
        const uint8_t *op = s->data + at;
        cell += op[0];
        if (op[0] == 255) {
            disk++;
            cell = 0;
        }
        if (disk >= s->disks)
            return;
        if (cell * VC_CELL >= s->sizes[disk])
            continue;
        uint64_t cells = 1 + op[1] % 40u;
        put(s, sink, disk, cell, cells, op[2]);
        cell += cells;
    }
}

/* The header has what the options say. */
static void
check_options(const Script *s, VcFile *file)
{
    uint8_t head[32], uuid[16];
    g_assert(vc_file_read(file, 0, head, sizeof head, NULL));
    const char *text = vc_options_text(s->options, "uuid", NULL);
    g_assert(!text || (uuid_parse(text, uuid) == 0 && memcmp(head + 8, uuid, 16) == 0));
    text = vc_options_text(s->options, "ctime", "1000");
    g_assert(load_be64(head + 24) == g_ascii_strtoull(text, NULL, 10));
}

/* Writes the archive to FILE: through what orders it for a pipe, or to its places.
 * False when it was refused. */
static bool
make_archive(Script *s, VcFile *file, bool pipe)
{
    static const VcIdentity identity = { .reproducible = true, .time = 1000 };
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) to = vc_lent_file(file);
    if (pipe)
        to = vc_ordered_file(g_steal_pointer(&to));
    VcLayout layout = { 0 };
    make_layout(s, &layout);
    g_autoptr(VcSink) sink = vc_format_create(&vc_format_vma, to, &layout, s->options,
                                              &identity, &error);
    vc_layout_clear(&layout);
    g_assert(sink == NULL ? error && error->domain == VC_ERROR : !error);
    if (!sink) {
        /* Nothing else may be wrong. */
        g_assert(s->options || s->data[0] & (BAD_SIZE | MANY));
        return false;
    }
    g_assert(!(s->data[0] & BAD_SIZE) || s->disks == 0);
    write_all(s, sink);
    g_assert(vc_sink_finish(sink, NULL));
    if (pipe)
        g_assert(vc_file_sync(to, NULL));
    return true;
}

static void
compare_files(VcFile *a, VcFile *b)
{
    static uint8_t x[64 << 10], y[64 << 10];
    uint64_t size, other;
    g_assert(vc_file_size(a, &size, NULL) && vc_file_size(b, &other, NULL));
    g_assert(size == other);
    for (uint64_t at = 0; at < size; at += sizeof x) {
        size_t length = MIN(size - at, sizeof x);
        g_assert(vc_file_read(a, at, x, length, NULL));
        g_assert(vc_file_read(b, at, y, length, NULL));
        g_assert(memcmp(x, y, length) == 0);
    }
}

/* What EXTENT says is what the model has. */
static void
compare_extent(const Script *s, const VcExtent *extent)
{
    static uint8_t bytes[VC_CELL], expected[VC_CELL];
    for (uint64_t done = 0, piece; done < extent->length; done += piece) {
        uint64_t offset = extent->offset + done;
        piece = MIN(VC_CELL - offset % VC_CELL, extent->length - done);
        memset(bytes, 0, piece);
        if (extent->kind == VC_DATA)
            g_assert(vc_file_read(extent->file, extent->position + done, bytes, piece,
                                  NULL));
        /* Sizes are rounded up to 512. */
        uint64_t own = s->sizes[extent->disk] > offset
                           ? MIN(piece, s->sizes[extent->disk] - offset)
                           : 0;
        memset(expected, 0, piece);
        memset(expected, s->model[extent->disk][offset / VC_CELL], own);
        g_assert(memcmp(bytes, expected, piece) == 0);
    }
}

static void
read_back(const Script *s, VcFile *file, bool stream)
{
    g_autoptr(GError) error = NULL;
    VcFile *lent = vc_lent_file(file);
    if (stream)
        lent = vc_stream_file(vc_stream_from_file(lent), "stream");
    g_autoptr(VcSource) source = vc_format_open(&vc_format_vma, lent, NULL, &error);
    g_assert_no_error(error);
    g_assert(source->layout.n_disks == s->disks);
    g_assert(source->layout.n_blobs == s->configs);
    for (unsigned i = 0; i < s->configs; i++)
        g_assert(source->layout.blobs[i].length == s->size &&
                 memcmp(source->layout.blobs[i].data, s->data, s->size) == 0);

    uint64_t sum = 0, total = 0;
    VcExtent extent = { .kind = VC_ZERO };
    for (unsigned i = 0; i < s->disks; i++)
        total += source->layout.disks[i].size;
    while (extent.kind != VC_END) {
        g_assert(vc_source_next(source, &extent, &error));
        if (extent.kind != VC_END)
            compare_extent(s, &extent);
        sum += extent.length;
    }
    g_assert(sum == total);
    if (stream)
        return;
    g_assert(vc_source_index(source, &error));
    for (unsigned i = 0; i < s->disks; i++)
        for (uint64_t at = 0; at < source->layout.disks[i].size; at += extent.length) {
            g_assert(vc_source_map(source, i, at, &extent, &error));
            compare_extent(s, &extent);
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Script script;
    if (size == 0)
        return 0;
    parse(&script, data, size);
    g_autoptr(VcOptions) options = vc_options_new();
    if (!parse_options(&script, options))
        return 0;
    g_autoptr(VcFile) file = vc_memory_file("file");
    g_autoptr(VcFile) pipe = vc_memory_file("pipe");
    if (data[0] & USED) {
        static uint8_t dirt[100000];
        memset(dirt, 0xee, sizeof dirt);
        vc_file_write(file, 0, dirt, sizeof dirt, NULL);
        file->reads_zero = false;
    }
    bool made = make_archive(&script, file, false);
    g_assert(make_archive(&script, pipe, true) == made);
    if (!made)
        return 0;
    check_options(&script, file);
    compare_files(file, pipe);

    VcReport report;
    vc_report_init(&report);
    g_assert(vc_format_vma.check(file, &report, NULL));
    g_assert(report.count[VC_FINDING_CORRUPT] + report.count[VC_FINDING_LEAK] == 0);
    vc_report_clear(&report);
    read_back(&script, file, false);
    read_back(&script, pipe, true);
    return 0;
}
