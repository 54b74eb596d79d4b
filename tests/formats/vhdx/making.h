/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making VHDX images in tests: what the engine does with a sink, and a flat copy of
 * what the disk shall hold. */
#ifndef VC_TESTS_VHDX_MAKING_H
#define VC_TESTS_VHDX_MAKING_H

#include "formats/vhdx/vhdx.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/formats/vhdx/strict.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

static const VcIdentity same_every_time = { .reproducible = true };

/* --- a disk under way, with a flat copy of what it shall hold -----------------------
 */

static inline VcSink *
create(VcFile *file, uint64_t size, uint32_t sector, const char *text, GError **error)
{
    VcLayout layout = { 0 };
    g_autoptr(VcOptions) options = vc_options_new();
    vc_layout_add_disk(&layout, "drive-scsi0", size)->logical_sector = sector;
    ck_assert(vc_options_parse(options, text, NULL));
    VcSink *sink = vc_format_create(&vc_format_vhdx, file, &layout, options,
                                    &same_every_time, error);
    vc_layout_clear(&layout);
    return sink;
}

static inline VcSink *
must_create(VcFile *file, uint64_t size, const char *text)
{
    g_autoptr(GError) error = NULL;
    VcSink *sink = create(file, size, 512, text, &error);
    assert_no_error(error);
    return sink;
}

/* What the engine does with a run of data; FLAT may be NULL. */
static inline void
put(VcSink *sink, VcFile *flat, uint64_t offset, const uint8_t *data, uint64_t length)
{
    g_autoptr(GError) error = NULL;
    if (flat)
        vc_file_write(flat, offset, data, length, NULL);
    while (length > 0) {
        uint64_t position, run;
        vc_sink_place(sink, 0, offset, length, &position, &run, &error);
        assert_no_error(error);
        vc_file_write(sink->file, position, data, run, &error);
        assert_no_error(error);
        offset += run;
        data += run;
        length -= run;
    }
}

static inline void
must_finish(VcSink *sink)
{
    g_autoptr(GError) error = NULL;
    vc_sink_finish(sink, &error);
    assert_no_error(error);
}

/* Opens FILE by the rules of all readers. */
static inline Strict
strict(VcFile *file)
{
    Strict s;
    const char *broken = strict_open(&s, file);
    ck_assert_msg(!broken, "not kept: %s", broken);
    return s;
}

/* Fails the test unless the disk in S holds what FLAT does, and zeros behind that. */
static inline void
same_as(const Strict *s, VcFile *flat)
{
    uint64_t offset;
    if (!strict_same(s, flat, &offset))
        ck_abort_msg("the disk differs in the 64 KiB from %" G_GUINT64_FORMAT, offset);
}

/* Writes each cell of the disk that chance takes, in the order of chance, once. */
static inline void
put_at_random(VcSink *sink, VcFile *flat, GRand *chance, unsigned runs)
{
    static uint8_t data[256 << 10];
    uint64_t size = sink->layout.disks[0].size, cells = (size + VC_CELL - 1) / VC_CELL;
    g_autoptr(GHashTable)
        taken = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)g_rand_int(chance);
    for (unsigned i = 0; i < runs; i++) {
        uint64_t first = (uint64_t)(g_rand_double(chance) * (double)cells), end = first;
        uint64_t want = (uint64_t)g_rand_int_range(chance, 1, sizeof data / VC_CELL);
        while (end < cells && end - first < want &&
               !g_hash_table_contains(taken, &end)) {
            g_hash_table_add(taken, g_memdup2(&end, sizeof end));
            end++;
        }
        uint64_t offset = first * VC_CELL, stop = MIN(end * VC_CELL, size);
        data[0] = (uint8_t)i;
        if (stop > offset)
            put(sink, flat, offset, data, stop - offset);
    }
}

#endif
