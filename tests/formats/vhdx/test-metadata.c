/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the metadata table and its items. */
#include "formats/vhdx/metadata.h"
#include "io/bytes.h"
#include "io/checksum.h"
#include "io/error.h"
#include "tests/check-main.h"

#define REGION ((uint64_t)2 << 20)
#define REGION_LENGTH ((uint32_t)1 << 20)

/* As Windows writes it: table entries in its order, at its offsets. */
static const uint8_t golden_table[] = {
    'm',  'e',  't',  'a',  'd',  'a',  't',  'a',  0, 0, 5, 0, /**/
    0,    0,    0,    0,    0,    0,    0,    0,    0, 0, 0, 0, /**/
    0,    0,    0,    0,    0,    0,    0,    0,                /**/
    0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d,             /* file parameters */
    0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b,             /**/
    0x00, 0x00, 0x01, 0x00, 8,    0,    0,    0,    4, 0, 0, 0, 0, 0, 0, 0,
    0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, /* virtual disk size */
    0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8, /**/
    0x08, 0x00, 0x01, 0x00, 8,    0,    0,    0,    6, 0, 0, 0, 0, 0, 0, 0,
    0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, /* logical sector size */
    0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f, /**/
    0x10, 0x00, 0x01, 0x00, 4,    0,    0,    0,    6, 0, 0, 0, 0, 0, 0, 0,
    0xc7, 0x48, 0xa3, 0xcd, 0x5d, 0x44, 0x71, 0x44, /* physical sector size */
    0x9c, 0xc9, 0xe9, 0x88, 0x52, 0x51, 0xc5, 0x56, /**/
    0x14, 0x00, 0x01, 0x00, 4,    0,    0,    0,    6, 0, 0, 0, 0, 0, 0, 0,
    0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, /* virtual disk id */
    0x93, 0xef, 0xc3, 0x09, 0xe0, 0x00, 0xc7, 0x46, /**/
    0x18, 0x00, 0x01, 0x00, 16,   0,    0,    0,    6, 0, 0, 0, 0, 0, 0, 0,
};
static const uint8_t golden_values[] = {
    0x00, 0x00, 0x00, 0x02, 0x01, 0x00, 0x00, 0x00, /* 32 MiB blocks, fixed */
    0x00, 0x60, 0x45, 0x23, 0x01, 0x00, 0x00, 0x00, /* size */
    0x00, 0x10, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, /* sectors: 4096, 512 */
    0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, /* id */
    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};

static VhdxMetadata
some_metadata(void)
{
    VhdxMetadata metadata = {
        .block_size = 32 << 20,
        .fixed = true,
        .disk_size = 0x123456000,
        .logical_sector = 4096,
        .physical_sector = 512,
    };
    ck_assert(
        vhdx_guid_parse("00112233-4455-6677-8899-aabbccddeeff", &metadata.disk_id));
    return metadata;
}

static uint8_t *
some_table(void)
{
    uint8_t *raw = g_malloc(VHDX_METADATA_ENCODED_SIZE);
    VhdxMetadata metadata = some_metadata();
    vhdx_metadata_encode(&metadata, raw);
    return raw;
}

START_TEST(metadata_has_the_golden_bytes_of_windows)
{
    g_autofree uint8_t *raw = some_table();
    ck_assert_uint_eq(sizeof golden_table, 32 + 5 * 32);
    ck_assert_mem_eq(raw, golden_table, sizeof golden_table);
    ck_assert(vc_is_zero(raw + sizeof golden_table, 0x10000 - sizeof golden_table));
    ck_assert_mem_eq(raw + 0x10000, golden_values, sizeof golden_values);
    ck_assert(
        vc_is_zero(raw + 0x10000 + sizeof golden_values, 4096 - sizeof golden_values));
}
END_TEST

START_TEST(metadata_comes_back_as_it_was)
{
    g_autofree uint8_t *raw = some_table();
    g_autoptr(GPtrArray) warnings = vc_warnings_new();
    g_autoptr(GError) error = NULL;
    unsigned count = 0;

    g_autofree VhdxItem *items = vhdx_items_decode(raw, REGION, REGION_LENGTH, &count,
                                                   warnings, &error);
    assert_no_error(error);
    ck_assert_uint_eq(count, 5);

    VhdxMetadata metadata = { 0 }, same = some_metadata();
    for (unsigned kind = 0; kind < VHDX_VALUES; kind++) {
        const VhdxItem *item = vhdx_items_find(items, count, kind);
        ck_assert(item->required && !item->user);
        ck_assert_int_eq(item->virtual_disk, kind != VHDX_ITEM_FILE_PARAMETERS);
        ck_assert_uint_eq(item->length, vhdx_item_size(kind));
        vhdx_value_decode(kind, raw + item->offset, REGION + item->offset, &metadata,
                          warnings, &error);
        assert_no_error(error);
    }
    ck_assert(vhdx_metadata_check(&metadata, false, REGION, &error));
    ck_assert_uint_eq(warnings->len, 0);
    ck_assert_uint_eq(metadata.block_size, same.block_size);
    ck_assert(metadata.fixed && !metadata.has_parent);
    ck_assert_uint_eq(metadata.disk_size, same.disk_size);
    ck_assert_uint_eq(metadata.logical_sector, 4096);
    ck_assert_uint_eq(metadata.physical_sector, 512);
    ck_assert(vhdx_guid_equal(&metadata.disk_id, &same.disk_id));
    ck_assert_ptr_null(vhdx_items_find(items, count, VHDX_ITEM_PARENT_LOCATOR));
}
END_TEST

/* What the table RAW gives: the number of warnings, or minus the error's code less 1.
 */
static int
verdict(const uint8_t *raw)
{
    g_autoptr(GPtrArray) warnings = vc_warnings_new();
    g_autoptr(GError) error = NULL;
    unsigned count;
    g_autofree VhdxItem *items = vhdx_items_decode(raw, REGION, REGION_LENGTH, &count,
                                                   warnings, &error);
    ck_assert_int_eq(items == NULL, error != NULL);
    return error ? -1 - error->code : (int)warnings->len;
}

#define CORRUPT (-1 - (int)VC_ERROR_CORRUPT)
#define UNSUPPORTED (-1 - (int)VC_ERROR_UNSUPPORTED)
#define SIZE_ITEM 64u /* the entry of the disk's size: id, +16 offset, +20 length */

START_TEST(each_byte_of_the_signature_counts)
{
    g_autofree uint8_t *raw = some_table();
    for (unsigned i = 0; i < 8; i++) {
        raw[i] ^= 1;
        ck_assert_int_eq(verdict(raw), CORRUPT);
        raw[i] ^= 1;
    }
}
END_TEST

START_TEST(tables_against_the_rules_are_refused)
{
    static const struct {
        unsigned at;
        uint32_t value;
    } cases[] = {
        { 8, 0 },                              /* no entries */
        { 8, 2048u << 16 },                    /* too many */
        { 8, 4u << 16 },                       /* one of the five is missing */
        { SIZE_ITEM + 16, 0 },                 /* in the table */
        { SIZE_ITEM + 16, 32 },                /* in the table */
        { SIZE_ITEM + 16, 0xffff },            /* in the table */
        { SIZE_ITEM + 16, REGION_LENGTH - 4 }, /* beyond the region */
        { SIZE_ITEM + 16, REGION_LENGTH },     /* beyond the region */
        { SIZE_ITEM + 16, UINT32_MAX },        /* beyond the region */
        { SIZE_ITEM + 16, 0x10000 },           /* on the file parameters */
        { SIZE_ITEM + 16, 0x10007 },           /* on the file parameters' last byte */
        { SIZE_ITEM + 20, 4 },                 /* too short */
        { SIZE_ITEM + 20, 0 },                 /* empty, with an offset */
        { SIZE_ITEM + 20, UINT32_MAX },        /* too long */
        { SIZE_ITEM + 24, 7 },                 /* a user's, unknown, required */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree uint8_t *raw = some_table();
        store_le32(raw + cases[i].at, cases[i].value);
        ck_assert_msg(verdict(raw) < 0, "case %zu", i);
    }

    g_autofree uint8_t *raw = some_table();
    store_le64(raw + SIZE_ITEM + 16, 0); /* an empty size */
    ck_assert_int_eq(verdict(raw), CORRUPT);
}
END_TEST

START_TEST(an_item_listed_twice_is_refused)
{
    g_autofree uint8_t *raw = some_table();
    store_le16(raw + 10, 6);
    memcpy(raw + 192, raw + SIZE_ITEM, 32);
    store_le32(raw + 192 + 16, 0x20000);
    ck_assert_int_eq(verdict(raw), CORRUPT);
}
END_TEST

START_TEST(an_item_of_a_user_is_another_key)
{
    g_autofree uint8_t *raw = some_table();
    store_le16(raw + 10, 6);
    memcpy(raw + 192, raw + SIZE_ITEM, 32);
    store_le32(raw + 192 + 16, 0x20000);
    store_le32(raw + 192 + 24, 1);
    ck_assert_int_eq(verdict(raw), 0);
}
END_TEST

START_TEST(an_unknown_item_is_kept_unless_it_is_required)
{
    g_autofree uint8_t *raw = some_table();
    store_le16(raw + 10, 6);
    memset(raw + 192, 0xaa, 16);
    store_le32(raw + 192 + 16, 0x20000);
    store_le32(raw + 192 + 20, 100);
    ck_assert_int_eq(verdict(raw), 0);
    store_le32(raw + 192 + 24, 4);
    ck_assert_int_eq(verdict(raw), UNSUPPORTED);
}
END_TEST

START_TEST(more_than_1024_items_of_users_are_refused)
{
    g_autofree uint8_t *raw = some_table();
    for (unsigned users = 1024; users <= 1025; users++) {
        store_le16(raw + 10, (uint16_t)(5 + users));
        for (unsigned i = 5; i < 5 + users; i++) {
            store_le32(raw + 32 + i * 32, i);
            store_le32(raw + 32 + i * 32 + 24, 1);
        }
        ck_assert_int_eq(verdict(raw), users == 1024 ? 0 : CORRUPT);
    }
}
END_TEST

START_TEST(a_value_longer_than_it_should_be_is_a_warning)
{
    g_autofree uint8_t *raw = some_table();
    store_le32(raw + SIZE_ITEM + 16, 0x20000);
    store_le32(raw + SIZE_ITEM + 20, 16);
    ck_assert_int_eq(verdict(raw), 1);
}
END_TEST

START_TEST(a_physical_sector_size_without_the_required_flag_is_taken)
{
    g_autofree uint8_t *raw = some_table();
    store_le32(raw + 32 + 3 * 32 + 24, 2);
    ck_assert_int_eq(verdict(raw), 0);
}
END_TEST

/* As `verdict`, of a value of 4 or 8 bytes. */
static int
value_verdict(VhdxItemKind kind, uint64_t value, VhdxMetadata *metadata)
{
    g_autoptr(GPtrArray) warnings = vc_warnings_new();
    g_autoptr(GError) error = NULL;
    uint8_t raw[8];
    store_le64(raw, value);
    bool good = vhdx_value_decode(kind, raw, 0x210000, metadata, warnings, &error);
    ck_assert_int_eq(good, error == NULL);
    return error ? -1 - error->code : (int)warnings->len;
}

START_TEST(block_sizes_are_powers_of_two_from_1_to_256_mib)
{
    VhdxMetadata m = { 0 };
    for (uint64_t size = 1 << 20; size <= 256 << 20; size <<= 1) {
        ck_assert_int_eq(value_verdict(VHDX_ITEM_FILE_PARAMETERS, size, &m), 0);
        ck_assert_uint_eq(m.block_size, size);
    }
    static const uint32_t bad[] = { 0,       1,       1 << 19, 3 << 20, (1 << 20) + 1,
                                    1 << 29, 1u << 31 };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_int_eq(value_verdict(VHDX_ITEM_FILE_PARAMETERS, bad[i], &m), CORRUPT);
}
END_TEST

START_TEST(a_disk_with_a_parent_is_not_fixed)
{
    VhdxMetadata m = { 0 };
    uint64_t flag = (uint64_t)1 << 32;
    ck_assert_int_eq(value_verdict(VHDX_ITEM_FILE_PARAMETERS, VHDX_MIB, &m), 0);
    ck_assert(!m.fixed && !m.has_parent);
    ck_assert_int_eq(value_verdict(VHDX_ITEM_FILE_PARAMETERS, VHDX_MIB + flag, &m), 0);
    ck_assert(m.fixed && !m.has_parent);
    ck_assert_int_eq(value_verdict(VHDX_ITEM_FILE_PARAMETERS, VHDX_MIB + 3 * flag, &m),
                     0);
    ck_assert(!m.fixed && m.has_parent);
}
END_TEST

START_TEST(sizes_end_at_64_tib)
{
    VhdxMetadata m = { 0 };
    ck_assert_int_eq(value_verdict(VHDX_ITEM_DISK_SIZE, (uint64_t)64 << 40, &m), 0);
    ck_assert_int_eq(value_verdict(VHDX_ITEM_DISK_SIZE, ((uint64_t)64 << 40) + 512, &m),
                     CORRUPT);
    ck_assert_int_eq(value_verdict(VHDX_ITEM_DISK_SIZE, UINT64_MAX, &m), CORRUPT);
    ck_assert_int_eq(value_verdict(VHDX_ITEM_DISK_SIZE, 0, &m), 0);
}
END_TEST

START_TEST(sector_sizes_are_512_or_4096)
{
    static const uint32_t bad[] = { 0, 1, 513, 1024, 8192, UINT32_MAX };
    VhdxMetadata m = { 0 };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        ck_assert_int_eq(value_verdict(VHDX_ITEM_LOGICAL_SECTOR, bad[i], &m), CORRUPT);
        ck_assert_int_eq(value_verdict(VHDX_ITEM_PHYSICAL_SECTOR, bad[i], &m), 1);
        ck_assert_uint_eq(m.physical_sector, 0);
    }
    ck_assert_int_eq(value_verdict(VHDX_ITEM_LOGICAL_SECTOR, 512, &m), 0);
    ck_assert_int_eq(value_verdict(VHDX_ITEM_PHYSICAL_SECTOR, 4096, &m), 0);
    ck_assert_uint_eq(m.logical_sector, 512);
    ck_assert_uint_eq(m.physical_sector, 4096);
}
END_TEST

START_TEST(the_size_must_fit_the_sectors_and_a_parent_its_locator)
{
    VhdxMetadata m = some_metadata();
    g_autoptr(GError) error = NULL;

    ck_assert(vhdx_metadata_check(&m, false, REGION, NULL));
    m.disk_size += 512;
    ck_assert(!vhdx_metadata_check(&m, false, REGION, &error));
    assert_error(error, VC_ERROR_CORRUPT);
    m.logical_sector = 512;
    ck_assert(vhdx_metadata_check(&m, false, REGION, NULL));
    m.has_parent = true;
    ck_assert(!vhdx_metadata_check(&m, false, REGION, NULL));
    ck_assert(vhdx_metadata_check(&m, true, REGION, NULL));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/metadata");
    TCase *tests = tcase_create("table");
    tcase_add_test(tests, metadata_has_the_golden_bytes_of_windows);
    tcase_add_test(tests, metadata_comes_back_as_it_was);
    tcase_add_test(tests, each_byte_of_the_signature_counts);
    tcase_add_test(tests, tables_against_the_rules_are_refused);
    tcase_add_test(tests, an_item_listed_twice_is_refused);
    tcase_add_test(tests, an_item_of_a_user_is_another_key);
    tcase_add_test(tests, an_unknown_item_is_kept_unless_it_is_required);
    tcase_add_test(tests, more_than_1024_items_of_users_are_refused);
    tcase_add_test(tests, a_value_longer_than_it_should_be_is_a_warning);
    tcase_add_test(tests, a_physical_sector_size_without_the_required_flag_is_taken);
    suite_add_tcase(suite, tests);

    tests = tcase_create("values");
    tcase_add_test(tests, block_sizes_are_powers_of_two_from_1_to_256_mib);
    tcase_add_test(tests, a_disk_with_a_parent_is_not_fixed);
    tcase_add_test(tests, sizes_end_at_64_tib);
    tcase_add_test(tests, sector_sizes_are_512_or_4096);
    tcase_add_test(tests, the_size_must_fit_the_sectors_and_a_parent_its_locator);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
