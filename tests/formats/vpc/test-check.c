/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of recognising and of checking VHD. */
#include "tests/formats/vpc/findings.h"
#include "tests/formats/vpc/image.h"

#include "io/bytes.h"

static bool
claimed(VcFile *file)
{
    g_autoptr(GError) error = NULL;
    bool match = false;
    ck_assert(vc_format_vpc.probe(file, &match, &error));
    assert_no_error(error);
    return match;
}

/* A stream over FILE's bytes. */
typedef struct {
    VcFile base;
    VcFile *below; /* borrowed */
} Stream;

static bool
stream_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
            GError **error)
{
    ck_assert_uint_le(position + length, VC_STREAM_LOOKBACK);
    return vc_file_read_some(((Stream *)file)->below, position, buffer, length, got,
                             error);
}

static bool
claimed_as_stream(VcFile *file)
{
    static const VcFileOps ops = { .read = stream_read };
    Stream stream = { .below = file };
    vc_file_init(&stream.base, &ops, "stream", false);
    bool match = claimed(&stream.base);
    vc_file_clear(&stream.base);
    return match;
}

START_TEST(images_of_every_kind_are_recognised)
{
    g_autoptr(VcFile) dynamic = make_image(""), fixed = make_image("subformat=fixed");
    ck_assert(claimed(dynamic));
    ck_assert(claimed(fixed));
    ck_assert(claimed_as_stream(dynamic));
    ck_assert(!claimed_as_stream(fixed));
}
END_TEST

START_TEST(a_dynamic_image_from_a_pipe_is_refused_with_the_reason)
{
    static const VcFileOps ops = { .read = stream_read, .free = vc_file_clear };
    g_autoptr(GError) error = NULL;
    Stream stream = { 0 };
    vc_file_init(&stream.base, &ops, "stream", false);
    g_autoptr(VcSource) source = open_vpc(&stream.base, "", &error);
    ck_assert_ptr_null(source);
    assert_error(error, VC_ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(what_is_no_image_is_not_recognised)
{
    static const size_t sizes[] = {
        0, 1, 100, 510, 511, 512, 513, 1023, 1024, 1 << 20
    };
    static const char fills[] = { 0, 'x', (char)0xff };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        for (size_t k = 0; k < sizeof fills; k++) {
            g_autofree char *bytes = g_malloc(sizes[i] + 1);
            memset(bytes, fills[k], sizes[i]);
            g_autoptr(VcFile) file = vc_memory_file_from("f", bytes, sizes[i]);
            ck_assert(!claimed(file));
            ck_assert(!claimed_as_stream(file));
        }
    }
}
END_TEST

START_TEST(a_cookie_alone_is_payload)
{
    g_autoptr(VcFile) file = vc_memory_file("raw");
    vc_file_write(file, 0, "conectix", 8, NULL);
    vc_file_write(file, (1 << 20) - 512, "conectix", 8, NULL);
    vc_file_truncate(file, 1 << 20, NULL);
    ck_assert(!claimed(file));
}
END_TEST

/* A raw disk whose last file is a VHD, then a little free space. */
START_TEST(a_vhd_inside_of_a_raw_disk_does_not_make_it_one)
{
    static const char *const options[] = { "", "subformat=fixed" };
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autoptr(VcFile) inner = make_image(options[i]), outer = vc_memory_file("raw");
        size_t length;
        g_autofree uint8_t *bytes = file_bytes(inner, &length);
        vc_file_write(outer, 1 << 20, bytes, length, NULL);
        vc_file_truncate(outer, (2 << 20) + 8192, NULL);
        ck_assert(!claimed(outer));
    }
}
END_TEST

START_TEST(an_image_too_damaged_to_read_is_not_left_to_raw)
{
    g_autoptr(VcFile) dynamic = make_image(""), fixed = make_image("subformat=fixed");
    vc_file_write(dynamic, 100, "x", 1, NULL);
    vc_file_write(dynamic, file_size(dynamic) - 100, "x", 1, NULL);
    vc_file_write(fixed, file_size(fixed) - 100, "x", 1, NULL);
    ck_assert(claimed(dynamic));
    ck_assert(claimed(fixed));

    g_autoptr(VcFile) poisoned = make_image("");
    vc_file_write(poisoned, 0, "v_poison", 8, NULL);
    vc_file_write(poisoned, file_size(poisoned) - 512, "v_poison", 8, NULL);
    ck_assert(claimed(poisoned));
}
END_TEST

/* --- check ------------------------------------------------------------------------ */

START_TEST(a_good_image_has_no_findings)
{
    VcReport report;
    g_autoptr(VcFile) file = make_image("");
    vc_report_init(&report);
    ck_assert(vc_format_vpc.check(file, &report, NULL));
    ck_assert_uint_eq(report.findings->len, 0);
    ck_assert_uint_eq(report.total, 10);
    ck_assert_uint_eq(report.allocated, 3);
    ck_assert_uint_eq(report.end, file_size(file));
    vc_report_clear(&report);
    expect(make_image("subformat=fixed"), VC_FINDING_NOTE, "", 0);
}
END_TEST

START_TEST(footers_are_compared)
{
    VcFile *file = make_image("");
    vc_file_write(file, 100, "x", 1, NULL);
    expect(file, VC_FINDING_WARNING, "at the beginning is damaged", 1);
    file = make_image("");
    vc_file_write(file, file_size(file) - 100, "x", 1, NULL);
    expect(file, VC_FINDING_CORRUPT, "at the end is missing or damaged", 1);
    file = make_image("");
    vc_file_zero(file, file_size(file) - 512, 512, NULL);
    expect(file, VC_FINDING_CORRUPT, "at the end is missing or damaged", 1);
    file = make_image("");
    vc_file_write(file, 100, "x", 1, NULL);
    vc_file_write(file, file_size(file) - 100, "x", 1, NULL);
    expect(file, VC_FINDING_CORRUPT, "checksum", 1);
}
END_TEST

START_TEST(reserved_bytes_are_noted)
{
    VcFile *file = make_image("");
    uint8_t raw[512];
    vc_file_read(file, 0, raw, 512, NULL);
    raw[400] = 3;
    store_be32(raw + 64, load_be32(raw + 64) - 3);
    vc_file_write(file, 0, raw, 512, NULL);
    vc_file_write(file, file_size(file) - 512, raw, 512, NULL);
    expect(file, VC_FINDING_NOTE, "reserved bytes of the footer", 1);

    file = make_image("");
    VpcHeader header = get_header(file);
    header.next = 5;
    set_header(file, &header);
    expect(file, VC_FINDING_WARNING, "next structure", 1);

    file = make_image("");
    VpcFooter footer = get_footer(file);
    footer.features = 0x102;
    set_footer(file, &footer);
    expect(file, VC_FINDING_WARNING, "unknown features", 1);

    file = make_image("");
    footer = get_footer(file);
    footer.hidden = 0xff;
    set_footer(file, &footer);
    expect(file, VC_FINDING_WARNING, "saved state is 0 and the hidden mark 255", 1);

    file = make_image("");
    header = get_header(file);
    header.parent_name[1] = 'p';
    set_header(file, &header);
    expect(file, VC_FINDING_NOTE, "has no parent, but its header names one", 1);

    file = make_image("");
    uint8_t header_raw[1024];
    vc_file_read(file, 512, header_raw, 1024, NULL);
    header_raw[1000] = 3;
    store_be32(header_raw + 36, load_be32(header_raw + 36) - 3);
    vc_file_write(file, 512, header_raw, 1024, NULL);
    expect(file, VC_FINDING_NOTE, "reserved bytes of the dynamic disk header", 1);
}
END_TEST

START_TEST(a_stream_cannot_be_checked)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = make_image("");
    VcReport report;
    vc_report_init(&report);
    file->seekable = false;
    ck_assert(!vc_format_vpc.check(file, &report, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
    vc_report_clear(&report);
}
END_TEST

START_TEST(each_bad_block_is_found)
{
    VcFile *file = make_image("");
    set_entry(file, 5, 1);
    set_entry(file, 6, 0x7fffffff);
    set_entry(file, 7, 2);
    expect(file, VC_FINDING_CORRUPT, "block", 3);
    file = make_image("");
    set_entry(file, 0, 15);  /* as block 1 */
    set_entry(file, 4, 151); /* in block 3 already, whose bitmap is at 151 */
    expect(file, VC_FINDING_CORRUPT, "overlap", 2);
}
END_TEST

/* The largest table: to put each of its 16 Mi blocks into words would take minutes
 * where sanitizers watch. */
START_TEST(bad_blocks_without_end_are_counted)
{
    const uint32_t n = VPC_BAT_ENTRIES_MAX;
    g_autoptr(VcFile) file = vc_memory_file("bad");
    g_autoptr(VcSink)
        sink = create_vpc(file, n * (uint64_t)4096, "block_size=4k", NULL);
    ck_assert(vc_sink_finish(sink, NULL));
    ck_assert(vc_file_zero(file, 1536, n * (uint64_t)4, NULL));

    VcReport report;
    vc_report_init(&report);
    ck_assert(vc_format_vpc.check(file, &report, NULL));
    ck_assert_uint_eq(report.count[VC_FINDING_CORRUPT], n);
    ck_assert_uint_eq(count(&report, VC_FINDING_CORRUPT, "lies over the copy"),
                      VC_FINDINGS_MAX);
    vc_report_clear(&report);
}
END_TEST

START_TEST(data_under_clear_bits_is_found)
{
    static const uint8_t bits[4] = { 0xff, 0x0f, 0xff, 0xff };
    VcFile *file = make_image("");
    vc_file_write(file, 15 * 512, bits, 4, NULL);
    expect(file, VC_FINDING_CORRUPT, "block 1: sector 8 is marked as never written", 1);
}
END_TEST

/* A file whose reads are counted. */
typedef struct {
    VcFile base;
    VcFile *below; /* owned */
    uint64_t bytes;
} Counted;

static bool
counted_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
             GError **error)
{
    Counted *counted = (Counted *)file;
    counted->bytes += length;
    return vc_file_read_some(counted->below, position, buffer, length, got, error);
}

static bool
counted_size(VcFile *file, uint64_t *size, GError **error)
{
    return vc_file_size(((Counted *)file)->below, size, error);
}

/* Checks FILE, which is taken; gives how many bytes were read. */
static uint64_t
bytes_of_check(VcFile *file, VcReport *report)
{
    static const VcFileOps ops = { .read = counted_read, .size = counted_size };
    g_autoptr(GError) error = NULL;
    Counted counted = { .below = file };
    vc_file_init(&counted.base, &ops, "counted", true);
    ck_assert(vc_format_vpc.check(&counted.base, report, &error));
    assert_no_error(error);
    vc_file_clear(&counted.base);
    vc_file_free(file);
    return counted.bytes;
}

/* A table of many blocks in one place must not take many times its bytes to read. */
START_TEST(what_lies_over_a_block_is_not_read_again)
{
    static const uint8_t clear[16];
    VcFile *file = make_image("");
    vc_file_write(file, 151 * 512, clear, sizeof clear, NULL); /* block 3 */
    vc_file_zero(file, 152 * 512, IMAGE_BLOCK, NULL);
    for (uint32_t block = 0; block < 10; block++)
        set_entry(file, block, block == 5 ? 151 + 16 : 151);
    VcReport report;
    vc_report_init(&report);
    ck_assert_uint_lt(bytes_of_check(file, &report), 2 * IMAGE_BLOCK);
    ck_assert_uint_eq(count(&report, VC_FINDING_CORRUPT, "overlap"), 9);
    vc_report_clear(&report);
}
END_TEST

START_TEST(bitmaps_are_not_looked_at_without_end)
{
    static const uint8_t clear = 0;
    VcFile *file = vc_memory_file("many");
    g_autoptr(VcSink) sink = create_vpc(file, 1500 * 4096, "block_size=4k", NULL);
    put(sink, 0, 1500 * 4096);
    ck_assert(vc_sink_finish(sink, NULL));
    for (uint32_t block = 0; block < 1500; block++) {
        uint8_t raw[4];
        vc_file_read(file, 1536 + 4 * block, raw, 4, NULL);
        vc_file_write(file, (uint64_t)load_be32(raw) * 512, &clear, 1, NULL);
    }
    VcReport report;
    vc_report_init(&report);
    bytes_of_check(file, &report);
    ck_assert_uint_eq(report.count[VC_FINDING_CORRUPT], VC_FINDINGS_MAX);
    ck_assert_uint_eq(count(&report, VC_FINDING_NOTE, "from block 1000 on"), 1);
    vc_report_clear(&report);
}
END_TEST

START_TEST(a_lost_block_is_a_leak)
{
    VcFile *file = vc_memory_file("m");
    g_autoptr(VcSink) sink = create_vpc(file, 20 << 20, "", NULL);
    put(sink, 0, 4096);
    put(sink, 4 << 20, 4096);
    put(sink, 8 << 20, 4096);
    ck_assert(vc_sink_finish(sink, NULL));
    set_entry(file, 2, VPC_UNALLOCATED);
    expect(file, VC_FINDING_LEAK, "nothing refers to", 1);
}
END_TEST

START_TEST(a_fixed_image_is_compared_with_its_size)
{
    VcFile *file = make_image("subformat=fixed");
    VpcFooter footer = get_footer(file);
    footer.current_size -= 512;
    set_footer(file, &footer);
    expect(file, VC_FINDING_WARNING, "more lie before the footer", 1);
    file = make_image("subformat=fixed");
    footer.current_size += 1024;
    set_footer(file, &footer);
    expect(file, VC_FINDING_CORRUPT, "but its footer is", 1);
}
END_TEST

/* Whatever is wrong with a file, a check ends and a source reads or refuses. */
START_TEST(every_truncation_can_be_checked)
{
    g_autoptr(VcFile) whole = make_image("");
    size_t length;
    g_autofree uint8_t *bytes = file_bytes(whole, &length);
    for (size_t cut = 0; cut < length; cut += cut < 5000 ? 1 : 487) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) file = vc_memory_file_from("cut", bytes, cut);
        VcReport report;
        vc_report_init(&report);
        ck_assert(vc_format_vpc.check(file, &report, &error));
        ck_assert_uint_gt(report.findings->len, 0);
        vc_report_clear(&report);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/check");
    TCase *probing = tcase_create("probe"), *checks = tcase_create("check");
    tcase_set_timeout(probing, 60); /* slow under sanitizers */
    tcase_add_test(probing, images_of_every_kind_are_recognised);
    tcase_add_test(probing, a_dynamic_image_from_a_pipe_is_refused_with_the_reason);
    tcase_add_test(probing, what_is_no_image_is_not_recognised);
    tcase_add_test(probing, a_cookie_alone_is_payload);
    tcase_add_test(probing, a_vhd_inside_of_a_raw_disk_does_not_make_it_one);
    tcase_add_test(probing, an_image_too_damaged_to_read_is_not_left_to_raw);
    tcase_set_timeout(checks, 60); /* slow under sanitizers */
    tcase_add_test(checks, a_good_image_has_no_findings);
    tcase_add_test(checks, footers_are_compared);
    tcase_add_test(checks, reserved_bytes_are_noted);
    tcase_add_test(checks, a_stream_cannot_be_checked);
    tcase_add_test(checks, each_bad_block_is_found);
    tcase_add_test(checks, bad_blocks_without_end_are_counted);
    tcase_add_test(checks, data_under_clear_bits_is_found);
    tcase_add_test(checks, what_lies_over_a_block_is_not_read_again);
    tcase_add_test(checks, bitmaps_are_not_looked_at_without_end);
    tcase_add_test(checks, a_lost_block_is_a_leak);
    tcase_add_test(checks, a_fixed_image_is_compared_with_its_size);
    tcase_add_test(checks, every_truncation_can_be_checked);
    suite_add_tcase(suite, probing);
    suite_add_tcase(suite, checks);
    return run_suite(suite);
}
