/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the file identifier, the headers and the region tables. */
#include "formats/vhdx/wire.h"
#include "io/bytes.h"
#include "io/checksum.h"
#include "io/error.h"
#include "tests/check-main.h"

static VhdxGuid
guid(const char *text)
{
    VhdxGuid parsed;
    ck_assert(vhdx_guid_parse(text, &parsed));
    return parsed;
}

/* Computes the checksum of RAW anew, as a hostile writer would. */
static void
mend(uint8_t *raw, size_t length)
{
    memset(raw + 4, 0, 4);
    store_le32(raw + 4, vc_crc32c(0, raw, length));
}

/* --- file identifier ----------------------------------------------------------------
 */

START_TEST(a_file_identifier_has_its_golden_bytes)
{
    uint8_t raw[VHDX_IDENTIFIER_SIZE];
    static const uint8_t golden[] = "vhdxfilev\0c\0o\0n\0v\0\0";

    vhdx_identifier_encode("vconv", raw);
    ck_assert_mem_eq(raw, golden, sizeof golden);
    ck_assert(vc_is_zero(raw + sizeof golden, sizeof raw - sizeof golden));
}
END_TEST

START_TEST(the_creator_comes_back_and_what_is_not_utf16_is_left_out)
{
    uint8_t raw[VHDX_IDENTIFIER_SIZE];
    g_autofree char *creator = NULL;
    g_autofree char *strange = NULL;

    vhdx_identifier_encode("QEMU v7.2.22", raw);
    ck_assert(vhdx_identifier_decode(raw, 0, &creator, NULL));
    ck_assert_str_eq(creator, "QEMU v7.2.22");

    store_le16(raw + 8, 0xd83d); /* U+1F600 */
    store_le16(raw + 10, 0xde00);
    store_le16(raw + 12, 0xdc00); /* a half of a pair */
    ck_assert(vhdx_identifier_decode(raw, 0, &strange, NULL));
    ck_assert_str_eq(strange, "\xf0\x9f\x98\x80U v7.2.22");

    memset(raw + 8, 0xd8, VHDX_CREATOR_SIZE); /* halves to the very end */
    ck_assert(vhdx_identifier_decode(raw, 0, NULL, NULL));
    g_clear_pointer(&strange, g_free);
    ck_assert(vhdx_identifier_decode(raw, 0, &strange, NULL));
    ck_assert_str_eq(strange, "");
}
END_TEST

START_TEST(each_byte_of_the_file_signature_counts)
{
    for (unsigned i = 0; i < VHDX_SIGNATURE_SIZE; i++) {
        uint8_t raw[VHDX_IDENTIFIER_SIZE];
        g_autoptr(GError) error = NULL;

        vhdx_identifier_encode("", raw);
        raw[i] ^= 0x20;
        ck_assert(!vhdx_identifier_decode(raw, 0, NULL, &error));
        assert_error(error, VC_ERROR_CORRUPT);
    }
}
END_TEST

/* --- headers ------------------------------------------------------------------------
 */

static VhdxHeader
some_header(uint64_t sequence)
{
    return (VhdxHeader){
        .sequence = sequence,
        .file_write = guid("00112233-4455-6677-8899-aabbccddeeff"),
        .data_write = guid("10213243-5465-7687-98a9-bacbdcedfe0f"),
        .log = guid("20000000-0000-0000-0000-000000000002"),
        .log_version = 0,
        .version = 1,
        .log_length = 1 << 20,
        .log_offset = 1 << 20,
    };
}

/* Computed from the specification's text by a separate program. */
static const uint8_t golden_header[80] = {
    0x68, 0x65, 0x61, 0x64, 0x66, 0x3f, 0x09, 0x54, /* "head", checksum */
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* sequence */
    0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, /* file write */
    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, /**/
    0x43, 0x32, 0x21, 0x10, 0x65, 0x54, 0x87, 0x76, /* data write */
    0x98, 0xa9, 0xba, 0xcb, 0xdc, 0xed, 0xfe, 0x0f, /**/
    0x00, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, /* log */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, /**/
    0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x10, 0x00, /* versions, log length */
    0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, /* log offset */
};

START_TEST(a_header_has_its_golden_bytes)
{
    uint8_t raw[VHDX_HEADER_SIZE];
    VhdxHeader header = some_header(7);

    vhdx_header_encode(&header, raw);
    ck_assert_mem_eq(raw, golden_header, sizeof golden_header);
    ck_assert(vc_is_zero(raw + 80, sizeof raw - 80));
}
END_TEST

START_TEST(a_header_comes_back_as_it_was)
{
    uint8_t raw[VHDX_HEADER_SIZE] = { 0 };
    g_autoptr(GError) error = NULL;
    VhdxHeader header;

    memcpy(raw, golden_header, sizeof golden_header);
    vhdx_header_decode(raw, VHDX_HEADER1_POSITION, &header, &error);
    assert_no_error(error);
    ck_assert_uint_eq(header.sequence, 7);
    ck_assert_uint_eq(header.version, 1);
    ck_assert_uint_eq(header.log_version, 0);
    ck_assert_uint_eq(header.log_length, 1 << 20);
    ck_assert_uint_eq(header.log_offset, 1 << 20);
    VhdxHeader same = some_header(7);
    ck_assert(vhdx_guid_equal(&header.file_write, &same.file_write));
    ck_assert(vhdx_guid_equal(&header.data_write, &same.data_write));
    ck_assert(vhdx_guid_equal(&header.log, &same.log));
    ck_assert(vhdx_header_check(&header, 0, &error));
}
END_TEST

START_TEST(each_flipped_byte_of_a_header_is_seen)
{
    uint8_t raw[VHDX_HEADER_SIZE] = { 0 };
    memcpy(raw, golden_header, sizeof golden_header);

    for (unsigned i = 0; i < VHDX_HEADER_SIZE; i++) {
        g_autoptr(GError) error = NULL;
        VhdxHeader header;

        raw[i] ^= 1u << (i % 8);
        ck_assert(!vhdx_header_decode(raw, VHDX_HEADER1_POSITION, &header, &error));
        assert_error(error, VC_ERROR_CORRUPT);
        raw[i] ^= 1u << (i % 8);
    }
}
END_TEST

START_TEST(reserved_bytes_of_a_header_may_be_set)
{
    uint8_t raw[VHDX_HEADER_SIZE];
    VhdxHeader header = some_header(7);
    vhdx_header_encode(&header, raw);
    raw[80] = raw[4095] = 0xff;
    mend(raw, sizeof raw);
    ck_assert(vhdx_header_decode(raw, 0, &header, NULL));
}
END_TEST

START_TEST(the_header_of_the_larger_sequence_number_is_current)
{
    uint8_t first[VHDX_HEADER_SIZE], second[VHDX_HEADER_SIZE];
    VhdxHeader a = some_header(5), b = some_header(6), header;
    bool is_second;

    vhdx_header_encode(&a, first);
    vhdx_header_encode(&b, second);
    ck_assert(vhdx_headers_choose(first, second, &header, &is_second, NULL));
    ck_assert(is_second && header.sequence == 6);
    ck_assert(vhdx_headers_choose(second, first, &header, &is_second, NULL));
    ck_assert(!is_second && header.sequence == 6);
}
END_TEST

START_TEST(an_invalid_header_leaves_the_other)
{
    uint8_t first[VHDX_HEADER_SIZE], second[VHDX_HEADER_SIZE];
    VhdxHeader a = some_header(5), b = some_header(6), header;
    bool is_second;

    vhdx_header_encode(&a, first);
    vhdx_header_encode(&b, second);
    second[4095] = 1;
    ck_assert(vhdx_headers_choose(first, second, &header, &is_second, NULL));
    ck_assert(!is_second && header.sequence == 5);
    ck_assert(vhdx_headers_choose(second, first, &header, NULL, NULL));
    ck_assert_uint_eq(header.sequence, 5);

    g_autoptr(GError) error = NULL;
    ck_assert(!vhdx_headers_choose(second, second, &header, NULL, &error));
    assert_error(error, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(equal_sequence_numbers_are_taken_only_from_identical_headers)
{
    uint8_t first[VHDX_HEADER_SIZE], second[VHDX_HEADER_SIZE];
    VhdxHeader a = some_header(1), b = some_header(1), header;
    g_autoptr(GError) error = NULL;

    vhdx_header_encode(&a, first);
    vhdx_header_encode(&b, second);
    ck_assert(vhdx_headers_choose(first, second, &header, NULL, NULL));

    b.log_offset += VHDX_MIB;
    vhdx_header_encode(&b, second);
    ck_assert(!vhdx_headers_choose(first, second, &header, NULL, &error));
    assert_error(error, VC_ERROR_CORRUPT);
}
END_TEST

/* Fails the test unless HEADER is refused with CODE. */
static void
refused(VhdxHeader header, VcError code)
{
    g_autoptr(GError) error = NULL;
    ck_assert(!vhdx_header_check(&header, VHDX_HEADER1_POSITION, &error));
    assert_error(error, code);
}

START_TEST(headers_against_the_rules_are_refused)
{
    VhdxHeader header = some_header(1);
    header.version = 0;
    refused(header, VC_ERROR_UNSUPPORTED);
    header.version = 2;
    refused(header, VC_ERROR_UNSUPPORTED);
    header = some_header(1);
    header.log_version = 1;
    refused(header, VC_ERROR_UNSUPPORTED);
    header = some_header(1);
    header.log_offset = VHDX_MIB + 4096;
    refused(header, VC_ERROR_CORRUPT);
    header.log_offset = 0;
    refused(header, VC_ERROR_CORRUPT);
    header.log_offset = UINT64_MAX - VHDX_MIB + 1;
    refused(header, VC_ERROR_CORRUPT);
    header = some_header(1);
    header.log_length = 4096;
    refused(header, VC_ERROR_CORRUPT);
    header.log_length = 0;
    refused(header, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(the_log_of_a_clean_file_may_be_missing_or_of_another_version)
{
    VhdxHeader header = some_header(1);
    header.log = (VhdxGuid){ { 0 } };
    header.log_version = 1;
    ck_assert(vhdx_header_check(&header, 0, NULL));
    header.log_length = 0;
    ck_assert(vhdx_header_check(&header, 0, NULL));
}
END_TEST

/* --- region tables ------------------------------------------------------------------
 */

static const uint8_t golden_regions[80] = {
    0x72, 0x65, 0x67, 0x69, 0xae, 0x8c, 0x6b, 0xc6, /* "regi", checksum */
    0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* count */
    0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, /* BAT */
    0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08, /**/
    0x00, 0x00, 0x30, 0x00, 0x00, 0x00, 0x00, 0x00, /**/
    0x00, 0x00, 0x10, 0x00, 0x01, 0x00, 0x00, 0x00, /**/
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, /* metadata */
    0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e, /**/
    0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, /**/
    0x00, 0x00, 0x10, 0x00, 0x01, 0x00, 0x00, 0x00, /**/
};

static uint8_t *
some_regions(void)
{
    uint8_t *raw = g_malloc0(VHDX_REGIONS_SIZE);
    memcpy(raw, golden_regions, sizeof golden_regions);
    return raw;
}

START_TEST(a_region_table_has_the_golden_bytes_of_windows)
{
    g_autofree uint8_t *raw = g_malloc(VHDX_REGIONS_SIZE);
    const VhdxRegion regions[] = {
        { vhdx_guid_bat, 3 * VHDX_MIB, VHDX_MIB, true },
        { vhdx_guid_metadata, 2 * VHDX_MIB, VHDX_MIB, true },
    };

    vhdx_regions_encode(regions, 2, raw);
    ck_assert_mem_eq(raw, golden_regions, sizeof golden_regions);
    ck_assert(vc_is_zero(raw + 80, VHDX_REGIONS_SIZE - 80));
}
END_TEST

START_TEST(regions_come_back_as_they_were)
{
    g_autofree uint8_t *raw = some_regions();
    g_autoptr(GError) error = NULL;
    unsigned count = 0;

    g_autofree VhdxRegion *regions = vhdx_regions_decode(raw, VHDX_REGIONS1_POSITION,
                                                         NULL, &count, &error);
    assert_no_error(error);
    ck_assert_uint_eq(count, 2);
    const VhdxRegion *bat = vhdx_regions_find(regions, count, &vhdx_guid_bat);
    ck_assert_uint_eq(bat->offset, 3 * VHDX_MIB);
    ck_assert_uint_eq(bat->length, VHDX_MIB);
    ck_assert(bat->required);
    ck_assert_ptr_null(vhdx_regions_find(regions, count, &vhdx_guid_disk_id));
}
END_TEST

START_TEST(each_flipped_byte_of_a_region_table_is_seen)
{
    g_autofree uint8_t *raw = some_regions();
    for (unsigned i = 0; i < VHDX_REGIONS_SIZE; i += i < 128 ? 1 : 97) {
        g_autoptr(GError) error = NULL;
        raw[i] ^= 1u << (i % 8);
        ck_assert(!vhdx_regions_verify(raw, VHDX_REGIONS1_POSITION, &error));
        assert_error(error, VC_ERROR_CORRUPT);
        raw[i] ^= 1u << (i % 8);
    }
    raw[VHDX_REGIONS_SIZE - 1] = 0x80;
    ck_assert(!vhdx_regions_verify(raw, VHDX_REGIONS1_POSITION, NULL));
}
END_TEST

/* Fails the test unless RAW, with a right checksum, is refused with CODE. */
static void
regions_refused(uint8_t *raw, const VhdxHeader *header, VcError code)
{
    g_autoptr(GError) error = NULL;
    unsigned count;
    mend(raw, VHDX_REGIONS_SIZE);
    ck_assert_ptr_null(
        vhdx_regions_decode(raw, VHDX_REGIONS1_POSITION, header, &count, &error));
    assert_error(error, code);
}

START_TEST(region_tables_against_the_rules_are_refused)
{
    static const struct {
        const char *what;
        unsigned at, bytes;
        uint64_t value;
    } cases[] = {
        { "no entries", 8, 4, 0 },
        { "only the BAT", 8, 4, 1 },
        { "2048 entries", 8, 4, 2048 },
        { "2^32 - 1 entries", 8, 4, UINT32_MAX },
        { "unaligned", 32, 8, (3 << 20) + 4096 },
        { "in the header section", 32, 8, 0 },
        { "wraps around", 32, 8, UINT64_MAX - (1 << 20) + 1 },
        { "length not on MiB", 40, 4, 4096 },
        { "on the other", 32, 8, 2 << 20 },
        { "into the other", 72, 4, 2 << 20 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree uint8_t *raw = some_regions();
        if (cases[i].bytes == 4)
            store_le32(raw + cases[i].at, (uint32_t)cases[i].value);
        else
            store_le64(raw + cases[i].at, cases[i].value);
        mark_point();
        regions_refused(raw, NULL, VC_ERROR_CORRUPT);
    }
}
END_TEST

START_TEST(a_region_on_the_log_is_refused)
{
    g_autofree uint8_t *raw = some_regions();
    VhdxHeader header = some_header(1);
    unsigned count;

    g_autofree VhdxRegion *regions = vhdx_regions_decode(raw, 0, &header, &count, NULL);
    ck_assert_ptr_nonnull(regions);
    header.log_length = 2 << 20;
    regions_refused(raw, &header, VC_ERROR_CORRUPT);
    header.log_offset = 3 << 20;
    header.log_length = 1 << 20;
    regions_refused(raw, &header, VC_ERROR_CORRUPT);
    header.log_length = 0;
    g_autofree VhdxRegion *without = vhdx_regions_decode(raw, 0, &header, &count, NULL);
    ck_assert_ptr_nonnull(without);
}
END_TEST

START_TEST(a_region_listed_twice_is_refused)
{
    g_autofree uint8_t *raw = some_regions();
    store_le32(raw + 8, 3);
    memcpy(raw + 80, raw + 16, 32);
    store_le64(raw + 96, 9 << 20);
    regions_refused(raw, NULL, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(an_unknown_region_is_kept_unless_it_is_required)
{
    g_autofree uint8_t *raw = some_regions();
    store_le32(raw + 8, 3);
    memset(raw + 80, 0xaa, 16);
    store_le64(raw + 96, 9 << 20);
    store_le32(raw + 104, 1 << 20);
    mend(raw, VHDX_REGIONS_SIZE);

    unsigned count = 0;
    g_autofree VhdxRegion *regions = vhdx_regions_decode(raw, 0, NULL, &count, NULL);
    ck_assert_ptr_nonnull(regions);
    ck_assert_uint_eq(count, 3);

    store_le32(raw + 108, 1);
    regions_refused(raw, NULL, VC_ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(a_table_that_is_full_is_read)
{
    g_autofree uint8_t *raw = some_regions();
    for (unsigned i = 2; i < VHDX_REGIONS_MAX; i++) {
        store_le32(raw + 16 + i * 32, i);
        store_le64(raw + 16 + i * 32 + 16, (uint64_t)(i + 10) << 20);
        store_le32(raw + 16 + i * 32 + 24, 1 << 20);
    }
    store_le32(raw + 8, VHDX_REGIONS_MAX);
    mend(raw, VHDX_REGIONS_SIZE);
    unsigned count = 0;
    g_autofree VhdxRegion *regions = vhdx_regions_decode(raw, 0, NULL, &count, NULL);
    ck_assert_ptr_nonnull(regions);
    ck_assert_uint_eq(count, VHDX_REGIONS_MAX);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/wire");
    TCase *tests = tcase_create("identifier");
    tcase_add_test(tests, a_file_identifier_has_its_golden_bytes);
    tcase_add_test(tests, the_creator_comes_back_and_what_is_not_utf16_is_left_out);
    tcase_add_test(tests, each_byte_of_the_file_signature_counts);
    suite_add_tcase(suite, tests);

    tests = tcase_create("headers");
    tcase_add_test(tests, a_header_has_its_golden_bytes);
    tcase_add_test(tests, a_header_comes_back_as_it_was);
    tcase_add_test(tests, each_flipped_byte_of_a_header_is_seen);
    tcase_add_test(tests, reserved_bytes_of_a_header_may_be_set);
    tcase_add_test(tests, the_header_of_the_larger_sequence_number_is_current);
    tcase_add_test(tests, an_invalid_header_leaves_the_other);
    tcase_add_test(tests, equal_sequence_numbers_are_taken_only_from_identical_headers);
    tcase_add_test(tests, headers_against_the_rules_are_refused);
    tcase_add_test(tests, the_log_of_a_clean_file_may_be_missing_or_of_another_version);
    suite_add_tcase(suite, tests);

    tests = tcase_create("regions");
    tcase_add_test(tests, a_region_table_has_the_golden_bytes_of_windows);
    tcase_add_test(tests, regions_come_back_as_they_were);
    tcase_add_test(tests, each_flipped_byte_of_a_region_table_is_seen);
    tcase_add_test(tests, region_tables_against_the_rules_are_refused);
    tcase_add_test(tests, a_region_on_the_log_is_refused);
    tcase_add_test(tests, a_region_listed_twice_is_refused);
    tcase_add_test(tests, an_unknown_region_is_kept_unless_it_is_required);
    tcase_add_test(tests, a_table_that_is_full_is_read);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
