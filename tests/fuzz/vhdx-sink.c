/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VHDX sink: the input is a disk and a script of writes; the file must keep every
 * rule of a strict reader and hold what a flat copy does.
 *
 * Byte 0: block size (1 MiB << 0..8), bit 4 fixed, bit 5 sectors of 4096, bit 6 a used
 * file, bit 7 the last write is placed again after the end. Bytes 1 to 4: size of the
 * disk. Then writes of 5 bytes: block (2), where in it (signed, in cells: negative is
 * from its end), length in cells modulo 32, fill. */
#include "formats/vhdx/vhdx.h"
#include "io/memory.h"
#include "tests/formats/vhdx/strict.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/vhdx-wish.h"

#define HEAD 5u
#define WRITE 5u
/* Two chunks of the smallest blocks; more of them only cost time. */
#define BLOCKS_MAX 4200u
/* Enough to meet all blocks in one chunk of the largest. */
#define WRITES_MAX 64u

typedef struct {
    uint64_t block_size, size;
    VcSink *sink;
    VcFile *file, *flat;
} Run;

static void
put(Run *run, uint64_t offset, uint64_t length, uint8_t fill)
{
    g_autofree uint8_t *data = g_malloc(length);
    memset(data, fill, length);
    vc_file_write(run->flat, offset, data, length, NULL);
    while (length > 0) {
        uint64_t position, piece;
        bool good = vc_sink_place(run->sink, 0, offset, length, &position, &piece,
                                  NULL);
        g_assert(good);
        vc_file_write(run->file, position, data, piece, NULL);
        offset += piece;
        length -= piece;
    }
}

/* Where and how much the WRITE bytes at OP mean; false: nowhere. */
static bool
parse(const Run *run, const uint8_t *op, uint64_t *offset, uint64_t *length)
{
    uint64_t blocks = run->size / run->block_size + 1;
    int8_t cells = (int8_t)op[2];
    int64_t from = (int64_t)(load_le16(op) % blocks * run->block_size);
    if (cells < 0)
        from += (int64_t)run->block_size;
    *offset = (uint64_t)(from + cells * (int64_t)VC_CELL);
    if (*offset >= run->size)
        return false;
    *length = MIN((op[3] % 32u + 1) * (uint64_t)VC_CELL, run->size - *offset);
    return true;
}

/* What an older file may hold where the tables will be. */
static void
use_up(VcFile *file)
{
    static uint8_t dirt[64 << 10];
    memset(dirt, 0xee, sizeof dirt);
    for (uint64_t at = 0; at < (uint64_t)4 << 20; at += 5 * sizeof dirt)
        vc_file_write(file, at, dirt, sizeof dirt, NULL);
    file->reads_zero = false;
}

static void
check(const Run *run, const Wish *wish)
{
    Strict s;
    uint64_t offset;
    const char *broken = strict_open(&s, run->file);
    g_assert_cmpstr(broken, ==, NULL);
    g_assert(s.size == wish->size && s.fixed == wish->fixed);
    g_assert(s.block_size == wish->block_size && s.log_length == wish->log_size);
    g_assert(s.logical_sector == wish->logical_sector);
    g_assert(s.physical_sector == wish->physical_sector);
    g_assert(strict_same(&s, run->flat, &offset));
}

/* Whether the run of EXTENT holds what FLAT does there. */
static bool
same_run(const VcExtent *extent, VcFile *flat)
{
    static uint8_t a[64 << 10], b[64 << 10];
    for (uint64_t at = 0; at < extent->length;) {
        uint64_t left = extent->length - at, hole = left;
        if (extent->kind == VC_DATA)
            hole = strict_hole(extent->file, extent->position + at, left);
        if (hole > 0)
            hole = strict_hole(flat, extent->offset + at, hole);
        size_t length = MIN(hole > 0 ? hole : left, sizeof a), got;
        if (hole == 0) {
            memset(a, 0, length);
            memset(b, 0, length);
            vc_file_read_some(flat, extent->offset + at, a, length, &got, NULL);
            if (extent->kind == VC_DATA)
                vc_file_read_some(extent->file, extent->position + at, b, length, &got,
                                  NULL);
            if (memcmp(a, b, length) != 0)
                return false;
        }
        at += hole > 0 ? hole : length;
    }
    return true;
}

/* The project's own readers over the finished FILE (taken). */
static void
read_back(VcFile *file, VcFile *flat, uint64_t size)
{
    VcReport report;
    vc_report_init(&report);
    bool good = vc_format_vhdx.check(file, &report, NULL);
    /* Readers warn of a disk of no bytes. */
    g_assert(good && (size == 0 || report.findings->len == 0));
    g_assert(report.count[VC_FINDING_CORRUPT] + report.count[VC_FINDING_LEAK] == 0);
    vc_report_clear(&report);

    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = vc_format_open(&vc_format_vhdx, file, NULL, &error);
    g_assert_no_error(error);
    g_assert(source->layout.disks[0].size == size);
    g_assert(size == 0 || source->warnings->len == 0);
    VcExtent extent = { .length = 0 };
    for (uint64_t offset = 0; offset < size; offset += extent.length) {
        vc_source_map(source, 0, offset, &extent, &error);
        g_assert_no_error(error);
        g_assert(same_run(&extent, flat));
    }
}

/* NULL when it was refused, as it must be then and only then. */
static VcSink *
create(VcFile *file, const Wish *wish)
{
    static const VcIdentity identity = { .reproducible = true };
    g_autoptr(GError) error = NULL;
    VcLayout layout = { 0 };
    VcDisk *disk = vc_layout_add_disk(&layout, "disk", wish->disk_size);
    disk->logical_sector = wish->source_sector;
    VcSink *sink = vc_format_create(&vc_format_vhdx, file, &layout, wish->options,
                                    &identity, &error);
    vc_layout_clear(&layout);
    g_assert((sink == NULL) == (error != NULL));
    g_assert((sink == NULL) == wish->refused);
    return sink;
}

/* The script of writes, and then the end. */
static void
write_all(Run *run, const uint8_t *data, size_t size, bool again)
{
    uint64_t offset, length, last = 0, before = 0, after = 0, piece;
    bool any = false;
    for (size_t at = 0; size - at >= WRITE && at < WRITES_MAX * WRITE; at += WRITE)
        if (parse(run, data + at, &offset, &length)) {
            put(run, offset, length, data[at + 4]);
            last = offset;
            any = true;
        }
    again = again && any;
    if (again)
        vc_sink_place(run->sink, 0, last, 1, &before, &piece, NULL);
    bool good = vc_sink_finish(run->sink, NULL);
    g_assert(good);
    if (again) {
        vc_sink_place(run->sink, 0, last, 1, &after, &piece, NULL);
        g_assert(before == after);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    uint8_t more[WISH_BYTES] = { 0 };
    size_t left = (size - HEAD) % WRITE;
    memcpy(more, data + size - left, left);

    g_autoptr(VcOptions) options = vc_options_new();
    Wish wish;
    wish_init(&wish, options, data[0], more);
    Run run = { .block_size = wish.block_size };
    run.size = load_le32(data + 1) * (run.block_size >> 16) + data[1];
    run.size %= BLOCKS_MAX * run.block_size;
    wish_size(&wish, run.size, more[1] >> 4 & 7);
    if (more[0] & 0x80) {
        wish.disk_size = VC_SIZE_UNKNOWN;
        wish.refused = true;
    }

    g_autoptr(VcFile) file = vc_memory_file("image");
    g_autoptr(VcFile) flat = vc_memory_file("flat");
    if (data[0] & 0x40)
        use_up(file);
    g_autoptr(VcSink) sink = create(file, &wish);
    if (!sink)
        return 0;
    run.sink = sink;
    run.file = file;
    run.flat = flat;
    write_all(&run, data + HEAD, size - HEAD, data[0] & 0x80);
    check(&run, &wish);
    g_assert(sink->layout.disks[0].size == wish.size);
    read_back(g_steal_pointer(&file), flat, wish.size);
    return 0;
}
