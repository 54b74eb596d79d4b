/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of reading VHD: fixed and dynamic. */
#include "tests/formats/vpc/image.h"

#include "io/bytes.h"

/* Opens and walks the whole map. */
static bool
readable(VcFile *file, const char *options, GError **error)
{
    g_autoptr(VcSource) source = open_vpc(file, options, error);
    if (!source)
        return false;
    for (VcExtent e;;) {
        if (!vc_source_next(source, &e, error))
            return false;
        if (e.kind == VC_END)
            return true;
    }
}

START_TEST(what_was_written_is_read)
{
    static const char *const options[] = { "subformat=dynamic", "subformat=fixed" };
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcSource) source = open_vpc(make_image(options[i]), "", &error);
        assert_no_error(error);
        ck_assert_uint_eq(source->warnings->len, 0);
        ck_assert_uint_eq(strlen(source->identity), 32);
        check_content(source);
    }
}
END_TEST

START_TEST(extents_are_contiguous_and_as_long_as_they_can_be)
{
    static const struct {
        VcKind kind;
        uint64_t offset;
        bool absent;
    } expected[] = {
        { VC_ZERO, 0, true },
        { VC_DATA, IMAGE_BLOCK, false },
        { VC_ZERO, 2 * IMAGE_BLOCK, true },
        { VC_DATA, 3 * IMAGE_BLOCK, false },
        { VC_ZERO, 3 * IMAGE_BLOCK + 8192, false }, /* a hole of the file */
        { VC_ZERO, 4 * IMAGE_BLOCK, true },
        { VC_DATA, 9 * IMAGE_BLOCK, false },
    };
    g_autoptr(VcSource) source = open_vpc(make_image(""), "", NULL);
    uint64_t end = 0;
    size_t i = 0;
    for (VcExtent e; vc_source_next(source, &e, NULL) && e.kind != VC_END; i++) {
        ck_assert_uint_lt(i, G_N_ELEMENTS(expected));
        ck_assert_uint_eq(e.offset, end);
        ck_assert_uint_eq(e.offset, expected[i].offset);
        ck_assert_int_eq(e.kind, expected[i].kind);
        ck_assert(e.absent == expected[i].absent);
        if (e.kind == VC_DATA)
            ck_assert_uint_eq(e.position % 4096, 0);
        end += e.length;
    }
    ck_assert_uint_eq(end, IMAGE_SIZE);
}
END_TEST

START_TEST(a_run_without_blocks_is_not_looked_for_without_end)
{
    const uint64_t block = 4096, part = 2048 * block;
    VcFile *file = vc_memory_file("empty");
    g_autoptr(VcSink) sink = create_vpc(file, 5000 * block, "block_size=4k", NULL);
    put(sink, 2047 * block, block);
    ck_assert(vc_sink_finish(sink, NULL));
    g_autoptr(VcSource) source = open_vpc(file, "", NULL);
    const uint64_t ends[] = { 2047 * block, part, 2 * part, 5000 * block };
    uint64_t at = 0;
    VcExtent e;
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        ck_assert(vc_source_map(source, 0, at, &e, NULL));
        ck_assert_int_eq(e.kind, i == 1 ? VC_DATA : VC_ZERO);
        ck_assert(e.absent == (i != 1));
        ck_assert_uint_eq(at + e.length, ends[i]);
        at += e.length;
    }
    ck_assert(vc_source_map(source, 0, part + 7 * block + 100, &e, NULL));
    ck_assert_uint_eq(e.offset + e.length, 2 * part);
}
END_TEST

/* A file that ends early opens with a warning, or not at all; its content is never
 * wrong. */
START_TEST(every_truncation_is_refused_or_read_right)
{
    g_autoptr(VcFile) whole = make_image("");
    size_t length;
    g_autofree uint8_t *bytes = file_bytes(whole, &length);
    size_t data_end = length - 512 - (4096 - 512);

    for (size_t cut = 0; cut < length;
         cut += cut < 8192 || cut > data_end - 512 ? 1 : 97) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcSource)
            source = open_vpc(vc_memory_file_from("cut", bytes, cut), "", &error);
        if (source) {
            ck_assert_uint_ge(cut + 1, data_end);
            ck_assert(warned(source, "footer at the end") || cut == length - 1);
            if (cut % 128 == 0 || cut - data_end < 2)
                check_content(source);
        } else {
            ck_assert_uint_lt(cut, data_end);
            ck_assert_int_eq(error->domain, VC_ERROR);
        }
    }
}
END_TEST

START_TEST(a_fixed_image_that_was_cut_is_no_vhd)
{
    g_autoptr(VcFile) whole = make_image("subformat=fixed");
    size_t length;
    g_autofree uint8_t *bytes = file_bytes(whole, &length);
    for (size_t cut = length - 1024; cut < length; cut++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcSource)
            source = open_vpc(vc_memory_file_from("cut", bytes, cut), "", &error);
        /* The last byte is a zero that early Virtual PC left out. */
        ck_assert_int_eq(source != NULL, cut == length - 1);
        if (source)
            check_content(source);
    }
}
END_TEST

/* Any byte of the metadata may be wrong: then the other footer helps, or it is refused,
 * or the byte is reserved padding. */
START_TEST(no_flipped_byte_of_the_tables_gives_wrong_content_unnoticed)
{
    g_autoptr(VcFile) file = make_image("");
    for (uint64_t at = 0; at < 1536; at++) {
        g_autoptr(GError) error = NULL;
        uint8_t byte, turned;
        vc_file_read(file, at, &byte, 1, NULL);
        turned = (uint8_t)~byte;
        vc_file_write(file, at, &turned, 1, NULL);
        size_t length;
        g_autofree uint8_t *bytes = file_bytes(file, &length);
        g_autoptr(VcSource)
            source = open_vpc(vc_memory_file_from("bad", bytes, length), "", &error);
        if (at < 512) {
            assert_no_error(error);
            ck_assert(warned(source, "at the beginning is damaged"));
            if (at % 16 == 0)
                check_content(source);
        } else {
            ck_assert_ptr_null(source);
            assert_error(error, VC_ERROR_CORRUPT);
        }
        vc_file_write(file, at, &byte, 1, NULL);
    }
}
END_TEST

START_TEST(a_damaged_trailing_footer_is_replaced_by_the_copy)
{
    g_autoptr(GError) error = NULL;
    VcFile *file = make_image("");
    vc_file_write(file, file_size(file) - 300, "x", 1, NULL);
    g_autoptr(VcSource) source = open_vpc(file, "", &error);
    assert_no_error(error);
    ck_assert(warned(source, "footer at the end is missing or damaged"));
    check_content(source);
}
END_TEST

START_TEST(impossible_bat_entries_are_refused)
{
    static const uint32_t sectors[] = { 0, 1, 2, 3, 100000, 0x7fffffff, 0xfffffffe };
    for (size_t i = 0; i < G_N_ELEMENTS(sectors); i++) {
        g_autoptr(GError) error = NULL;
        VcFile *file = make_image("");
        set_entry(file, 5, sectors[i]);
        ck_assert(!readable(file, "", &error));
        assert_error(error, VC_ERROR_CORRUPT);
        if (!strstr(error->message, "block 5"))
            ck_abort_msg("%s", error->message);
    }
}
END_TEST

START_TEST(blocks_over_each_other_are_refused)
{
    for (uint32_t shift = 0; shift < 129; shift += 16) {
        g_autoptr(GError) error = NULL;
        VcFile *file = make_image("");
        set_entry(file, 5, get_entry(file, 1) + shift);
        ck_assert(!readable(file, "", &error));
        assert_error(error, VC_ERROR_CORRUPT);
        ck_assert_ptr_nonnull(strstr(error->message, "overlap"));
    }
}
END_TEST

START_TEST(blocks_in_any_order_are_read)
{
    g_autoptr(GError) error = NULL;
    VcFile *file = make_image("");
    /* Exchange the places of the whole and of the last block: contents go with them. */
    uint32_t one = get_entry(file, 1), nine = get_entry(file, 9);
    set_entry(file, 1, nine);
    set_entry(file, 9, one);
    g_autoptr(VcSource) source = open_vpc(file, "", &error);
    assert_no_error(error);
    uint8_t byte;
    ck_assert(vc_source_read(source, 0, 9 * IMAGE_BLOCK + 5, &byte, 1, NULL));
    ck_assert_uint_eq(byte, pattern(IMAGE_BLOCK + 5));
}
END_TEST

START_TEST(sectors_whose_bit_is_clear_read_as_zero_with_a_warning)
{
    static const uint8_t bits[3] = { 0x7f, 0xff, 0xfe }; /* sectors 0 and 23 */
    g_autoptr(GError) error = NULL;
    VcFile *file = make_image("");
    vc_file_write(file, (uint64_t)get_entry(file, 1) * 512, bits, 3, NULL);
    g_autoptr(VcSource) source = open_vpc(file, "", &error);
    assert_no_error(error);
    vc_source_warnings(source);
    ck_assert(warned(source, "data in 1 block (the first is block 1) lies"));
    for (unsigned sector = 0; sector < 128; sector++) {
        uint64_t offset = IMAGE_BLOCK + sector * 512 + 7;
        uint8_t byte;
        ck_assert(vc_source_read(source, 0, offset, &byte, 1, NULL));
        ck_assert_uint_eq(byte, sector == 0 || sector == 23 ? 0 : pattern(offset));
    }

    VcExtent e;
    ck_assert(vc_source_map(source, 0, IMAGE_BLOCK + 512, &e, NULL));
    ck_assert_int_eq(e.kind, VC_DATA);
    ck_assert_uint_eq(e.length, 22 * 512);
    ck_assert(vc_source_map(source, 0, IMAGE_BLOCK + 100, &e, NULL));
    ck_assert_int_eq(e.kind, VC_ZERO);
    ck_assert_uint_eq(e.length, 412);
    ck_assert(!e.absent);
}
END_TEST

START_TEST(a_long_run_of_bits_ends_with_a_sector_of_the_bitmap)
{
    const uint64_t part = 2 << 20;
    VcFile *file = vc_memory_file("long");
    g_autoptr(VcSink) sink = create_vpc(file, 4 * part, "block_size=8M", NULL);
    put(sink, 0, 4 * part);
    ck_assert(vc_sink_finish(sink, NULL));
    g_autoptr(VcSource) source = open_vpc(file, "", NULL);
    for (uint64_t at = 5000; at < 4 * part; at += part) {
        VcExtent e;
        ck_assert(vc_source_map(source, 0, at, &e, NULL));
        ck_assert_int_eq(e.kind, VC_DATA);
        ck_assert_uint_eq(e.length, part - 5000);
    }
}
END_TEST

START_TEST(bits_of_tapdisk_0_1_are_counted_from_the_low_end)
{
    static const uint8_t bits[2] = { 0xfe, 0xff }; /* sector 0 */
    VcFile *file = make_image("");
    VpcFooter footer = get_footer(file);
    memcpy(footer.creator, "tap", 4);
    footer.creator_version = 1;
    set_footer(file, &footer);
    vc_file_write(file, (uint64_t)get_entry(file, 1) * 512, bits, 2, NULL);
    g_autoptr(VcSource) source = open_vpc(file, "", NULL);
    uint8_t bytes[2];
    ck_assert(vc_source_read(source, 0, IMAGE_BLOCK + 511, bytes, 2, NULL));
    ck_assert_uint_eq(bytes[0], 0);
    ck_assert_uint_eq(bytes[1], pattern(IMAGE_BLOCK + 512));
}
END_TEST

START_TEST(clear_bits_over_zeros_are_no_reason_to_warn)
{
    static const uint8_t bits[16] = { 0xff, 0xff }; /* the 16 sectors of block 3 */
    VcFile *file = make_image("");
    vc_file_write(file, (uint64_t)get_entry(file, 3) * 512, bits, sizeof bits, NULL);
    g_autoptr(VcSource) source = open_vpc(file, "", NULL);
    check_content(source);
    ck_assert_uint_eq(vc_source_warnings(source)->len, 0);
}
END_TEST

START_TEST(a_table_larger_than_needed_is_read_as_far_as_needed)
{
    VcFile *file = make_image("");
    VpcHeader header = get_header(file);
    header.entries = 600; /* up to the first lead, there are zeros in it */
    set_header(file, &header);
    g_autoptr(VcSource) source = open_vpc(file, "", NULL);
    ck_assert_ptr_nonnull(source);
    check_content(source);
}
END_TEST

/* Memory must follow the file and not what it says. */
START_TEST(a_huge_table_that_is_not_in_the_file_is_refused_at_once)
{
    static const uint32_t entries[] = { 1000000, 0x20000001, 0x40000001, 0xffffffff };
    for (size_t i = 0; i < G_N_ELEMENTS(entries); i++) {
        g_autoptr(GError) error = NULL;
        VcFile *file = make_image("");
        VpcHeader header = get_header(file);
        VpcFooter footer = get_footer(file);
        header.entries = entries[i];
        footer.current_size = (uint64_t)entries[i] * IMAGE_BLOCK;
        set_header(file, &header);
        set_footer(file, &footer);
        ck_assert(!readable(file, "", &error));
        assert_error(error, VC_ERROR_CORRUPT);
    }
}
END_TEST

START_TEST(more_blocks_than_the_limit_are_refused)
{
    g_autoptr(GError) error = NULL;
    VcFile *file = vc_memory_file("huge");
    VpcFooter footer = { .features = 2,
                         .version = 0x10000,
                         .data_offset = 512,
                         .current_size = (uint64_t)(VPC_BAT_ENTRIES_MAX + 1) * 512,
                         .type = VPC_DYNAMIC };
    VpcHeader header = { .next = UINT64_MAX,
                         .table_offset = 1536,
                         .version = 0x10000,
                         .entries = VPC_BAT_ENTRIES_MAX + 1,
                         .block_size = 512 };
    vc_file_truncate(file, UINT64_C(200) << 20, NULL);
    set_footer(file, &footer);
    set_header(file, &header);
    ck_assert(!readable(file, "", &error));
    assert_error(error, VC_ERROR_LIMIT);
}
END_TEST

START_TEST(a_size_that_is_not_whole_sectors_is_rounded_down)
{
    VcFile *file = make_image("");
    VpcFooter footer = get_footer(file);
    footer.current_size += 100;
    set_footer(file, &footer);
    g_autoptr(VcSource) source = open_vpc(file, "", NULL);
    ck_assert(warned(source, "rounded down"));
    check_content(source);
}
END_TEST

START_TEST(the_size_can_be_taken_from_the_geometry)
{
    g_autoptr(VcSource) source = open_vpc(make_image(""), "size_rule=chs", NULL);
    ck_assert_uint_eq(source->layout.disks[0].size, 18 * 4 * 17 * 512);
    VcFile *file = make_image("");
    VpcFooter footer = get_footer(file);
    footer.geometry = (VpcGeometry){ 65535, 16, 255 };
    set_footer(file, &footer);
    g_autoptr(VcSource) largest = open_vpc(file, "force_size_calc=chs", NULL);
    ck_assert_uint_eq(largest->layout.disks[0].size, IMAGE_SIZE);
}
END_TEST

START_TEST(a_fixed_image_with_a_vhd_at_its_beginning_is_the_outer_one)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) inner = make_image("");
    size_t length;
    g_autofree uint8_t *bytes = file_bytes(inner, &length);
    VcFile *file = vc_memory_file("outer");
    g_autoptr(VcSink) sink = create_vpc(file, length, "subformat=fixed", NULL);
    vc_file_write(file, 0, bytes, length, NULL);
    ck_assert(vc_sink_finish(sink, NULL));

    g_autoptr(VcSource) source = open_vpc(file, "", &error);
    assert_no_error(error);
    ck_assert_uint_eq(source->layout.disks[0].size, length);
    ck_assert_uint_eq(source->warnings->len, 0);
    char cookie[8];
    ck_assert(vc_source_read(source, 0, 0, cookie, 8, NULL));
    ck_assert_mem_eq(cookie, "conectix", 8);
}
END_TEST

START_TEST(option_words_are_checked)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = open_vpc(make_image(""), "size_rule=large", &error);
    ck_assert_ptr_null(source);
    assert_error(error, VC_ERROR_USAGE);
}
END_TEST

START_TEST(what_info_shows_is_told)
{
    g_autoptr(VcSource) source = open_vpc(make_image(""), "", NULL);
    VcFacts facts;
    unsigned seen = 0;
    vc_facts_init(&facts);
    source->ops->describe(source, &facts);
    for (unsigned i = 0; i < facts.facts->len; i++) {
        const VcFact *fact = &g_array_index(facts.facts, VcFact, i);
        if (strcmp(fact->key, "subformat") == 0)
            seen += strcmp(fact->text, "dynamic") == 0;
        if (strcmp(fact->key, "allocated-blocks") == 0)
            seen += fact->number == 3;
        if (strcmp(fact->key, "creator") == 0)
            seen += strcmp(fact->text, "vcnv") == 0;
        if (strcmp(fact->key, "timestamp") == 0)
            seen += strcmp(fact->text, "2020-01-01T00:00:00Z") == 0;
    }
    vc_facts_clear(&facts);
    ck_assert_uint_eq(seen, 4);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/source");
    TCase *tests = tcase_create("source");
    tcase_set_timeout(tests, 60); /* slow under sanitizers */
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, extents_are_contiguous_and_as_long_as_they_can_be);
    tcase_add_test(tests, a_run_without_blocks_is_not_looked_for_without_end);
    tcase_add_test(tests, every_truncation_is_refused_or_read_right);
    tcase_add_test(tests, a_fixed_image_that_was_cut_is_no_vhd);
    tcase_add_test(tests, no_flipped_byte_of_the_tables_gives_wrong_content_unnoticed);
    tcase_add_test(tests, a_damaged_trailing_footer_is_replaced_by_the_copy);
    tcase_add_test(tests, impossible_bat_entries_are_refused);
    tcase_add_test(tests, blocks_over_each_other_are_refused);
    tcase_add_test(tests, blocks_in_any_order_are_read);
    tcase_add_test(tests, sectors_whose_bit_is_clear_read_as_zero_with_a_warning);
    tcase_add_test(tests, a_long_run_of_bits_ends_with_a_sector_of_the_bitmap);
    tcase_add_test(tests, bits_of_tapdisk_0_1_are_counted_from_the_low_end);
    tcase_add_test(tests, clear_bits_over_zeros_are_no_reason_to_warn);
    tcase_add_test(tests, a_table_larger_than_needed_is_read_as_far_as_needed);
    tcase_add_test(tests, a_huge_table_that_is_not_in_the_file_is_refused_at_once);
    tcase_add_test(tests, more_blocks_than_the_limit_are_refused);
    tcase_add_test(tests, a_size_that_is_not_whole_sectors_is_rounded_down);
    tcase_add_test(tests, the_size_can_be_taken_from_the_geometry);
    tcase_add_test(tests, a_fixed_image_with_a_vhd_at_its_beginning_is_the_outer_one);
    tcase_add_test(tests, option_words_are_checked);
    tcase_add_test(tests, what_info_shows_is_told);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
