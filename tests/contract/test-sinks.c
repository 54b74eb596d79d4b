/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract of every format that can be written: what goes in comes out again, in
 * the same bytes each time, and nobody else takes it for his own. */
#include "io/checksum.h"
#include "io/error.h"
#include "io/lent.h"
#include "io/memory.h"
#include "io/null.h"
#include "io/ordered.h"
#include "io/stream.h"
#include "tests/check-main.h"
#include "tests/contract/cases.h"
#include "tests/io/fault.h"

#include <string.h>

#define GIB ((uint64_t)1 << 30)

static void
require_same(const Case *c, const char *how, bool ok, const char *fault,
             const GError *error)
{
    case_no_error(c, error);
    case_require(c, ok && !fault, "%s: %s", how, fault);
}

static void
read_back(const Case *c)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *fault = NULL, *stored_fault = NULL;
    g_autoptr(VcSource) source = case_open(c, c->file);
    /* A disk without bytes may well be worth a warning. */
    if (c->model->layout.disks[0].size > 0 && source->warnings->len > 0)
        case_require(c, false, "warns: %s", (char *)source->warnings->pdata[0]);

    if (vc_source_has_map(source)) {
        bool ok = model_compare_map(c->model, source, &fault, &error);
        require_same(c, "by map", ok, fault, error);
    }
    g_autoptr(VcSource) again = case_open(c, c->file);
    bool ok = model_compare_stored(c->model, again, &stored_fault, &error);
    require_same(c, "in stored order", ok, stored_fault, error);
}

START_TEST(what_was_written_reads_back)
{
    cases_run(variant_get(_i), read_back);
}
END_TEST

static void
require_same_bytes(const Case *c, VcFile *a, VcFile *b)
{
    uint64_t size, other;
    case_require(c, vc_file_size(a, &size, NULL) && vc_file_size(b, &other, NULL),
                 "a file has no size");
    case_require(c, size == other, "%" G_GUINT64_FORMAT " bytes and %" G_GUINT64_FORMAT,
                 size, other);
    static uint8_t x[65536], y[65536];
    for (uint64_t at = 0; at < size; at += sizeof x) {
        size_t piece = MIN(size - at, sizeof x);
        case_require(c,
                     vc_file_read(a, at, x, piece, NULL) &&
                         vc_file_read(b, at, y, piece, NULL),
                     "a file cannot be read");
        case_require(c, memcmp(x, y, piece) == 0,
                     "the bytes from 0x%" G_GINT64_MODIFIER "x differ", at);
    }
}

static void
run_twice(const Case *c)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) again = vc_memory_file("image");
    case_make_again(c, again, &error);
    case_no_error(c, error);
    require_same_bytes(c, c->file, again);
}

START_TEST(a_second_run_gives_the_same_bytes)
{
    cases_run_few(variant_get(_i), run_twice);
}
END_TEST

/* A sink of CASE over FILE, with which nothing was done yet. */
static VcSink *
new_sink(const Case *c, VcFile *file)
{
    g_autoptr(GError) error = NULL;
    VcIdentity identity = { .reproducible = true, .time = 1767225600 };
    VcSink *sink = vc_format_create(c->variant->format, file, &c->layout,
                                    c->variant->options, &identity, &error);
    case_no_error(c, error);
    return sink;
}

static void
create_only(const Case *c)
{
    uint64_t size = 1;
    g_autoptr(VcFile) file = vc_memory_file("image");
    g_autoptr(VcSink) sink = new_sink(c, file);
    case_require(c, vc_file_size(file, &size, NULL) && size == 0,
                 "create wrote %" G_GUINT64_FORMAT " bytes", size);
    case_require(c, sink->format == c->variant->format, "the format is not set");
}

START_TEST(create_writes_nothing_to_a_seekable_file)
{
    cases_run_few(variant_get(_i), create_only);
}
END_TEST

static void
require_answers_repeat(const Case *c, VcSink *sink, const GArray *answers)
{
    unsigned n = 0;
    for (unsigned i = 0; i < c->model->writes->len; i++) {
        ModelWrite write = g_array_index(c->model->writes, ModelWrite, i);
        while (write.length > 0) {
            uint64_t position, run;
            case_require(c,
                         vc_sink_place(sink, write.disk, write.offset, write.length,
                                       &position, &run, NULL),
                         "a place that was given is refused");
            case_require(c, position == g_array_index(answers, uint64_t, n++),
                         "disk %u, 0x%" G_GINT64_MODIFIER "x lies elsewhere now",
                         write.disk, write.offset);
            write.offset += run;
            write.length -= run;
        }
    }
}

static void
ask_again(const Case *c)
{
    g_autoptr(VcFile) file = vc_null_file("image");
    g_autoptr(VcSink) sink = new_sink(c, file);
    g_autoptr(GArray) answers = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    if (sink->unit == 0 && !sink->identity)
        return;

    for (unsigned i = 0; i < c->model->writes->len; i++) {
        ModelWrite write = g_array_index(c->model->writes, ModelWrite, i);
        while (write.length > 0) {
            uint64_t position, run;
            case_require(c,
                         vc_sink_place(sink, write.disk, write.offset, write.length,
                                       &position, &run, NULL),
                         "place failed");
            g_array_append_val(answers, position);
            write.offset += run;
            write.length -= run;
        }
    }
    require_answers_repeat(c, sink, answers);
    case_require(c, vc_sink_finish(sink, NULL), "finish failed");
    require_answers_repeat(c, sink, answers);
}

START_TEST(a_place_that_is_asked_for_again_is_the_same)
{
    cases_run_few(variant_get(_i), ask_again);
}
END_TEST

static void
probe_all(const Case *c)
{
    g_autoptr(GError) error = NULL;
    for (size_t i = 0; vc_formats[i]; i++) {
        bool match = false;
        if (!vc_formats[i]->probe)
            continue;
        vc_formats[i]->probe(c->file, &match, &error);
        case_no_error(c, error);
        case_require(c, match == (vc_formats[i] == c->variant->format), "%s %s it",
                     vc_formats[i]->name, match ? "claims" : "does not claim");
    }
    case_require(c, vc_format_probe(c->file, &error) == c->variant->format,
                 "is taken for something else");
}

START_TEST(an_image_is_claimed_by_its_own_format_only)
{
    cases_run(variant_get(_i), probe_all);
}
END_TEST

/* True when FILE opens as what it is and all of it can be read. */
static bool
reads_whole(const Case *c, VcFile *file)
{
    g_autofree char *fault = NULL;
    bool match = false;
    if (!c->variant->format->probe || !c->variant->format->probe(file, &match, NULL) ||
        !match)
        return false;
    g_autoptr(VcSource)
        source = vc_format_open(c->variant->format, vc_lent_file(file), NULL, NULL);
    return source && model_compare_stored(c->model, source, &fault, NULL);
}

static void
do_not_finish(const Case *c)
{
    g_autoptr(VcFile) file = vc_memory_file("image");
    g_autoptr(VcSink) sink = new_sink(c, file);
    case_require(c, model_write(c->model, sink, NULL), "writing failed");
    case_require(c, !reads_whole(c, file), "reads as if it were whole");
}

START_TEST(without_finish_an_image_is_not_whole)
{
    cases_run(variant_get(_i), do_not_finish);
}
END_TEST

static void
check_image(const Case *c)
{
    g_autoptr(GError) error = NULL;
    VcReport report;
    if (!c->variant->format->check)
        return;
    vc_report_init(&report);
    c->variant->format->check(c->file, &report, &error);
    case_no_error(c, error);
    for (unsigned i = 0; i < report.findings->len; i++) {
        const VcFinding *finding = &g_array_index(report.findings, VcFinding, i);
        case_require(
            c, finding->kind == VC_FINDING_NOTE || c->model->layout.disks[0].size == 0,
            "check says: %s", finding->text);
    }
    vc_report_clear(&report);
}

static void
refuse_barrier(const Case *c)
{
    VcFaultPlan plan = { VC_FAULT_FAIL, VC_FAULT_SYNC, .nth = 1 };
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_fault_file(vc_memory_file("image"), &plan);
    file->in_place = true;
    bool made = case_make_again(c, file, &error);
    if (variant_unit(c->variant) == 0)
        return; /* no table that leads to the payload */
    case_require(c, plan.happened, "nothing lasts before the rest");
    case_require(c, !made, "that its tables do not last is no error");
    case_require(c, !reads_whole(c, file), "is an image before its tables last");
}

/* In place there is no name to wait for: after a power cut what leads to the tables
 * must not be there without them. */
START_TEST(in_place_the_tables_last_before_what_leads_to_them)
{
    cases_run_few(variant_get(_i), refuse_barrier);
}
END_TEST

START_TEST(check_finds_nothing_wrong)
{
    cases_run(variant_get(_i), check_image);
}
END_TEST

/* A file that takes bytes only at its end, and keeps them in MEMORY. */
typedef struct {
    VcFile base;
    VcFile *memory;
    uint64_t end;
} Pipe;

static bool
pipe_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
           GError **error)
{
    Pipe *pipe = (Pipe *)file;
    if (position != pipe->end) {
        vc_fail(error, VC_ERROR_USAGE, "a pipe is written at its end only");
        return false;
    }
    pipe->end += length;
    return vc_file_write(pipe->memory, position, buffer, length, error);
}

static bool
pipe_truncate(VcFile *file, uint64_t size, GError **error)
{
    if (size == ((Pipe *)file)->end)
        return true;
    vc_fail(error, VC_ERROR_USAGE, "a pipe ends where its bytes do");
    return false;
}

static void
pipe_free(VcFile *file)
{
    vc_file_clear(file);
    g_free(file);
}

static VcFile *
pipe_into(VcFile *memory)
{
    static const VcFileOps ops = { .write = pipe_write,
                                   .truncate = pipe_truncate,
                                   .free = pipe_free };
    Pipe *pipe = g_new0(Pipe, 1);
    vc_file_init(&pipe->base, &ops, "pipe", false);
    pipe->memory = memory;
    return &pipe->base;
}

static void
write_down_a_pipe(const Case *c)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) memory = vc_memory_file("pipe");
    g_autoptr(VcFile) ordered = vc_ordered_file(pipe_into(memory));
    g_autoptr(VcSink) sink = new_sink(c, ordered);
    if (!sink->append_only)
        return;

    g_autoptr(Model) model = model_new(sink, c->density, c->variant->text);
    g_autoptr(VcFile) plain = vc_memory_file("image");
    g_autoptr(VcSink) other = new_sink(c, plain);
    if (!model_write(model, sink, &error) || !vc_sink_finish(sink, &error) ||
        !model_write(model, other, &error) || !vc_sink_finish(other, &error))
        case_no_error(c, error);
    vc_file_sync(ordered, &error);
    case_no_error(c, error);
    require_same_bytes(c, memory, plain);
}

START_TEST(down_a_pipe_go_the_same_bytes)
{
    cases_run(variant_get(_i), write_down_a_pipe);
}
END_TEST

static void
read_from_a_pipe(const Case *c)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *fault = NULL;
    if (!c->variant->format->from_stream)
        return;
    VcFile *pipe = vc_stream_file(vc_stream_from_file(vc_lent_file(c->file)), "pipe");
    case_require(c, vc_format_probe(pipe, NULL) == c->variant->format,
                 "is taken for something else");
    g_autoptr(VcSource) source = vc_format_open(c->variant->format, pipe, NULL, &error);
    case_no_error(c, error);
    bool ok = model_compare_stored(c->model, source, &fault, &error);
    require_same(c, "from a pipe", ok, fault, error);
}

START_TEST(out_of_a_pipe_comes_the_same_content)
{
    cases_run(variant_get(_i), read_from_a_pipe);
}
END_TEST

/* Disks that are too large to be held in memory here, and are empty. */
START_TEST(a_large_empty_disk_is_zero_from_end_to_end)
{
    static const uint64_t sizes[] = { 4 * GIB, 8 * GIB + 512, 128 * GIB };
    const Variant *variant = variant_get(_i);
    VcIdentity identity = { .reproducible = true };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) file = vc_memory_file("image");
        VcLayout layout;
        variant_layout(variant, 1, sizes[i], &layout);
        g_autoptr(VcSink) sink = vc_format_create(variant->format, file, &layout,
                                                  variant->options, &identity, &error);
        vc_layout_clear(&layout);
        assert_no_error(error);
        ck_assert(vc_sink_finish(sink, &error));

        g_autoptr(VcSource)
            source = vc_format_open(variant->format, vc_lent_file(file), NULL, &error);
        assert_no_error(error);
        uint64_t covered = 0, data = 0;
        for (;;) {
            VcExtent extent;
            ck_assert(vc_source_next(source, &extent, &error));
            if (extent.kind == VC_END)
                break;
            covered += extent.length;
            if (extent.kind == VC_DATA) {
                /* What shares a page with metadata may not be known to be zero. */
                data += extent.length;
                ck_assert_uint_le(data, 1 << 20);
                g_autofree uint8_t *bytes = g_malloc(extent.length);
                ck_assert(vc_file_read(extent.file, extent.position, bytes,
                                       extent.length, NULL));
                ck_assert(vc_is_zero(bytes, extent.length));
            }
        }
        ck_assert_uint_eq(covered, sink->layout.disks[0].size);
    }
}
END_TEST

START_TEST(more_disks_than_the_format_holds_are_refused)
{
    g_autoptr(GError) error = NULL;
    const Variant *variant = variant_get(_i);
    VcIdentity identity = { .reproducible = true };
    g_autoptr(VcFile) file = vc_null_file("image");
    VcLayout layout = { 0 };
    for (unsigned i = 0; i <= variant->format->max_disks; i++)
        vc_layout_add_disk(&layout, "disk", 4096);

    ck_assert_ptr_null(vc_format_create(variant->format, file, &layout,
                                        variant->options, &identity, &error));
    assert_error(error, VC_ERROR_USAGE);
    vc_layout_clear(&layout);
}
END_TEST

START_TEST(an_option_that_it_does_not_have_is_refused)
{
    g_autoptr(GError) error = NULL;
    const Variant *variant = variant_get(_i);
    VcIdentity identity = { .reproducible = true };
    g_autoptr(VcFile) file = vc_null_file("image");
    g_autoptr(VcOptions) options = vc_options_new();
    VcLayout layout;
    vc_options_set(options, "no-such-option", "1");
    variant_layout(variant, 1, 1 << 20, &layout);

    ck_assert_ptr_null(
        vc_format_create(variant->format, file, &layout, options, &identity, &error));
    assert_error(error, VC_ERROR_USAGE);
    vc_layout_clear(&layout);
}
END_TEST

int
main(void)
{
    const TTest *const all[] = {
        what_was_written_reads_back,
        a_second_run_gives_the_same_bytes,
        create_writes_nothing_to_a_seekable_file,
        a_place_that_is_asked_for_again_is_the_same,
        an_image_is_claimed_by_its_own_format_only,
        without_finish_an_image_is_not_whole,
        in_place_the_tables_last_before_what_leads_to_them,
        check_finds_nothing_wrong,
        down_a_pipe_go_the_same_bytes,
        out_of_a_pipe_comes_the_same_content,
        a_large_empty_disk_is_zero_from_end_to_end,
        more_disks_than_the_format_holds_are_refused,
        an_option_that_it_does_not_have_is_refused,
    };
    Suite *suite = suite_create("contract/sinks");
    TCase *tests = tcase_create("sinks");
    tcase_set_timeout(tests, 300);
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        tcase_add_loop_test(tests, all[i], 0, (int)variant_count());
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
