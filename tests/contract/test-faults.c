/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract of every format when things go wrong: an error each time, never a crash,
 * and nothing that looks whole and is not. */
#include "io/error.h"
#include "io/lent.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/contract/cases.h"
#include "tests/io/fault.h"

/* More operations than any of the small images takes. */
#define OPERATIONS_MAX 5000

/* True when FILE opens and all of it can be read as the model has it. */
static bool
reads_same(const Case *c, VcFile *file, GError **error)
{
    g_autofree char *fault = NULL;
    g_autoptr(VcSource)
        source = vc_format_open(c->variant->format, vc_lent_file(file), NULL, error);
    if (!source || !model_compare_stored(c->model, source, &fault, error))
        return false;
    case_require(c, !fault, "reads without an error, but %s", fault);
    return true;
}

static void
fail_each_write(const Case *c)
{
    for (unsigned n = 1; n < OPERATIONS_MAX; n++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) memory = vc_memory_file("image");
        VcFaultPlan plan = { .nth = n, .lasting = true };
        g_autoptr(VcFile) faulty = vc_fault_file(vc_lent_file(memory), &plan);
        bool ok = case_make_again(c, faulty, &error);
        if (!plan.happened) {
            case_no_error(c, error);
            case_require(c, n > 1, "nothing was written");
            return;
        }
        case_require(c, !ok, "operation %u failed, and nobody said so", n);
        case_require(c, g_error_matches(error, VC_ERROR, VC_ERROR_IO),
                     "operation %u failed, and what is said is: %s", n, error->message);
        case_require(c,
                     g_str_has_prefix(error->message, "image: ") ||
                         !g_strrstr(error->message, ": image: "),
                     "the name is not said first: %s", error->message);
        /* When only the last step failed, all may be there; nothing less may look so.
         */
        bool match = false;
        if (c->variant->format->probe &&
            c->variant->format->probe(memory, &match, NULL) && match)
            reads_same(c, memory, NULL);
    }
    case_require(c, false, "does not come to an end");
}

START_TEST(each_write_that_fails_is_an_error)
{
    cases_run_few(variant_get(_i), fail_each_write);
}
END_TEST

static void
fail_each_read(const Case *c)
{
    for (unsigned n = 1; n < OPERATIONS_MAX; n++) {
        g_autoptr(GError) error = NULL;
        VcFaultPlan plan = { .nth = n, .lasting = true };
        g_autoptr(VcFile) faulty = vc_fault_file(vc_lent_file(c->file), &plan);
        bool ok = reads_same(c, faulty, &error);
        if (!plan.happened) {
            case_no_error(c, error);
            return;
        }
        case_require(c, !ok, "operation %u failed, and nobody said so", n);
        case_require(c, g_error_matches(error, VC_ERROR, VC_ERROR_IO),
                     "operation %u failed, and what is said is: %s", n, error->message);
    }
    case_require(c, false, "does not come to an end");
}

START_TEST(each_read_that_fails_is_an_error)
{
    cases_run_few(variant_get(_i), fail_each_read);
}
END_TEST

/* The file is cut while it is read, or a network file system has a bad day. */
static void
end_each_read_early(const Case *c)
{
    for (unsigned n = 1; n < OPERATIONS_MAX; n++) {
        g_autoptr(GError) error = NULL;
        VcFaultPlan plan = { .kind = VC_FAULT_SHORT,
                             .operations = VC_FAULT_READ,
                             .nth = n };
        g_autoptr(VcFile) faulty = vc_fault_file(vc_lent_file(c->file), &plan);
        bool ok = reads_same(c, faulty, &error);
        if (!plan.happened) {
            case_no_error(c, error);
            return;
        }
        /* Some reads may well be shorter; what comes out of them is right all the
         * same. */
        case_require(c, ok || (error && error->domain == VC_ERROR),
                     "read %u ended early, and there is no error", n);
    }
    case_require(c, false, "does not come to an end");
}

START_TEST(each_read_that_ends_early_is_an_error_or_does_not_matter)
{
    cases_run_few(variant_get(_i), end_each_read_early);
}
END_TEST

/* A disk that is full: half of what is written arrives. */
static void
end_each_write_early(const Case *c)
{
    for (unsigned n = 1; n < OPERATIONS_MAX; n++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) memory = vc_memory_file("image");
        VcFaultPlan plan = { .kind = VC_FAULT_SHORT,
                             .operations = VC_FAULT_WRITE,
                             .nth = n,
                             .lasting = true };
        g_autoptr(VcFile) full = vc_fault_file(vc_lent_file(memory), &plan);
        bool ok = case_make_again(c, full, &error);
        if (!plan.happened) {
            case_no_error(c, error);
            return;
        }
        case_require(c, !ok, "write %u was cut short, and nobody said so", n);
        bool match = false;
        if (c->variant->format->probe &&
            c->variant->format->probe(memory, &match, NULL) && match)
            reads_same(c, memory, NULL);
    }
    case_require(c, false, "does not come to an end");
}

START_TEST(a_full_disk_is_an_error_wherever_it_fills_up)
{
    cases_run_few(variant_get(_i), end_each_write_early);
}
END_TEST

static void
fail_each_read_of_probe_and_check(const Case *c)
{
    const VcFormat *format = c->variant->format;
    for (unsigned n = 1; n < OPERATIONS_MAX; n++) {
        g_autoptr(GError) error = NULL;
        VcFaultPlan plan = { .nth = n, .lasting = true };
        g_autoptr(VcFile) faulty = vc_fault_file(vc_lent_file(c->file), &plan);
        VcReport report;
        vc_report_init(&report);
        bool ok = (vc_format_probe(faulty, &error) != NULL) &&
                  (!format->check || format->check(faulty, &report, &error));
        vc_report_clear(&report);
        if (!plan.happened) {
            case_no_error(c, error);
            return;
        }
        case_require(c, !ok, "operation %u failed, and nobody said so", n);
    }
    case_require(c, false, "does not come to an end");
}

START_TEST(each_read_that_fails_is_an_error_of_probe_and_check)
{
    cases_run_few(variant_get(_i), fail_each_read_of_probe_and_check);
}
END_TEST

/* Where files are cut, ascending: around every sector of both ends, and at random
 * between. */
static GArray *
list_cuts(uint64_t size, const char *seed)
{
    GArray *cuts = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    g_autoptr(GRand) random = g_rand_new_with_seed(g_str_hash(seed));
    uint64_t ends = MIN(8192, size / 2), stride = MAX(1, (size - 2 * ends) / 50);
    for (uint64_t at = 0; at < size;) {
        if (at >= ends && at < size - ends) {
            uint64_t cut = at + (uint64_t)(g_rand_double(random) * (double)stride);
            g_array_append_val(cuts, cut);
            at = MIN(size - ends, at + stride);
            continue;
        }
        if (at % 512 < 2 || at % 512 == 511)
            g_array_append_val(cuts, at);
        at++;
    }
    return cuts;
}

static void
cut_everywhere(const Case *c)
{
    uint64_t size;
    g_autoptr(VcFile) file = vc_memory_file("image");
    if (!c->variant->format->probe)
        return; /* raw is whole wherever it ends */
    case_require(c, case_make_again(c, file, NULL) && vc_file_size(file, &size, NULL),
                 "cannot be made");

    g_autoptr(GArray) cuts = list_cuts(size, c->text);
    for (unsigned i = cuts->len; i-- > 0;) {
        uint64_t cut = g_array_index(cuts, uint64_t, i);
        g_autoptr(GError) error = NULL;
        size = MIN(size, cut);
        case_require(c, vc_file_truncate(file, size, NULL), "cannot be cut");
        /* What was cut off may not have mattered; otherwise there is an error. */
        if (!reads_same(c, file, &error))
            case_require(c, error && error->domain == VC_ERROR,
                         "cut to %" G_GUINT64_FORMAT " bytes: no error", size);
    }
}

START_TEST(an_image_that_was_cut_is_an_error_or_still_whole)
{
    cases_run_few(variant_get(_i), cut_everywhere);
}
END_TEST

/* One byte in each case is damaged; checksums see many of them, and no reader crashes.
 */
static void
flip_bytes(const Case *c)
{
    uint64_t size;
    g_autoptr(GRand) random = g_rand_new_with_seed(g_str_hash(c->text));
    g_autoptr(VcFile) file = vc_memory_file("image");
    case_require(c, case_make_again(c, file, NULL) && vc_file_size(file, &size, NULL),
                 "cannot be made");
    for (int i = 0; i < 150; i++) {
        /* Metadata lies at both ends. */
        uint64_t at = (uint64_t)(g_rand_double(random) * (double)MIN(size, 16384));
        if (i % 3 == 0)
            at = size - 1 - at;
        uint8_t before, after;
        VcReport report;
        case_require(c, vc_file_read(file, at, &before, 1, NULL), "cannot be read");
        after = before ^ (uint8_t)(1 << g_rand_int_range(random, 0, 8));
        vc_file_write(file, at, &after, 1, NULL);

        g_autofree char *fault = NULL;
        g_autoptr(VcSource)
            source = vc_format_open(c->variant->format, vc_lent_file(file), NULL, NULL);
        if (source && source->layout.n_disks == c->model->layout.n_disks)
            model_compare_stored(c->model, source, &fault, NULL);
        vc_report_init(&report);
        if (c->variant->format->check)
            c->variant->format->check(file, &report, NULL);
        vc_report_clear(&report);
        vc_file_write(file, at, &before, 1, NULL);
    }
}

START_TEST(a_damaged_byte_does_no_harm)
{
    cases_run_few(variant_get(_i), flip_bytes);
}
END_TEST

int
main(void)
{
    const TTest *const all[] = {
        each_write_that_fails_is_an_error,
        each_read_that_fails_is_an_error,
        each_read_that_ends_early_is_an_error_or_does_not_matter,
        a_full_disk_is_an_error_wherever_it_fills_up,
        each_read_that_fails_is_an_error_of_probe_and_check,
        an_image_that_was_cut_is_an_error_or_still_whole,
        a_damaged_byte_does_no_harm,
    };
    Suite *suite = suite_create("contract/faults");
    TCase *tests = tcase_create("faults");
    tcase_set_timeout(tests, 600);
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        tcase_add_loop_test(tests, all[i], 0, (int)variant_count());
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
