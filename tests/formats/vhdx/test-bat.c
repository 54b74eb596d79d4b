/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of walking the block allocation table. */
#include "formats/vhdx/bat.h"
#include "io/bytes.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"

#define TABLE ((uint64_t)1 << 20)

static void
store(VcFile *file, uint64_t index, uint64_t entry)
{
    uint8_t raw[8];
    store_le64(raw, entry);
    ck_assert(vc_file_write(file, TABLE + index * 8, raw, sizeof raw, NULL));
}

/* Walks from INDEX to END - 1, and puts runs of one entry together. */
static void
runs_are(VcFile *file, uint64_t index, uint64_t end, const VhdxBatRun *expected)
{
    VhdxBatWalk walk;
    VhdxBatRun run, whole = { 0 };
    vhdx_bat_walk(&walk, file, TABLE, index, end);
    do {
        ck_assert(vhdx_bat_next(&walk, &run, NULL));
        ck_assert_uint_eq(run.first, index);
        index += run.count;
        if (run.count > 0 && whole.count > 0 && run.entry == whole.entry) {
            whole.count += run.count;
            continue;
        }
        if (whole.count > 0) {
            ck_assert_uint_eq(whole.first, expected->first);
            ck_assert_uint_eq(whole.count, expected->count);
            ck_assert_uint_eq(whole.entry, expected->entry);
            expected++;
        }
        whole = run;
    } while (run.count > 0);
    ck_assert_uint_eq(expected->count, 0);
    ck_assert_uint_eq(index, end);
}

START_TEST(entries_that_are_alike_come_together)
{
    g_autoptr(VcFile) file = vc_memory_file("f");
    for (uint64_t i = 0; i < 10; i++)
        store(file, i, i < 3 ? 2 : i);
    runs_are(file, 0, 5,
             (VhdxBatRun[]){ { 0, 3, 2 }, { 3, 1, 3 }, { 4, 1, 4 }, { 0 } });
    runs_are(file, 2, 3, (VhdxBatRun[]){ { 2, 1, 2 }, { 0 } });
    runs_are(file, 4, 4, (VhdxBatRun[]){ { 0 } });
}
END_TEST

START_TEST(holes_are_not_read)
{
    g_autoptr(VcFile) file = vc_memory_file("f");
    uint64_t end = (uint64_t)67 << 20;
    store(file, 5, 9);
    store(file, 40000000, 8);
    store(file, end - 1, 7);
    runs_are(file, 0, end,
             (VhdxBatRun[]){ { 0, 5, 0 },
                             { 5, 1, 9 },
                             { 6, 39999994, 0 },
                             { 40000000, 1, 8 },
                             { 40000001, end - 40000002, 0 },
                             { end - 1, 1, 7 },
                             { 0 } });
    VhdxBatWalk walk;
    VhdxBatRun run;
    vhdx_bat_walk(&walk, file, TABLE, 0, end);
    do
        ck_assert(vhdx_bat_next(&walk, &run, NULL));
    while (run.count > 0);
    ck_assert_uint_le(walk.read, 3 * 8192 + VHDX_BAT_PIECE);
}
END_TEST

START_TEST(runs_go_on_over_pieces)
{
    g_autoptr(VcFile) file = vc_memory_file("f");
    for (uint64_t i = 0; i < 20000; i++)
        store(file, i, i < 10000 ? 2 : 6);
    runs_are(file, 0, 20000,
             (VhdxBatRun[]){ { 0, 10000, 2 }, { 10000, 10000, 6 }, { 0 } });
}
END_TEST

START_TEST(a_table_that_was_cut_is_short)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("f");
    VhdxBatWalk walk;
    VhdxBatRun run;
    store(file, 0, 1);
    vhdx_bat_walk(&walk, file, TABLE, 0, 2);
    ck_assert(!vhdx_bat_next(&walk, &run, &error));
    assert_error(error, VC_ERROR_SHORT);
}
END_TEST

START_TEST(blocks_are_counted_without_the_bitmaps_between_them)
{
    VhdxGeometry g = vhdx_geometry((uint64_t)20 << 30, 256u << 20, 512, false);
    ck_assert_uint_eq(g.chunk_ratio, 16);
    for (uint64_t block = 0; block < g.blocks; block++)
        ck_assert_uint_eq(vhdx_blocks_before(&g, vhdx_block_entry(&g, block)), block);
    for (uint64_t chunk = 0; chunk < 4; chunk++)
        ck_assert_uint_eq(vhdx_blocks_before(&g, vhdx_bitmap_entry(&g, chunk)),
                          (chunk + 1) * 16);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/bat");
    TCase *tests = tcase_create("bat");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, entries_that_are_alike_come_together);
    tcase_add_test(tests, holes_are_not_read);
    tcase_add_test(tests, runs_go_on_over_pieces);
    tcase_add_test(tests, a_table_that_was_cut_is_short);
    tcase_add_test(tests, blocks_are_counted_without_the_bitmaps_between_them);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
