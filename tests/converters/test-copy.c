/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the engine over files in memory: what arrives, in which order it is placed,
 * with any number of workers, and how it ends when something fails. */
#include "converters/copy.h"
#include "formats/format.h"
#include "io/error.h"
#include "io/lent.h"
#include "io/memory.h"
#include "io/ordered.h"
#include "tests/check-main.h"
#include "tests/io/fault.h"

#include <string.h>

#define MIB ((uint64_t)1 << 20)

/* A source of two disks whose runs come from a list, in the list's order. */
typedef struct {
    VcSource base;
    const VcExtent *script;
    unsigned n, at;
} Scripted;

static bool
scripted_next(VcSource *source, VcExtent *extent, GError **error)
{
    Scripted *s = (Scripted *)source;
    if (s->at == s->n) {
        extent->kind = VC_END;
        return true;
    }
    *extent = s->script[s->at++];
    if (extent->kind == VC_END) {
        vc_fail(error, VC_ERROR_CORRUPT, "scripted failure");
        return false;
    }
    extent->file = source->file;
    return true;
}

static void
scripted_free(VcSource *source)
{
    vc_source_clear(source);
    g_free(source);
}

static const VcSourceOps scripted_ops = { .next = scripted_next,
                                          .free = scripted_free };

/* A file whose bytes tell their position: never zero, but for each 16th page. */
static VcFile *
patterned_file(uint64_t size)
{
    g_autofree uint8_t *data = g_malloc(size);
    for (uint64_t i = 0; i < size; i++)
        data[i] = (i / 4096) % 16 == 7 ? 0 : (uint8_t)(1 + (i / 4096 + i) % 255);
    return vc_memory_file_from("payload", data, size);
}

static VcSource *
scripted_source(const VcExtent *script, unsigned n, uint64_t size)
{
    Scripted *s = g_new0(Scripted, 1);
    vc_source_init(&s->base, &scripted_ops, patterned_file(8 * MIB));
    vc_layout_add_disk(&s->base.layout, "a", size);
    vc_layout_add_disk(&s->base.layout, "b", size);
    s->script = script;
    s->n = n;
    return &s->base;
}

/* A sink that packs what is placed in the order of the calls, and remembers them. */
typedef struct {
    VcSink base;
    GString *calls;
    uint64_t end;
} Packing;

static bool
packing_place(VcSink *sink, unsigned disk, uint64_t offset, uint64_t length,
              uint64_t *position, uint64_t *run, GError **error G_GNUC_UNUSED)
{
    Packing *p = (Packing *)sink;
    g_string_append_printf(p->calls,
                           "%u:%" G_GINT64_MODIFIER "x+%" G_GINT64_MODIFIER "x ", disk,
                           offset, length);
    *position = p->end;
    *run = length;
    p->end += length;
    return true;
}

static bool
packing_finish(VcSink *sink G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    return true;
}

static void
packing_free(VcSink *sink)
{
    g_string_free(((Packing *)sink)->calls, TRUE);
    vc_sink_clear(sink);
    g_free(sink);
}

static const VcSinkOps packing_ops = { .place = packing_place,
                                       .finish = packing_finish,
                                       .free = packing_free };

static VcSink *
packing_sink(VcFile *file, const VcLayout *layout)
{
    Packing *p = g_new0(Packing, 1);
    vc_sink_init(&p->base, &packing_ops, file, layout);
    p->calls = g_string_new(NULL);
    return &p->base;
}

static bool
copy(VcSource *source, VcSink *sink, unsigned workers, uint64_t sparse, GError **error)
{
    VcConvertOptions options = { 0 };
    VcPace pace;
    vc_pace_start(&pace, &options, 0);
    VcCopySettings settings = { .walk = VC_WALK_STORED,
                                .workers = workers,
                                .pace = &pace };
    VcCopyRoute routes[2] = {
        { .sink = sink, .disk = 0, .zeros = { .sparse = sparse } },
        { .sink = sink, .disk = 1, .zeros = { .sparse = sparse } }
    };
    VcConvertStats stats = { 0 };
    return vc_copy(source, routes, &settings, &stats, error);
}

/* Runs of two disks, interleaved, descending, split inside cells, zeros between. */
static const VcExtent mixed[] = {
    { .disk = 0, .kind = VC_DATA, .offset = 3 * MIB, .length = 65536, .position = 0 },
    { .disk = 1, .kind = VC_DATA, .offset = 0, .length = 65536, .position = MIB },
    { .disk = 0,
      .kind = VC_DATA,
      .offset = 3 * MIB + 65536,
      .length = 512,
      .position = 65536 },
    { .disk = 0, .kind = VC_ZERO, .offset = 3 * MIB + 66048, .length = 1024 },
    { .disk = 0,
      .kind = VC_DATA,
      .offset = 3 * MIB + 67072,
      .length = 200000,
      .position = 2 * MIB },
    { .disk = 1,
      .kind = VC_DATA,
      .offset = 2 * MIB - 4096,
      .length = 8192,
      .position = 4 * MIB },
    { .disk = 0, .kind = VC_DATA, .offset = 0, .length = 3 * MIB, .position = 5 * MIB },
};

/* What disk DISK of the script must read as. */
static uint8_t *
expected_disk(unsigned disk, uint64_t size)
{
    uint8_t *content = g_malloc0(size);
    g_autoptr(VcFile) file = patterned_file(8 * MIB);
    for (unsigned i = 0; i < G_N_ELEMENTS(mixed); i++)
        if (mixed[i].disk == disk && mixed[i].kind == VC_DATA)
            ck_assert(vc_file_read(file, mixed[i].position, content + mixed[i].offset,
                                   mixed[i].length, NULL));
    return content;
}

START_TEST(every_byte_arrives_in_its_place)
{
    static const unsigned workers[] = { 0, 1, 4 };
    static const uint64_t sparse[] = { 4096, 0, 65536 };
    uint64_t size = 4 * MIB;
    g_autoptr(VcSource) source = scripted_source(mixed, G_N_ELEMENTS(mixed), size);
    const VcFormat *raw = vc_format_find("raw", NULL);

    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "a", size);
    g_autoptr(VcFile) file = vc_memory_file("out");
    g_autoptr(VcSink) sink = vc_format_create(raw, file, &layout, NULL, NULL, NULL);
    vc_layout_clear(&layout);

    VcConvertOptions options = { 0 };
    VcPace pace;
    vc_pace_start(&pace, &options, 0);
    VcCopySettings settings = { .workers = workers[_i % 3], .pace = &pace };
    VcCopyRoute routes[2] = { { .sink = sink, .zeros = { .sparse = sparse[_i / 3] } } };
    VcConvertStats stats = { 0 };
    g_autoptr(GError) error = NULL;
    ck_assert_msg(vc_copy(source, routes, &settings, &stats, &error), "%s",
                  error ? error->message : "");
    ck_assert(vc_sink_finish(sink, NULL));

    g_autofree uint8_t *want = expected_disk(0, size), *have = g_malloc(size);
    ck_assert(vc_file_read(file, 0, have, size, NULL));
    ck_assert(memcmp(want, have, size) == 0);
}
END_TEST

START_TEST(the_order_of_places_does_not_depend_on_the_workers)
{
    g_autofree char *reference = NULL;
    for (unsigned workers = 0; workers <= 8; workers += 2) {
        g_autoptr(VcSource)
            source = scripted_source(mixed, G_N_ELEMENTS(mixed), 4 * MIB);
        g_autoptr(VcFile) file = vc_memory_file("out");
        g_autoptr(VcSink) sink = packing_sink(file, &source->layout);
        ck_assert(copy(source, sink, workers, 4096, NULL));
        if (!reference)
            reference = g_strdup(((Packing *)sink)->calls->str);
        ck_assert_str_eq(((Packing *)sink)->calls->str, reference);
    }
}
END_TEST

START_TEST(zero_cells_are_not_placed)
{
    static const VcExtent script[] = { { .kind = VC_DATA, .length = 16 * 4096 } };
    g_autoptr(VcSource) source = scripted_source(script, 1, MIB);
    g_autoptr(VcFile) file = vc_memory_file("out");
    g_autoptr(VcSink) sink = packing_sink(file, &source->layout);

    ck_assert(copy(source, sink, 0, 4096, NULL));
    /* Cell 7 of the pattern is zero. */
    ck_assert_str_eq(((Packing *)sink)->calls->str, "0:0+7000 0:8000+8000 ");
}
END_TEST

START_TEST(zeros_shorter_than_the_shortest_hole_are_written)
{
    static const VcExtent script[] = { { .kind = VC_DATA, .length = 16 * 4096 } };
    g_autoptr(VcSource) source = scripted_source(script, 1, MIB);
    g_autoptr(VcFile) file = vc_memory_file("out");
    g_autoptr(VcSink) sink = packing_sink(file, &source->layout);

    ck_assert(copy(source, sink, 0, 8192, NULL));
    ck_assert_str_eq(((Packing *)sink)->calls->str, "0:0+10000 ");
}
END_TEST

START_TEST(without_sparseness_zero_runs_are_written_too)
{
    static const VcExtent script[] = {
        { .kind = VC_DATA, .length = 4096 },
        { .kind = VC_ZERO, .offset = 4096, .length = MIB },
    };
    g_autoptr(VcSource) source = scripted_source(script, 2, MIB + 4096);
    g_autoptr(VcFile) file = vc_memory_file("out");
    g_autoptr(VcSink) sink = packing_sink(file, &source->layout);

    ck_assert(copy(source, sink, 2, 0, NULL));
    ck_assert_str_eq(((Packing *)sink)->calls->str, "0:0+100000 0:100000+1000 ");
    ck_assert_uint_eq(((Packing *)sink)->end, MIB + 4096);
}
END_TEST

/* Copies SCRIPT to a raw image in a file full of 0xee, and expects what it says. */
static void
overwrites(const VcExtent *script, unsigned n, uint64_t size, VcZeroPolicy zeros)
{
    g_autofree uint8_t *want = g_malloc(size), *have = g_malloc(size);
    memset(want, 0xee, size);
    g_autoptr(VcFile) file = vc_memory_file_from("used", want, size);
    g_autoptr(VcSource) source = scripted_source(script, n, size);
    source->ascending = true; /* so that one window follows the other */
    memset(want, 0, size);
    for (unsigned i = 0; i < n; i++)
        if (script[i].kind == VC_DATA)
            ck_assert(vc_file_read(source->file, script[i].position,
                                   want + script[i].offset, script[i].length, NULL));

    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "a", size);
    g_autoptr(VcSink) sink = vc_format_create(vc_format_find("raw", NULL), file,
                                              &layout, NULL, NULL, NULL);
    vc_layout_clear(&layout);
    VcConvertOptions options = { 0 };
    VcPace pace;
    vc_pace_start(&pace, &options, 0);
    VcCopySettings settings = { .pace = &pace };
    VcCopyRoute routes[2] = { { .sink = sink, .zeros = zeros } };
    VcConvertStats stats = { 0 };
    ck_assert(vc_copy(source, routes, &settings, &stats, NULL));
    ck_assert(vc_file_read(file, 0, have, size, NULL));
    for (uint64_t i = 0; i < size; i++)
        if (want[i] != have[i])
            ck_abort_msg("wrong byte at %" G_GUINT64_FORMAT, i);
}

/* In a cell, between cells, over whole windows, and in a buffer that was used before.
 */
START_TEST(zeros_go_over_what_was_there_and_not_over_data)
{
    static const VcExtent script[] = {
        { .kind = VC_DATA, .length = MIB, .position = MIB },
        { .kind = VC_ZERO, .offset = MIB, .length = MIB },
        { .kind = VC_DATA, .offset = 2 * MIB, .length = 512 },
        { .kind = VC_ZERO, .offset = 2 * MIB + 512, .length = 65536 },
        { .kind = VC_DATA, .offset = 2 * MIB + 66048, .length = 300000 },
        { .kind = VC_ZERO, .offset = 2 * MIB + 366048, .length = 4 * MIB - 366048 },
    };
    static const VcZeroPolicy policies[] = { { .sparse = 0 },
                                             { .sparse = 4096, .write_zeros = true },
                                             { .sparse = 65536, .write_zeros = true } };
    overwrites(script, G_N_ELEMENTS(script), 6 * MIB, policies[_i]);
}
END_TEST

START_TEST(zeros_as_long_as_the_shortest_hole_are_one)
{
    static const VcExtent script[] = {
        { .kind = VC_DATA, .length = 4096 },
        { .kind = VC_DATA, .offset = 4096, .length = 4096, .position = 7 * 4096 },
        { .kind = VC_DATA, .offset = 8192, .length = 4096, .position = 7 * 4096 },
        { .kind = VC_DATA, .offset = 12288, .length = 4096 },
    };
    g_autoptr(VcSource) source = scripted_source(script, G_N_ELEMENTS(script), MIB);
    g_autoptr(VcFile) file = vc_memory_file("out");
    g_autoptr(VcSink) sink = packing_sink(file, &source->layout);

    ck_assert(copy(source, sink, 0, 8192, NULL));
    ck_assert_str_eq(((Packing *)sink)->calls->str, "0:0+1000 0:3000+1000 ");
}
END_TEST

/* What a buffer held behind the end of the disk does not count. */
START_TEST(the_zeros_at_an_odd_end_are_not_placed)
{
    static const VcExtent script[] = {
        { .kind = VC_DATA, .length = 4096 },
        { .kind = VC_DATA, .offset = MIB, .length = 512, .position = 7 * 4096 },
    };
    g_autoptr(VcSource) source = scripted_source(script, 2, MIB + 512);
    g_autoptr(VcFile) file = vc_memory_file("out");
    g_autoptr(VcSink) sink = packing_sink(file, &source->layout);

    source->ascending = true; /* as above */
    ck_assert(copy(source, sink, 0, 4096, NULL));
    ck_assert_str_eq(((Packing *)sink)->calls->str, "0:0+1000 ");
}
END_TEST

START_TEST(an_error_of_the_source_ends_the_copy)
{
    static const VcExtent script[] = {
        { .kind = VC_DATA, .length = 3 * MIB },
        { .kind = VC_END },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = scripted_source(script, 2, 4 * MIB);
    g_autoptr(VcFile) file = vc_memory_file("out");
    g_autoptr(VcSink) sink = packing_sink(file, &source->layout);

    ck_assert(!copy(source, sink, (unsigned)_i, 4096, &error));
    assert_error(error, VC_ERROR_CORRUPT);
    ck_assert_str_eq(error->message, "payload: scripted failure");
}
END_TEST

START_TEST(an_error_of_the_target_ends_the_copy)
{
    static const VcExtent script[] = { { .kind = VC_DATA, .length = 3 * MIB } };
    unsigned writes = 0;
    for (unsigned nth = 0; nth == 0 || nth <= writes; nth++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcSource) source = scripted_source(script, 1, 4 * MIB);
        VcFaultPlan plan = { .kind = VC_FAULT_FAIL,
                             .operations = VC_FAULT_WRITE,
                             .nth = nth };
        g_autoptr(VcFile) file = vc_fault_file(vc_memory_file("out"), &plan);
        g_autoptr(VcSink) sink = packing_sink(file, &source->layout);
        ck_assert(copy(source, sink, (unsigned)_i, 0, &error) == (nth == 0));
        if (nth == 0)
            writes = plan.count;
        else
            assert_error(error, VC_ERROR_IO);
    }
    ck_assert_uint_eq(writes, 3);
}
END_TEST

/* What lies before is complete, so nothing need wait in memory. */
START_TEST(a_pipe_gets_each_window_when_it_is_written)
{
    static const VcExtent script[] = {
        { .kind = VC_DATA, .offset = MIB, .length = 65536 },
        { .kind = VC_DATA, .offset = 3 * MIB, .length = 65536 },
    };
    g_autoptr(VcSource) source = scripted_source(script, 2, 4 * MIB);
    g_autoptr(VcFile) below = vc_memory_file("out");
    g_autoptr(VcFile) file = vc_ordered_file(vc_lent_file(below));
    VcLayout layout = { 0 };
    uint64_t size;
    vc_layout_add_disk(&layout, "a", 4 * MIB);
    g_autoptr(VcSink) sink = vc_format_create(vc_format_find("raw", NULL), file,
                                              &layout, NULL, NULL, NULL);
    vc_layout_clear(&layout);
    source->ascending = true;
    ck_assert(copy(source, sink, (unsigned)_i, 4096, NULL));
    ck_assert(vc_file_size(below, &size, NULL));
    ck_assert_uint_eq(size, 3 * MIB + 65536);
}
END_TEST

START_TEST(a_run_beyond_the_end_of_the_file_is_an_error_with_its_name)
{
    static const VcExtent script[] = {
        { .kind = VC_DATA, .length = 3 * MIB, .position = 7 * MIB },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = scripted_source(script, 1, 4 * MIB);
    g_autoptr(VcFile) file = vc_memory_file("out");
    g_autoptr(VcSink) sink = packing_sink(file, &source->layout);

    ck_assert(!copy(source, sink, (unsigned)_i, 4096, &error));
    assert_error(error, VC_ERROR_SHORT);
    ck_assert(g_str_has_prefix(error->message, "payload: the file ends at 0x800000"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/copy");
    TCase *tests = tcase_create("copy");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, every_byte_arrives_in_its_place, 0, 9);
    tcase_add_test(tests, the_order_of_places_does_not_depend_on_the_workers);
    tcase_add_test(tests, zero_cells_are_not_placed);
    tcase_add_test(tests, zeros_shorter_than_the_shortest_hole_are_written);
    tcase_add_test(tests, without_sparseness_zero_runs_are_written_too);
    tcase_add_loop_test(tests, zeros_go_over_what_was_there_and_not_over_data, 0, 3);
    tcase_add_test(tests, zeros_as_long_as_the_shortest_hole_are_one);
    tcase_add_test(tests, the_zeros_at_an_odd_end_are_not_placed);
    tcase_add_loop_test(tests, an_error_of_the_source_ends_the_copy, 0, 3);
    tcase_add_loop_test(tests, an_error_of_the_target_ends_the_copy, 0, 3);
    tcase_add_loop_test(tests, a_pipe_gets_each_window_when_it_is_written, 0, 3);
    tcase_add_loop_test(
        tests, a_run_beyond_the_end_of_the_file_is_an_error_with_its_name, 0, 3);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
