/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the bytes of VMA structures. */
#include "formats/vma/wire.h"
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/formats/vma/build.h"

#include <string.h>

static const uint8_t uuid[16] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
};

START_TEST(a_run_of_bits_ends_where_they_change)
{
    ck_assert_uint_eq(vma_mask_run(0x0000, 0), 16);
    ck_assert_uint_eq(vma_mask_run(0xffff, 0), 16);
    ck_assert_uint_eq(vma_mask_run(0xffff, 15), 16);
    ck_assert_uint_eq(vma_mask_run(0x0000, 15), 16);
    ck_assert_uint_eq(vma_mask_run(0x8000, 0), 15);
    ck_assert_uint_eq(vma_mask_run(0x7fff, 0), 15);
    ck_assert_uint_eq(vma_mask_run(0x00f0, 4), 8);
    ck_assert_uint_eq(vma_mask_run(0x00f0, 8), 16);
    for (unsigned mask = 0; mask < 0x10000; mask += 251)
        for (unsigned from = 0, to; from < 16; from = to) {
            to = vma_mask_run((uint16_t)mask, from);
            ck_assert(to > from && to <= 16);
            for (unsigned j = from; j < to; j++)
                ck_assert_uint_eq(mask >> j & 1, mask >> from & 1);
            ck_assert(to == 16 || (mask >> to & 1) != (mask >> from & 1));
        }
}
END_TEST

START_TEST(a_disk_has_a_cluster_for_each_begun_64_kib)
{
    ck_assert_uint_eq(vma_cluster_count(1), 1);
    ck_assert_uint_eq(vma_cluster_count(65536), 1);
    ck_assert_uint_eq(vma_cluster_count(65537), 2);
    ck_assert_uint_eq(vma_cluster_count(VMA_DISK_MAX), (uint64_t)1 << 32);
}
END_TEST

/* The fields of the specification at their offsets, big-endian. */
START_TEST(the_fixed_header_has_the_bytes_of_the_specification)
{
    static uint8_t raw[VMA_FIXED_HEADER], expected[VMA_FIXED_HEADER];
    VmaFixed fixed = { .ctime = 0x1122334455667788,
                       .blobs_position = 0x3000,
                       .blobs_size = 0x1234,
                       .header_size = 0x4400 };
    memcpy(fixed.uuid, uuid, 16);
    fixed.config_name[0] = 1;
    fixed.config_data[255] = 0x01020304;
    fixed.device[1].name = 0x21;
    fixed.device[254].size = 0x0000a1a2a3a4a5a6;

    memcpy(expected, "VMA\0\0\0\0\1", 8);
    memcpy(expected + 8, uuid, 16);
    memcpy(expected + 24, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    memcpy(expected + 48, "\0\0\x30\0\0\0\x12\x34\0\0\x44\0", 12);
    memcpy(expected + 2044, "\0\0\0\1", 4);
    memcpy(expected + 3068 + 4 * 255, "\1\2\3\4", 4);
    memcpy(expected + 4096 + 32, "\0\0\0\x21", 4);
    memcpy(expected + 4096 + 32 * 254 + 8, "\0\0\xa1\xa2\xa3\xa4\xa5\xa6", 8);

    vma_fixed_encode(&fixed, raw);
    ck_assert_mem_eq(raw, expected, sizeof raw);

    VmaFixed back;
    ck_assert(vma_fixed_decode(raw, &back, NULL));
    ck_assert_int_eq(back.ctime, fixed.ctime);
    ck_assert_uint_eq(back.version, 1);
    ck_assert_uint_eq(back.blobs_position, 0x3000);
    ck_assert_uint_eq(back.blobs_size, 0x1234);
    ck_assert_uint_eq(back.header_size, 0x4400);
    ck_assert_mem_eq(back.uuid, uuid, 16);
    ck_assert_mem_eq(back.config_name, fixed.config_name, sizeof fixed.config_name);
    ck_assert_mem_eq(back.config_data, fixed.config_data, sizeof fixed.config_data);
    ck_assert_uint_eq(back.device[1].name, 0x21);
    ck_assert_uint_eq(back.device[254].size, 0x0000a1a2a3a4a5a6);
}
END_TEST

START_TEST(a_sealed_header_has_the_sum_of_the_whole_header)
{
    static uint8_t raw[VMA_FIXED_HEADER + 512], mended[sizeof raw];
    VmaFixed fixed = { .header_size = sizeof raw };
    vma_fixed_encode(&fixed, raw);
    raw[sizeof raw - 1] = 7;
    memcpy(mended, raw, sizeof raw);

    vma_header_seal(raw, sizeof raw);
    build_mend_header(mended, sizeof mended);
    ck_assert_mem_eq(raw, mended, sizeof raw);
}
END_TEST

static VmaExtentHeader
some_extent(void)
{
    VmaExtentHeader header = { .blocks = 19 };
    header.slots[0] = (VmaSlot){ .mask = 0xffff, .device = 1, .cluster = 0x01020304 };
    header.slots[1] = (VmaSlot){ .mask = 0xffff, .device = 0, .cluster = 5 };
    header.slots[58] =
        (VmaSlot){ .mask = 0x8003, .device = 254, .cluster = 0xffffffff };
    return header;
}

START_TEST(an_extent_header_has_the_bytes_of_the_specification)
{
    g_autoptr(GChecksum) md5 = g_checksum_new(G_CHECKSUM_MD5);
    uint8_t raw[VMA_EXTENT_HEADER], expected[VMA_EXTENT_HEADER] = { 0 };
    VmaExtentHeader header = some_extent(), back;

    memcpy(expected, "VMAE\0\0\0\x13", 8);
    memcpy(expected + 8, uuid, 16);
    memcpy(expected + 40, "\xff\xff\0\1\1\2\3\4\xff\xff\0\0\0\0\0\5", 16);
    memcpy(expected + 504, "\x80\3\0\xfe\xff\xff\xff\xff", 8);
    build_mend_extent(expected);

    vma_extent_encode(&header, uuid, md5, raw);
    ck_assert_mem_eq(raw, expected, sizeof raw);
    ck_assert(vma_extent_decode(raw, 0, uuid, md5, &back, NULL));
    ck_assert_uint_eq(back.blocks, 19);
    for (unsigned i = 0; i < VMA_SLOTS; i++) {
        ck_assert_uint_eq(back.slots[i].mask, header.slots[i].mask);
        ck_assert_uint_eq(back.slots[i].device, header.slots[i].device);
        ck_assert_uint_eq(back.slots[i].cluster, header.slots[i].cluster);
    }
}
END_TEST

START_TEST(every_byte_of_an_extent_header_counts)
{
    g_autoptr(GChecksum) md5 = g_checksum_new(G_CHECKSUM_MD5);
    uint8_t raw[VMA_EXTENT_HEADER];
    VmaExtentHeader header = some_extent(), back;
    vma_extent_encode(&header, uuid, md5, raw);

    for (size_t i = 0; i < sizeof raw; i++) {
        g_autoptr(GError) error = NULL;
        raw[i] ^= 0x10;
        ck_assert(!vma_extent_decode(raw, 512, uuid, md5, &back, &error));
        assert_error(error, VC_ERROR_CORRUPT);
        raw[i] ^= 0x10;
    }
    ck_assert(vma_extent_decode(raw, 512, uuid, md5, &back, NULL));
}
END_TEST

/* Each with its sum mended, so that it is the field that is seen. */
START_TEST(wrong_fields_of_an_extent_header_are_named)
{
    static const struct {
        size_t at;
        uint8_t value;
        const char *message;
    } wrong[] = {
        { 0, 'X', "no extent header: found 0x584d4145" },
        { 5, 1, "the reserved bytes are 0x0001, expected 0 at 0x1004" },
        { 7, 18, "it counts 18 blocks, its slots 19 at 0x1006" },
        { 6, 4, "it counts 1043 blocks, its slots 19 at 0x1006" },
        { 8, 99,
          "the UUID begins with 0x63020304, that of the archive with 0x01020304" },
    };
    g_autoptr(GChecksum) md5 = g_checksum_new(G_CHECKSUM_MD5);
    VmaExtentHeader header = some_extent(), back;

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        uint8_t raw[VMA_EXTENT_HEADER];
        vma_extent_encode(&header, uuid, md5, raw);
        raw[wrong[i].at] = wrong[i].value;
        build_mend_extent(raw);
        ck_assert(!vma_extent_decode(raw, 0x1000, uuid, md5, &back, &error));
        assert_error(error, VC_ERROR_CORRUPT);
        ck_assert_msg(strstr(error->message, wrong[i].message) != NULL, "%s",
                      error->message);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vma/wire");
    TCase *tests = tcase_create("wire");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_run_of_bits_ends_where_they_change);
    tcase_add_test(tests, a_disk_has_a_cluster_for_each_begun_64_kib);
    tcase_add_test(tests, the_fixed_header_has_the_bytes_of_the_specification);
    tcase_add_test(tests, a_sealed_header_has_the_sum_of_the_whole_header);
    tcase_add_test(tests, an_extent_header_has_the_bytes_of_the_specification);
    tcase_add_test(tests, every_byte_of_an_extent_header_counts);
    tcase_add_test(tests, wrong_fields_of_an_extent_header_are_named);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
