/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: options and a script of places for a new VHD, which is refused with a
 * reason or then reads as the model says.
 *
 * Byte 0: one of five options; bit 7 an old file, bit 6: others follow. Bytes 1 and 2:
 * size of the disk. With bit 6 a byte: bits 0 to 3 how many options, one byte each;
 * bit 4 the size is not known, bit 5 there is no disk, bit 6 ids are random. Then pairs
 * of a cell and what goes there. */
#include "tests/fuzz/fuzz.h"

#include "formats/format.h"
#include "io/memory.h"

#include <string.h>

#define CELLS_MAX 300u

extern const VcFormat vc_format_vpc;

/* Larger tables only cost time. */
#define BLOCKS_MAX ((uint64_t)1 << 18)

enum { BLOCK_SIZE, SUBFORMAT, FORCE_SIZE, CREATOR, SIZE, OTHER, KEYS };

typedef struct {
    unsigned key; /* of the same one the last counts */
    const char *text;
    enum {
        FINE,
        WRONG,    /* refused in any case */
        NO_BLOCK, /* refused unless the disk is fixed */
        DEPENDS,
    } kind;
} Word;

/* The first five are those of byte 0. */
static const Word words[] = {
    { BLOCK_SIZE, "block_size=4k", FINE },
    { BLOCK_SIZE, "block_size=8k", FINE },
    { BLOCK_SIZE, "block_size=128k", FINE },
    { BLOCK_SIZE, "block_size=2M", FINE },
    { SUBFORMAT, "subformat=fixed", FINE },
    { BLOCK_SIZE, "block_size=64k", FINE },
    { BLOCK_SIZE, "block_size=0.5M", FINE },
    { BLOCK_SIZE, "block_size=4M", FINE },
    { BLOCK_SIZE, "block_size=256MiB", FINE },
    { BLOCK_SIZE, "block_size=0", NO_BLOCK },
    { BLOCK_SIZE, "block_size=512", NO_BLOCK },
    { BLOCK_SIZE, "block_size=4097", NO_BLOCK },
    { BLOCK_SIZE, "block_size=3M", NO_BLOCK },
    { BLOCK_SIZE, "block_size=512M", NO_BLOCK },
    { BLOCK_SIZE, "block_size=4G", NO_BLOCK },
    { BLOCK_SIZE, "block_size=", WRONG },
    { BLOCK_SIZE, "block_size=-4096", WRONG },
    { BLOCK_SIZE, "block_size=8E", WRONG },
    { BLOCK_SIZE, "block_size=2MM", WRONG },
    { SUBFORMAT, "subformat=dynamic", FINE },
    { SUBFORMAT, "subformat=differencing", WRONG },
    { SUBFORMAT, "subformat", WRONG },
    { FORCE_SIZE, "force_size", FINE },
    { FORCE_SIZE, "force_size=off", FINE },
    { FORCE_SIZE, "force_size=maybe", WRONG },
    { CREATOR, "creator=win", FINE },
    { CREATOR, "creator=vcnv", FINE },
    { CREATOR, "creator=win ", WRONG },
    { SIZE, "size=0", DEPENDS },
    { SIZE, "size=3000", DEPENDS },
    { SIZE, "size=2M", DEPENDS },
    { SIZE, "size=130G", DEPENDS },
    { SIZE, "size=2040G", DEPENDS },
    { SIZE, "size=2190433320961", DEPENDS },
    { SIZE, "size=40T", DEPENDS },
    { SIZE, "size=9223372036854775295", DEPENDS },
    { SIZE, "size=9223372036854775807", DEPENDS },
    { SIZE, "size=9223372036854775808", WRONG },
    { OTHER, "uuid=00000000-0000-0000-0000-000000000000", WRONG },
    { OTHER, "geometry=1024/16/63", WRONG },
    { OTHER, "=", WRONG },
    { SIZE, "size=200M", DEPENDS },
};

typedef struct {
    VcSink *sink;
    uint64_t size;
    uint64_t end;             /* of the highest that was placed */
    uint8_t model[CELLS_MAX]; /* what fills each cell, 0: nothing was placed */
    const Word *chosen[KEYS];
    bool unknown, no_disk, random;
} Script;

static bool
has(const Script *s, unsigned key, unsigned kind)
{
    return s->chosen[key] && s->chosen[key]->kind == kind;
}

static bool
is_fixed(const Script *s)
{
    return s->chosen[SUBFORMAT] && strstr(s->chosen[SUBFORMAT]->text, "fixed");
}

static void
put(Script *s, unsigned cell, uint8_t fill)
{
    uint8_t bytes[VC_CELL];
    uint64_t offset = (uint64_t)cell * VC_CELL, position, again, run;
    uint64_t length = offset < s->size ? MIN(VC_CELL, s->size - offset) : 0;

    if (length == 0)
        return;
    memset(bytes, fill, sizeof bytes);
    g_assert(vc_sink_place(s->sink, 0, offset, length, &position, &run, NULL));
    g_assert(run == length);
    g_assert(vc_sink_place(s->sink, 0, offset, length, &again, &run, NULL));
    g_assert(again == position && position % VC_CELL == 0);
    g_assert(vc_file_write(s->sink->file, position, bytes, length, NULL));
    s->model[cell] = fill;
    s->end = MAX(s->end, offset + length);
}

/* The size that the disk must have. */
static uint64_t
expected_size(const Script *s)
{
    uint64_t size = s->unknown ? s->end : s->size, given;
    if (s->chosen[SIZE] &&
        vc_size_parse(s->chosen[SIZE]->text + strlen("size="), &given))
        size = given;
    return (size + 511) / 512 * 512;
}

static void
verify(const Script *s, VcFile *file)
{
    g_autoptr(GError) error = NULL;
    VcReport report;
    vc_report_init(&report);
    g_assert(vc_format_vpc.check(file, &report, NULL));
    g_assert(report.count[VC_FINDING_CORRUPT] == 0 &&
             report.count[VC_FINDING_LEAK] == 0);
    vc_report_clear(&report);

    g_autoptr(VcSource) source = vc_format_open(&vc_format_vpc, file, NULL, &error);
    g_assert_no_error(error);
    uint64_t size = expected_size(s), written = MIN(s->size, size);
    g_assert(source->layout.disks[0].size == size);
    for (uint64_t offset = 0; offset < written; offset += VC_CELL) {
        uint8_t bytes[VC_CELL];
        size_t length = MIN(VC_CELL, written - offset);
        g_assert(vc_source_read(source, 0, offset, bytes, length, NULL));
        for (size_t i = 0; i < length; i += 256)
            g_assert(bytes[i] == s->model[offset / VC_CELL]);
        g_assert(bytes[length - 1] == s->model[offset / VC_CELL]);
    }
    uint8_t last;
    if (size > written + 512)
        g_assert(vc_source_read(source, 0, size - 1, &last, 1, NULL) && last == 0);
}

/* Whether it must be refused, or must not. */
static void
judge(const Script *s, const GError *error)
{
    bool wrong = s->no_disk, depends = s->unknown || s->chosen[SIZE];
    for (unsigned key = 0; key < KEYS; key++)
        wrong = wrong || has(s, key, WRONG);
    if (!is_fixed(s))
        wrong = wrong || s->unknown || has(s, BLOCK_SIZE, NO_BLOCK);
    g_assert((s->sink == NULL) == (error != NULL));
    g_assert(!s->sink || !wrong);
    g_assert(s->sink || wrong || depends);
}

static void
create(Script *s, VcFile *file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcOptions) options = vc_options_new();
    VcIdentity identity = { .reproducible = true };
    VcLayout layout = { 0 };
    uint64_t before, after;

    for (unsigned key = 0; key < KEYS; key++)
        if (s->chosen[key] && !vc_options_parse(options, s->chosen[key]->text, &error))
            break;
    if (!s->no_disk)
        vc_layout_add_disk(&layout, "disk", s->unknown ? VC_SIZE_UNKNOWN : s->size);
    g_assert(vc_file_size(file, &before, NULL));
    if (!error)
        s->sink = vc_format_create(&vc_format_vpc, file, &layout, options,
                                   s->random ? NULL : &identity, &error);
    vc_layout_clear(&layout);
    judge(s, error);
    /* What is refused is left as it was. */
    g_assert(vc_file_size(file, &after, NULL) && before == after);
}

/* What was not needed has no place once the tables are written. */
static void
place_late(Script *s)
{
    g_autoptr(GError) error = NULL;
    uint64_t position, run;
    for (uint64_t offset = 0; offset < s->size; offset += 16 * VC_CELL) {
        bool good = vc_sink_place(s->sink, 0, offset, MIN(VC_CELL, s->size - offset),
                                  &position, &run, &error);
        g_assert(good == (error == NULL));
        g_clear_error(&error);
    }
}

/* Gives where the pairs begin. */
static size_t
choose(Script *s, const uint8_t *data, size_t size)
{
    const Word *first = &words[data[0] % 5];
    s->chosen[first->key] = first;
    if ((data[0] & 0x40) == 0 || size < 4)
        return 3;
    s->unknown = data[3] & 0x10;
    s->no_disk = data[3] & 0x20;
    s->random = data[3] & 0x40;
    size_t end = MIN(4 + (data[3] & 0xfu), size);
    for (size_t i = 4; i < end; i++) {
        const Word *word = &words[data[i] % G_N_ELEMENTS(words)];
        s->chosen[word->key] = word;
    }
    return end;
}

static VcFile *
make_file(bool old)
{
    VcFile *file = vc_memory_file("image");
    if (old) {
        g_autofree uint8_t *garbage = g_malloc(100000);
        memset(garbage, 0xa5, 100000);
        vc_file_write(file, 0, garbage, 100000, NULL);
        file->reads_zero = false;
    }
    return file;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    Script s = { .size = ((uint64_t)data[1] << 8 | data[2]) * 16 + data[0] };
    s.size = MIN(s.size, (uint64_t)CELLS_MAX * VC_CELL);
    size_t at = choose(&s, data, size);
    VcFile *file = make_file(!is_fixed(&s) && data[0] & 0x80);

    create(&s, file);
    bool large = s.sink && !is_fixed(&s) &&
                 s.sink->layout.disks[0].size / s.sink->unit > BLOCKS_MAX;
    if (!s.sink || large) {
        vc_sink_free(s.sink);
        vc_file_free(file);
        return 0;
    }
    for (; at + 1 < size; at += 2)
        put(&s, data[at] % CELLS_MAX, data[at + 1]);
    g_assert(vc_sink_finish(s.sink, NULL));
    if (!is_fixed(&s))
        place_late(&s);
    vc_sink_free(s.sink);
    verify(&s, file);
    return 0;
}
