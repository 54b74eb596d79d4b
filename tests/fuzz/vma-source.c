/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile VMA archives: opened, read in stored order, mapped and checked, and all of
 * these must agree.
 *
 * The input is short for an archive, so that a mutation hits something. Flags say what
 * is mended, and the payload is made up. */
#include "tests/fuzz/fuzz.h"

#include "formats/format.h"
#include "io/checksum.h"
#include "io/error.h"
#include "io/memory.h"
#include "io/stream.h"
#include "tests/fuzz/vma-input.h"

extern const VcFormat vc_format_vma;

#define FIXED 12288u
#define EXTENT 512u
#define SLOTS 59u
#define PAGE 4096u
/* Enough for several extents; the archive stays small whatever the counts say. */
#define PAYLOAD_MAX ((size_t)256 << 10)
/* Of each disk; a hostile one has a billion runs of zeros and data at most as many as
 * it has blocks, but there is only so much time. */
#define MAPS_MAX 3000u

/* What is left of the input. */
typedef struct {
    const uint8_t *at;
    size_t left;
} Input;

/* Copies up to LENGTH bytes to TO, whose rest stays as it is. */
static size_t
take(Input *input, void *to, size_t length)
{
    size_t got = MIN(length, input->left);
    if (got > 0)
        memcpy(to, input->at, got);
    input->at += got;
    input->left -= got;
    return got;
}

static void
sum(uint8_t *raw, size_t size, size_t at)
{
    g_autoptr(GChecksum) md5 = g_checksum_new(G_CHECKSUM_MD5);
    gsize length = 16;
    memset(raw + at, 0, 16);
    g_checksum_update(md5, raw, (gssize)size);
    g_checksum_get_digest(md5, raw + at, &length);
}

/* False when nothing follows, for the header itself is cut. */
static bool
add_header(GByteArray *archive, Input *input)
{
    static const unsigned ids[] = { 0, 1, 2, 3, 4, 5, 254, 255 };
    uint8_t flags = 0, length[2] = { 0 };
    g_byte_array_set_size(archive, FIXED);
    uint8_t *raw = archive->data;
    memset(raw, 0, FIXED);

    take(input, &flags, 1);
    take(input, raw, 60);
    take(input, raw + 2044, 16);
    take(input, raw + 3068, 16);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        take(input, raw + 4096 + 32 * ids[i], 4);
        take(input, raw + 4096 + 32 * ids[i] + 8, 8);
    }
    take(input, length, 2);
    guint blobs = load_le16(length), size = FIXED + (blobs / EXTENT + 1) * EXTENT;
    g_byte_array_set_size(archive, size);
    raw = archive->data;
    memset(raw + FIXED, 0, size - FIXED);
    take(input, raw + FIXED, blobs);

    if (flags & VMA_MEND_FIELDS)
        memcpy(raw, "VMA\0\0\0\0\1", 8);
    if (flags & VMA_MEND_SIZES) {
        store_be32(raw + 48, FIXED);
        store_be32(raw + 52, blobs);
        store_be32(raw + 56, size);
    }
    uint32_t header_size = load_be32(raw + 56);
    if (flags & VMA_MEND_SUM && header_size >= 48 && header_size <= size)
        sum(raw, header_size, 32);
    if (flags & VMA_NO_PAYLOAD)
        g_byte_array_set_size(archive, MIN(blobs, size));
    return !(flags & VMA_NO_PAYLOAD);
}

/* Makes the header of an extent of slots that go on from one another. */
static size_t
take_run(Input *input, uint8_t *raw)
{
    uint8_t run[VMA_RUN_INPUT - 1] = { 0 };
    take(input, run, sizeof run);
    uint32_t cluster = load_be32(run + 2);
    for (unsigned i = 0; i < MIN(run[1], SLOTS); i++) {
        uint8_t *slot = raw + 40 + 8 * (size_t)i;
        store_be16(slot, load_be16(run + 8));
        slot[3] = run[0];
        store_be32(slot + 4, cluster);
        cluster += (uint32_t)(int16_t)load_be16(run + 6);
    }
    return EXTENT;
}

static void
add_extent(GByteArray *archive, Input *input, uint8_t flags)
{
    guint at = archive->len;
    g_byte_array_set_size(archive, at + EXTENT);
    uint8_t *raw = archive->data + at;
    memset(raw, 0, EXTENT);
    size_t got = flags & VMA_RUN ? take_run(input, raw) : take(input, raw, EXTENT);
    if (got < EXTENT && flags & VMA_NO_PAYLOAD)
        g_byte_array_set_size(archive, at + (guint)got);
    if (got < EXTENT && flags & VMA_NO_PAYLOAD)
        return;

    if (flags & VMA_MEND_FIELDS) {
        memcpy(raw, "VMAE\0", 6);
        memcpy(raw + 8, archive->data + 8, 16);
    }
    if (flags & VMA_MEND_COUNT) {
        unsigned blocks = 0;
        for (unsigned i = 0; i < SLOTS; i++)
            if (raw[40 + 8 * i + 3] != 0)
                blocks += (unsigned)__builtin_popcount(load_be16(raw + 40 + 8 * i));
        store_be16(raw + 6, (uint16_t)blocks);
    }
    if (flags & VMA_MEND_SUM)
        sum(raw, EXTENT, 24);
    size_t payload = (size_t)load_be16(raw + 6) * 4096;
    if (flags & VMA_NO_PAYLOAD || archive->len + payload > PAYLOAD_MAX)
        return;
    guint end = archive->len;
    g_byte_array_set_size(archive, end + (guint)payload);
    memset(archive->data + end, 'p', payload);
}

static GByteArray *
expand(const uint8_t *data, size_t size)
{
    Input input = { data, size };
    GByteArray *archive = g_byte_array_new();
    uint8_t flags;
    if (!add_header(archive, &input))
        return archive;
    while (take(&input, &flags, 1) == 1 && archive->len < PAYLOAD_MAX)
        add_extent(archive, &input, flags);
    return archive;
}

/* A file has holes where pages are zero. */
static VcFile *
open_bytes(const GByteArray *archive, bool stream)
{
    VcFile *file = vc_memory_file("fuzz");
    for (guint at = 0, run; at < archive->len; at += run) {
        run = MIN(archive->len - at, PAGE);
        if (!vc_is_zero(archive->data + at, run))
            g_assert(vc_file_write(file, at, archive->data + at, run, NULL));
    }
    g_assert(vc_file_truncate(file, archive->len, NULL));
    return stream ? vc_stream_file(vc_stream_from_file(file), "fuzz") : file;
}

/* A piece of a disk that the walk saw. */
typedef struct {
    unsigned disk;
    uint64_t begin, end;
} Range;

static int
compare_ranges(gconstpointer a, gconstpointer b)
{
    const Range *x = a, *y = b;
    if (x->disk != y->disk)
        return x->disk < y->disk ? -1 : 1;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

/* An archive in order has each byte of each disk once. The set of clusters cannot
 * vouch for itself: all that reads an archive asks it. */
static void
check_ranges(const VcSource *source, GArray *ranges)
{
    guint next = 0;
    g_array_sort(ranges, compare_ranges);
    for (unsigned i = 0; i < source->layout.n_disks; i++) {
        bool counts = !source->layout.disks[i].vmstate && !source->skip[i];
        uint64_t at = 0;
        for (; next < ranges->len; next++) {
            const Range *range = &g_array_index(ranges, Range, next);
            if (range->disk != i)
                break;
            g_assert(!counts || range->begin == at);
            at = range->end;
        }
        g_assert(!counts || at == source->layout.disks[i].size);
    }
}

/* Walks to the end; MAPPED has the index of the same archive, or is NULL. */
static bool
walk(VcSource *source, const VcSource *mapped)
{
    g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(Range));
    VcExtent extent = { 0 };
    for (;;) {
        g_autoptr(GError) error = NULL;
        if (!vc_source_next(source, &extent, &error)) {
            g_assert(error && error->domain == VC_ERROR);
            return false;
        }
        if (extent.kind == VC_END)
            break;
        const VcDisk *disk = &source->layout.disks[extent.disk];
        g_assert(!source->skip[extent.disk] && extent.offset < disk->size &&
                 extent.length <= disk->size - extent.offset);
        Range range = { extent.disk, extent.offset, extent.offset + extent.length };
        g_array_append_val(ranges, range);
        if (extent.kind == VC_DATA) {
            uint8_t ends[2];
            if (!vc_file_read(extent.file, extent.position, ends, 1, NULL) ||
                !vc_file_read(extent.file, extent.position + extent.length - 1,
                              ends + 1, 1, NULL))
                return false;
        }
        VcExtent same;
        if (!mapped)
            continue;
        g_assert(vc_source_map(mapped, extent.disk, extent.offset, &same, NULL));
        g_assert(same.kind == extent.kind && same.position == extent.position);
    }
    check_ranges(source, ranges);
    return true;
}

/* Walks over every other disk. What comes down a pipe has no index. */
static void
walk_some(const GByteArray *archive)
{
    g_autoptr(VcSource)
        source = vc_format_open(&vc_format_vma, open_bytes(archive, true), NULL, NULL);
    g_assert(source && !vc_source_index(source, NULL));
    for (unsigned i = 0; i < source->layout.n_disks; i += 2)
        source->skip[i] = true;
    walk(source, NULL);
}

/* Maps each disk from 0 up. */
static void
map_all(const VcSource *source)
{
    for (unsigned i = 0; i < source->layout.n_disks; i++) {
        uint64_t at = 0, size = source->layout.disks[i].size;
        for (unsigned n = 0; at < size && n < MAPS_MAX; n++) {
            VcExtent extent;
            g_assert(vc_source_map(source, i, at, &extent, NULL));
            at += extent.length;
        }
    }
}

static bool
check(const GByteArray *archive, bool stream)
{
    VcReport report;
    g_autoptr(VcFile) file = open_bytes(archive, stream);
    vc_report_init(&report);
    g_assert(vc_format_vma.check(file, &report, NULL));
    bool good = report.count[VC_FINDING_CORRUPT] == 0;
    g_assert(!good || report.end <= archive->len);
    vc_report_clear(&report);
    return good;
}

/* What opens is recognised, too, and can be described. */
static void
check_row(const GByteArray *archive, bool stream, VcSource *source)
{
    g_autoptr(VcFile) file = open_bytes(archive, stream);
    bool match;
    g_assert(vc_format_vma.probe(file, &match, NULL));
    g_assert(match || !source);
    if (!source)
        return;
    VcFacts facts;
    vc_facts_init(&facts);
    source->ops->describe(source, &facts);
    vc_facts_clear(&facts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GByteArray) archive = expand(data, size);
    g_autoptr(VcSource)
        file = vc_format_open(&vc_format_vma, open_bytes(archive, false), NULL, NULL);
    g_autoptr(VcSource)
        stream = vc_format_open(&vc_format_vma, open_bytes(archive, true), NULL, NULL);
    g_assert((file == NULL) == (stream == NULL));

    check_row(archive, false, file);
    check_row(archive, true, stream);

    bool good = file && vc_source_index(file, NULL);
    if (good)
        map_all(file);
    if (file) {
        g_assert(walk(file, good ? file : NULL) == good);
        g_assert(walk(stream, NULL) == good);
        walk_some(archive);
    }
    g_assert(check(archive, false) == good);
    g_assert(check(archive, true) == good);
    return 0;
}
