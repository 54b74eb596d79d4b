/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what all formats share: options, reports, the doors of registry and source.
 */
#include "formats/format.h"
#include "io/error.h"
#include "io/lent.h"
#include "io/memory.h"
#include "io/stream.h"
#include "tests/check-main.h"

#include <string.h>

static const VcOptionSpec specs[] = {
    { "size", VC_OPTION_SIZE, NULL, NULL, "" },
    { "flag", VC_OPTION_BOOL, NULL, NULL, "" },
    { "kind", VC_OPTION_CHOICE, "dynamic|fixed", NULL, "" },
    { "text", VC_OPTION_TEXT, NULL, NULL, "" },
    { 0 },
};

/* The message for the options TEXT; NULL when they are taken. */
static char *
complaint(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcOptions) options = vc_options_new();
    bool ok = vc_options_parse(options, text, &error) &&
              vc_options_check(options, "x", specs, &error);
    ck_assert(ok == (error == NULL));
    if (ok)
        return NULL;
    assert_error(error, VC_ERROR_USAGE);
    return g_strdup(error->message);
}

START_TEST(options_of_the_wrong_kind_are_refused_with_the_key)
{
    static const char *const rows[][2] = {
        { "size=", "size: ''" },
        { "size=many", "size: 'many'" },
        { "size=-1", "size: '-1'" },
        { "size=1.", "size: '1.'" },
        { "size=1.x", "size: '1.x'" },
        { "size=1Q", "size: '1Q'" },
        { "size=18446744073709551615", "size" },
        { "size=18446744073709551616", "size" },
        { "size=9223372036854775808", "size" },
        { "size=8E", "size" },
        { "size=8192P", "size" },
        { "flag=maybe", "flag: 'maybe'" },
        { "flag=", "flag: ''" },
        { "kind=on", "not one of dynamic|fixed" },
        { "other=1", "no option 'other'" },
        { "=1", "without a name" },
        { "text=a,,=b,,,flag", NULL },
        { "size=1M,,", "size: '1M,'" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *message = complaint(rows[i][0]);
        if (!rows[i][1]) {
            ck_assert_ptr_null(message);
            continue;
        }
        ck_assert_msg(message && strstr(message, rows[i][1]), "%s: %s", rows[i][0],
                      message ? message : "accepted");
    }
}
END_TEST

START_TEST(sizes_are_exact_up_to_2_to_63_less_1)
{
    static const struct {
        const char *text;
        uint64_t size;
    } rows[] = {
        { "0", 0 },
        { "9223372036854775807", INT64_MAX },
        { "7E", (uint64_t)7 << 60 },
        { "1.5GiB", (uint64_t)3 << 29 },
        { "0.000000001T", 1099 },
        { "1.9999999999999999999999K", 2047 }, /* only nine digits count */
        { "512b", 512 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t size;
        ck_assert_msg(vc_size_parse(rows[i].text, &size), "%s", rows[i].text);
        ck_assert_uint_eq(size, rows[i].size);
    }
}
END_TEST

START_TEST(without_options_each_has_its_fallback)
{
    vc_options_free(NULL);
    ck_assert(vc_options_check(NULL, "x", NULL, NULL));
    ck_assert_uint_eq(vc_options_size(NULL, "size", 7), 7);
    ck_assert(vc_options_bool(NULL, "flag", true));
    ck_assert_ptr_null(vc_options_text(NULL, "text", NULL));
}
END_TEST

START_TEST(findings_without_end_are_counted_and_not_kept)
{
    VcReport report;
    vc_report_init(&report);
    for (unsigned i = 0; i < VC_FINDINGS_MAX + 5; i++)
        vc_report_add(&report, VC_FINDING_LEAK, "block %u", i);
    vc_report_add(&report, VC_FINDING_CORRUPT, "the last");
    ck_assert_uint_eq(report.count[VC_FINDING_LEAK], VC_FINDINGS_MAX + 5);
    ck_assert_uint_eq(report.findings->len, VC_FINDINGS_MAX + 1);
    ck_assert_str_eq(g_array_index(report.findings, VcFinding, VC_FINDINGS_MAX).text,
                     "the last");
    vc_report_clear(&report);
}
END_TEST

START_TEST(a_format_that_cannot_write_says_so)
{
    static const VcFormat format = { .name = "readonly", .max_disks = 1 };
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    VcLayout layout = { 0 };
    ck_assert_ptr_null(vc_format_create(&format, file, &layout, NULL, NULL, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error->message, "readonly"));
}
END_TEST

/* Of every format that must have one. */
START_TEST(an_image_without_a_disk_is_refused)
{
    for (const VcFormat *const *f = vc_formats; *f; f++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) file = vc_memory_file("m");
        VcLayout layout = { 0 };
        g_autoptr(VcSink)
            sink = vc_format_create(*f, file, &layout, NULL, NULL, &error);
        if ((*f)->max_disks > 1) {
            assert_no_error(error);
            continue;
        }
        ck_assert_ptr_null(sink);
        assert_error(error, VC_ERROR_USAGE);
    }
}
END_TEST

/* Gives an empty disk of 1 MiB and its footer. */
static VcFile *
make_fixed_vhd(void)
{
    VcIdentity identity = { .reproducible = true };
    g_autoptr(GError) error = NULL;
    g_autoptr(VcOptions) options = vc_options_new();
    VcFile *file = vc_memory_file("m");
    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "", 1 << 20);
    ck_assert(vc_options_parse(options, "subformat=fixed", NULL));
    g_autoptr(VcSink) sink = vc_format_create(vc_format_find("vpc", NULL), file,
                                              &layout, options, &identity, &error);
    vc_layout_clear(&layout);
    assert_no_error(error);
    ck_assert(vc_sink_finish(sink, NULL));
    return file;
}

/* Whose payload the beginning is, or the end, cannot be seen. */
START_TEST(a_file_that_two_formats_claim_is_refused)
{
    static const struct {
        const char *format, *signature;
        size_t length;
    } rows[] = { { "vhdx", "vhdxfile", 8 }, { "vma", "VMA", 4 } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) file = make_fixed_vhd();
        ck_assert_str_eq(vc_format_probe(file, NULL)->name, "vpc");
        vc_file_write(file, 0, rows[i].signature, rows[i].length, NULL);
        ck_assert_ptr_null(vc_format_probe(file, &error));
        assert_error(error, VC_ERROR_USAGE);
        ck_assert(g_str_has_prefix(error->message, "m: "));
        ck_assert_ptr_nonnull(strstr(error->message, "vpc"));
        ck_assert_ptr_nonnull(strstr(error->message, rows[i].format));
        ck_assert_ptr_nonnull(strstr(error->message, "-f FORMAT"));

        /* Down a pipe there is no end to look at. */
        VcStream *stream = vc_stream_from_file(vc_lent_file(file));
        g_autoptr(VcFile) pipe = vc_stream_file(stream, "pipe");
        ck_assert_str_eq(vc_format_probe(pipe, NULL)->name, rows[i].format);
    }
}
END_TEST

static VcSource *
open_raw(VcFile *file)
{
    g_autoptr(GError) error = NULL;
    const VcFormat *raw = vc_format_find("raw", &error);
    VcSource *source = vc_format_open(raw, file, NULL, &error);
    assert_no_error(error);
    return source;
}

START_TEST(reading_beyond_the_end_of_a_disk_is_refused)
{
    static const struct {
        uint64_t offset;
        size_t length;
        bool good;
    } rows[] = {
        { 0, 4096, true },         { 4096, 0, true },  { 0, 4097, false },
        { 4095, 2, false },        { 4097, 0, false }, { UINT64_MAX, 1, false },
        { 4096, SIZE_MAX, false },
    };
    static const uint8_t bytes[4096] = { 1 };
    g_autoptr(VcSource)
        source = open_raw(vc_memory_file_from("m", bytes, sizeof bytes));
    uint8_t buffer[4097];
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        bool ok = vc_source_read(source, 0, rows[i].offset, buffer, rows[i].length,
                                 &error);
        ck_assert(ok == rows[i].good);
        if (!ok)
            assert_error(error, VC_ERROR_USAGE);
    }
}
END_TEST

/* The warnings of a disk with logical sectors of SECTOR bytes in FORMAT. */
static unsigned
count_warnings(const VcFormat *format, uint32_t sector)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "drive-scsi0", 1 << 20)->logical_sector = sector;
    g_autoptr(VcSink)
        sink = vc_format_create(format, file, &layout, NULL, NULL, &error);
    vc_layout_clear(&layout);
    assert_no_error(error);
    return sink->warnings->len;
}

START_TEST(a_disk_whose_sectors_cannot_be_told_is_warned_of)
{
    for (size_t i = 0; vc_formats[i]; i++) {
        unsigned more = count_warnings(vc_formats[i], 4096) -
                        count_warnings(vc_formats[i], 512);
        ck_assert_uint_eq(more, vc_formats[i]->keeps_sectors ? 0 : 1);
    }
}
END_TEST

START_TEST(of_several_disks_the_one_whose_sectors_cannot_be_told_is_named)
{
    g_autoptr(VcFile) file = vc_memory_file("m");
    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "drive-scsi0", 1 << 20);
    vc_layout_add_disk(&layout, "drive-scsi1", 1 << 20)->logical_sector = 4096;
    g_autoptr(VcSink) sink = vc_format_create(vc_format_find("vma", NULL), file,
                                              &layout, NULL, NULL, NULL);
    vc_layout_clear(&layout);
    ck_assert_uint_eq(sink->warnings->len, 1);
    ck_assert_ptr_nonnull(strstr(sink->warnings->pdata[0], "disk drive-scsi1 has"));
}
END_TEST

START_TEST(a_file_that_is_cut_while_it_is_read_is_short)
{
    static const uint8_t bytes[8192] = { 1 };
    static const uint64_t sizes[] = { 0, 1, 4096, 8191 };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;
        VcFile *file = vc_memory_file_from("m", bytes, sizeof bytes);
        g_autoptr(VcSource) source = open_raw(file);
        ck_assert(vc_file_truncate(file, sizes[i], NULL));
        uint8_t buffer[sizeof bytes];
        ck_assert(!vc_source_read(source, 0, 0, buffer, sizeof buffer, &error));
        assert_error(error, VC_ERROR_SHORT);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("formats/shared");
    TCase *tests = tcase_create("shared");
    tcase_add_test(tests, options_of_the_wrong_kind_are_refused_with_the_key);
    tcase_add_test(tests, sizes_are_exact_up_to_2_to_63_less_1);
    tcase_add_test(tests, without_options_each_has_its_fallback);
    tcase_add_test(tests, findings_without_end_are_counted_and_not_kept);
    tcase_add_test(tests, a_format_that_cannot_write_says_so);
    tcase_add_test(tests, an_image_without_a_disk_is_refused);
    tcase_add_test(tests, a_file_that_two_formats_claim_is_refused);
    tcase_add_test(tests, reading_beyond_the_end_of_a_disk_is_refused);
    tcase_add_test(tests, a_disk_whose_sectors_cannot_be_told_is_warned_of);
    tcase_add_test(tests,
                   of_several_disks_the_one_whose_sectors_cannot_be_told_is_named);
    tcase_add_test(tests, a_file_that_is_cut_while_it_is_read_is_short);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
