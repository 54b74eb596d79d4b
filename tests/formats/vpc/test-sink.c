/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of writing VHD: fixed and dynamic. */
#include "tests/formats/vpc/image.h"

#include "io/bytes.h"
#include "io/checksum.h"

#include <stdlib.h>

static uint8_t
byte_at(VcFile *file, uint64_t position)
{
    uint8_t byte;
    ck_assert(vc_file_read(file, position, &byte, 1, NULL));
    return byte;
}

START_TEST(a_dynamic_image_has_its_parts_where_they_belong)
{
    g_autoptr(VcFile) file = make_image("");
    VpcFooter footer = get_footer(file);
    VpcHeader header = get_header(file);
    size_t length;
    g_autofree uint8_t *bytes = file_bytes(file, &length);

    ck_assert_mem_eq(bytes, bytes + length - 512, 512);
    ck_assert_uint_eq(footer.type, VPC_DYNAMIC);
    ck_assert_uint_eq(footer.features, 2);
    ck_assert_uint_eq(footer.data_offset, 512);
    ck_assert_uint_eq(footer.original_size, IMAGE_SIZE);
    ck_assert_uint_eq(footer.current_size, IMAGE_SIZE);
    ck_assert_uint_eq(footer.timestamp, 1577836800 - VPC_EPOCH);
    ck_assert_mem_eq(footer.creator, "vcnv", 4);
    ck_assert_mem_eq(footer.host, "Wi2k", 4);
    ck_assert(!vc_is_zero(footer.id, 16));
    ck_assert_uint_eq(header.next, UINT64_MAX);
    ck_assert_uint_eq(header.table_offset, 1536);
    ck_assert_uint_eq(header.entries, 10);
    ck_assert_uint_eq(header.block_size, IMAGE_BLOCK);
    ck_assert(vc_is_zero(header.parent_id, 16));

    /* Three blocks, each behind a lead whose last sector is its bitmap. */
    static const uint32_t blocks[] = { 1, 3, 9 };
    uint64_t at = IMAGE_BLOCKS_AT;
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
        uint64_t bitmap = (uint64_t)load_be32(bytes + 1536 + 4 * blocks[i]) * 512;
        ck_assert_uint_eq(bitmap, at + 4096 - 512);
        ck_assert(vc_is_zero(bytes + at, 4096 - 512));
        for (unsigned k = 0; k < 512; k++)
            if (bytes[bitmap + k] != 0xff)
                ck_abort_msg("bitmap byte %u is not set", k);
        at += 4096 + IMAGE_BLOCK;
    }
    for (unsigned i = 0; i < 128; i++)
        if (i != 1 && i != 3 && i != 9)
            ck_assert_uint_eq(load_be32(bytes + 1536 + 4 * i), VPC_UNALLOCATED);
    ck_assert(vc_is_zero(bytes + 2048, 2048));
    ck_assert_uint_eq(length, at + 4096);
    ck_assert(vc_is_zero(bytes + at, 4096 - 512));
    /* Of block 3 only the beginning was written. */
    ck_assert(vc_is_zero(bytes + IMAGE_BLOCKS_AT + 2 * 4096 + IMAGE_BLOCK + 8192,
                         IMAGE_BLOCK - 8192));
}
END_TEST

START_TEST(a_fixed_image_is_the_disk_and_a_footer)
{
    g_autoptr(VcFile) file = make_image("subformat=fixed");
    VpcFooter footer = get_footer(file);
    ck_assert_uint_eq(file_size(file), IMAGE_SIZE + 512);
    ck_assert_uint_eq(footer.type, VPC_FIXED);
    ck_assert_uint_eq(footer.data_offset, UINT64_MAX);
    ck_assert_uint_eq(footer.current_size, IMAGE_SIZE);
    ck_assert_uint_eq(byte_at(file, IMAGE_BLOCK + 77), pattern(IMAGE_BLOCK + 77));
}
END_TEST

START_TEST(azure_takes_a_fixed_image_of_whole_mebibytes)
{
    g_autoptr(VcFile) file = vc_memory_file("azure");
    g_autoptr(VcSink) sink = create_vpc(file, 21 << 20, "subformat=fixed", NULL);
    ck_assert(vc_sink_finish(sink, NULL));
    ck_assert_uint_eq(file_size(file), (21 << 20) + 512);
    ck_assert_uint_eq(get_footer(file).current_size, file_size(file) - 512);
    ck_assert_uint_eq(get_footer(file).current_size % (1 << 20), 0);
}
END_TEST

/* The rules of its vhd-util: features, geometry not beyond the calculated one, next
 * offset, nothing about a parent; 2 MiB blocks. */
START_TEST(xcp_ng_takes_a_dynamic_image)
{
    g_autoptr(VcFile) file = vc_memory_file("xcp");
    g_autoptr(VcSink) sink = create_vpc(file, UINT64_C(20) << 30, "", NULL);
    put(sink, 5 << 20, 4096);
    ck_assert(vc_sink_finish(sink, NULL));
    VpcFooter footer = get_footer(file);
    VpcHeader header = get_header(file);
    uint8_t raw[1024], copy[512];
    vc_file_read(file, 0, copy, 512, NULL);
    vc_file_read(file, file_size(file) - 512, raw, 512, NULL);
    ck_assert_mem_eq(raw, copy, 512);
    ck_assert(vc_is_zero(raw + 84, 512 - 84));
    vc_file_read(file, 512, raw, 1024, NULL);
    ck_assert(vc_is_zero(raw + 40, 1024 - 40));
    ck_assert_uint_eq(header.block_size, 2 << 20);
    ck_assert_uint_eq(header.entries, 10240);
    ck_assert_uint_eq(header.next, UINT64_MAX);
    VpcGeometry geometry = vpc_geometry(footer.current_size);
    ck_assert_uint_eq(footer.geometry.cylinders, geometry.cylinders);
    ck_assert_uint_eq(footer.geometry.heads, geometry.heads);
    ck_assert_uint_eq(footer.geometry.sectors, geometry.sectors);
    ck_assert_uint_eq(file_size(file) % 512, 0);
}
END_TEST

START_TEST(data_of_blocks_of_every_size_lies_on_4_kib_behind_its_bitmap)
{
    for (uint64_t block = 4096; block <= 256 << 20; block *= 2) {
        g_autoptr(GError) error = NULL;
        VcFile *file = vc_memory_file("m");
        g_autofree char *options = g_strdup_printf("block_size=%" G_GUINT64_FORMAT,
                                                   block);
        g_autoptr(VcSink) sink = create_vpc(file, 7 * block + 512, options, &error);
        assert_no_error(error);
        ck_assert_uint_eq(sink->unit, block);
        put(sink, 7 * block, 512);
        put(sink, 2 * block, 4096);
        ck_assert(vc_sink_finish(sink, NULL));

        g_autoptr(VcSource) source = open_vpc(file, "", &error);
        assert_no_error(error);
        VcExtent e;
        ck_assert(vc_source_map(source, 0, 2 * block, &e, NULL));
        ck_assert_int_eq(e.kind, VC_DATA);
        ck_assert_uint_eq(e.position % 4096, 0);
        ck_assert_uint_eq(byte_at(file, e.position - 1), 0xff);
        ck_assert_uint_eq(byte_at(file, e.position), pattern(2 * block));
        ck_assert(vc_source_map(source, 0, 7 * block, &e, NULL));
        ck_assert_uint_eq(e.length, 512);
    }
}
END_TEST

START_TEST(a_place_asked_for_again_is_the_same)
{
    VcFile *file = vc_memory_file("m");
    g_autoptr(VcSink) sink = create_vpc(file, 10 << 20, "", NULL);
    uint64_t first[3], again, run;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3; i++) {
            uint64_t offset = (4 - i) * (2 << 20) + 8192 * i;
            ck_assert(vc_sink_place(sink, 0, offset, 1 << 20, &again, &run, NULL));
            ck_assert_uint_eq(run, 1 << 20);
            if (round == 0)
                first[i] = again;
            ck_assert_uint_eq(again, first[i]);
        }
        if (round == 1)
            ck_assert(vc_sink_finish(sink, NULL));
    }
    ck_assert_uint_lt(first[0], first[1]);
    vc_file_free(file);
}
END_TEST

START_TEST(a_first_question_after_the_end_harms_nothing)
{
    static const char *const options[] = { "", "subformat=fixed" };
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        g_autoptr(GError) error = NULL;
        VcFile *file = make_image(options[i]);
        file->reads_zero = false;
        {
            g_autoptr(VcSink) sink = create_vpc(file, IMAGE_SIZE, options[i], NULL);
            uint64_t position, run;
            ck_assert(vc_sink_finish(sink, NULL));
            bool placed = vc_sink_place(sink, 0, 0, 4096, &position, &run, &error);
            ck_assert(placed == sink->identity);
            if (!placed)
                assert_error(error, VC_ERROR_IO);
        }
        g_autoptr(VcSource) source = open_vpc(file, "", NULL);
        ck_assert_ptr_nonnull(source);
        ck_assert_uint_eq(source->warnings->len, 0);
    }
}
END_TEST

/* The model is an array of cells; what is not placed is zero. */
static void
run_script(unsigned seed, const char *options, VcFile *file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GRand) chance = g_rand_new_with_seed(seed);
    uint64_t size = (uint64_t)g_rand_int_range(chance, 1, 6000) * 512;
    unsigned cells = (unsigned)((size + VC_CELL - 1) / VC_CELL);
    g_autofree bool *model = g_new0(bool, cells);
    {
        g_autoptr(VcSink) sink = create_vpc(file, size, options, &error);
        assert_no_error(error);
        for (unsigned i = 0; i < 40; i++) {
            unsigned cell = (unsigned)g_rand_int_range(chance, 0, (int)cells);
            unsigned count = (unsigned)g_rand_int_range(chance, 1, 40);
            count = MIN(count, cells - cell);
            for (unsigned k = 0; k < count; k++) {
                uint64_t offset = (uint64_t)(cell + k) * VC_CELL;
                if (!model[cell + k])
                    put(sink, offset, MIN(VC_CELL, size - offset));
                model[cell + k] = true;
            }
        }
        /* Disks with fixed places get their zeros from whoever writes. */
        for (unsigned k = 0; sink->identity && !file->reads_zero && k < cells; k++)
            if (!model[k])
                vc_file_zero(file, (uint64_t)k * VC_CELL,
                             MIN(VC_CELL, size - (uint64_t)k * VC_CELL), NULL);
        ck_assert(vc_sink_finish(sink, &error));
    }

    g_autoptr(VcSource) source = open_vpc(file, "", &error);
    assert_no_error(error);
    ck_assert_uint_eq(source->layout.disks[0].size, size);
    ck_assert_uint_eq(source->warnings->len, 0);
    g_autofree uint8_t *bytes = g_malloc(size);
    ck_assert(vc_source_read(source, 0, 0, bytes, size, &error));
    for (uint64_t i = 0; i < size; i++)
        if (bytes[i] != (model[i / VC_CELL] ? pattern(i) : 0))
            ck_abort_msg("seed %u: wrong byte at %" G_GUINT64_FORMAT, seed, i);

    VcReport report;
    vc_report_init(&report);
    ck_assert(vc_format_vpc.check(file, &report, &error));
    for (unsigned i = 0; i < report.findings->len; i++)
        ck_abort_msg("%s", g_array_index(report.findings, VcFinding, i).text);
    ck_assert_uint_eq(report.end, file_size(file));
    vc_report_clear(&report);
}

static const char *const script_options[] = {
    "block_size=4k", "block_size=8k", "block_size=64k",
    "block_size=2M", "block_size=8M", "subformat=fixed",
};

START_TEST(what_scripts_of_chance_write_is_read)
{
    for (unsigned seed = 0; seed < 10; seed++)
        run_script(seed, script_options[_i], vc_memory_file("m"));
}
END_TEST

START_TEST(what_an_old_file_held_is_not_seen_in_place)
{
    for (unsigned seed = 0; seed < 5; seed++) {
        VcFile *file = vc_memory_file("old");
        size_t length = 7 << 20;
        g_autofree uint8_t *garbage = g_malloc(length);
        memset(garbage, 0xa5, length);
        vc_file_write(file, 0, garbage, length, NULL);
        file->reads_zero = false;
        run_script(seed, script_options[_i], file);
    }
}
END_TEST

START_TEST(between_the_first_place_and_the_end_an_old_image_is_no_image)
{
    static const char *const old[] = { "", "subformat=fixed" };
    for (unsigned i = 0; i < 4; i++) {
        VcFile *file = make_image(old[i / 2]);
        bool match;
        file->reads_zero = false;
        g_autoptr(VcSink) sink = create_vpc(file, IMAGE_SIZE, old[i % 2], NULL);
        ck_assert(vc_format_vpc.probe(file, &match, NULL) && match);
        uint64_t position, run;
        ck_assert(vc_sink_place(sink, 0, IMAGE_BLOCK, 4096, &position, &run, NULL));
        ck_assert(vc_format_vpc.probe(file, &match, NULL));
        ck_assert(!match);
        ck_assert(vc_sink_finish(sink, NULL));
        ck_assert(vc_format_vpc.probe(file, &match, NULL) && match);
        vc_file_free(file);
    }
}
END_TEST

START_TEST(a_size_is_kept_or_rounded_up_to_a_sector_and_said)
{
    static const struct {
        uint64_t size, stored;
    } cases[] = {
        { 0, 0 }, { 1, 512 }, { 511, 512 }, { 512, 512 }, { 10000003, 10000384 }
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases) * 2; i++) {
        uint64_t size = cases[i / 2].size, stored = cases[i / 2].stored;
        VcFile *file = vc_memory_file("m");
        g_autoptr(VcSink) sink = create_vpc(
            file, size,
            i % 2 ? "creator=win,subformat=fixed" : "creator=win,force_size", NULL);
        ck_assert_uint_eq(sink->layout.disks[0].size, stored);
        ck_assert_uint_eq(sink->warnings->len, size == stored ? 0 : 1);
        ck_assert(vc_sink_finish(sink, NULL));
        g_autoptr(VcSource) source = open_vpc(file, "", NULL);
        ck_assert_uint_eq(source->layout.disks[0].size, stored);
    }
}
END_TEST

/* 10000384 bytes are 19532 sectors, of which the geometry reaches 287 x 4 x 17. */
START_TEST(what_older_qemu_would_not_see_is_said_with_the_remedy)
{
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autoptr(VcSink) sink = create_vpc(file, 10000384, "", NULL);
    ck_assert_uint_eq(sink->warnings->len, 1);
    ck_assert_ptr_nonnull(
        strstr(sink->warnings->pdata[0], "misses the last 8192 bytes"));
    ck_assert_ptr_nonnull(strstr(sink->warnings->pdata[0], "-o creator=win"));

    /* Where the geometry says it all, or only that it cannot, nothing is missed. */
    g_autoptr(VcSink) exact = create_vpc(file, 287 * 4 * 17 * 512, "", NULL);
    ck_assert_uint_eq(exact->warnings->len, 0);
    g_autoptr(VcSink) large = create_vpc(file, (uint64_t)200 << 30, "", NULL);
    ck_assert_uint_eq(large->warnings->len, 0);
}
END_TEST

START_TEST(a_disk_may_become_larger_but_not_smaller)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autoptr(VcSink) larger = create_vpc(file, 512, "size=1M", NULL);
    ck_assert_uint_eq(larger->layout.disks[0].size, 1 << 20);
    g_autoptr(VcSink) smaller = create_vpc(file, 1 << 20, "size=512k", &error);
    ck_assert_ptr_null(smaller);
    assert_error(error, VC_ERROR_USAGE);
}
END_TEST

START_TEST(beyond_2040_gib_a_dynamic_image_is_refused_with_the_number)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autoptr(VcSink) largest = create_vpc(file, VPC_SIZE_MAX, "", &error);
    assert_no_error(error);
    ck_assert_uint_eq(largest->layout.disks[0].size, VPC_SIZE_MAX);
    g_autoptr(VcSink) larger = create_vpc(file, VPC_SIZE_MAX + 1, "", &error);
    ck_assert_ptr_null(larger);
    assert_error(error, VC_ERROR_LIMIT);
    ck_assert_ptr_nonnull(strstr(error->message, "2190433320960"));
    g_autoptr(VcSink)
        fixed = create_vpc(file, VPC_SIZE_MAX + 512, "subformat=fixed", NULL);
    ck_assert_uint_eq(fixed->warnings->len, 1);
}
END_TEST

START_TEST(the_largest_disk_can_be_written_completely)
{
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autoptr(VcSink) sink = create_vpc(file, VPC_SIZE_MAX, "", NULL);
    uint64_t position = 0, run;
    for (uint64_t offset = 0; offset < VPC_SIZE_MAX; offset += 2 << 20)
        if (!vc_sink_place(sink, 0, offset, 2 << 20, &position, &run, NULL))
            ck_abort_msg("no place for %" G_GUINT64_FORMAT, offset);
    ck_assert_uint_lt(position + (2 << 20), VPC_FILE_MAX);
}
END_TEST

START_TEST(a_file_beyond_2_tib_is_refused_when_it_would_become_so)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    const uint64_t block = 128 << 10, stride = block + 4096;
    /* The block that is refused would end before 2 TiB, but not the footer behind it.
     */
    g_autoptr(VcSink)
        sink = create_vpc(file, 16675456 * block, "block_size=128k", NULL);
    uint64_t position = 0, run, offset = 0;
    while (vc_sink_place(sink, 0, offset, 4096, &position, &run, &error))
        offset += block;
    assert_error(error, VC_ERROR_LIMIT);
    ck_assert_uint_eq(position + block + stride, ((uint64_t)1 << 41) - 4096);
}
END_TEST

START_TEST(block_sizes_that_cannot_be_are_refused)
{
    static const char *const wrong[] = { "block_size=0",  "block_size=2048",
                                         "block_size=3M", "block_size=512M",
                                         "block_size=4G", "block_size=4097" };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) file = vc_memory_file("m");
        g_autoptr(VcSink) sink = create_vpc(file, 1 << 20, wrong[i], &error);
        ck_assert_ptr_null(sink);
        assert_error(error, VC_ERROR_USAGE);
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autoptr(VcSink)
        sink = create_vpc(file, UINT64_C(1) << 40, "block_size=4k", &error);
    ck_assert_ptr_null(sink);
    assert_error(error, VC_ERROR_LIMIT);
}
END_TEST

START_TEST(a_disk_of_unknown_size_can_only_be_fixed)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autoptr(VcSink) dynamic = create_vpc(file, VC_SIZE_UNKNOWN, "", &error);
    ck_assert_ptr_null(dynamic);
    assert_error(error, VC_ERROR_USAGE);

    g_autoptr(VcSink)
        fixed = create_vpc(file, VC_SIZE_UNKNOWN, "creator=win,subformat=fixed", NULL);
    ck_assert(fixed->identity && fixed->append_only);
    put(fixed, 0, 4096);
    put(fixed, 8192, 700);
    ck_assert(vc_sink_finish(fixed, NULL));
    ck_assert_uint_eq(fixed->layout.disks[0].size, 8192 + 1024);
    ck_assert_uint_eq(fixed->warnings->len, 1);
    ck_assert_uint_eq(file_size(file), 8192 + 1024 + 512);
    ck_assert_uint_eq(get_footer(file).current_size, 8192 + 1024);
}
END_TEST

START_TEST(the_same_identity_gives_the_same_bytes)
{
    g_autoptr(VcFile) a = make_image(""), b = make_image(""),
                      c = make_image("creator=win");
    size_t length_a, length_b;
    g_autofree uint8_t *bytes_a = file_bytes(a, &length_a);
    g_autofree uint8_t *bytes_b = file_bytes(b, &length_b);
    ck_assert_uint_eq(length_a, length_b);
    ck_assert_mem_eq(bytes_a, bytes_b, length_a);
    ck_assert_mem_eq(get_footer(c).creator, "win ", 4);
}
END_TEST

START_TEST(times_before_2000_and_after_2136_are_the_nearest_that_can_be_told)
{
    static const struct {
        int64_t time;
        uint32_t stored;
    } cases[] = {
        { 0, 0 }, { -5, 0 }, { VPC_EPOCH + 1, 1 }, { INT64_C(99999999999), UINT32_MAX }
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        VcIdentity identity = { .time = cases[i].time };
        VcLayout layout = { 0 };
        g_autoptr(VcFile) file = vc_memory_file("m");
        vc_layout_add_disk(&layout, "", 4096);
        g_autoptr(VcSink) sink = vc_format_create(&vc_format_vpc, file, &layout, NULL,
                                                  &identity, NULL);
        vc_layout_clear(&layout);
        ck_assert(vc_sink_finish(sink, NULL));
        ck_assert_uint_eq(get_footer(file).timestamp, cases[i].stored);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/sink");
    TCase *tests = tcase_create("sink");
    int n = G_N_ELEMENTS(script_options);
    tcase_set_timeout(tests, 60); /* slow under sanitizers */
    tcase_add_test(tests, a_dynamic_image_has_its_parts_where_they_belong);
    tcase_add_test(tests, a_fixed_image_is_the_disk_and_a_footer);
    tcase_add_test(tests, azure_takes_a_fixed_image_of_whole_mebibytes);
    tcase_add_test(tests, xcp_ng_takes_a_dynamic_image);
    tcase_add_test(tests, data_of_blocks_of_every_size_lies_on_4_kib_behind_its_bitmap);
    tcase_add_test(tests, a_place_asked_for_again_is_the_same);
    tcase_add_test(tests, a_first_question_after_the_end_harms_nothing);
    tcase_add_loop_test(tests, what_scripts_of_chance_write_is_read, 0, n);
    tcase_add_loop_test(tests, what_an_old_file_held_is_not_seen_in_place, 0, n);
    tcase_add_test(tests, between_the_first_place_and_the_end_an_old_image_is_no_image);
    tcase_add_test(tests, a_size_is_kept_or_rounded_up_to_a_sector_and_said);
    tcase_add_test(tests, what_older_qemu_would_not_see_is_said_with_the_remedy);
    tcase_add_test(tests, a_disk_may_become_larger_but_not_smaller);
    tcase_add_test(tests, beyond_2040_gib_a_dynamic_image_is_refused_with_the_number);
    tcase_add_test(tests, the_largest_disk_can_be_written_completely);
    tcase_add_test(tests, a_file_beyond_2_tib_is_refused_when_it_would_become_so);
    tcase_add_test(tests, block_sizes_that_cannot_be_are_refused);
    tcase_add_test(tests, a_disk_of_unknown_size_can_only_be_fixed);
    tcase_add_test(tests, the_same_identity_gives_the_same_bytes);
    tcase_add_test(tests,
                   times_before_2000_and_after_2136_are_the_nearest_that_can_be_told);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
