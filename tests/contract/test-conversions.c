/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract of conversions between every readable and every writable format: the
 * disk stays the same, and the bytes of the output depend on nothing but the input. */
#include "converters/compare.h"
#include "converters/convert.h"
#include "io/checksum.h"
#include "io/error.h"
#include "io/lent.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/contract/cases.h"
#include "tests/io/fault.h"
#include "tests/io/scratch.h"

#include <pthread.h>
#include <string.h>

/* Not whole in any unit, and in several windows of the engine. */
#define SIZE (((uint64_t)3 << 20) + 4096 + 512)

#define DISKS 2u

static const unsigned worker_counts[] = { 0, 1, 4 };

/* One pair: from the images that `from` makes to what `to` writes. */
typedef struct {
    const Variant *from, *to;
    GPtrArray
        *files; /* of VcFile: one with DISKS disks, or DISKS files with one each */
    GPtrArray *outputs; /* of char *: paths of the last run */
} Pair;

static VcFile *
make_image(const Variant *variant, unsigned disks, uint64_t size)
{
    g_autoptr(GError) error = NULL;
    VcFile *file = vc_memory_file("source");
    VcLayout layout;
    Model *model;
    ck_assert(variant_layout(variant, disks, size, &layout));
    model_make(variant, &layout, MODEL_RANDOM, file, &model, &error);
    assert_no_error(error);
    model_free(model);
    vc_layout_clear(&layout);
    return file;
}

/* Sources are made without options: how an image was written is no matter for the pair.
 */
static Pair
new_pair(int index)
{
    unsigned n = variant_count();
    Pair pair = { .from = variant_get(index / (int)n),
                  .to = variant_get(index % (int)n) };
    pair.files = g_ptr_array_new_with_free_func((GDestroyNotify)vc_file_free);
    pair.outputs = g_ptr_array_new_with_free_func(g_free);
    if (pair.from->format->max_disks >= DISKS)
        g_ptr_array_add(pair.files, make_image(pair.from, DISKS, SIZE));
    else
        for (unsigned i = 0; i < DISKS; i++)
            g_ptr_array_add(pair.files, make_image(pair.from, 1, SIZE + i * 8192));
    return pair;
}

static void
clear_pair(Pair *pair)
{
    g_ptr_array_unref(pair->files);
    g_ptr_array_unref(pair->outputs);
}

static GPtrArray *
open_sources(const Pair *pair, bool as_stream)
{
    GPtrArray *sources = g_ptr_array_new_with_free_func((GDestroyNotify)vc_source_free);
    for (unsigned i = 0; i < pair->files->len; i++) {
        g_autoptr(GError) error = NULL;
        VcFile *file = vc_lent_file(pair->files->pdata[i]);
        if (as_stream)
            file = vc_stream_file(vc_stream_from_file(file), "stream");
        VcSource *source = vc_format_open(pair->from->format, file, NULL, &error);
        assert_no_error(error);
        g_ptr_array_add(sources, source);
    }
    return sources;
}

/* Adds what takes disk number N of all; one target takes all disks, or each has its
 * own. */
static void
add_disk(VcConversion *conversion, const Pair *pair, VcSource *source, unsigned disk,
         unsigned n, const char *path)
{
    VcLayout layout = { 0 };
    g_autofree char *name = g_strdup_printf("drive-scsi%u", n);
    vc_layout_add_disk(&layout, name, source->layout.disks[disk].size);
    VcTarget target = { .path = path,
                        .format = pair->to->format,
                        .options = pair->to->options,
                        .layout = layout };
    vc_conversion_add_route(conversion, source, disk,
                            vc_conversion_add_target(conversion, &target), 0);
    vc_layout_clear(&layout);
}

static void
add_all(VcConversion *conversion, Pair *pair, const GPtrArray *sources, const char *run)
{
    bool together = pair->to->format->max_disks >= DISKS;
    unsigned n = 0;
    g_ptr_array_set_size(pair->outputs, 0);
    for (unsigned i = 0; i < sources->len; i++) {
        VcSource *source = sources->pdata[i];
        for (unsigned d = 0; d < source->layout.n_disks; d++, n++) {
            g_autofree char *name = g_strdup_printf("%s-%u", run, n);
            if (!together || n == 0) {
                g_ptr_array_add(pair->outputs, scratch_path(name));
                add_disk(conversion, pair, source, d, n,
                         pair->outputs->pdata[pair->outputs->len - 1]);
                continue;
            }
            VcTarget *target = &g_array_index(conversion->targets, VcTarget, 0);
            g_autofree char *disk_name = g_strdup_printf("drive-scsi%u", n);
            vc_layout_add_disk(&target->layout, disk_name,
                               source->layout.disks[d].size);
            vc_conversion_add_route(conversion, source, d, 0, n);
        }
    }
}

static bool
convert(Pair *pair, const GPtrArray *sources, const char *run, unsigned workers,
        GError **error)
{
    VcConversion conversion;
    vc_conversion_init(&conversion);
    add_all(&conversion, pair, sources, run);
    VcConvertOptions options = {
        .workers = workers,
        .sparse = VC_SPARSE_DEFAULT,
        .target_cache = VC_CACHE_WRITEBACK, /* to spare the disk, not the code */
        .identity = { .reproducible = true, .time = 1767225600 },
    };
    bool ok = vc_conversion_run(&conversion, &options, NULL, error);
    vc_conversion_clear(&conversion);
    return ok;
}

static void
require_pair(const Pair *pair, const char *what, bool ok, const GError *error)
{
    ck_assert_msg(ok && !error, "%s to %s, %s: %s", pair->from->text, pair->to->text,
                  what, error ? error->message : "differs");
}

/* The disks of the outputs are those of the sources; sizes may be rounded up. */
static void
require_same_disks(const Pair *pair, const char *what)
{
    g_autoptr(GPtrArray) sources = open_sources(pair, false);
    g_autoptr(VcSource) target = NULL;
    unsigned n = 0;
    for (unsigned i = 0; i < sources->len; i++) {
        VcSource *source = sources->pdata[i];
        for (unsigned d = 0; d < source->layout.n_disks; d++, n++) {
            g_autoptr(GError) error = NULL;
            VcComparison result = { 0 };
            if (n < pair->outputs->len) {
                vc_source_free(g_steal_pointer(&target));
                target = vc_format_open(
                    pair->to->format,
                    vc_posix_open(pair->outputs->pdata[n], VC_CACHE_AUTO, NULL), NULL,
                    &error);
                require_pair(pair, what, target != NULL, error);
            }
            unsigned disk = pair->outputs->len == 1 ? n : 0;
            bool ok = vc_compare(source, d, target, disk, false, NULL, &result, &error);
            require_pair(pair, what, ok, error);
            ck_assert_msg(result.same,
                          "%s to %s, %s: disk %u differs at 0x%" G_GINT64_MODIFIER "x",
                          pair->from->text, pair->to->text, what, n, result.first);
            ck_assert_uint_ge(target->layout.disks[disk].size,
                              source->layout.disks[d].size);
        }
    }
}

/* Files are compared as raw images, so that holes cost nothing. */
static bool
same_bytes(VcFile *a, VcFile *b)
{
    const VcFormat *raw = vc_format_find("raw", NULL);
    g_autoptr(VcSource) source_a = vc_format_open(raw, a, NULL, NULL);
    g_autoptr(VcSource) source_b = vc_format_open(raw, b, NULL, NULL);
    VcComparison result = { 0 };
    ck_assert(source_a && source_b);
    ck_assert(vc_compare(source_a, 0, source_b, 0, false, NULL, &result, NULL));
    return result.same && !result.size_differs;
}

static bool
same_outputs(const GPtrArray *a, const GPtrArray *b)
{
    bool same = a->len == b->len;
    for (unsigned i = 0; same && i < a->len; i++)
        same = same_bytes(vc_posix_open(a->pdata[i], VC_CACHE_AUTO, NULL),
                          vc_posix_open(b->pdata[i], VC_CACHE_AUTO, NULL));
    return same;
}

/* The paths of the last run; the next one has others. */
static GPtrArray *
keep_outputs(Pair *pair)
{
    GPtrArray *outputs = g_steal_pointer(&pair->outputs);
    pair->outputs = g_ptr_array_new_with_free_func(g_free);
    return outputs;
}

START_TEST(the_disks_stay_the_same_and_workers_change_no_byte)
{
    Pair pair = new_pair(_i);
    g_autoptr(GPtrArray) first = NULL;
    for (size_t w = 0; w < G_N_ELEMENTS(worker_counts); w++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) sources = open_sources(&pair, false);
        g_autofree char *run = g_strdup_printf("workers-%u", worker_counts[w]);
        bool ok = convert(&pair, sources, run, worker_counts[w], &error);
        require_pair(&pair, run, ok, error);
        if (first) {
            require_pair(&pair, run, same_outputs(first, pair.outputs), NULL);
        } else {
            require_same_disks(&pair, run);
            first = keep_outputs(&pair);
        }
    }
    clear_pair(&pair);
}
END_TEST

START_TEST(out_of_a_stream_come_the_same_disks)
{
    Pair pair = new_pair(_i);
    for (size_t w = 0; w < G_N_ELEMENTS(worker_counts); w++) {
        g_autoptr(GError) error = NULL;
        if (!pair.from->format->from_stream)
            break;
        g_autoptr(GPtrArray) sources = open_sources(&pair, true);
        g_autofree char *run = g_strdup_printf("stream-%u", worker_counts[w]);
        if (convert(&pair, sources, run, worker_counts[w], &error)) {
            require_same_disks(&pair, run);
            continue;
        }
        /* A plan may refuse it, and then nothing is there. */
        bool refused = g_error_matches(error, VC_ERROR, VC_ERROR_UNSUPPORTED) ||
                       g_error_matches(error, VC_ERROR, VC_ERROR_USAGE);
        require_pair(&pair, run, refused, refused ? NULL : error);
        ck_assert_uint_eq(scratch_count(), 0);
    }
    clear_pair(&pair);
}
END_TEST

/* Reads a FIFO to its end, into a sparse file in memory. */
static void *
drain(void *path)
{
    static const size_t piece = 1 << 20;
    g_autoptr(VcFile) fifo = vc_posix_open(path, VC_CACHE_AUTO, NULL);
    g_autofree uint8_t *bytes = g_malloc(piece);
    VcFile *file = vc_memory_file(path);
    uint64_t at = 0;
    size_t got = piece;
    while (got == piece && vc_file_read_some(fifo, at, bytes, piece, &got, NULL)) {
        if (!vc_is_zero(bytes, got))
            vc_file_write(file, at, bytes, got, NULL);
        at += got;
    }
    vc_file_truncate(file, at, NULL);
    return file;
}

START_TEST(down_a_pipe_go_the_bytes_of_the_file)
{
    Pair pair = new_pair(_i);
    pthread_t threads[DISKS];
    g_autoptr(GPtrArray) fifos = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) sources = open_sources(&pair, false);
    bool ok = convert(&pair, sources, "file", 2, &error);
    require_pair(&pair, "file", ok, error);
    g_autoptr(GPtrArray) expected = keep_outputs(&pair);

    for (unsigned i = 0; i < expected->len; i++) {
        g_autofree char *name = g_strdup_printf("pipe-%u", i);
        g_ptr_array_add(fifos, scratch_path(name));
        ck_assert_int_eq(mkfifo(fifos->pdata[i], 0600), 0);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, drain, fifos->pdata[i]), 0);
    }
    g_autoptr(GPtrArray) again = open_sources(&pair, false);
    ok = convert(&pair, again, "pipe", 2, &error);
    require_pair(&pair, "pipe", ok, error);
    for (unsigned i = 0; i < expected->len; i++) {
        void *piped = NULL;
        pthread_join(threads[i], &piped);
        bool same = same_bytes(piped,
                               vc_posix_open(expected->pdata[i], VC_CACHE_AUTO, NULL));
        require_pair(&pair, "pipe", same, NULL);
    }
    clear_pair(&pair);
}
END_TEST

/* Opens the first file so that its Nth operation fails, and the rest as they are. */
static GPtrArray *
open_faulty(const Pair *pair, VcFile *faulty, GError **error)
{
    VcSource *first = vc_format_open(pair->from->format, vc_lent_file(faulty), NULL,
                                     error);
    if (!first)
        return NULL;
    GPtrArray *sources = open_sources(pair, false);
    vc_source_free(sources->pdata[0]);
    sources->pdata[0] = first;
    return sources;
}

START_TEST(a_source_that_fails_leaves_nothing)
{
    Pair pair = new_pair(_i);
    bool failed = true;
    for (unsigned n = 1; failed; n += 1 + n / 3) {
        g_autoptr(GError) error = NULL;
        VcFaultPlan plan = { .nth = n, .lasting = true };
        g_autoptr(VcFile)
            faulty = vc_fault_file(vc_lent_file(pair.files->pdata[0]), &plan);
        g_autoptr(GPtrArray) sources = open_faulty(&pair, faulty, &error);
        bool ok = sources &&
                  convert(&pair, sources, "faulty", n % 2 == 0 ? 0 : 4, &error);
        failed = plan.happened;
        if (!failed) {
            require_pair(&pair, "faulty", ok, error);
            break;
        }
        ck_assert_msg(!ok, "%s to %s: operation %u failed, and nobody said so",
                      pair.from->text, pair.to->text, n);
        assert_error(error, VC_ERROR_IO);
        ck_assert_uint_eq(scratch_count(), 0);
    }
    clear_pair(&pair);
}
END_TEST

START_TEST(measure_tells_the_size_of_the_output)
{
    Pair pair = new_pair(_i);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) sources = open_sources(&pair, false);
    bool ok = convert(&pair, sources, "file", 2, &error);
    require_pair(&pair, "file", ok, error);
    g_autoptr(GPtrArray) outputs = keep_outputs(&pair);

    VcConversion conversion;
    g_autoptr(GPtrArray) again = open_sources(&pair, false);
    VcConvertOptions options = { .sparse = VC_SPARSE_DEFAULT,
                                 .identity = { .reproducible = true } };
    vc_conversion_init(&conversion);
    add_all(&conversion, &pair, again, "never");
    for (unsigned i = 0; i < outputs->len; i++) {
        uint64_t required, full, written;
        g_autoptr(VcFile) file = vc_posix_open(outputs->pdata[i], VC_CACHE_AUTO, NULL);
        ck_assert(file && vc_file_size(file, &written, NULL));
        ok = vc_conversion_measure(&conversion, i, &options, &required, &full, &error);
        require_pair(&pair, "measure", ok, error);
        ck_assert_msg(required == written,
                      "%s to %s: measured %" G_GUINT64_FORMAT
                      " bytes, written %" G_GUINT64_FORMAT,
                      pair.from->text, pair.to->text, required, written);
        ck_assert_uint_ge(full, required);
    }
    vc_conversion_clear(&conversion);
    clear_pair(&pair);
}
END_TEST

int
main(void)
{
    const TTest *const all[] = {
        the_disks_stay_the_same_and_workers_change_no_byte,
        out_of_a_stream_come_the_same_disks,
        down_a_pipe_go_the_bytes_of_the_file,
        a_source_that_fails_leaves_nothing,
        measure_tells_the_size_of_the_output,
    };
    Suite *suite = suite_create("contract/conversions");
    TCase *tests = scratch_case(suite, "conversions");
    int n = (int)variant_count();
    tcase_set_timeout(tests, 300);
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        for (int from = 0; from < n; from++)
            if (!variant_get(from)->options)
                tcase_add_loop_test(tests, all[i], from * n, from * n + n);
    return run_suite(suite);
}
