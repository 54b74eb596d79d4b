/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dynamic VHD images as a sink, the data of their blocks on 4 KiB boundaries. */
#include "formats/vpc/sink.h"

#include "io/allocate.h"
#include "io/bytes.h"
#include "io/error.h"

#include <string.h>

/* Data of blocks begins on a multiple of this, with the bitmap just before: Hyper-V
 * asks for it on disks of 4 KiB sectors, and direct I/O needs it. */
#define DATA_ALIGNMENT 4096u

#define BLOCK_DEFAULT (2u << 20)
#define BLOCK_MIN 4096u /* less is less than a cell */

#define HEADER_AT VPC_FOOTER_SIZE
#define BAT_AT (HEADER_AT + VPC_HEADER_SIZE)

static uint64_t
slot_lead(const VpcSink *s, uint32_t slot)
{
    return s->first + (uint64_t)slot * (s->lead + s->block_size);
}

/* Gives BLOCK the next place. Its bits will all be set, so what is not going to be
 * written must read as zero; all of it is when WHOLE. */
static bool
allocate(VpcSink *s, uint32_t block, bool whole, GError **error)
{
    VcFile *file = s->base.file;
    uint64_t data = slot_lead(s, s->n_slots) + s->lead, end = data + s->block_size;

    if (end + s->lead + VPC_FOOTER_SIZE > VPC_FILE_MAX) {
        vc_fail(
            error, VC_ERROR_LIMIT,
            "block %u would end at %" G_GUINT64_FORMAT
            ": a dynamic VHD file ends before 2 TiB; larger blocks need less space, "
            "and vhdx has no such limit",
            block, end);
        return false;
    }
    if (!whole && !file->reads_zero && file->seekable &&
        !vc_file_zero(file, data, s->block_size, error))
        return false;
    s->slots[block] = ++s->n_slots;
    return true;
}

static bool
place(VcSink *sink, unsigned disk G_GNUC_UNUSED, uint64_t offset, uint64_t length,
      uint64_t *position, uint64_t *run, GError **error)
{
    VpcSink *s = (VpcSink *)sink;
    uint32_t block = (uint32_t)(offset / s->block_size);
    uint32_t inside = (uint32_t)(offset % s->block_size);

    *run = MIN(length, s->block_size - inside);
    if (s->slots[block] == 0) {
        if (s->finished) {
            vc_fail(error, VC_ERROR_IO,
                    "block %u was not needed before the tables were written: has the "
                    "source changed meanwhile?",
                    block);
            return false;
        }
        if (!vpc_sink_begin(s, error) ||
            !allocate(s, block, *run == s->block_size, error))
            return false;
    }
    *position = slot_lead(s, s->slots[block] - 1) + s->lead + inside;
    return true;
}

/* The spaces before blocks, which end with their bitmaps. */
static bool
write_leads(const VpcSink *s, GError **error)
{
    g_autofree uint8_t *lead = g_malloc0(s->lead);
    memset(lead + s->lead - s->bitmap_size, 0xff, s->bitmap_size);
    for (uint32_t i = 0; i < s->n_slots; i++)
        if (!vc_file_write(s->base.file, slot_lead(s, i), lead, s->lead, error))
            return false;
    return true;
}

/* The BAT, padded with ones to the sector and with zeros to the first lead. */
static bool
write_bat(const VpcSink *s, GError **error)
{
    static const uint32_t piece = 16384; /* entries */
    g_autofree uint8_t *raw = g_malloc((size_t)piece * 4);
    uint64_t n = (s->first - BAT_AT) / 4, ones;
    vc_round_up(s->n_blocks, VPC_SECTOR / 4, &ones);

    for (uint64_t from = 0; from < n; from += piece) {
        size_t length = MIN(n - from, piece);
        for (size_t i = 0; i < length; i++) {
            uint64_t block = from + i;
            uint32_t entry = block < ones ? VPC_UNALLOCATED : 0;
            if (block < s->n_blocks && s->slots[block] != 0)
                entry = (uint32_t)((slot_lead(s, s->slots[block] - 1) + s->lead -
                                    s->bitmap_size) /
                                   VPC_SECTOR);
            store_be32(raw + (size_t)4 * i, entry);
        }
        if (!vc_file_write(s->base.file, BAT_AT + from * 4, raw, length * 4, error))
            return false;
    }
    return true;
}

static bool
write_header(const VpcSink *s, GError **error)
{
    uint8_t raw[BAT_AT];
    VpcHeader header = {
        .next = UINT64_MAX,
        .table_offset = BAT_AT,
        .version = 0x00010000,
        .entries = s->n_blocks,
        .block_size = s->block_size,
    };
    vpc_footer_encode(&s->footer, raw);
    vpc_header_encode(&header, raw + HEADER_AT);
    return vc_file_write(s->base.file, 0, raw, sizeof raw, error);
}

/* The footer takes the place of the next bitmap, so that a program which puts a new
 * block where it is keeps the alignment. */
static bool
write_footer(const VpcSink *s, uint64_t gap, GError **error)
{
    g_autofree uint8_t *raw = g_malloc0(gap + VPC_FOOTER_SIZE);
    vpc_footer_encode(&s->footer, raw + gap);
    return vc_file_write(s->base.file, slot_lead(s, s->n_slots), raw,
                         gap + VPC_FOOTER_SIZE, error);
}

static bool
finish(VcSink *sink, GError **error)
{
    VpcSink *s = (VpcSink *)sink;
    uint64_t gap = s->lead - s->bitmap_size;
    uint64_t size = slot_lead(s, s->n_slots) + gap + VPC_FOOTER_SIZE;

    s->finished = s->begun = true;
    return vc_file_truncate(sink->file, size, error) && write_leads(s, error) &&
           write_bat(s, error) && vc_file_barrier(sink->file, error) &&
           write_header(s, error) && write_footer(s, gap, error);
}

static const VcSinkOps dynamic_ops = {
    .place = place,
    .finish = finish,
    .free = vpc_sink_free,
};

bool
vpc_sink_make_dynamic(VpcSink *s, const VcOptions *options, GError **error)
{
    uint64_t size = s->base.layout.disks[0].size;
    uint64_t block = vc_options_size(options, "block_size", BLOCK_DEFAULT);

    if (block < BLOCK_MIN || block > VPC_BLOCK_MAX || (block & (block - 1)) != 0) {
        vc_fail(error, VC_ERROR_USAGE,
                "option block_size: %" G_GUINT64_FORMAT
                " is not a power of two from 4K to 256M",
                block);
        return false;
    }
    if (size == VC_SIZE_UNKNOWN) {
        vc_fail(error, VC_ERROR_USAGE,
                "a dynamic VHD needs to know the size of the disk; give it, or use "
                "subformat=fixed");
        return false;
    }
    if (size > VPC_SIZE_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "a dynamic VHD holds at most 2040 GiB (%" G_GUINT64_FORMAT
                " bytes), the disk has %" G_GUINT64_FORMAT "; use vhdx",
                VPC_SIZE_MAX, size);
        return false;
    }
    uint64_t n = size / block + (size % block != 0);
    if (n > VPC_BAT_ENTRIES_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "option block_size: the disk of %" G_GUINT64_FORMAT
                " bytes would have %" G_GUINT64_FORMAT " blocks, more than %u",
                size, n, VPC_BAT_ENTRIES_MAX);
        return false;
    }

    s->block_size = (uint32_t)block;
    s->bitmap_size = vpc_bitmap_size(s->block_size);
    s->lead = (s->bitmap_size + DATA_ALIGNMENT - 1) / DATA_ALIGNMENT * DATA_ALIGNMENT;
    s->n_blocks = (uint32_t)n;
    s->slots = vc_allocate(MAX(n, 1), sizeof *s->slots, error);
    if (!s->slots)
        return false;
    vc_round_up(BAT_AT + n * 4, DATA_ALIGNMENT, &s->first);
    s->footer.type = VPC_DYNAMIC;
    s->footer.data_offset = HEADER_AT;
    s->base.ops = &dynamic_ops;
    s->base.unit = block;
    return true;
}
