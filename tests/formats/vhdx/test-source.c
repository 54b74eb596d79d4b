/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of VHDX as a source: what lies where. */
#include "formats/vhdx/wire.h"
#include "io/memory.h"
#include "tests/formats/vhdx/reading.h"

#include <pthread.h>

START_TEST(every_state_of_a_block_means_what_it_says)
{
    g_auto(Image) image = { 0 };
    image_build(&image);
    image_block(&image, 1, UNDEFINED, 0);
    image_block(&image, 2, ZERO, 0);
    image_block(&image, 3, UNMAPPED, image.payload);
    uint64_t place = image_add(&image, 4, PRESENT, 0xaa);
    g_autoptr(VcSource) source = opens_indexed(&image);
    assert_zero(source, 0, MIB, true);
    assert_zero(source, MIB, 3 * MIB, false);
    assert_data(source, 4 * MIB, MIB, place);
    assert_zero(source, 5 * MIB, 3 * MIB, true);
    ck_assert_uint_eq(filled_with(source, 4 * MIB, MIB), 0xaa);
    ck_assert_uint_eq(filled_with(source, 0, 4 * MIB), 0);
    ck_assert_uint_eq(source->warnings->len, 0);
}
END_TEST

START_TEST(blocks_that_lie_together_are_one_extent)
{
    g_auto(Image) image = { 0 };
    image_build(&image);
    uint64_t first = image_add(&image, 0, PRESENT, 1);
    image_add(&image, 1, PRESENT, 2);
    uint64_t third = image_add(&image, 4, PRESENT, 3);
    uint64_t fourth = image_add(&image, 3, PRESENT, 4);
    image_add(&image, 6, PRESENT, 5); /* what follows does not end with the file */
    g_autoptr(VcSource) source = opens_indexed(&image);
    assert_data(source, 0, 2 * MIB, first);
    assert_data(source, 4096, 2 * MIB - 4096, first + 4096);
    assert_data(source, 3 * MIB + 1, MIB - 1, fourth + 1);
    assert_data(source, 4 * MIB, MIB, third);
}
END_TEST

START_TEST(entries_of_bitmaps_lie_between_those_of_blocks)
{
    g_auto(Image) image = { .disk_size = 36 * 256 * MIB, .block_size = 256 * MIB };
    image_build(&image);
    ck_assert_uint_eq(image.ratio, 16);
    /* What qemu before 8.0 left there is not looked at. */
    image_bitmap(&image, 0, PRESENT, (uint64_t)1 << 40);
    uint64_t place = image.payload;
    for (unsigned block = 15; block < 18; block++, place += image.block_size)
        image_block(&image, block, PRESENT, place);
    ck_assert(vc_file_truncate(image.file, place, NULL));
    g_autoptr(VcSource) source = opens_indexed(&image);
    uint64_t size = image.block_size;
    assert_zero(source, 0, 15 * size, true);
    /* Their content is a hole of the file, and they are one span. */
    assert_zero(source, 15 * size, 3 * size, false);
    assert_zero(source, 17 * size, size, false);
    assert_zero(source, 18 * size, 18 * size, true);
    ck_assert_uint_eq(source->warnings->len, 1);
}
END_TEST

START_TEST(disks_of_4096_byte_sectors_are_read)
{
    g_auto(Image) image = { .disk_size = 33 * 1024 * MIB, .logical_sector = 4096 };
    image_build(&image);
    ck_assert_uint_eq(image.ratio, 32768);
    uint64_t place = image_add(&image, 32768, PRESENT, 7);
    g_autoptr(VcSource) source = opens_indexed(&image);
    ck_assert_uint_eq(source->layout.disks[0].logical_sector, 4096);
    assert_zero(source, 0, 32768 * MIB, true);
    assert_data(source, 32768 * MIB, MIB, place);
}
END_TEST

START_TEST(holes_of_the_file_are_zeros)
{
    g_auto(Image) image = { .flags = 1 };
    image_build(&image);
    for (unsigned block = 0; block < 8; block++)
        image_block(&image, block, PRESENT, image.payload + block * MIB);
    ck_assert(vc_file_truncate(image.file, image.payload + 8 * MIB, NULL));
    image_fill(&image, image.payload + 2 * MIB, 1, 65536);
    g_autoptr(VcSource) source = opens_indexed(&image);
    assert_zero(source, 0, 2 * MIB, false);
    assert_data(source, 2 * MIB, 65536, image.payload + 2 * MIB);
    assert_zero(source, 2 * MIB + 65536, 6 * MIB - 65536, false);
}
END_TEST

START_TEST(the_last_block_may_end_with_the_disk)
{
    g_auto(Image) image = { .disk_size = 2 * MIB + 512 };
    image_build(&image);
    image_fill(&image, image.payload, 5, 512);
    image_block(&image, 2, PRESENT, image.payload);
    g_autoptr(VcSource) source = opens_indexed(&image);
    assert_data(source, 2 * MIB, 512, image.payload);
    ck_assert_uint_eq(filled_with(source, 2 * MIB, 512), 5);
}
END_TEST

START_TEST(another_block_may_not_be_cut)
{
    g_auto(Image) image = { 0 };
    image_build(&image);
    image_add(&image, 2, PRESENT, 5);
    ck_assert(vc_file_truncate(image.file, image.end - 1, NULL));
    refuses_to_index(&image, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(an_empty_disk_of_64_tib_is_a_handful_of_extents)
{
    g_auto(Image) image = { .disk_size = (uint64_t)64 << 40 };
    image_build(&image);
    uint64_t place = image_add(&image, 40000000, PRESENT, 9), at = 0;
    g_autoptr(VcSource) source = opens_indexed(&image);
    unsigned extents = 0;
    for (; at < (uint64_t)64 << 40; extents++)
        at += map_at(source, at).length;
    ck_assert_uint_le(extents, 10);
    assert_data(source, 40000000 * MIB, MIB, place);
}
END_TEST

START_TEST(an_extent_is_not_looked_for_without_end)
{
    /* All entries say ZERO, so that there are no holes to go by. */
    g_auto(Image) image = { .disk_size = (uint64_t)1 << 40 };
    image_build(&image);
    for (uint64_t block = 0; block < image.disk_size / MIB; block++)
        image_block(&image, block, ZERO, 0);
    g_autoptr(VcSource) source = opens_indexed(&image);
    unsigned extents = 0;
    for (uint64_t at = 0; at < (uint64_t)1 << 40; extents++) {
        uint64_t length = map_at(source, at).length;
        ck_assert_uint_le(length, (4096 + 512) * MIB);
        at += length;
    }
    ck_assert_uint_le(extents, 256);
}
END_TEST

/* A fixed disk may change with each run of its file, and each costs a look. */
START_TEST(a_table_is_looked_at_no_further_than_a_run_of_the_file_goes)
{
    g_auto(Image) image = { .flags = 1, .disk_size = 8192 * MIB };
    image_build(&image);
    for (unsigned block = 0; block < 8192; block++)
        image_block(&image, block, PRESENT, image.payload + block * MIB);
    ck_assert(vc_file_truncate(image.file, image.payload + 8192 * MIB, NULL));
    image_fill(&image, image.payload + 40 * MIB + 65536, 1, 65536);
    image_fill(&image, image.payload + 48 * MIB, 1, 65536);
    g_autoptr(VcSource) source = opens_indexed(&image);

    static const struct {
        uint64_t at, length;
        VcKind kind;
        unsigned blocks;
    } runs[] = { { 40 * MIB, 65536, VC_ZERO, 1 },
                 { 40 * MIB + 65536, 65536, VC_DATA, 1 },
                 { 40 * MIB + 2 * 65536, 8 * MIB - 2 * 65536, VC_ZERO, 8 },
                 { 48 * MIB + 4096, 61440, VC_DATA, 1 } };
    for (unsigned i = 0; i < G_N_ELEMENTS(runs); i++) {
        VcExtent extent = map_counted(source, runs[i].at);
        ck_assert_int_eq(extent.kind, runs[i].kind);
        ck_assert_uint_eq(extent.length, runs[i].length);
        ck_assert_uint_le(counted, 8 + 8 * runs[i].blocks);
    }
}
END_TEST

START_TEST(a_disk_of_size_0_is_accepted_with_a_warning)
{
    g_auto(Image) image = { 0 };
    image_build(&image);
    image_store64(&image, image_item(&image, 1), 0);
    g_autoptr(VcSource) source = opens_indexed(&image);
    ck_assert_uint_eq(source->layout.disks[0].size, 0);
    ck_assert_uint_eq(source->warnings->len, 1);
}
END_TEST

START_TEST(entries_that_make_no_sense_are_corrupt)
{
    static const uint64_t entries[] = {
        4,                  /* reserved state */
        7 | 4 * MIB,        /* a bitmap without a parent */
        6,                  /* in the header section */
        6 | 100 * MIB,      /* beyond the end */
        6 | -(uint64_t)MIB, /* and around it */
        6 | IMAGE_LOG,      /* on the log */
        6 | 2 * MIB,        /* on the metadata */
        6 | 3 * MIB,        /* on the BAT */
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(entries); i++) {
        g_auto(Image) image = { 0 };
        image_build(&image);
        image_add(&image, 0, PRESENT, 1);
        image_store64(&image, image.bat + 8, entries[i]);
        refuses_to_index(&image, VC_ERROR_CORRUPT);
    }
}
END_TEST

START_TEST(map_refuses_what_is_not_in_the_file_by_itself)
{
    g_auto(Image) image = { 0 };
    image_build(&image);
    image_block(&image, 1, PRESENT, 0);
    image_block(&image, 2, PRESENT, 100 * MIB);
    image_block(&image, 3, 4, 0);
    g_autoptr(VcSource) source = opens(&image);
    VcExtent extent;
    assert_zero(source, 0, MIB, true);
    for (uint64_t block = 1; block < 4; block++) {
        g_autoptr(GError) error = NULL;
        ck_assert(!vc_source_map(source, 0, block * MIB, &extent, &error));
        assert_error(error, VC_ERROR_CORRUPT);
    }
}
END_TEST

START_TEST(no_block_lies_beyond_256_tib)
{
    /* Two in one place would not be seen there. */
    uint64_t end = (uint64_t)256 << 40;
    for (unsigned past = 0; past < 3; past++) {
        g_auto(Image) image = { .block_size = 2 * MIB };
        image_build(&image);
        image_block(&image, 1, PRESENT, end + (past - (uint64_t)2) * MIB);
        ck_assert(vc_file_truncate(image.file, end + 4 * MIB, NULL));
        if (past > 0) {
            refuses_to_index(&image, VC_ERROR_CORRUPT);
            continue;
        }
        g_autoptr(VcSource) source = opens_indexed(&image);
        assert_zero(source, 2 * MIB, 2 * MIB, false);
    }
}
END_TEST

START_TEST(two_blocks_in_one_place_are_corrupt)
{
    g_auto(Image) image = { .block_size = 2 * MIB };
    image_build(&image);
    uint64_t place = image_add(&image, 0, PRESENT, 1);
    image_add(&image, 1, PRESENT, 1);
    image_block(&image, 3, PRESENT, place + MIB);
    refuses_to_index(&image, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(what_is_odd_but_clear_is_read_with_a_warning)
{
    g_auto(Image) image = { 0 };
    image_build(&image);
    image_block(&image, 1, 5, 0);
    uint64_t place = image_add(&image, 2, PRESENT, 1);
    image_block(&image, 2, PRESENT | 8, place);
    image_store64(&image, image.bat, 4 * MIB); /* absent, with a place */
    g_autoptr(VcSource) source = opens_indexed(&image);
    assert_zero(source, 0, MIB, true);
    assert_zero(source, MIB, MIB, false);
    assert_data(source, 2 * MIB, MIB, place);
    ck_assert_uint_eq(source->warnings->len, 2);
}
END_TEST

START_TEST(info_tells_what_is_in_the_file)
{
    g_auto(Image) image = { .flags = 1 };
    image_build(&image);
    g_autoptr(VcSource) source = opens(&image);
    VcFacts facts;
    vc_facts_init(&facts);
    source->ops->describe(source, &facts);
    const VcFact *fact = &g_array_index(facts.facts, VcFact, 0);
    ck_assert_str_eq(fact->key, "subformat");
    ck_assert_str_eq(fact->text, "fixed");
    vc_facts_clear(&facts);
    ck_assert_str_eq(source->identity, "{dddddddd-dddd-dddd-dddd-dddddddddddd}");
    ck_assert_uint_eq(source->layout.disks[0].physical_sector, 4096);
    ck_assert_ptr_null(source->parent);
}
END_TEST

START_TEST(the_signature_alone_is_probed)
{
    g_auto(Image) image = { 0 };
    g_autoptr(VcFile) empty = vc_memory_file("empty");
    bool match = true;
    ck_assert(vhdx_probe(empty, &match, NULL));
    ck_assert(!match);
    image_build(&image);
    ck_assert(vhdx_probe(image.file, &match, NULL));
    ck_assert(match);
    image_fill(&image, 7, 'E', 1);
    ck_assert(vhdx_probe(image.file, &match, NULL));
    ck_assert(!match);
}
END_TEST

static void *
map_all(void *user)
{
    const VcSource *source = user;
    for (unsigned round = 0; round < 200; round++)
        for (uint64_t block = 0; block < 8; block++) {
            VcExtent extent;
            if (!vc_source_map(source, 0, block * MIB, &extent, NULL) ||
                extent.kind != (block % 2 ? VC_DATA : VC_ZERO) || extent.length != MIB)
                return user;
        }
    return NULL;
}

START_TEST(many_threads_may_map_at_once)
{
    g_auto(Image) image = { 0 };
    image_build(&image);
    for (unsigned block = 1; block < 8; block += 2)
        image_add(&image, block, PRESENT, 1);
    g_autoptr(VcSource) source = opens_indexed(&image);
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, map_all, source), 0);
    for (unsigned i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/source");
    TCase *tests = tcase_create("source");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_state_of_a_block_means_what_it_says);
    tcase_add_test(tests, blocks_that_lie_together_are_one_extent);
    tcase_add_test(tests, entries_of_bitmaps_lie_between_those_of_blocks);
    tcase_add_test(tests, disks_of_4096_byte_sectors_are_read);
    tcase_add_test(tests, holes_of_the_file_are_zeros);
    tcase_add_test(tests, the_last_block_may_end_with_the_disk);
    tcase_add_test(tests, another_block_may_not_be_cut);
    tcase_add_test(tests, an_empty_disk_of_64_tib_is_a_handful_of_extents);
    tcase_add_test(tests, an_extent_is_not_looked_for_without_end);
    tcase_add_test(tests, a_table_is_looked_at_no_further_than_a_run_of_the_file_goes);
    tcase_add_test(tests, a_disk_of_size_0_is_accepted_with_a_warning);
    tcase_add_test(tests, entries_that_make_no_sense_are_corrupt);
    tcase_add_test(tests, map_refuses_what_is_not_in_the_file_by_itself);
    tcase_add_test(tests, no_block_lies_beyond_256_tib);
    tcase_add_test(tests, two_blocks_in_one_place_are_corrupt);
    tcase_add_test(tests, what_is_odd_but_clear_is_read_with_a_warning);
    tcase_add_test(tests, info_tells_what_is_in_the_file);
    tcase_add_test(tests, the_signature_alone_is_probed);
    tcase_add_test(tests, many_threads_may_map_at_once);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
