/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of VHD on a file that fails: at each of its operations, one after the other. */
#include "tests/formats/vpc/image.h"

/* A memory file whose operation number FAIL does not work. */
typedef struct {
    VcFile base;
    VcFile *below; /* borrowed */
    unsigned count, fail;
} Failing;

static bool
works(VcFile *file, GError **error)
{
    Failing *f = (Failing *)file;
    if (f->count++ != f->fail)
        return true;
    vc_fail(error, VC_ERROR_IO, "the disk is on fire");
    return false;
}

static bool
failing_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
             GError **error)
{
    return works(file, error) && vc_file_read_some(((Failing *)file)->below, position,
                                                   buffer, length, got, error);
}

static bool
failing_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
              GError **error)
{
    return works(file, error) &&
           vc_file_write(((Failing *)file)->below, position, buffer, length, error);
}

static bool
failing_size(VcFile *file, uint64_t *size, GError **error)
{
    return works(file, error) && vc_file_size(((Failing *)file)->below, size, error);
}

static bool
failing_run(VcFile *file, uint64_t position, bool *data, uint64_t *length,
            GError **error)
{
    return works(file, error) &&
           vc_file_run(((Failing *)file)->below, position, data, length, error);
}

static bool
failing_zero(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    return works(file, error) &&
           vc_file_zero(((Failing *)file)->below, position, length, error);
}

static bool
failing_truncate(VcFile *file, uint64_t size, GError **error)
{
    return works(file, error) &&
           vc_file_truncate(((Failing *)file)->below, size, error);
}

static unsigned operations; /* of the file that was freed last */

static void
failing_free(VcFile *file)
{
    operations = ((Failing *)file)->count;
    vc_file_clear(file);
    g_free(file);
}

static VcFile *
failing_file(VcFile *below, unsigned fail)
{
    static const VcFileOps ops = {
        .read = failing_read,
        .write = failing_write,
        .size = failing_size,
        .run = failing_run,
        .zero = failing_zero,
        .truncate = failing_truncate,
        .free = failing_free,
    };
    Failing *f = g_new0(Failing, 1);
    vc_file_init(&f->base, &ops, "failing", true);
    f->below = below;
    f->fail = fail;
    return &f->base;
}

/* Tapdisk's file has all parts, the second footer is damaged, and sectors are marked as
 * never written: then everything is looked at. */
static VcFile *
make_rich_image(bool child)
{
    static const uint8_t bits[16] = { 0xf0, 0xff };
    VcFile *file = make_image("");
    VpcFooter footer = get_footer(file);
    VpcHeader header = get_header(file);
    uint8_t batmap[512] = "tdbatmap\0\0\0\0\0\0\x0a\0\0\0\0\1\0\1\0\2\xff\xff\xff\xff";
    vc_file_write(file, 2048, batmap, 512, NULL);
    if (child) {
        footer.type = VPC_DIFFERENCING;
        header.locators[0] = (VpcLocator){ "W2ru", 512, 10, 3072 };
        header.parent_name[1] = 'p';
    }
    set_footer(file, &footer);
    set_header(file, &header);
    vc_file_write(file, 151 * 512, bits, sizeof bits, NULL); /* block 3 */
    return file;
}

static bool
read_all(VcFile *file, GError **error)
{
    bool match;
    if (!vc_format_vpc.probe(file, &match, error)) {
        vc_file_free(file);
        return false;
    }
    ck_assert(match);
    g_autoptr(VcSource) source = open_vpc(file, "", error);
    if (!source)
        return false;
    if (source->parent)
        return true;
    for (VcExtent e;;) {
        if (!vc_source_next(source, &e, error))
            return false;
        if (e.kind == VC_END)
            return true;
    }
}

static bool
check_all(VcFile *file, GError **error)
{
    VcReport report;
    vc_report_init(&report);
    bool done = vc_format_vpc.check(file, &report, error);
    vc_report_clear(&report);
    vc_file_free(file);
    return done;
}

/* Runs ACTION on BELOW with each of its operations failing. At most FORGIVEN of them do
 * no harm. */
static void
fail_each(VcFile *below, bool (*action)(VcFile *file, GError **error),
          unsigned forgiven)
{
    unsigned fine = 0;
    ck_assert(action(failing_file(below, G_MAXUINT), NULL));
    for (unsigned n = 0, all = operations; n < all; n++) {
        g_autoptr(GError) error = NULL;
        if (action(failing_file(below, n), &error))
            fine++;
        else
            assert_error(error, VC_ERROR_IO);
    }
    ck_assert_uint_gt(operations, 2);
    ck_assert_uint_le(fine, forgiven);
    vc_file_free(below);
}

START_TEST(every_failure_of_reading_is_reported)
{
    /* Looking for data under clear bits is not what opening is for. */
    fail_each(make_rich_image(false), read_all, 8);
    /* To recognise a VHD the footer at the end is enough. */
    fail_each(make_rich_image(true), read_all, 1);
    fail_each(make_image("subformat=fixed"), read_all, 1);
    /* Without a footer at the end the header decides whether it is one; of each block
     * opening looks at the bitmap. */
    VcFile *damaged = make_image("");
    vc_file_write(damaged, file_size(damaged) - 300, "x", 1, NULL);
    fail_each(damaged, read_all, 3);
}
END_TEST

START_TEST(every_failure_of_checking_is_reported)
{
    fail_each(make_rich_image(false), check_all, 0);
    fail_each(make_rich_image(true), check_all, 0);
    fail_each(make_image("subformat=fixed"), check_all, 1);
}
END_TEST

static bool
write_all(VcFile *file, const char *options, GError **error)
{
    file->reads_zero = false;
    G_GNUC_UNUSED g_autoptr(VcFile) owned = file;
    g_autoptr(VcSink) sink = create_vpc(file, 1 << 20, options, error);
    uint64_t position, run;
    return sink && vc_sink_place(sink, 0, 4096, 4096, &position, &run, error) &&
           vc_sink_finish(sink, error);
}

static bool
write_dynamic(VcFile *file, GError **error)
{
    return write_all(file, "", error);
}

static bool
write_fixed(VcFile *file, GError **error)
{
    return write_all(file, "subformat=fixed", error);
}

START_TEST(every_failure_of_writing_is_reported)
{
    fail_each(make_image(""), write_dynamic, 0);
    fail_each(make_image(""), write_fixed, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/faults");
    TCase *tests = tcase_create("faults");
    tcase_set_timeout(tests, 60); /* slow under sanitizers */
    tcase_add_test(tests, every_failure_of_reading_is_reported);
    tcase_add_test(tests, every_failure_of_checking_is_reported);
    tcase_add_test(tests, every_failure_of_writing_is_reported);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
