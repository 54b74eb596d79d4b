/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VHD files in memory for the tests: made by the sink, changed by hand. */
#ifndef VC_TESTS_VPC_IMAGE_H
#define VC_TESTS_VPC_IMAGE_H

#include "formats/format.h"
#include "formats/vpc/wire.h"
#include "io/bytes.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"

#include <string.h>

extern const VcFormat vc_format_vpc;

/* What the disk holds at OFFSET where it holds something. */
static inline uint8_t
pattern(uint64_t offset)
{
    return (uint8_t)(1 + (offset / 512 * 31 + offset) % 255);
}

static inline VcSource *
open_vpc(VcFile *file, const char *options, GError **error)
{
    g_autoptr(VcOptions) parsed = vc_options_new();
    ck_assert(vc_options_parse(parsed, options, NULL));
    return vc_format_open(&vc_format_vpc, file, parsed, error);
}

static inline VcSink *
create_vpc(VcFile *file, uint64_t size, const char *options, GError **error)
{
    VcIdentity identity = { .reproducible = true, .time = 1577836800 };
    g_autoptr(VcOptions) parsed = vc_options_new();
    ck_assert(vc_options_parse(parsed, options, NULL));
    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "disk", size);
    VcSink *sink = vc_format_create(&vc_format_vpc, file, &layout, parsed, &identity,
                                    error);
    vc_layout_clear(&layout);
    return sink;
}

/* Places LENGTH bytes at OFFSET and writes the pattern there. */
static inline void
put(VcSink *sink, uint64_t offset, uint64_t length)
{
    GError *error = NULL;
    while (length > 0) {
        uint64_t position, run;
        ck_assert(vc_sink_place(sink, 0, offset, length, &position, &run, &error));
        g_autofree uint8_t *bytes = g_malloc(run);
        for (uint64_t i = 0; i < run; i++)
            bytes[i] = pattern(offset + i);
        ck_assert(vc_file_write(sink->file, position, bytes, run, &error));
        offset += run;
        length -= run;
    }
}

/* A disk of 10 blocks of 64 KiB less 2 KiB: block 1 is whole, of block 3 the first 8
 * KiB, and the last block were written. */
#define IMAGE_BLOCK 65536u
#define IMAGE_SIZE (10 * IMAGE_BLOCK - 2048)
#define IMAGE_BLOCKS_AT 4096u /* the first lead */

static inline bool
image_has(uint64_t offset)
{
    uint64_t block = offset / IMAGE_BLOCK;
    return block == 1 || (block == 3 && offset % IMAGE_BLOCK < 8192) || block == 9;
}

static inline VcFile *
make_image(const char *options)
{
    VcFile *file = vc_memory_file("image");
    g_autofree char *all = g_strdup_printf("block_size=64k,%s", options);
    g_autoptr(VcSink) sink = create_vpc(file, IMAGE_SIZE, all, NULL);
    put(sink, 1 * IMAGE_BLOCK, IMAGE_BLOCK);
    put(sink, 3 * IMAGE_BLOCK, 8192);
    put(sink, 9 * IMAGE_BLOCK, IMAGE_SIZE - 9 * IMAGE_BLOCK);
    ck_assert(vc_sink_finish(sink, NULL));
    return file;
}

static inline void
check_content(const VcSource *source)
{
    GError *error = NULL;
    g_autofree uint8_t *bytes = g_malloc(IMAGE_SIZE);
    ck_assert_uint_eq(source->layout.disks[0].size, IMAGE_SIZE);
    if (!vc_source_read(source, 0, 0, bytes, IMAGE_SIZE, &error))
        ck_abort_msg("%s", error->message);
    for (uint64_t i = 0; i < IMAGE_SIZE; i++)
        if (bytes[i] != (image_has(i) ? pattern(i) : 0))
            ck_abort_msg("wrong byte at %" G_GUINT64_FORMAT, i);
}

static inline uint64_t
file_size(VcFile *file)
{
    uint64_t size = 0;
    ck_assert(vc_file_size(file, &size, NULL));
    return size;
}

/* Gives the bytes of FILE. */
static inline uint8_t *
file_bytes(VcFile *file, size_t *length)
{
    *length = file_size(file);
    uint8_t *bytes = g_malloc(*length);
    ck_assert(vc_file_read(file, 0, bytes, *length, NULL));
    return bytes;
}

/* The footer at the end of FILE, and writing it to both ends. */
static inline VpcFooter
get_footer(VcFile *file)
{
    uint8_t raw[VPC_FOOTER_SIZE];
    VpcFooter footer;
    ck_assert(vc_file_read(file, file_size(file) - 512, raw, 512, NULL));
    ck_assert(vpc_footer_decode(raw, 0, &footer, NULL));
    return footer;
}

static inline void
set_footer(VcFile *file, const VpcFooter *footer)
{
    uint8_t raw[VPC_FOOTER_SIZE];
    vpc_footer_encode(footer, raw);
    vc_file_write(file, file_size(file) - 512, raw, 512, NULL);
    if (footer->type != VPC_FIXED)
        vc_file_write(file, 0, raw, 512, NULL);
}

static inline VpcHeader
get_header(VcFile *file)
{
    uint8_t raw[VPC_HEADER_SIZE];
    VpcHeader header;
    ck_assert(vc_file_read(file, 512, raw, sizeof raw, NULL));
    ck_assert(vpc_header_decode(raw, 512, &header, NULL));
    return header;
}

static inline void
set_header(VcFile *file, const VpcHeader *header)
{
    uint8_t raw[VPC_HEADER_SIZE];
    vpc_header_encode(header, raw);
    vc_file_write(file, 512, raw, sizeof raw, NULL);
}

static inline bool
warned(const VcSource *source, const char *words)
{
    for (unsigned i = 0; i < source->warnings->len; i++)
        if (strstr(source->warnings->pdata[i], words))
            return true;
    return false;
}

/* The sector that the BAT of an image of make_image has for BLOCK. */
static inline void
set_entry(VcFile *file, uint32_t block, uint32_t sector)
{
    uint8_t raw[4];
    store_be32(raw, sector);
    vc_file_write(file, 1536 + 4 * block, raw, 4, NULL);
}

static inline uint32_t
get_entry(VcFile *file, uint32_t block)
{
    uint8_t raw[4];
    ck_assert(vc_file_read(file, 1536 + 4 * block, raw, 4, NULL));
    return load_be32(raw);
}

#endif
