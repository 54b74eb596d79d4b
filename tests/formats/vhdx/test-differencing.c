/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of VHDX disks with parents. */
#include "formats/vhdx/wire.h"
#include "io/memory.h"
#include "tests/formats/vhdx/reading.h"

#include <string.h>

/* Of images whose data_write is 0xdd and 0xcc. */
#define PARENT_ID "{dddddddd-dddd-dddd-dddd-dddddddddddd}"
#define CHILD_ID "{cccccccc-cccc-cccc-cccc-cccccccccccc}"

#define CHILD_OF(id)                                                                   \
    ((const char *const[]){ "parent_linkage", id, "relative_path", "..\\p.vhdx",       \
                            "absolute_win32_path", "\\\\?\\c:\\p.vhdx", NULL })

static Image image;

/* A disk of 8 MiB whose blocks 0 to 5 are filled with 0xd0 to 0xd5. */
static VcSource *
parent(void)
{
    g_auto(Image) p = { 0 };
    image_build(&p);
    for (unsigned block = 0; block < 6; block++)
        image_add(&p, block, PRESENT, (uint8_t)(0xd0 + block));
    return opens(&p);
}

static void
begin_child(uint64_t size)
{
    image = (Image){ .flags = 2,
                     .locator = CHILD_OF(PARENT_ID),
                     .data_write = 0xcc,
                     .disk_size = size };
    image_build(&image);
}

/* Gives the image begun, with PARENT (taken) adopted. */
static VcSource *
with_parent(VcSource *up)
{
    g_autoptr(GError) error = NULL;
    VcSource *source = opens(&image);
    bool ok = vc_source_adopt(source, up, &error);
    assert_no_error(error);
    ck_assert(ok);
    ck_assert_msg(vc_source_index(source, &error), "%s", error ? error->message : "");
    return source;
}

static void
does_not_adopt(VcSource *up)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) child = opens(&image);
    g_autoptr(VcSource) mine = up; /* still */
    ck_assert(!vc_source_adopt(child, mine, &error));
    assert_error(error, VC_ERROR_PARENT);
}

START_TEST(the_parent_is_named)
{
    begin_child(0);
    g_autoptr(VcSource) source = opens(&image);
    ck_assert_ptr_nonnull(source->parent);
    ck_assert_str_eq(source->parent->id, PARENT_ID);
    ck_assert_str_eq(source->parent->paths[0], "../p.vhdx");
    ck_assert_str_eq(source->parent->paths[1], "c:/p.vhdx");
    ck_assert_ptr_null(source->parent->paths[2]);
    ck_assert_str_eq(source->identity, CHILD_ID);
}
END_TEST

START_TEST(nothing_is_read_before_the_parent_is_there)
{
    g_autoptr(GError) error = NULL;
    VcExtent extent;
    begin_child(0);
    g_autoptr(VcSource) source = opens(&image);
    ck_assert(!vc_source_map(source, 0, 0, &extent, &error));
    assert_error(error, VC_ERROR_PARENT);
}
END_TEST

START_TEST(what_is_not_in_the_child_is_in_the_parent)
{
    begin_child(0);
    uint64_t place = image_add(&image, 1, PRESENT, 0x11);
    image_block(&image, 2, ZERO, 0);
    image_block(&image, 3, UNMAPPED, 0);
    image_block(&image, 4, UNDEFINED, 0);
    g_autoptr(VcSource) source = with_parent(parent());
    VcExtent extent = map_at(source, 512);
    ck_assert_int_eq(extent.kind, VC_DATA);
    ck_assert_uint_eq(extent.length, MIB - 512);
    ck_assert_uint_eq(extent.depth, 1);
    ck_assert_ptr_ne(extent.file, source->file);
    assert_data(source, MIB, MIB, place);
    ck_assert_uint_eq(map_at(source, MIB).depth, 0);
    assert_zero(source, 2 * MIB, 3 * MIB, false);
    assert_zero(source, 6 * MIB, 2 * MIB, true);
    ck_assert_uint_eq(filled_with(source, 0, MIB), 0xd0);
    ck_assert_uint_eq(filled_with(source, MIB, MIB), 0x11);
    ck_assert_uint_eq(filled_with(source, 2 * MIB, 3 * MIB), 0);
    ck_assert_uint_eq(filled_with(source, 5 * MIB, MIB), 0xd5);
}
END_TEST

/* Adds a bitmap block at the end. */
static uint64_t
add_bitmap(uint64_t chunk)
{
    uint64_t place = image.end;
    image_fill(&image, place, 0, MIB);
    image_bitmap(&image, chunk, PRESENT, place);
    image.end += MIB;
    return place;
}

START_TEST(the_bitmap_says_sector_by_sector_who_has_it)
{
    begin_child(0);
    uint64_t bitmap = add_bitmap(0), place = image_add(&image, 1, PARTIAL, 0x11);
    /* Block 1 begins at bit 2048 of the chunk. Sectors 3 and 4, and 8 to 23. */
    uint8_t bits[] = { 0x18, 0xff, 0xff, 0 };
    image_write(&image, bitmap + 2048 / 8, bits, sizeof bits);
    g_autoptr(VcSource) source = with_parent(parent());

    static const struct {
        unsigned first, end, byte;
    } runs[] = { { 0, 3, 0xd1 },
                 { 3, 5, 0x11 },
                 { 5, 8, 0xd1 },
                 { 8, 24, 0x11 },
                 { 24, 2048, 0xd1 } };
    for (unsigned i = 0; i < G_N_ELEMENTS(runs); i++) {
        uint64_t at = MIB + runs[i].first * 512, end = MIB + runs[i].end * 512;
        VcExtent extent = map_at(source, at);
        ck_assert_uint_eq(extent.length, end - at);
        ck_assert_uint_eq(extent.depth, runs[i].byte == 0xd1);
        ck_assert_uint_eq(filled_with(source, at, end - at), runs[i].byte);
        /* From inside a sector. */
        ck_assert_uint_eq(map_at(source, at + 100).length, end - at - 100);
    }
    ck_assert_uint_eq(map_at(source, MIB + 3 * 512).position, place + 3 * 512);
    ck_assert_uint_eq(filled_with(source, 0, MIB), 0xd0);
    ck_assert_uint_eq(filled_with(source, 2 * MIB, MIB), 0xd2);
}
END_TEST

START_TEST(each_chunk_has_its_own_bitmap)
{
    begin_child(4099 * MIB);
    ck_assert_uint_eq(image.ratio, 4096);
    uint64_t first = add_bitmap(0), second = add_bitmap(1);
    uint64_t place = image_add(&image, 1, PARTIAL, 0x11);
    uint64_t behind = image_add(&image, 4097, PARTIAL, 0x22);
    /* Block 4097 is the second of its chunk, too. */
    image_fill(&image, first + 256, 0x0f, 1);
    image_fill(&image, second + 256, 0xff, 1);
    g_autoptr(VcSource) source = with_parent(parent());
    assert_data(source, MIB, 4 * 512, place);
    assert_data(source, 4097 * MIB, 8 * 512, behind);
    assert_zero(source, 4097 * MIB + 8 * 512, MIB - 8 * 512, true);
}
END_TEST

/* Whoever asks for a piece of it does not pay for all of it. */
START_TEST(a_long_run_of_bits_ends_with_a_piece_of_the_bitmap)
{
    image = (Image){ .flags = 2,
                     .locator = CHILD_OF(PARENT_ID),
                     .data_write = 0xcc,
                     .block_size = 64 * MIB,
                     .disk_size = 70 * MIB };
    image_build(&image);
    uint64_t bitmap = add_bitmap(0);
    image_fill(&image, bitmap, 0xff, 64 * MIB / 512 / 8);
    image_fill(&image, bitmap, 0xfe, 1);
    image_block(&image, 0, PARTIAL, image.end);
    ck_assert(vc_file_truncate(image.file, image.end + 64 * MIB, NULL));
    g_autoptr(VcSource) source = with_parent(parent());
    ck_assert_uint_eq(map_at(source, 0).depth, 1);
    ck_assert_uint_eq(map_at(source, 0).length, 512);
    /* The content of the block is a hole of the file. */
    assert_zero(source, 512, 4 * MIB - 512, false);
    assert_zero(source, 3 * MIB + 5 * 512 + 1, MIB - 5 * 512 - 1, false);
    for (uint64_t at = 4 * MIB; at < 64 * MIB; at += 4 * MIB)
        assert_zero(source, at, 4 * MIB, false);
    assert_zero(source, 64 * MIB, 6 * MIB, true);
}
END_TEST

START_TEST(a_partial_block_at_the_end_goes_to_the_end_of_the_disk)
{
    begin_child(MIB + 1024);
    uint64_t bitmap = add_bitmap(0), place = image_add(&image, 1, PARTIAL, 0x11);
    image_fill(&image, bitmap + 256, 0xff, 256);
    g_autoptr(VcSource) source = with_parent(parent());
    assert_data(source, MIB, 1024, place);
}
END_TEST

START_TEST(a_partial_block_needs_its_bitmap)
{
    begin_child(0);
    image_add(&image, 1, PARTIAL, 0x11);
    refuses_to_index(&image, VC_ERROR_CORRUPT);

    static const unsigned states[] = { 1, 2, 3, 4, 5, 7 };
    for (unsigned i = 0; i < G_N_ELEMENTS(states); i++) {
        begin_child(0);
        image_bitmap(&image, 0, states[i], add_bitmap(0));
        refuses_to_index(&image, VC_ERROR_CORRUPT);
    }
    begin_child(0);
    image_add(&image, 1, PARTIAL, 0x11);
    image_bitmap(&image, 0, PRESENT, 1000 * MIB);
    refuses_to_index(&image, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(a_bitmap_on_a_block_is_corrupt)
{
    begin_child(0);
    uint64_t place = image_add(&image, 1, PARTIAL, 0x11);
    image_bitmap(&image, 0, PRESENT, place);
    refuses_to_index(&image, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(a_child_may_be_larger_than_its_parent)
{
    begin_child(20 * MIB);
    g_autoptr(VcSource) source = with_parent(parent());
    assert_zero(source, 6 * MIB, 2 * MIB, true);
    assert_zero(source, 8 * MIB, 12 * MIB, true);
    ck_assert_uint_eq(filled_with(source, 5 * MIB, MIB), 0xd5);
}
END_TEST

START_TEST(a_child_may_be_smaller_than_its_parent)
{
    begin_child(2 * MIB + 4096);
    g_autoptr(VcSource) source = with_parent(parent());
    VcExtent extent = map_at(source, 2 * MIB);
    ck_assert_uint_eq(extent.length, 4096);
    ck_assert_uint_eq(filled_with(source, 2 * MIB, 4096), 0xd2);
}
END_TEST

START_TEST(depth_counts_the_parents)
{
    begin_child(0);
    image_add(&image, 1, PRESENT, 0x11);
    VcSource *middle = opens(&image);
    ck_assert(vc_source_adopt(middle, parent(), NULL));
    image = (Image){ .flags = 2, .locator = CHILD_OF(CHILD_ID), .data_write = 0xee };
    image_build(&image);
    image_add(&image, 2, PRESENT, 0x22);
    g_autoptr(VcSource) source = with_parent(middle);
    ck_assert(middle->indexed);
    for (unsigned block = 0; block < 3; block++)
        ck_assert_uint_eq(map_at(source, block * MIB).depth, 2 - block);
    ck_assert_uint_eq(filled_with(source, 0, MIB), 0xd0);
    ck_assert_uint_eq(filled_with(source, MIB, MIB), 0x11);
    ck_assert_uint_eq(filled_with(source, 2 * MIB, MIB), 0x22);
}
END_TEST

/* A chain asks as often as its base changes, and each image of it pays each time. */
START_TEST(a_child_looks_no_further_than_its_parent_answers)
{
    static const uint64_t runs[] = { 512, MIB, 8 * MIB };
    for (unsigned i = 0; i < G_N_ELEMENTS(runs); i++) {
        begin_child(8192 * MIB);
        g_autoptr(VcSource) source = with_parent(changing(runs[i], PARENT_ID));
        VcExtent extent = map_counted(source, 40 * MIB);
        ck_assert_int_eq(extent.kind, VC_ZERO);
        ck_assert_uint_eq(extent.length, runs[i]);
        ck_assert_uint_le(counted, 8 + 8 * 8);
    }
}
END_TEST

START_TEST(a_hole_in_the_bitmap_is_the_parents_as_far_as_it_goes)
{
    image = (Image){ .flags = 2,
                     .locator = CHILD_OF(PARENT_ID),
                     .data_write = 0xcc,
                     .block_size = 256 * MIB,
                     .disk_size = 1024 * MIB };
    image_build(&image);
    /* The bitmap of a block has 64 KiB, and a byte of it 4 KiB of the disk. */
    uint64_t bitmap = image.end;
    image_bitmap(&image, 0, PRESENT, bitmap);
    image.end += MIB;
    for (unsigned block = 0; block < 4; block++)
        image_block(&image, block, PARTIAL, image.end + block * image.block_size);
    ck_assert(vc_file_truncate(image.file, image.end + 4 * image.block_size, NULL));
    image_fill(&image, bitmap + 65536 + 32768, 0x80, 1);
    g_autoptr(VcSource) source = with_parent(changing(8192 * MIB, PARENT_ID));

    static const struct {
        uint64_t at, end;
        unsigned depth;
    } runs[] = {
        { 0, 256 * MIB, 1 },
        { 5 * 512 + 1, 256 * MIB, 1 },
        { 255 * MIB, 256 * MIB, 1 },
        { 256 * MIB + 512, 384 * MIB, 1 },
        { 384 * MIB - 1, 384 * MIB, 1 },
        { 384 * MIB, 384 * MIB + 7 * 512, 1 },
        { 384 * MIB + 7 * 512, 384 * MIB + 8 * 512, 0 },
        /* To the end of the piece, and of the page behind the bit. */
        { 384 * MIB + 8 * 512, 388 * MIB, 1 },
        { 396 * MIB, 400 * MIB, 1 },
        { 400 * MIB, 512 * MIB, 1 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(runs); i++) {
        VcExtent extent = map_counted(source, runs[i].at);
        ck_assert_uint_eq(extent.offset + extent.length, runs[i].end);
        ck_assert_uint_eq(extent.depth, runs[i].depth);
        ck_assert_uint_le(counted, 8 + 8 + 1024);
    }
}
END_TEST

START_TEST(a_parent_is_asked_for_no_more_than_its_child_wants)
{
    begin_child(8192 * MIB);
    uint64_t bitmap = add_bitmap(0), place = image_add(&image, 41, PARTIAL, 0x11);
    ck_assert_uint_gt(place, bitmap);
    /* Every other sector is here. */
    image_fill(&image, bitmap + 41 * 256, 0x55, 256);
    g_autoptr(VcSource) source = with_parent(changing(8192 * MIB, PARENT_ID));
    assert_zero(source, 41 * MIB + 512, 512, false);
    ck_assert_uint_eq(below.most, 512);
}
END_TEST

START_TEST(another_parent_is_not_adopted)
{
    begin_child(0);
    g_auto(Image) other = { .data_write = 0xd0 };
    image_build(&other);
    does_not_adopt(opens(&other));
}
END_TEST

START_TEST(a_parent_of_other_sectors_is_not_adopted)
{
    begin_child(0);
    g_auto(Image) other = { .logical_sector = 4096 };
    image_build(&other);
    does_not_adopt(opens(&other));
}
END_TEST

START_TEST(a_parent_that_has_no_identity_is_not_adopted)
{
    begin_child(0);
    VcSource *up = parent();
    g_clear_pointer(&up->identity, g_free);
    does_not_adopt(up);
}
END_TEST

START_TEST(a_parent_of_another_format_is_known_by_its_digits)
{
    begin_child(0);
    VcSource *up = parent();
    g_free(up->identity);
    up->identity = g_strdup("dddddddddddddddddddddddddddddddd");
    g_autoptr(VcSource) source = with_parent(up);
    ck_assert_uint_eq(filled_with(source, 0, MIB), 0xd0);
}
END_TEST

START_TEST(the_second_linkage_is_as_good_as_the_first)
{
    image = (Image){ .flags = 2,
                     .locator = (const char *const[]){
                         "parent_linkage", CHILD_ID, "parent_linkage2", PARENT_ID,
                         "relative_path", "p.vhdx", NULL } };
    image_build(&image);
    g_autoptr(VcSource) source = with_parent(parent());
    ck_assert_uint_eq(source->warnings->len, 0);
}
END_TEST

START_TEST(a_linkage_in_another_notation_is_told)
{
    image = (Image){ .flags = 2,
                     .locator = (const char *const[]){
                         "parent_linkage", "DDDDDDDD-DDDD-DDDD-DDDD-DDDDDDDDDDDD",
                         "relative_path", "p.vhdx", NULL } };
    image_build(&image);
    g_autoptr(VcSource) source = with_parent(parent());
    ck_assert_uint_eq(source->warnings->len, 1);
}
END_TEST

START_TEST(a_child_without_a_locator_is_corrupt)
{
    image = (Image){ .flags = 2 };
    image_build(&image);
    refuses_to_open(&image, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(a_fault_of_the_parent_is_found_when_the_child_is_indexed)
{
    g_autoptr(GError) error = NULL;
    g_auto(Image) up = { 0 };
    image_build(&up);
    image_block(&up, 0, PRESENT, 1000 * MIB);
    begin_child(0);
    g_autoptr(VcSource) source = opens(&image);
    ck_assert(vc_source_adopt(source, opens(&up), NULL));
    ck_assert(!vc_source_index(source, &error));
    assert_error(error, VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(a_fault_of_a_parent_that_comes_later_is_found_when_it_is_adopted)
{
    g_autoptr(GError) error = NULL;
    g_auto(Image) up = { 0 };
    image_build(&up);
    image_block(&up, 0, PRESENT, 1000 * MIB);
    begin_child(0);
    g_autoptr(VcSource) source = opens_indexed(&image);
    g_autoptr(VcSource) mine = opens(&up);
    ck_assert(!vc_source_adopt(source, mine, &error));
    assert_error(error, VC_ERROR_CORRUPT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/differencing");
    TCase *tests = tcase_create("differencing");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_parent_is_named);
    tcase_add_test(tests, nothing_is_read_before_the_parent_is_there);
    tcase_add_test(tests, what_is_not_in_the_child_is_in_the_parent);
    tcase_add_test(tests, the_bitmap_says_sector_by_sector_who_has_it);
    tcase_add_test(tests, each_chunk_has_its_own_bitmap);
    tcase_add_test(tests, a_long_run_of_bits_ends_with_a_piece_of_the_bitmap);
    tcase_add_test(tests, a_partial_block_at_the_end_goes_to_the_end_of_the_disk);
    tcase_add_test(tests, a_partial_block_needs_its_bitmap);
    tcase_add_test(tests, a_bitmap_on_a_block_is_corrupt);
    tcase_add_test(tests, a_child_may_be_larger_than_its_parent);
    tcase_add_test(tests, a_child_may_be_smaller_than_its_parent);
    tcase_add_test(tests, depth_counts_the_parents);
    tcase_add_test(tests, a_child_looks_no_further_than_its_parent_answers);
    tcase_add_test(tests, a_hole_in_the_bitmap_is_the_parents_as_far_as_it_goes);
    tcase_add_test(tests, a_parent_is_asked_for_no_more_than_its_child_wants);
    tcase_add_test(tests, another_parent_is_not_adopted);
    tcase_add_test(tests, a_parent_of_other_sectors_is_not_adopted);
    tcase_add_test(tests, a_parent_that_has_no_identity_is_not_adopted);
    tcase_add_test(tests, a_parent_of_another_format_is_known_by_its_digits);
    tcase_add_test(tests, the_second_linkage_is_as_good_as_the_first);
    tcase_add_test(tests, a_linkage_in_another_notation_is_told);
    tcase_add_test(tests, a_child_without_a_locator_is_corrupt);
    tcase_add_test(tests, a_fault_of_the_parent_is_found_when_the_child_is_indexed);
    tcase_add_test(tests,
                   a_fault_of_a_parent_that_comes_later_is_found_when_it_is_adopted);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
