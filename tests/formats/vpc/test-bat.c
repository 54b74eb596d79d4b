/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of where blocks lie and of the bits before them. */
#include "tests/formats/vpc/image.h"

#include "io/bytes.h"

/* The place of block 1 is below that of 3, and this below the one that 9 gets. */
START_TEST(blocks_over_each_other_in_ascending_order_are_refused)
{
    for (uint32_t shift = 1; shift <= 129; shift += 16) {
        g_autoptr(GError) error = NULL;
        VcFile *file = make_image("");
        set_entry(file, 9, get_entry(file, 3) + shift);
        g_autoptr(VcSource) source = open_vpc(file, "", &error);
        ck_assert_int_eq(source != NULL, shift == 129);
        if (!source)
            ck_assert_ptr_nonnull(strstr(error->message, "blocks 3 and 9 overlap"));
    }
}
END_TEST

START_TEST(bits_of_later_tapdisks_are_counted_from_the_high_end)
{
    static const uint32_t versions[] = { 0, 2, 0x00010003 };
    static const uint8_t bits[2] = { 0x7f, 0xff }; /* all but sector 0 */
    for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
        VcFile *file = make_image("");
        VpcFooter footer = get_footer(file);
        memcpy(footer.creator, "tap", 4);
        footer.creator_version = versions[i];
        set_footer(file, &footer);
        vc_file_write(file, (uint64_t)get_entry(file, 1) * 512, bits, 2, NULL);
        g_autoptr(VcSource) source = open_vpc(file, "", NULL);
        uint8_t bytes[2];
        ck_assert(vc_source_read(source, 0, IMAGE_BLOCK + 511, bytes, 2, NULL));
        ck_assert_uint_eq(bytes[0], 0);
        ck_assert_uint_eq(bytes[1], pattern(IMAGE_BLOCK + 512));
    }
}
END_TEST

START_TEST(each_sector_of_a_bitmap_speaks_of_its_own_2_mib)
{
    static const uint8_t none[512];
    const uint64_t part = 2 << 20;
    VcFile *file = vc_memory_file("long");
    g_autoptr(VcSink) sink = create_vpc(file, 4 * part, "block_size=8M", NULL);
    put(sink, 0, 4 * part);
    ck_assert(vc_sink_finish(sink, NULL));
    vc_file_write(file, (uint64_t)get_entry(file, 0) * 512 + 2 * 512, none, 512, NULL);
    g_autoptr(VcSource) source = open_vpc(file, "", NULL);
    for (unsigned i = 0; i < 4; i++) {
        VcExtent e;
        ck_assert(vc_source_map(source, 0, i * part, &e, NULL));
        ck_assert_int_eq(e.kind, i == 2 ? VC_ZERO : VC_DATA);
        ck_assert_uint_eq(e.length, part);
    }
}
END_TEST

/* Blocks of two sectors, the one at the beginning of the disk behind the other. The
 * bits of sectors that no block has are set, as those of all writers. */
START_TEST(blocks_of_fewer_sectors_than_a_byte_has_bits_are_read)
{
    g_autoptr(GError) error = NULL;
    VcFile *file = vc_memory_file("small");
    VpcFooter footer = { .features = 2,
                         .version = 0x10000,
                         .data_offset = 512,
                         .current_size = 2048,
                         .type = VPC_DYNAMIC };
    VpcHeader header = { .next = UINT64_MAX,
                         .table_offset = 1536,
                         .version = 0x10000,
                         .entries = 2,
                         .block_size = 1024 };
    uint8_t bitmap[512], data[1024];
    memset(bitmap, 0xff, sizeof bitmap);
    for (uint32_t block = 0; block < 2; block++) {
        uint32_t sector = block == 0 ? 7 : 4;
        memset(data, block + 1, sizeof data);
        set_entry(file, block, sector);
        vc_file_write(file, sector * 512, bitmap, sizeof bitmap, NULL);
        vc_file_write(file, (sector + 1) * 512, data, sizeof data, NULL);
    }
    vc_file_truncate(file, 11 * 512, NULL);
    set_footer(file, &footer);
    set_header(file, &header);

    g_autoptr(VcSource) source = open_vpc(file, "", &error);
    assert_no_error(error);
    for (uint32_t block = 0; block < 2; block++) {
        VcExtent e;
        ck_assert(vc_source_map(source, 0, block * 1024, &e, NULL));
        ck_assert_int_eq(e.kind, VC_DATA);
        ck_assert_uint_eq(e.length, 1024);
        ck_assert_uint_eq(e.position, block == 0 ? 8 * 512 : 5 * 512);
    }
}
END_TEST

/* Virtual PC before 2004 left it out, and the footer is lost, too. */
START_TEST(the_last_byte_of_the_last_block_may_be_missing)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) whole = vc_memory_file("whole");
    g_autoptr(VcSink) sink = create_vpc(whole, IMAGE_BLOCK, "block_size=64k", NULL);
    put(sink, 0, IMAGE_BLOCK);
    ck_assert(vc_sink_finish(sink, NULL));
    size_t length;
    g_autofree uint8_t *bytes = file_bytes(whole, &length);
    size_t end = IMAGE_BLOCKS_AT + 4096 + IMAGE_BLOCK;

    g_autoptr(VcSource)
        source = open_vpc(vc_memory_file_from("cut", bytes, end - 1), "", &error);
    assert_no_error(error);
    ck_assert(warned(source, "the last byte of the file is missing"));
    uint8_t last[2];
    ck_assert(vc_source_read(source, 0, IMAGE_BLOCK - 2, last, 2, &error));
    ck_assert_uint_eq(last[0], pattern(IMAGE_BLOCK - 2));
    ck_assert_uint_eq(last[1], 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/bat");
    TCase *tests = tcase_create("bat");
    tcase_set_timeout(tests, 60); /* slow under sanitizers */
    tcase_add_test(tests, blocks_over_each_other_in_ascending_order_are_refused);
    tcase_add_test(tests, bits_of_later_tapdisks_are_counted_from_the_high_end);
    tcase_add_test(tests, each_sector_of_a_bitmap_speaks_of_its_own_2_mib);
    tcase_add_test(tests, blocks_of_fewer_sectors_than_a_byte_has_bits_are_read);
    tcase_add_test(tests, the_last_byte_of_the_last_block_may_be_missing);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
