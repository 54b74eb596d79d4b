/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: a VHD file, with its checksums mended, is probed, checked, opened and
 * read. */
#include "tests/fuzz/fuzz.h"

#include "formats/format.h"
#include "formats/vpc/wire.h"
#include "io/bytes.h"
#include "io/memory.h"

#include <string.h>

/* More extents than a file of this size can have without saying the same again. */
#define EXTENTS_MAX 20000u

extern const VcFormat vc_format_vpc, vc_format_raw;

static void
mend(uint8_t *raw, size_t length, size_t at)
{
    uint32_t sum = 0;
    memset(raw + at, 0, 4);
    for (size_t i = 0; i < length; i++)
        sum += raw[i];
    store_be32(raw + at, ~sum);
}

/* A footer at AT gets its checksum unless its last reserved byte says no. */
static void
mend_footer(uint8_t *data, size_t size, size_t at)
{
    if (at > size || size - at < VPC_FOOTER_SIZE ||
        memcmp(data + at, "conectix", 8) != 0 || data[at + VPC_FOOTER_SIZE - 1] != 0)
        return;
    uint64_t header = load_be64(data + at + 16);
    if (header >= VPC_FOOTER_SIZE && header <= size &&
        size - header >= VPC_HEADER_SIZE && data[header + VPC_HEADER_SIZE - 1] == 0)
        mend(data + header, VPC_HEADER_SIZE, 36);
    mend(data + at, VPC_FOOTER_SIZE, 64);
}

/* Gives a fixed disk of 3072 bytes that CHILD takes for its parent: it has a footer
 * with the id, or is raw where there is no id. */
static VcSource *
make_parent(const VcSource *child)
{
    VcFile *file = vc_memory_file("parent");
    VpcFooter footer = { .features = 2,
                         .version = 0x00010000,
                         .data_offset = UINT64_MAX,
                         .timestamp = 1000,
                         .current_size = 3072,
                         .type = VPC_FIXED };
    uint8_t raw[VPC_FOOTER_SIZE];
    if (!child->parent->id) {
        vc_file_truncate(file, 3072, NULL);
        return vc_format_open(&vc_format_raw, file, NULL, NULL);
    }
    for (unsigned i = 0; i < 16; i++)
        footer.id[i] = (uint8_t)(g_ascii_xdigit_value(child->parent->id[2 * i]) << 4 |
                                 g_ascii_xdigit_value(child->parent->id[2 * i + 1]));
    vpc_footer_encode(&footer, raw);
    vc_file_write(file, 3072, raw, sizeof raw, NULL);
    VcSource *parent = vc_format_open(&vc_format_vpc, file, NULL, NULL);
    g_assert(parent);
    return parent;
}

static void
walk(VcSource *source, uint64_t file_size)
{
    uint64_t end = 0;
    uint8_t buffer[512];
    for (unsigned i = 0; i < EXTENTS_MAX; i++) {
        VcExtent e;
        if (!vc_source_next(source, &e, NULL))
            return;
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

static void
read_image(VcFile *file, unsigned choice)
{
    static const char *const words[] = { "", "size_rule=chs", "ignore_bitmaps",
                                         "force_size_calc=current_size" };
    g_autoptr(GError) error = NULL;
    g_autoptr(VcOptions) options = vc_options_new();
    uint64_t size;
    bool match;

    g_assert(vc_options_parse(options, words[choice % 4], NULL));
    g_assert(vc_file_size(file, &size, NULL));
    g_assert(vc_format_vpc.probe(file, &match, NULL));
    g_autoptr(VcSource) source = vc_format_open(&vc_format_vpc, file, options, &error);
    g_assert(source || error);
    if (!source)
        return;
    g_assert(match);

    VcFacts facts;
    vc_facts_init(&facts);
    source->ops->describe(source, &facts);
    vc_facts_clear(&facts);
    if (source->parent)
        g_assert(vc_source_adopt(source, make_parent(source), NULL));
    walk(source, size);
}

static void
check_image(VcFile *file)
{
    VcReport report;
    vc_report_init(&report);
    vc_format_vpc.check(file, &report, NULL);
    vc_report_clear(&report);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree uint8_t *copy = g_memdup2(data, size);
    if (size >= VPC_FOOTER_SIZE) {
        mend_footer(copy, size, 0);
        mend_footer(copy, size, size - VPC_FOOTER_SIZE);
    }
    g_autoptr(VcFile) file = vc_memory_file_from("image", copy, size);
    check_image(file);
    read_image(vc_memory_file_from("image", copy, size), size > 0 ? data[size - 1] : 0);
    return 0;
}
