/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: a sparse VHD file, with its checksums mended, is probed, checked, opened
 * and read. What the check finds in order must open, what opens must be readable to its
 * end, and the file itself must not be written. */
#include "tests/fuzz/fuzz.h"

#include "formats/format.h"
#include "formats/vpc/footers.h"
#include "formats/vpc/wire.h"
#include "io/bytes.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/fuzz/guard.h"
#include "tests/fuzz/vpc-input.h"

#include <string.h>

/* Enough for every other sector of a block; a bitmap may make a disk endless. */
#define EXTENTS_MAX 5000u

#define PARENT_SIZE 3072u

extern const VcFormat vc_format_vpc, vc_format_raw;

/* --- checksums ----------------------------------------------------------------------
 */

/* The checksum at byte AT of the LENGTH bytes at POSITION, unless they do not begin
 * with COOKIE, or their last reserved byte says no. */
static void
mend(VcFile *file, uint64_t position, size_t length, const char *cookie, size_t at)
{
    uint8_t raw[VPC_HEADER_SIZE] = { 0 };
    uint32_t sum = 0;
    size_t got;

    vc_file_read_some(file, position, raw, length, &got, NULL);
    /* Of the footer in an old file the last byte is missing. */
    if (got + 1 < length || memcmp(raw, cookie, 8) != 0 || raw[length - 1] != 0)
        return;
    memset(raw + at, 0, 4);
    for (size_t i = 0; i < length; i++)
        sum += raw[i];
    store_be32(raw, ~sum);
    vc_file_write(file, position + at, raw, 4, NULL);
}

/* That of the footer at POSITION and of the header that it points to. */
static void
mend_footer(VcFile *file, uint64_t position)
{
    uint8_t raw[VPC_FOOTER_SIZE];
    size_t got;
    vc_file_read_some(file, position, raw, sizeof raw, &got, NULL);
    if (got + 1 < sizeof raw || memcmp(raw, "conectix", 8) != 0)
        return;
    uint64_t header = load_be64(raw + 16);
    if (header >= VPC_FOOTER_SIZE && header < FILE_MAX)
        mend(file, header, VPC_HEADER_SIZE, "cxsparse", 36);
    mend(file, position, VPC_FOOTER_SIZE, "conectix", 64);
}

static bool
note_footers(void *user, uint64_t position, const void *data, size_t length,
             GError **error G_GNUC_UNUSED)
{
    for (size_t at = 0; at + 8 <= length; at += VPC_SECTOR) {
        uint64_t there = position + at;
        if (memcmp((const uint8_t *)data + at, "conectix", 8) == 0)
            g_array_append_val((GArray *)user, there);
    }
    return true;
}

/* Wherever one lies on a sector, for padding may follow it; and at the very end. */
static void
mend_all(VcFile *file, uint64_t size)
{
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    vc_memory_file_visit(file, note_footers, found, NULL);
    for (unsigned i = 0; i < found->len; i++)
        mend_footer(file, g_array_index(found, uint64_t, i));
    if (size >= VPC_FOOTER_SIZE)
        mend_footer(file, size - VPC_FOOTER_SIZE);
}

/* --- reading ------------------------------------------------------------------------
 */

static VcSource *
make_raw_parent(void)
{
    VcFile *file = vc_memory_file("parent");
    vc_file_truncate(file, PARENT_SIZE, NULL);
    return vc_format_open(&vc_format_raw, file, NULL, NULL);
}

/* Gives a fixed disk that CHILD takes for its parent: it has a footer with the id. */
static VcSource *
make_parent(const VcSource *child)
{
    VcFile *file = vc_memory_file("parent");
    VpcFooter footer = { .features = 2,
                         .version = 0x00010000,
                         .data_offset = UINT64_MAX,
                         .timestamp = 1000,
                         .current_size = PARENT_SIZE,
                         .type = VPC_FIXED };
    uint8_t raw[VPC_FOOTER_SIZE];
    const char *id = child->parent->id;
    for (unsigned i = 0; id && i < 16; i++)
        footer.id[i] = (uint8_t)(g_ascii_xdigit_value(id[2 * i]) << 4 |
                                 g_ascii_xdigit_value(id[2 * i + 1]));
    vpc_footer_encode(&footer, raw);
    vc_file_write(file, PARENT_SIZE, raw, sizeof raw, NULL);
    VcSource *parent = vc_format_open(&vc_format_vpc, file, NULL, NULL);
    g_assert(parent);
    return parent;
}

/* A disk with a parent is nothing without it, and takes only the right one: a raw file
 * where it names none. */
static void
adopt(VcSource *source)
{
    VcSource *raw = make_raw_parent(), *vhd = make_parent(source);
    bool wants_raw = !source->parent->id;
    VcExtent e;
    if (source->layout.disks[0].size > 0)
        g_assert(!vc_source_map(source, 0, 0, &e, NULL));
    g_assert(!vc_source_adopt(source, wants_raw ? vhd : raw, NULL));
    g_assert(vc_source_adopt(source, wants_raw ? raw : vhd, NULL));
    vc_source_free(wants_raw ? vhd : raw);
}

/* A file that lost its footer may lack blocks as well. */
static bool
lost_its_footer(const VcSource *source)
{
    return source->warnings->len > 0 &&
           strcmp(source->warnings->pdata[0], VPC_FOOTER_LOST) == 0;
}

static void
walk(VcSource *source, uint64_t file_size)
{
    uint64_t end = 0;
    uint8_t buffer[512];
    bool lost = lost_its_footer(source);
    for (unsigned i = 0; i < EXTENTS_MAX; i++) {
        g_autoptr(GError) error = NULL;
        VcExtent e;
        /* Everything else was looked at when it was opened. */
        if (!vc_source_next(source, &e, &error)) {
            g_assert(lost && g_error_matches(error, VC_ERROR, VC_ERROR_CORRUPT));
            return;
        }
        if (e.kind == VC_END) {
            g_assert(end == source->layout.disks[0].size);
            return;
        }
        g_assert(e.offset == end);
        end += e.length;
        if (e.kind != VC_DATA)
            continue;
        uint64_t last = e.position + e.length;
        g_assert(last > e.position && (e.depth > 0 || last <= file_size));
        size_t length = MIN(e.length, sizeof buffer);
        g_assert(vc_file_read(e.file, last - length, buffer, length, NULL));
    }
}

/* What comes down a pipe is told by its beginning or its end. */
static void
probe_stream(VcFile *file, uint64_t size)
{
    uint8_t raw[VPC_FOOTER_SIZE];
    bool match;
    g_autoptr(VcFile) stream = fuzz_guard(file);
    stream->seekable = false;
    g_assert(vc_format_vpc.probe(stream, &match, NULL));
    if (size < sizeof raw)
        return;
    g_assert(vc_file_read(file, size - sizeof raw, raw, sizeof raw, NULL));
    if (!vc_format_vpc.probe_end(raw, size - sizeof raw))
        return;
    g_assert(vc_format_vpc.probe(file, &match, NULL) && match);
}

/* Whether it opens. */
static bool
read_image(VcFile *file, const VcOptions *options)
{
    g_autoptr(GError) error = NULL;
    uint64_t size;
    bool match;

    g_assert(vc_file_size(file, &size, NULL));
    g_assert(vc_format_vpc.probe(file, &match, NULL));
    g_autoptr(VcSource)
        source = vc_format_open(&vc_format_vpc, fuzz_guard(file), options, &error);
    g_assert((source == NULL) == (error != NULL));
    if (!source)
        return false;
    g_assert(match);

    VcFacts facts;
    vc_facts_init(&facts);
    source->ops->describe(source, &facts);
    vc_facts_clear(&facts);
    if (source->parent)
        adopt(source);
    walk(source, size);
    return true;
}

/* Whether it is in order. */
static bool
check_image(VcFile *file)
{
    VcReport report;
    vc_report_init(&report);
    g_autoptr(VcFile) guarded = fuzz_guard(file);
    /* Nothing hinders it: this file can always be read. */
    bool checked = vc_format_vpc.check(guarded, &report, NULL);
    g_assert(checked);
    bool good = report.count[VC_FINDING_CORRUPT] == 0;
    vc_report_clear(&report);
    return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const words[] = { "", "size_rule=chs", "ignore_bitmaps",
                                         "force_size_calc=current_size" };
    if (size < HEAD)
        return 0;
    g_autoptr(VcFile) file = vc_memory_file("image");
    uint64_t length = MIN(load_le32(data + 1), FILE_MAX);
    fuzz_records_lay(&vpc_form, data, size, file, length);
    mend_all(file, length);

    probe_stream(file, length);
    bool good = check_image(file), opened = read_image(file, NULL);
    g_assert(opened || !good);
    g_autoptr(VcOptions) options = vc_options_new();
    g_assert(vc_options_parse(options, words[data[0] % 4], NULL));
    if (data[0] % 4 != 0)
        read_image(file, options);
    return 0;
}
