/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of damaged and strange clusters, extents and ends of archives: what is refused
 * and what is only worth a warning. */
#include "formats/format.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/formats/vma/reading.h"
#include "tests/formats/vma/saying.h"

#include <string.h>

extern const VcFormat vc_format_vma;

START_TEST(a_whole_archive_is_accepted_without_a_word)
{
    Build build;
    begin_whole(&build);
    build_end(&build);
    assert_built(&build, ACCEPTED, NULL);
}
END_TEST

START_TEST(a_second_copy_of_a_cluster_is_refused_where_it_stands)
{
    Build build;
    begin_whole(&build);
    build_slot(&build, 1, 2, 0, NULL);
    build_end(&build);
    assert_built(&build, VC_ERROR_CORRUPT,
                 "extent 1, slot 13: cluster 2 of a for the second time at 0x3290");
}
END_TEST

START_TEST(missing_clusters_are_counted_and_the_first_is_named)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", 9 * 65536);
    build_begin(&build);
    build_slot(&build, 1, 0, 0, NULL);
    build_slot(&build, 1, 8, 0, NULL);
    build_end(&build);
    assert_built(
        &build, VC_ERROR_CORRUPT,
        "a: 7 of 9 clusters are missing, first cluster 1 (disk offset 0x10000)");
}
END_TEST

START_TEST(a_device_that_the_header_does_not_declare_is_refused)
{
    static const unsigned devices[] = { 3, 254, 255 };
    for (unsigned i = 0; i < 6; i++) {
        g_autofree char *text = g_strdup_printf(
            "extent 1, slot 13: device %u, which the header does not declare",
            devices[i / 2]);
        Build build;
        begin_whole(&build);
        build_slot(&build, devices[i / 2], 0, i % 2, NULL);
        build_end(&build);
        assert_built(&build, VC_ERROR_CORRUPT, text);
    }
}
END_TEST

START_TEST(data_beyond_the_end_is_refused)
{
    static const uint32_t clusters[] = { 5, 64, UINT32_MAX };
    for (unsigned i = 0; i < G_N_ELEMENTS(clusters); i++) {
        g_autofree char *text = g_strdup_printf(
            "slot 13: cluster %u of a, which has only 5 clusters", clusters[i]);
        Build build;
        begin_whole(&build);
        build_slot(&build, 1, clusters[i], 4, NULL);
        build_end(&build);
        assert_built(&build, VC_ERROR_CORRUPT, text);
    }
}
END_TEST

START_TEST(zero_clusters_beyond_the_end_are_worth_one_warning)
{
    Build build;
    begin_whole(&build);
    build_slot(&build, 1, 5, 0, NULL);
    build_slot(&build, 1, 5, 0, NULL);
    build_slot(&build, 2, UINT32_MAX, 0, NULL);
    build_end(&build);
    assert_built(&build, ACCEPTED,
                 "ignored zero cluster beyond the end of the disk: "
                 "extent 1, slot 13: cluster 5 of a");
}
END_TEST

START_TEST(blocks_beyond_the_end_are_dropped_with_one_warning)
{
    static const uint16_t masks[] = { 0xffff, 0x7fff, 0x8000, 0x0003 };
    for (unsigned i = 0; i < G_N_ELEMENTS(masks); i++) {
        Build build;
        build_init(&build);
        build_device(&build, 1, "a", 65536 + 512);
        build_device(&build, 2, "b", 1024);
        build_begin(&build);
        build_slot(&build, 1, 1, masks[i], NULL);
        build_slot(&build, 2, 0, masks[i], NULL);
        build_slot(&build, 1, 0, 0xffff, NULL);
        build_end(&build);
        assert_built(
            &build, ACCEPTED,
            "ignored blocks beyond the end of the disk: extent 1, slot 0: cluster "
            "1 of a at 0x3228");
    }
}
END_TEST

START_TEST(what_lies_behind_dropped_blocks_is_read_right)
{
    static uint8_t marked[65536];
    memset(marked, 0x5a, sizeof marked);
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", 512);
    build_device(&build, 2, "b", 65536);
    build_begin(&build);
    build_slot(&build, 1, 0, 0xffff, NULL);
    build_slot(&build, 2, 0, 0xffff, marked);
    build_end(&build);
    g_autoptr(GByteArray) archive = build_archive(&build);
    g_autoptr(VcSource) source = vc_format_open(
        &vc_format_vma, build_stream(archive->data, archive->len), NULL, NULL);
    Contents contents;
    ck_assert(read_stored(source, &contents, NULL));
    ck_assert(memcmp(contents.disks[1], marked, sizeof marked) == 0);
    contents_clear(&contents);
    build_clear(&build);
}
END_TEST

START_TEST(a_vmstate_out_of_order_is_refused)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "vmstate", 8 * 65536);
    build_begin(&build);
    build_slot(&build, 1, 0, 0, NULL);
    build_slot(&build, 1, 2, 0, NULL);
    build_end(&build);
    assert_built(&build, VC_ERROR_CORRUPT,
                 "slot 1: cluster 2 of vmstate where cluster 1 must come");
}
END_TEST

START_TEST(a_vmstate_out_of_order_beyond_its_end_is_refused)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "vmstate", 4096);
    build_begin(&build);
    build_slot(&build, 1, 0, 1, NULL);
    build_slot(&build, 1, 9, 1, NULL);
    build_end(&build);
    assert_built(&build, VC_ERROR_CORRUPT, "cluster 9 of vmstate where cluster 1 must");
}
END_TEST

START_TEST(a_vmstate_of_another_length_is_worth_a_warning)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "vmstate", 2 * 65536);
    build_begin(&build);
    build_slot(&build, 1, 0, 1, NULL);
    if (_i == 1)
        for (uint32_t i = 1; i < 4; i++)
            build_slot(&build, 1, i, 1, NULL);
    build_end(&build);
    assert_built(&build, ACCEPTED,
                 _i == 1 ? "ignored data beyond the declared 131072 bytes of vmstate"
                         : "vmstate has only 65536 of its declared 131072 bytes");
}
END_TEST

START_TEST(zeros_behind_the_last_extent_are_worth_a_warning)
{
    static const unsigned lengths[] = { 1, 100, 511, 512, 513, 65536, 300000 };
    for (unsigned i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *text = g_strdup_printf(
            "ignored %u zero bytes behind the last extent at 0x", lengths[i]);
        Build build;
        begin_whole(&build);
        build_end(&build);
        guint end = build.extents->len;
        g_byte_array_set_size(build.extents, end + lengths[i]);
        memset(build.extents->data + end, 0, lengths[i]);
        assert_built(&build, ACCEPTED, text);
    }
}
END_TEST

START_TEST(a_hole_of_an_exabyte_behind_the_last_extent_costs_nothing)
{
    Build build;
    begin_whole(&build);
    build_end(&build);
    VcFile *file = build_file(&build);
    ck_assert(vc_file_truncate(file, (uint64_t)1 << 60, NULL));
    g_autoptr(VcSource) source = vc_format_open(&vc_format_vma, file, NULL, NULL);
    ck_assert(vc_source_index(source, NULL));
    ck_assert_uint_eq(source->warnings->len, 1);
    build_clear(&build);
}
END_TEST

START_TEST(other_bytes_behind_the_last_extent_are_refused)
{
    static const struct {
        unsigned length, zeros;
        const char *text;
    } rest[] = {
        { 1, 0, "1 bytes behind the last extent, which are no extent" },
        { 511, 0, "511 bytes behind the last extent" },
        { 512, 0, "extent 2: no extent header: found 0x0a0a0a0a" },
        { 100000, 0, "extent 2: no extent header: found 0x0a0a0a0a" },
        { 100000, 99999, "extent 2: zeros up to" },
        { 600, 512, "extent 2: zeros up to" },
        { 2, 1, "2 bytes behind the last extent" },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rest); i++) {
        Build build;
        begin_whole(&build);
        build_end(&build);
        guint end = build.extents->len;
        g_byte_array_set_size(build.extents, end + rest[i].length);
        memset(build.extents->data + end, '\n', rest[i].length);
        memset(build.extents->data + end, 0, rest[i].zeros);
        assert_built(&build, VC_ERROR_CORRUPT, rest[i].text);
    }
}
END_TEST

START_TEST(an_archive_cut_anywhere_is_refused)
{
    g_autoptr(GByteArray) archive = small_archive();
    guint whole = archive->len, last = whole - 512;
    for (guint length = 0; length < whole; length++) {
        /* Inside large parts, some places do for all; extent headers are cut
         * everywhere. */
        if (length % 97 != 0 && (length < 12800 || length > 12800 + 600) &&
            length < last - 600)
            continue;
        archive->len = length;
        for (Way way = 0; way < WAYS; way++) {
            Outcome outcome = read_archive(archive, way);
            /* What is lost with the last extent is an empty extent. */
            if (length == last)
                ck_assert_int_eq(outcome.code, ACCEPTED);
            else if (length == 12800)
                ck_assert_int_eq(outcome.code,
                                 VC_ERROR_CORRUPT); /* all clusters missing */
            else
                ck_assert_msg(outcome.code == VC_ERROR_SHORT, "%u: %s", length,
                              outcome.text);
            g_free(outcome.text);
        }
    }
}
END_TEST

START_TEST(a_flipped_byte_in_a_header_is_refused)
{
    g_autoptr(GByteArray) archive = small_archive();
    for (guint at = 0; at < archive->len; at++) {
        bool header = at < 12800, first = at >= 12800 && at < 13312,
             second = at >= archive->len - 512;
        if ((!header && !first && !second) || (header && at > 64 && at % 31 != 0))
            continue;
        archive->data[at] ^= 0x40;
        Outcome outcome = read_archive(archive, (Way)(at % WAYS));
        ck_assert_msg(outcome.code != ACCEPTED, "byte %u", at);
        g_free(outcome.text);
        archive->data[at] ^= 0x40;
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vma/damage");
    TCase *clusters = tcase_create("clusters");
    tcase_set_timeout(clusters, 120);
    tcase_add_test(clusters, a_whole_archive_is_accepted_without_a_word);
    tcase_add_test(clusters, a_second_copy_of_a_cluster_is_refused_where_it_stands);
    tcase_add_test(clusters, missing_clusters_are_counted_and_the_first_is_named);
    tcase_add_test(clusters, a_device_that_the_header_does_not_declare_is_refused);
    tcase_add_test(clusters, data_beyond_the_end_is_refused);
    tcase_add_test(clusters, zero_clusters_beyond_the_end_are_worth_one_warning);
    tcase_add_test(clusters, blocks_beyond_the_end_are_dropped_with_one_warning);
    tcase_add_test(clusters, what_lies_behind_dropped_blocks_is_read_right);
    tcase_add_test(clusters, a_vmstate_out_of_order_is_refused);
    tcase_add_test(clusters, a_vmstate_out_of_order_beyond_its_end_is_refused);
    tcase_add_loop_test(clusters, a_vmstate_of_another_length_is_worth_a_warning, 0, 2);
    suite_add_tcase(suite, clusters);
    TCase *ends = tcase_create("ends");
    tcase_set_timeout(ends, 120);
    tcase_add_test(ends, zeros_behind_the_last_extent_are_worth_a_warning);
    tcase_add_test(ends, a_hole_of_an_exabyte_behind_the_last_extent_costs_nothing);
    tcase_add_test(ends, other_bytes_behind_the_last_extent_are_refused);
    tcase_add_test(ends, an_archive_cut_anywhere_is_refused);
    tcase_add_test(ends, a_flipped_byte_in_a_header_is_refused);
    suite_add_tcase(suite, ends);
    return run_suite(suite);
}
