/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of writing VHD: tables that are written in pieces, and what nothing fills. */
#include "tests/formats/vpc/image.h"

/* The table is written by 16384 entries, and read by 65536. */
START_TEST(blocks_of_each_piece_of_a_long_table_are_read)
{
    static const uint32_t blocks[] = { 0,     3,     16383, 16384, 20000,
                                       40000, 65535, 65536, 139999 };
    const uint64_t block = 4096, size = 140000 * block;
    g_autoptr(GError) error = NULL;
    VcFile *file = vc_memory_file("m");
    g_autoptr(VcSink) sink = create_vpc(file, size, "block_size=4k", &error);
    assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++)
        put(sink, blocks[i] * block, block);
    ck_assert(vc_sink_finish(sink, &error));

    g_autoptr(VcSource) source = open_vpc(file, "", &error);
    assert_no_error(error);
    ck_assert_uint_eq(source->warnings->len, 0);
    uint64_t stored = 0;
    for (VcExtent e; vc_source_next(source, &e, NULL) && e.kind != VC_END;)
        stored += e.kind == VC_DATA ? e.length : 0;
    ck_assert_uint_eq(stored, G_N_ELEMENTS(blocks) * block);
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
        uint8_t byte;
        ck_assert(vc_source_read(source, 0, blocks[i] * block + 77, &byte, 1, NULL));
        ck_assert_uint_eq(byte, pattern(blocks[i] * block + 77));
    }
}
END_TEST

/* Of the disk that the source has the engine writes the zeros, but it may be larger. */
START_TEST(a_fixed_disk_in_a_used_file_is_zero_where_nothing_fills_it)
{
    g_autofree uint8_t *bytes = g_malloc(2 << 20);
    memset(bytes, 0xee, 2 << 20);
    VcFile *file = vc_memory_file_from("used", bytes, 2 << 20);
    file->reads_zero = false;
    g_autoptr(VcSink) sink = create_vpc(file, 1 << 20, "subformat=fixed", NULL);
    put(sink, 65536, 4096);
    vc_file_zero(file, 0, 65536, NULL); /* as the engine does */
    put(sink, 0, 4096);
    ck_assert(vc_sink_finish(sink, NULL));

    g_autoptr(VcSource) source = open_vpc(file, "", NULL);
    ck_assert(vc_source_read(source, 0, 0, bytes, 1 << 20, NULL));
    for (uint64_t i = 0; i < 1 << 20; i++)
        if (bytes[i] != (i < 4096 || i / 4096 == 16 ? pattern(i) : 0))
            ck_abort_msg("wrong byte at %" G_GUINT64_FORMAT, i);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/sink-more");
    TCase *tests = tcase_create("sink");
    tcase_set_timeout(tests, 60); /* slow under sanitizers */
    tcase_add_test(tests, blocks_of_each_piece_of_a_long_table_are_read);
    tcase_add_test(tests, a_fixed_disk_in_a_used_file_is_zero_where_nothing_fills_it);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
