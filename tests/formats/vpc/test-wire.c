/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the structures of VHD as bytes. */
#include "formats/vpc/wire.h"

#include "io/bytes.h"
#include "io/error.h"
#include "tests/check-main.h"

#include <string.h>

/* From the specification's tables by hand: a dynamic disk of 127 GiB by Windows. */
static const uint8_t golden_footer[512] =
    "conectix"
    "\x00\x00\x00\x02"
    "\x00\x01\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x02\x00"
    "\x29\xb9\x27\x00"
    "win \x00\x06\x00\x03"
    "Wi2k"
    "\x00\x00\x00\x1f\xc0\x00\x00\x00"
    "\x00\x00\x00\x1f\xc0\x00\x00\x00"
    "\xfe\xfe\x10\xff"
    "\x00\x00\x00\x03"
    "\xff\xff\xeb\xfc"
    "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";

static const VpcFooter footer_of_golden = {
    .features = 2,
    .version = 0x00010000,
    .data_offset = 512,
    .timestamp = 0x29b92700,
    .creator = { 'w', 'i', 'n', ' ' },
    .creator_version = 0x00060003,
    .host = { 'W', 'i', '2', 'k' },
    .original_size = 0x1fc0000000,
    .current_size = 0x1fc0000000,
    .geometry = { 0xfefe, 16, 255 },
    .type = VPC_DYNAMIC,
    .id = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb,
            0xcc, 0xdd, 0xee, 0xff },
};

/* The offsets of the header's fields, filled with what is told apart from zero. */
static void
make_golden_header(uint8_t raw[static VPC_HEADER_SIZE])
{
    static const uint8_t front[64] = "cxsparse"
                                     "\xff\xff\xff\xff\xff\xff\xff\xff"
                                     "\x00\x00\x00\x00\x00\x00\x06\x00"
                                     "\x00\x01\x00\x00"
                                     "\x00\x00\xfe\x00"
                                     "\x00\x20\x00\x00"
                                     "\xff\xff\xed\xcb"
                                     "0123456789abcdef"
                                     "\x12\x34\x56\x78";
    memset(raw, 0, VPC_HEADER_SIZE);
    memcpy(raw, front, sizeof front);
    memcpy(raw + 64, "\0p\0.\0v\0h\0d", 10);
    memcpy(raw + 576 + 24, "W2ru\0\0\2\0\0\0\0\x22\0\0\0\0\0\0\0\0\0\0\x08\0", 24);
}

static const VpcHeader header_of_golden = {
    .next = UINT64_MAX,
    .table_offset = 1536,
    .version = 0x00010000,
    .entries = 0xfe00,
    .block_size = 2 << 20,
    .parent_id = "0123456789abcdef",
    .parent_timestamp = 0x12345678,
    .parent_name = "\0p\0.\0v\0h\0d",
    .locators = { { { 0 }, 0, 0, 0 }, { { 'W', '2', 'r', 'u' }, 512, 0x22, 2048 } },
};

/* The sum of all bytes but those at AT, and its complement there. */
static void
mend(uint8_t *raw, size_t length, size_t at)
{
    uint32_t sum = 0;
    memset(raw + at, 0, 4);
    for (size_t i = 0; i < length; i++)
        sum += raw[i];
    store_be32(raw + at, ~sum);
}

START_TEST(the_golden_footer_has_the_sum_that_was_computed_apart)
{
    uint8_t raw[512];
    memcpy(raw, golden_footer, sizeof raw);
    mend(raw, sizeof raw, 64);
    ck_assert_mem_eq(raw, golden_footer, sizeof raw);
}
END_TEST

START_TEST(a_footer_is_written_as_the_golden_bytes)
{
    uint8_t raw[512];
    vpc_footer_encode(&footer_of_golden, raw);
    ck_assert_mem_eq(raw, golden_footer, sizeof raw);
}
END_TEST

START_TEST(the_golden_bytes_are_read_as_the_footer)
{
    g_autoptr(GError) error = NULL;
    VpcFooter footer;
    uint8_t again[512];
    ck_assert(vpc_footer_valid(golden_footer));
    ck_assert(vpc_footer_decode(golden_footer, 0, &footer, &error));
    ck_assert_uint_eq(footer.current_size, UINT64_C(127) << 30);
    ck_assert_uint_eq(footer.geometry.cylinders, 65278);
    ck_assert_uint_eq(footer.type, VPC_DYNAMIC);
    vpc_footer_encode(&footer, again);
    ck_assert_mem_eq(again, golden_footer, sizeof again);
}
END_TEST

START_TEST(a_footer_with_any_bit_turned_is_refused)
{
    uint8_t raw[512];
    memcpy(raw, golden_footer, sizeof raw);
    for (size_t bit = 0; bit < sizeof raw * 8; bit++) {
        g_autoptr(GError) error = NULL;
        VpcFooter footer;
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert(!vpc_footer_valid(raw));
        ck_assert(!vpc_footer_decode(raw, 0, &footer, &error));
        assert_error(error, VC_ERROR_CORRUPT);
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

START_TEST(a_footer_that_xenserver_hid_keeps_its_old_checksum)
{
    g_autoptr(GError) error = NULL;
    VpcFooter footer;
    uint8_t raw[512];
    memcpy(raw, golden_footer, sizeof raw);
    memcpy(raw + 28, "tap", 4);
    mend(raw, sizeof raw, 64);
    raw[85] = 1;
    ck_assert(vpc_footer_valid(raw));
    ck_assert(vpc_footer_decode(raw, 0, &footer, &error));
    ck_assert_uint_eq(footer.hidden, 1);
    mend(raw, sizeof raw, 64);
    ck_assert(vpc_footer_valid(raw));
}
END_TEST

START_TEST(other_versions_and_types_are_unsupported)
{
    static const struct {
        size_t at;
        uint32_t value;
    } cases[] = { { 12, 0x00020000 }, { 12, 0 }, { 60, 0 }, { 60, 1 },
                  { 60, 5 },          { 60, 6 }, { 60, 7 }, { 60, 0x03000000 } };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        VpcFooter footer;
        uint8_t raw[512];
        memcpy(raw, golden_footer, sizeof raw);
        store_be32(raw + cases[i].at, cases[i].value);
        mend(raw, sizeof raw, 64);
        ck_assert(!vpc_footer_decode(raw, 0, &footer, &error));
        assert_error(error, VC_ERROR_UNSUPPORTED);
    }
}
END_TEST

START_TEST(a_header_is_written_as_the_golden_bytes)
{
    uint8_t raw[VPC_HEADER_SIZE], golden[VPC_HEADER_SIZE];
    make_golden_header(golden);
    mend(golden, sizeof golden, 36);
    vpc_header_encode(&header_of_golden, raw);
    ck_assert_mem_eq(raw, golden, sizeof raw);
}
END_TEST

START_TEST(the_golden_bytes_are_read_as_the_header)
{
    g_autoptr(GError) error = NULL;
    VpcHeader header;
    uint8_t golden[VPC_HEADER_SIZE], again[VPC_HEADER_SIZE];
    make_golden_header(golden);
    mend(golden, sizeof golden, 36);
    ck_assert(vpc_header_decode(golden, 512, &header, &error));
    ck_assert_uint_eq(header.entries, 0xfe00);
    ck_assert_uint_eq(header.block_size, 2 << 20);
    ck_assert_mem_eq(header.locators[1].code, "W2ru", 4);
    ck_assert_uint_eq(header.locators[1].length, 34);
    ck_assert_uint_eq(header.locators[1].offset, 2048);
    vpc_header_encode(&header, again);
    ck_assert_mem_eq(again, golden, sizeof again);
}
END_TEST

START_TEST(a_header_with_any_bit_turned_is_refused)
{
    uint8_t raw[VPC_HEADER_SIZE];
    make_golden_header(raw);
    mend(raw, sizeof raw, 36);
    for (size_t bit = 0; bit < sizeof raw * 8; bit++) {
        g_autoptr(GError) error = NULL;
        VpcHeader header;
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert(!vpc_header_decode(raw, 512, &header, &error));
        assert_error(error, VC_ERROR_CORRUPT);
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

START_TEST(headers_that_cannot_be_are_refused)
{
    static const struct {
        size_t at;
        uint32_t value;
        VcError code;
    } cases[] = {
        { 24, 0x00020000, VC_ERROR_UNSUPPORTED },
        { 20, 0, VC_ERROR_CORRUPT },
        { 20, 1537, VC_ERROR_CORRUPT },
        { 32, 0, VC_ERROR_CORRUPT },
        { 32, 256, VC_ERROR_CORRUPT },
        { 32, 3 << 20, VC_ERROR_CORRUPT },
        { 32, 0x80000000, VC_ERROR_LIMIT },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        VpcHeader header;
        uint8_t raw[VPC_HEADER_SIZE];
        make_golden_header(raw);
        store_be32(raw + cases[i].at, cases[i].value);
        mend(raw, sizeof raw, 36);
        ck_assert(!vpc_header_decode(raw, 512, &header, &error));
        assert_error(error, (int)cases[i].code);
    }
}
END_TEST

/* Footers of Virtual PC, Hyper-V and QEMU say so. */
START_TEST(geometry_is_that_of_other_programs)
{
    static const struct {
        uint64_t size;
        VpcGeometry geometry;
    } known[] = {
        { 0, { 0, 4, 17 } },
        { 34816, { 1, 4, 17 } },
        { 65536, { 1, 4, 17 } },
        { 1079296, { 31, 4, 17 } },
        { 4194304, { 120, 4, 17 } },
        { 34607104, { 994, 4, 17 } },
        { 41943040, { 963, 5, 17 } },
        { 524353536, { 1016, 16, 63 } },
        { 539320320, { 1045, 16, 63 } },
        { 1073995776, { 2081, 16, 63 } },
        { 8590417920, { 16645, 16, 63 } },
        { 32212647936, { 62416, 16, 63 } },
        { 33824440320, { 16192, 16, 255 } },
        { 68720517120, { 32897, 16, 255 } },
        { 136365211648, { 65278, 16, 255 } },
        { 136365219840, { 65279, 16, 255 } },
        { 136899993600, { 65535, 16, 255 } },
        { VPC_SIZE_MAX, { 65535, 16, 255 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        VpcGeometry g = vpc_geometry(known[i].size);
        ck_assert_uint_eq(g.cylinders, known[i].geometry.cylinders);
        ck_assert_uint_eq(g.heads, known[i].geometry.heads);
        ck_assert_uint_eq(g.sectors, known[i].geometry.sectors);
    }
}
END_TEST

START_TEST(a_geometry_never_reaches_beyond_the_size_and_rarely_far_below)
{
    for (uint64_t size = 512; size < VPC_SIZE_MAX; size += size / 7 + 512) {
        VpcGeometry g = vpc_geometry(size);
        uint64_t reach = vpc_geometry_size(g);
        ck_assert_uint_le(reach, size);
        if (vpc_geometry_is_largest(g))
            ck_assert_uint_eq(reach, UINT64_C(136899993600));
        else
            ck_assert_uint_lt(size - reach,
                              VPC_SECTOR * (uint64_t)g.heads * g.sectors + 255 * 512);
        ck_assert_uint_ge(g.heads, 4);
        ck_assert_uint_le(g.heads, 16);
    }
}
END_TEST

START_TEST(bitmaps_are_whole_sectors)
{
    ck_assert_uint_eq(vpc_bitmap_size(512), 512);
    ck_assert_uint_eq(vpc_bitmap_size(4096), 512);
    ck_assert_uint_eq(vpc_bitmap_size(2 << 20), 512);
    ck_assert_uint_eq(vpc_bitmap_size(4 << 20), 1024);
    ck_assert_uint_eq(vpc_bitmap_size(256u << 20), 65536);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/wire");
    TCase *tests = tcase_create("wire");
    tcase_set_timeout(tests, 60); /* slow under sanitizers */
    tcase_add_test(tests, the_golden_footer_has_the_sum_that_was_computed_apart);
    tcase_add_test(tests, a_footer_is_written_as_the_golden_bytes);
    tcase_add_test(tests, the_golden_bytes_are_read_as_the_footer);
    tcase_add_test(tests, a_footer_with_any_bit_turned_is_refused);
    tcase_add_test(tests, a_footer_that_xenserver_hid_keeps_its_old_checksum);
    tcase_add_test(tests, other_versions_and_types_are_unsupported);
    tcase_add_test(tests, a_header_is_written_as_the_golden_bytes);
    tcase_add_test(tests, the_golden_bytes_are_read_as_the_header);
    tcase_add_test(tests, a_header_with_any_bit_turned_is_refused);
    tcase_add_test(tests, headers_that_cannot_be_are_refused);
    tcase_add_test(tests, geometry_is_that_of_other_programs);
    tcase_add_test(tests,
                   a_geometry_never_reaches_beyond_the_size_and_rarely_far_below);
    tcase_add_test(tests, bitmaps_are_whole_sectors);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
