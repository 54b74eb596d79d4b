/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VHDX source and its check: the input is a sparse file. What opens and is in order
 * must be readable wherever the map points, the check must agree, and the file itself
 * must not be written. */
#include "formats/vhdx/source.h"
#include "formats/vhdx/vhdx.h"
#include "io/checksum.h"
#include "io/memory.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guard.h"
#include "tests/fuzz/vhdx-input.h"

/* Enough to go over every structure of a small disk; a map may be made endless. */
#define EXTENTS_MAX 2000u

/* What is mended of entries that lie on each other; the reader gives up soon, too. */
#define MENDED_MAX ((size_t)4 << 20)

static VcFile *
build(const uint8_t *data, size_t size)
{
    VcFile *file = vc_memory_file("fuzzed");
    fuzz_records_lay(&vhdx_form, data, size, file, (uint64_t)load_le16(data + 1) << 16);
    return file;
}

/* The checksum at byte 4 of LENGTH bytes at POSITION, when they begin with SIGNATURE.
 */
static void
mend(VcFile *file, uint64_t position, uint64_t length, const char *signature)
{
    g_autofree uint8_t *raw = g_malloc(length);
    if (!vc_file_read(file, position, raw, length, NULL) ||
        memcmp(raw, signature, 4) != 0)
        return;
    store_le32(raw + 4, 0);
    store_le32(raw + 4, vc_crc32c(0, raw, length));
    vc_file_write(file, position + 4, raw + 4, 4, NULL);
}

/* Reads or writes LENGTH bytes at AT of the log, which go on at its beginning. */
static bool
read_round(VcFile *file, uint64_t at, uint8_t *raw, size_t length)
{
    size_t first = MIN(length, MIB - at);
    return vc_file_read(file, LOG + at, raw, first, NULL) &&
           vc_file_read(file, LOG, raw + first, length - first, NULL);
}

static void
write_round(VcFile *file, uint64_t at, const uint8_t *raw, size_t length)
{
    size_t first = MIN(length, MIB - at);
    vc_file_write(file, LOG + at, raw, first, NULL);
    vc_file_write(file, LOG, raw + first, length - first, NULL);
}

/* Gives the entry's sequence number to its descriptors and data sectors. */
static void
mend_sequences(VcFile *file, uint64_t at, uint8_t *entry, size_t length)
{
    uint64_t sequence = load_le64(entry + 16);
    size_t tables = (64 + (size_t)load_le32(entry + 24) * 32 + 4095) / 4096 * 4096;
    size_t end = MIN(tables, length);
    for (size_t i = 64; i + 32 <= end; i += 32)
        if (memcmp(entry + i, "desc", 4) == 0 || memcmp(entry + i, "zero", 4) == 0)
            store_le64(entry + i + 24, sequence);
    write_round(file, at, entry, end);
    for (size_t i = end; length - i >= 4096; i += 4096)
        if (memcmp(entry + i, "data", 4) == 0) {
            store_le32(entry + i + 4, (uint32_t)(sequence >> 32));
            store_le32(entry + i + 4092, (uint32_t)sequence);
            write_round(file, (at + i) % MIB, entry + i, 4096);
        }
}

/* The checksum of the log entry at AT, which may go round the log's end; its sequence
 * numbers before that, when SEQUENCES. *LEFT: bytes that may still be read for it. */
static void
mend_entry(VcFile *file, uint64_t at, bool sequences, size_t *left)
{
    uint8_t head[12];
    if (!vc_file_read(file, LOG + at, head, sizeof head, NULL) ||
        memcmp(head, "loge", 4) != 0)
        return;
    size_t length = load_le32(head + 8);
    if (length > MIN(*left, MIB) || length < 64)
        return;
    *left -= length;
    g_autofree uint8_t *entry = g_malloc(length);
    if (!read_round(file, at, entry, length))
        return;
    if (sequences)
        mend_sequences(file, at, entry, length);
    store_le32(entry + 4, 0);
    store_le32(entry + 4, vc_crc32c(0, entry, length));
    vc_file_write(file, LOG + at + 4, entry + 4, 4, NULL);
}

static void
mend_log(VcFile *file, uint64_t size, bool sequences)
{
    size_t left = MENDED_MAX;
    for (uint64_t at = 0, run; at < MIB && LOG + at < size; at += run) {
        bool data;
        vc_file_run(file, LOG + at, &data, &run, NULL);
        run = data ? 4096 : (run + 4095) / 4096 * 4096;
        if (data)
            mend_entry(file, at, sequences, &left);
    }
}

/* --- a parent that has whatever it is asked for --------------------------------------
 */

static bool
parent_map(const VcSource *source, unsigned disk G_GNUC_UNUSED, uint64_t offset,
           VcExtent *extent, GError **error G_GNUC_UNUSED)
{
    extent->kind = offset % 3 ? VC_DATA : VC_ZERO;
    extent->length = 1 + offset % 100000;
    extent->file = source->file;
    return true;
}

static void
parent_free(VcSource *source)
{
    vc_source_clear(source);
    g_free(source);
}

static const VcSourceOps parent_ops = { .map = parent_map, .free = parent_free };

/* False when no parent is good enough: the linkage is zero. */
static bool
adopt(VcSource *source)
{
    VcSource *parent = g_new0(VcSource, 1);
    vc_source_init(parent, &parent_ops, vc_memory_file("parent"));
    vc_file_truncate(parent->file, MIB, NULL);
    VcDisk *disk = vc_layout_add_disk(&parent->layout, "", 3 * MIB + 512);
    disk->logical_sector = source->layout.disks[0].logical_sector;
    parent->identity = g_strdup(source->parent->id);
    bool adopted = vc_source_adopt(source, parent, NULL);
    g_assert(adopted ||
             g_str_has_prefix(source->parent->id, "{00000000-0000-0000-0000"));
    if (!adopted)
        vc_source_free(parent);
    return adopted;
}

/* -------------------------------------------------------------------------------------
 */

static void
read_end(const VcExtent *extent)
{
    uint8_t byte;
    uint64_t size;
    if (extent->kind == VC_ZERO)
        return;
    g_assert(extent->kind == VC_DATA && extent->file);
    g_assert(vc_file_size(extent->file, &size, NULL));
    g_assert(extent->position < size && extent->length <= size - extent->position);
    g_assert(vc_file_read(extent->file, extent->position + extent->length - 1, &byte, 1,
                          NULL));
}

static void
walk(const VcSource *source, bool whole)
{
    uint64_t size = source->layout.disks[0].size, at = 0;
    for (unsigned n = 0; n < EXTENTS_MAX && at < size; n++) {
        VcExtent extent;
        if (!vc_source_map(source, 0, at, &extent, NULL)) {
            /* What the bitmap or the BAT has wrong is known since `index`. */
            g_assert(!whole);
            return;
        }
        g_assert(extent.length > 0 && extent.length <= size - at);
        read_end(&extent);
        at += extent.length;
    }
}

/* Whether it opens and is in order. */
static bool
read_source(VcFile *file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = vhdx_open(fuzz_guard(file), NULL, &error);
    g_assert((source == NULL) == (error != NULL));
    if (!source)
        return false;
    VcFacts facts;
    vc_facts_init(&facts);
    source->ops->describe(source, &facts);
    vc_facts_clear(&facts);

    bool complete = !source->parent || adopt(source);
    bool whole = vc_source_index(source, &error);
    g_assert(whole == (error == NULL));
    walk(source, whole && complete);
    return whole;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    g_autoptr(VcFile) file = build(data, size);
    if ((data[0] & KEEP_CHECKSUMS) == 0) {
        mend(file, 64 << 10, 4096, "head");
        mend(file, 128 << 10, 4096, "head");
        mend(file, 192 << 10, 65536, "regi");
        mend(file, 256 << 10, 65536, "regi");
        mend_log(file, (uint64_t)load_le16(data + 1) << 16, data[0] & MEND_SEQUENCES);
    }
    bool match, good = read_source(file);
    g_assert(vc_format_vhdx.probe(file, &match, NULL));
    g_assert(match || !good);
    VcReport report;
    vc_report_init(&report);
    g_autoptr(VcFile) guarded = fuzz_guard(file);
    bool checked = vhdx_check(guarded, &report, NULL);
    if (checked)
        g_assert(good == (report.count[VC_FINDING_CORRUPT] == 0));
    else
        g_assert(!good);
    vc_report_clear(&report);
    return 0;
}
