/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of archives as a source: what is well formed. */
#include "formats/format.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/formats/vma/build.h"
#include "tests/formats/vma/reading.h"

#include <string.h>

extern const VcFormat vc_format_vma;

/* Sizes around every border of blocks and clusters, and of an extent. */
static const uint64_t sizes[] = { 1,      511,    512,        4095,   4096,
                                  4097,   65535,  65536,      65537,  66048,
                                  131072, 540672, 58 * 65536, 3866625 };

static VcSource *
open_file(VcFile *file)
{
    g_autoptr(GError) error = NULL;
    VcSource *source = vc_format_open(&vc_format_vma, file, NULL, &error);
    assert_no_error(error);
    return source;
}

static void
assert_content(VcSource *source, const Contents *contents, uint8_t *const *expected)
{
    for (unsigned i = 0; i < source->layout.n_disks; i++)
        if (contents->disks[i])
            ck_assert(memcmp(contents->disks[i], expected[i],
                             source->layout.disks[i].size) == 0);
}

static void
assert_reads(const GByteArray *archive, uint8_t *const *expected)
{
    for (int way = 0; way < 3; way++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcSource) source = open_file(
            way == 0 ? build_stream(archive->data, archive->len)
                     : vc_memory_file_from("m", archive->data, archive->len));
        Contents contents;
        bool ok = way == 2 ? read_mapped(source, &contents, &error)
                           : read_stored(source, &contents, &error);
        assert_no_error(error);
        ck_assert(ok);
        assert_content(source, &contents, expected);
        contents_clear(&contents);
    }
}

START_TEST(disks_of_any_size_in_any_order_read_back)
{
    bool shuffled = _i % 2;
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i);
    BuildDisk disks[G_N_ELEMENTS(sizes)];
    uint8_t *contents[G_N_ELEMENTS(sizes)];
    Build build;

    build_init(&build);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *name = g_strdup_printf("disk-%u", i);
        contents[i] = build_content(rand, sizes[i]);
        disks[i] = (BuildDisk){ i * 10 + 1, sizes[i], contents[i] };
        build_device(&build, disks[i].device, name, sizes[i]);
    }
    build_random(&build, rand, disks, G_N_ELEMENTS(disks), shuffled);
    g_autoptr(GByteArray) archive = build_archive(&build);
    assert_reads(archive, contents);
    build_clear(&build);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++)
        g_free(contents[i]);
}
END_TEST

START_TEST(names_sizes_and_configs_are_in_the_layout)
{
    Build build;
    build_init(&build);
    build_config(&build, "qemu-server.conf", "name: x\n", 8);
    build_device(&build, 254, "vmstate", 65536);
    build_device(&build, 3, "drive-scsi0", 1000);
    build_config(&build, "empty", "", 0);
    build_config(&build, "../../nul", "a\0b", 3);
    g_autoptr(VcSource) source = open_file(build_file(&build));

    ck_assert_uint_eq(source->layout.n_disks, 2);
    ck_assert_str_eq(source->layout.disks[0].name, "drive-scsi0");
    ck_assert_uint_eq(source->layout.disks[0].size, 1000);
    ck_assert_uint_eq(source->layout.disks[0].logical_sector, 512);
    ck_assert(!source->layout.disks[0].vmstate);
    ck_assert_str_eq(source->layout.disks[1].name, "vmstate");
    ck_assert(source->layout.disks[1].vmstate);

    ck_assert_uint_eq(source->layout.n_blobs, 3);
    ck_assert_str_eq(source->layout.blobs[0].name, "qemu-server.conf");
    ck_assert_uint_eq(source->layout.blobs[0].length, 8);
    ck_assert_uint_eq(source->layout.blobs[1].length, 0);
    ck_assert_str_eq(source->layout.blobs[2].name, "../../nul");
    ck_assert_mem_eq(source->layout.blobs[2].data, "a\0b", 3);
    build_clear(&build);
}
END_TEST

static const char *
text_fact(const VcFacts *facts, const char *key)
{
    for (guint i = 0; i < facts->facts->len; i++) {
        const VcFact *fact = &g_array_index(facts->facts, VcFact, i);
        if (strcmp(fact->key, key) == 0)
            return fact->text;
    }
    return NULL;
}

START_TEST(uuid_time_and_ids_are_described)
{
    Build build;
    VcFacts facts;
    build_init(&build);
    build_device(&build, 2, "a", 512);
    build_device(&build, 7, "b", 512);
    g_autoptr(VcSource) source = open_file(build_file(&build));
    vc_facts_init(&facts);
    source->ops->describe(source, &facts);
    ck_assert_str_eq(text_fact(&facts, "uuid"), "a0010203-0405-0607-0809-0a0b0c0d0eaf");
    ck_assert_str_eq(text_fact(&facts, "created"), "2023-11-14T22:13:20Z");
    ck_assert_str_eq(text_fact(&facts, "device-ids"), "2,7");
    vc_facts_clear(&facts);
    build_clear(&build);
}
END_TEST

/* What the runs of `next` are, as one text. */
static char *
runs_of(VcSource *source)
{
    GString *text = g_string_new(NULL);
    for (;;) {
        g_autoptr(GError) error = NULL;
        VcExtent e;
        bool ok = vc_source_next(source, &e, &error);
        assert_no_error(error);
        ck_assert(ok);
        if (e.kind == VC_END)
            return g_string_free(text, FALSE);
        ck_assert(e.kind == VC_DATA ? e.file == source->file : e.file == NULL);
        g_string_append_printf(text, "%u:%c%" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
                               e.disk, e.kind == VC_DATA ? 'd' : 'z', e.offset / 4096,
                               e.length / 4096);
        if (e.kind == VC_DATA)
            g_string_append_printf(text, "@%" G_GUINT64_FORMAT, e.position);
        g_string_append_c(text, ' ');
    }
}

/* The header has 12800 bytes, so the first payload begins at 13312. */
START_TEST(runs_are_joined_across_clusters)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", 8 * 65536);
    build_begin(&build);
    build_slot(&build, 1, 0, 0xff00, NULL);
    build_slot(&build, 1, 1, 0xffff, NULL);
    build_slot(&build, 1, 2, 0x0001, NULL);
    build_slot(&build, 1, 3, 0, NULL);
    build_slot(&build, 1, 4, 0, NULL);
    build_slot(&build, 1, 5, 0x8000, NULL);
    build_slot(&build, 1, 7, 0xffff, NULL);
    build_slot(&build, 1, 6, 0xffff, NULL);
    build_end(&build);
    g_autoptr(VcSource) source = open_file(build_file(&build));
    g_autofree char *runs = runs_of(source);
    ck_assert_str_eq(runs, "0:z0+8 0:d8+25@13312 0:z33+62 0:d95+1@115712 "
                           "0:d112+16@119808 0:d96+16@185344 ");

    g_autoptr(GError) error = NULL;
    VcExtent e;
    ck_assert(vc_source_index(source, &error));
    ck_assert(vc_source_map(source, 0, 9 * 4096 + 5, &e, &error));
    ck_assert(e.kind == VC_DATA);
    ck_assert_uint_eq(e.position, 13312 + 4096 + 5);
    ck_assert_uint_eq(e.length, 24 * 4096 - 5);
    ck_assert(vc_source_map(source, 0, 34 * 4096 + 1, &e, &error));
    ck_assert(e.kind == VC_ZERO);
    ck_assert_uint_eq(e.length, 61 * 4096 - 1);
    ck_assert(vc_source_map(source, 0, 96 * 4096, &e, &error));
    ck_assert_uint_eq(e.length, 16 * 4096);
    ck_assert_uint_eq(e.position, 185344);
    build_clear(&build);
}
END_TEST

START_TEST(neighbours_in_number_but_not_in_the_file_are_two_runs)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", 2 * 65536);
    build_device(&build, 2, "b", 4096);
    build_begin(&build);
    build_slot(&build, 1, 0, 0xffff, NULL);
    build_slot(&build, 2, 0, 0x0001, NULL);
    build_slot(&build, 1, 1, 0xffff, NULL);
    build_end(&build);
    g_autoptr(VcSource) source = open_file(build_file(&build));
    g_autofree char *runs = runs_of(source);
    ck_assert_str_eq(runs, "0:d0+16@13312 1:d0+1@78848 0:d16+16@82944 ");

    /* Also where what lies between is not wanted. */
    g_autoptr(VcSource) alone = open_file(build_file(&build));
    alone->skip[1] = true;
    g_autofree char *others = runs_of(alone);
    ck_assert_str_eq(others, "0:d0+16@13312 0:d16+16@82944 ");
    build_clear(&build);
}
END_TEST

START_TEST(the_runs_of_an_extent_are_at_most_its_blocks)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", 59 * 65536);
    build_begin(&build);
    for (uint32_t i = 0; i < 59; i++)
        build_slot(&build, 1, i, 0x5555, NULL);
    build_end(&build);
    g_autoptr(VcSource) source = open_file(build_file(&build));
    VcExtent e;
    unsigned n = 0;
    do {
        ck_assert(vc_source_next(source, &e, NULL));
        n++;
    } while (e.kind != VC_END);
    ck_assert_uint_eq(n, 59 * 16 + 1);
    build_clear(&build);
}
END_TEST

START_TEST(a_stream_of_vmstate_has_its_zeros_and_ends_where_it_should)
{
    static const char *const runs_expected[] = {
        "0:d0+1@13312 0:z1+15 0:d16+1@17408 0:z17+15 0:z32+1 ", /* shorter */
        "0:d0+1@13312 0:z1+15 0:d16+1@17408 0:z17+15 0:d32+1@21504 ",
        "0:d0+1@13312 0:z1+15 0:d16+1@17408 0:z17+15 0:d32+1@21504 ", /* longer */
    };
    Build build;
    build_init(&build);
    build_device(&build, 1, "vmstate", 2 * 65536 + 4096);
    build_begin(&build);
    for (uint32_t i = 0; i < (uint32_t)_i + 2; i++)
        build_slot(&build, 1, i, 1, NULL);
    build_end(&build);
    g_autoptr(VcSource) source = open_file(build_file(&build));
    g_autofree char *runs = runs_of(source);
    ck_assert_str_eq(runs, runs_expected[_i]);
    ck_assert_uint_eq(source->warnings->len, _i == 1 ? 0 : 1);
    build_clear(&build);
}
END_TEST

START_TEST(a_disk_that_is_skipped_is_neither_shown_nor_judged)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", 65536);
    build_device(&build, 2, "b", 65536 * 9); /* most clusters missing, one twice */
    build_begin(&build);
    build_slot(&build, 2, 3, 0xffff, NULL);
    build_slot(&build, 1, 0, 0x0001, NULL);
    build_slot(&build, 2, 3, 0xffff, NULL);
    build_end(&build);
    g_autoptr(GByteArray) archive = build_archive(&build);
    g_autoptr(VcSource) source = open_file(build_stream(archive->data, archive->len));
    source->skip[1] = true;
    g_autofree char *runs = runs_of(source);
    ck_assert_str_eq(runs, "0:d0+1@78848 0:z1+15 ");
    build_clear(&build);
}
END_TEST

START_TEST(a_stream_that_ends_in_payload_nobody_wants_is_short)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", 65536);
    build_device(&build, 2, "b", 65536);
    build_begin(&build);
    build_slot(&build, 1, 0, 0x0001, NULL);
    build_slot(&build, 2, 0, 0xffff, NULL);
    build_end(&build);
    g_autoptr(GByteArray) archive = build_archive(&build);
    g_autoptr(VcSource)
        source = open_file(build_stream(archive->data, archive->len - 1));
    g_autoptr(GError) error = NULL;
    VcExtent e = { 0 };
    uint8_t block[4096];
    source->skip[1] = true;
    ck_assert(vc_source_next(source, &e, NULL));
    ck_assert(vc_file_read(e.file, e.position, block, sizeof block, NULL));
    while (e.kind != VC_END && vc_source_next(source, &e, &error))
        ;
    assert_error(error, VC_ERROR_SHORT);
    build_clear(&build);
}
END_TEST

START_TEST(an_archive_in_a_stream_has_no_index)
{
    g_autoptr(GError) error = NULL;
    Build build;
    build_init(&build);
    g_autoptr(GByteArray) archive = build_archive(&build);
    g_autoptr(VcSource) source = open_file(build_stream(archive->data, archive->len));
    ck_assert(!vc_source_has_map(source));
    ck_assert(!vc_source_index(source, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
    build_clear(&build);
}
END_TEST

START_TEST(every_archive_is_probed_by_its_magic)
{
    g_autoptr(VcFile) damaged = vc_memory_file_from("m", "VMA\0junk", 8);
    g_autoptr(VcFile) text = vc_memory_file_from("m", "VMA!", 4);
    g_autoptr(VcFile) tiny = vc_memory_file_from("m", "VMA", 3);
    bool match;
    ck_assert(vc_format_vma.probe(damaged, &match, NULL) && match);
    ck_assert(vc_format_vma.probe(text, &match, NULL) && !match);
    ck_assert(vc_format_vma.probe(tiny, &match, NULL) && !match);
}
END_TEST

/* A terabyte of zeros has 18 million clusters in 312000 extents; here 1/64 of it, which
 * must not take a noticeable time. */
START_TEST(extents_without_payload_are_many_and_cheap)
{
    enum { CLUSTERS = 262144 };
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", (uint64_t)CLUSTERS * 65536);
    for (uint32_t i = 0; i < CLUSTERS;) {
        build_begin(&build);
        for (unsigned slot = 0; slot < 59 && i < CLUSTERS; slot++)
            build_slot(&build, 1, i++, 0, NULL);
        build_end(&build);
    }
    g_autoptr(VcSource) source = open_file(build_file(&build));
    uint64_t total = 0;
    VcExtent e;
    for (;;) {
        ck_assert(vc_source_next(source, &e, NULL));
        if (e.kind == VC_END)
            break;
        ck_assert(e.kind == VC_ZERO);
        total += e.length;
    }
    ck_assert_uint_eq(total, (uint64_t)CLUSTERS * 65536);
    ck_assert(vc_source_index(source, NULL));
    ck_assert(vc_source_map(source, 0, 0, &e, NULL));
    ck_assert_uint_eq(e.length, total);
    build_clear(&build);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vma/source");
    TCase *tests = tcase_create("source");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, disks_of_any_size_in_any_order_read_back, 0, 12);
    tcase_add_test(tests, names_sizes_and_configs_are_in_the_layout);
    tcase_add_test(tests, uuid_time_and_ids_are_described);
    tcase_add_test(tests, runs_are_joined_across_clusters);
    tcase_add_test(tests, neighbours_in_number_but_not_in_the_file_are_two_runs);
    tcase_add_test(tests, the_runs_of_an_extent_are_at_most_its_blocks);
    tcase_add_loop_test(
        tests, a_stream_of_vmstate_has_its_zeros_and_ends_where_it_should, 0, 3);
    tcase_add_test(tests, a_disk_that_is_skipped_is_neither_shown_nor_judged);
    tcase_add_test(tests, a_stream_that_ends_in_payload_nobody_wants_is_short);
    tcase_add_test(tests, an_archive_in_a_stream_has_no_index);
    tcase_add_test(tests, every_archive_is_probed_by_its_magic);
    tcase_add_test(tests, extents_without_payload_are_many_and_cheap);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
