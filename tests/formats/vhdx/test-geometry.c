/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the arithmetic of blocks, chunks and BAT entries. */
#include "formats/vhdx/geometry.h"
#include "tests/check-main.h"

#define MIB ((uint64_t)1 << 20)
#define TIB ((uint64_t)1 << 40)

START_TEST(chunk_ratios_are_those_of_the_specification)
{
    ck_assert_uint_eq(vhdx_geometry(0, 1 << 20, 512, false).chunk_ratio, 4096);
    ck_assert_uint_eq(vhdx_geometry(0, 32 << 20, 512, false).chunk_ratio, 128);
    ck_assert_uint_eq(vhdx_geometry(0, 256 << 20, 512, false).chunk_ratio, 16);
    ck_assert_uint_eq(vhdx_geometry(0, 1 << 20, 4096, false).chunk_ratio, 32768);
    ck_assert_uint_eq(vhdx_geometry(0, 256 << 20, 4096, false).chunk_ratio, 128);
}
END_TEST

START_TEST(an_empty_disk_needs_no_entries)
{
    ck_assert_uint_eq(vhdx_geometry(0, 1 << 20, 512, false).entries, 0);
    ck_assert_uint_eq(vhdx_geometry(0, 1 << 20, 512, true).entries, 0);
}
END_TEST

START_TEST(a_dynamic_disk_needs_no_entry_behind_its_last_block)
{
    ck_assert_uint_eq(vhdx_geometry(1, 1 << 20, 512, false).entries, 1);
    ck_assert_uint_eq(vhdx_geometry(4096 * MIB, 1 << 20, 512, false).entries, 4096);
    ck_assert_uint_eq(vhdx_geometry(4096 * MIB + 1, 1 << 20, 512, false).entries, 4098);
}
END_TEST

START_TEST(a_differencing_disk_needs_whole_chunks)
{
    ck_assert_uint_eq(vhdx_geometry(1, 1 << 20, 512, true).entries, 4097);
    ck_assert_uint_eq(vhdx_geometry(4096 * MIB, 1 << 20, 512, true).entries, 4097);
    ck_assert_uint_eq(vhdx_geometry(4096 * MIB + 1, 1 << 20, 512, true).entries, 8194);
}
END_TEST

START_TEST(the_largest_disk_of_the_smallest_blocks_has_67125247_entries)
{
    VhdxGeometry g = vhdx_geometry(64 * TIB, 1 << 20, 512, false);
    ck_assert_uint_eq(g.blocks, 67108864);
    ck_assert_uint_eq(g.entries, 67125247);
    ck_assert_uint_eq(vhdx_block_entry(&g, g.blocks - 1), g.entries - 1);
}
END_TEST

START_TEST(entries_of_blocks_and_bitmaps_fill_the_table_without_gaps)
{
    VhdxGeometry g = vhdx_geometry(5000 * 256 * MIB, 256 << 20, 512, true);
    uint64_t next = 0;
    for (uint64_t block = 0; block < g.blocks; block++) {
        ck_assert_uint_eq(vhdx_block_entry(&g, block), next++);
        if ((block + 1) % g.chunk_ratio == 0)
            ck_assert_uint_eq(vhdx_bitmap_entry(&g, block / g.chunk_ratio), next++);
    }
    ck_assert_uint_eq(vhdx_bitmap_entry(&g, g.chunks - 1), g.entries - 1);
}
END_TEST

START_TEST(an_entry_is_state_and_mebibytes)
{
    uint64_t entry = vhdx_entry(VHDX_FULLY_PRESENT, 4 * MIB);
    ck_assert_uint_eq(entry, 0x400006); /* as Windows writes its first block */
    ck_assert_int_eq(vhdx_entry_state(entry), VHDX_FULLY_PRESENT);
    ck_assert_uint_eq(vhdx_entry_position(entry), 4 * MIB);
    ck_assert(!vhdx_entry_has_reserved(entry));
    ck_assert_uint_eq(vhdx_entry(VHDX_NOT_PRESENT, 0), 0);
}
END_TEST

START_TEST(each_reserved_bit_of_an_entry_is_seen)
{
    for (unsigned bit = 0; bit < 64; bit++)
        ck_assert_int_eq(vhdx_entry_has_reserved((uint64_t)1 << bit),
                         bit >= 3 && bit < 20);
    ck_assert_uint_eq(vhdx_entry_position(UINT64_MAX), UINT64_MAX - (MIB - 1));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/geometry");
    TCase *tests = tcase_create("geometry");
    tcase_add_test(tests, chunk_ratios_are_those_of_the_specification);
    tcase_add_test(tests, an_empty_disk_needs_no_entries);
    tcase_add_test(tests, a_dynamic_disk_needs_no_entry_behind_its_last_block);
    tcase_add_test(tests, a_differencing_disk_needs_whole_chunks);
    tcase_add_test(tests, the_largest_disk_of_the_smallest_blocks_has_67125247_entries);
    tcase_add_test(tests, entries_of_blocks_and_bitmaps_fill_the_table_without_gaps);
    tcase_add_test(tests, an_entry_is_state_and_mebibytes);
    tcase_add_test(tests, each_reserved_bit_of_an_entry_is_seen);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
