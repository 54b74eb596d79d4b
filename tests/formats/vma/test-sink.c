/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of archives as a sink. */
#include "formats/format.h"
#include "io/error.h"
#include "io/memory.h"
#include "io/null.h"
#include "io/ordered.h"
#include "tests/check-main.h"
#include "tests/formats/vma/build.h"
#include "tests/formats/vma/reading.h"
#include "tests/formats/vma/writing.h"

#include <glib/gstdio.h>
#include <string.h>

extern const VcFormat vc_format_vma;

#define CLUSTER ((uint64_t)65536)

/* The builder knows the specification and not the code. */
START_TEST(an_archive_has_the_bytes_of_the_specification)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(VcFile) file = vc_memory_file("m");
    static uint8_t content[2][2 * 65536];
    uint8_t *contents[] = { content[0], content[1] };
    const uint64_t sizes[] = { 65536 + 512, 4096 };
    memset(content[0] + 2 * 4096, 1, 4096);
    memset(content[0] + 65536, 2, 512);
    memset(content[1], 3, 4096);

    VcLayout layout = { 0 };
    vc_layout_add_blob(&layout, "qemu-server.conf", "name: x\n", 8);
    vc_layout_add_blob(&layout, "empty", "", 0);
    vc_layout_add_disk(&layout, "drive-scsi0", sizes[0]);
    vc_layout_add_disk(&layout, "drive-efidisk0", sizes[1]);
    g_autoptr(VcSink) sink = create_well(file, &layout);
    bool ok = write_disks(sink, rand, contents, sizes, &error);
    assert_no_error(error);
    ck_assert(ok);
    g_autoptr(GByteArray) archive = bytes_of(file);

    Build build;
    build_init(&build);
    build_config(&build, "qemu-server.conf", "name: x\n", 8);
    build_config(&build, "empty", "", 0);
    build_device(&build, 1, "drive-scsi0", sizes[0]);
    build_device(&build, 2, "drive-efidisk0", sizes[1]);
    build_begin(&build);
    build_slot(&build, 1, 0, 0x0004, content[0]);
    build_slot(&build, 1, 1, 0x0001, content[0] + 65536);
    build_slot(&build, 2, 0, 0x0001, content[1]);
    build_end(&build);
    g_autoptr(GByteArray) expected = build_archive(&build);
    assert_same(archive, expected);
    build_clear(&build);
    vc_layout_clear(&layout);
}
END_TEST

START_TEST(zero_clusters_are_slots_and_an_extent_has_58_of_them)
{
    static const uint32_t counts[] = { 1, 57, 58, 59, 116, 117, 1000 };
    for (unsigned i = 0; i < G_N_ELEMENTS(counts); i++) {
        VcLayout layout = one_disk(counts[i] * CLUSTER);
        g_autoptr(GByteArray) archive = empty_archive(&layout);
        Build build;
        build_init(&build);
        build_device(&build, 1, "drive-scsi0", counts[i] * CLUSTER);
        for (uint32_t c = 0; c < counts[i];) {
            build_begin(&build);
            for (unsigned slot = 0; slot < 58 && c < counts[i]; slot++)
                build_slot(&build, 1, c++, 0, NULL);
            build_end(&build);
        }
        g_autoptr(GByteArray) expected = build_archive(&build);
        assert_same(archive, expected);
        build_clear(&build);
        vc_layout_clear(&layout);
    }
}
END_TEST

START_TEST(an_archive_without_disks_has_one_empty_extent)
{
    VcLayout layout = { 0 };
    Build build;
    build_init(&build);
    if (_i == 1) {
        build_config(&build, "a", "b", 1);
        vc_layout_add_blob(&layout, "a", "b", 1);
    }
    build_begin(&build);
    build_end(&build);
    g_autoptr(GByteArray) archive = empty_archive(&layout);
    g_autoptr(GByteArray) expected = build_archive(&build);
    /* The builder, unlike the sink, makes a header that the reference reader refuses.
     */
    ck_assert_uint_eq(archive->len, 12800 + 512);
    if (_i == 1)
        assert_same(archive, expected);
    build_clear(&build);
    vc_layout_clear(&layout);
}
END_TEST

/* Sizes around all borders, and one disk that is not touched at all. */
static const uint64_t all_sizes[] = {
    512,   1000,   4096,    4608,       65024,           65536,
    66048, 131072, 540672,  58 * 65536, 58 * 65536 - 1,  58 * 65536 + 1,
    1,     4095,   3 << 20, 70 << 16,   5000 * 65536ull,
};
#define N_SIZES G_N_ELEMENTS(all_sizes)

typedef struct {
    VcLayout layout;
    uint8_t *contents[N_SIZES];
} Machine;

static void
machine_init(Machine *machine, GRand *rand)
{
    *machine = (Machine){ 0 };
    vc_layout_add_blob(&machine->layout, "qemu-server.conf", "name: x\n", 8);
    for (unsigned i = 0; i < N_SIZES; i++) {
        g_autofree char *name = g_strdup_printf("drive-scsi%u", i);
        vc_layout_add_disk(&machine->layout, name, all_sizes[i]);
        if (all_sizes[i] < 100 * CLUSTER)
            machine->contents[i] = build_content(rand, all_sizes[i]);
    }
}

static void
machine_clear(Machine *machine)
{
    vc_layout_clear(&machine->layout);
    for (unsigned i = 0; i < N_SIZES; i++)
        g_free(machine->contents[i]);
}

static GByteArray *
write_machine(const Machine *machine, GRand *rand, bool pipe)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) memory = vc_memory_file("m");
    g_autoptr(VcFile) ordered = pipe ? vc_ordered_file(append_file(memory)) : NULL;
    g_autoptr(VcSink) sink = create_well(pipe ? ordered : memory, &machine->layout);
    bool ok = write_disks(sink, rand, machine->contents, all_sizes, &error);
    assert_no_error(error);
    ck_assert(ok);
    return bytes_of(memory);
}

START_TEST(disks_of_any_size_come_back_and_a_pipe_gets_the_same_bytes)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i);
    Machine machine;
    Contents contents;
    machine_init(&machine, rand);
    g_autoptr(GByteArray) archive = write_machine(&machine, rand, false),
                          piped = write_machine(&machine, rand, true);
    assert_same(archive, piped);

    g_autoptr(VcSource) source = vc_format_open(
        &vc_format_vma, vc_memory_file_from("m", archive->data, archive->len), NULL,
        NULL);
    bool ok = _i % 2 ? read_mapped(source, &contents, &error)
                     : read_stored(source, &contents, &error);
    assert_no_error(error);
    ck_assert(ok);
    ck_assert_uint_eq(source->warnings->len, 0);
    for (unsigned i = 0; i < N_SIZES; i++) {
        uint64_t size = source->layout.disks[i].size;
        ck_assert_uint_eq(size, (all_sizes[i] + 511) / 512 * 512);
        if (machine.contents[i])
            ck_assert(memcmp(contents.disks[i], machine.contents[i], size) == 0);
    }
    contents_clear(&contents);
    machine_clear(&machine);
}
END_TEST

/* Runs the independent reader over ARCHIVE, extracting to FOLDER. */
static void
assert_checker_accepts(const GByteArray *archive, const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "archive.vma", NULL), *out = NULL;
    const char *argv[] = { PYTHON, VMA_CHECK, "--writer", "--extract",
                           folder, path,      NULL };
    int status = -1;
    ck_assert(g_file_set_contents(path, (char *)archive->data, archive->len, NULL));
    ck_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out,
                           NULL, &status, NULL));
    ck_assert_msg(status == 0, "%s", out);
    g_unlink(path);
}

START_TEST(an_independent_reader_accepts_and_extracts_them)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i + 100);
    g_autofree char *folder = g_dir_make_tmp("vma-sink-XXXXXX", NULL);
    Machine machine;
    machine_init(&machine, rand);
    g_autoptr(GByteArray) archive = write_machine(&machine, rand, _i % 2);
    assert_checker_accepts(archive, folder);

    for (unsigned i = 0; i < N_SIZES; i++) {
        g_autofree char *name = g_strdup_printf("drive-scsi%u.raw", i),
                        *path = g_build_filename(folder, name, NULL), *data = NULL;
        gsize length;
        if (machine.contents[i]) {
            ck_assert(g_file_get_contents(path, &data, &length, NULL));
            ck_assert_uint_eq(length, (all_sizes[i] + 511) / 512 * 512);
            ck_assert(memcmp(data, machine.contents[i], length) == 0);
        }
        g_unlink(path);
    }
    g_rmdir(folder);
    machine_clear(&machine);
}
END_TEST

START_TEST(what_lies_behind_the_disks_end_is_zero_whatever_was_there)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    static uint8_t junk[40000];
    uint64_t position, run;
    memset(junk, 0xdb, sizeof junk);
    ck_assert(vc_file_write(file, 0, junk, sizeof junk, NULL));
    VcLayout layout = one_disk(4096 + 1000);
    g_autoptr(VcSink) sink = create_well(file, &layout);
    ck_assert(vc_sink_place(sink, 0, 4096, 1000, &position, &run, &error));
    ck_assert_uint_eq(position, 12800 + 512);
    ck_assert_uint_eq(run, 1000);
    ck_assert(vc_sink_finish(sink, &error));
    g_autoptr(GByteArray) archive = bytes_of(file);
    ck_assert_uint_eq(archive->len, 12800 + 512 + 4096);
    for (unsigned i = 1000; i < 4096; i++)
        ck_assert_uint_eq(archive->data[position + i], 0);
    ck_assert_uint_eq(sink->warnings->len, 1);
    ck_assert_str_eq(sink->warnings->pdata[0],
                     "size of drive-scsi0 rounded up from 5096 to 5120 bytes");
    ck_assert_uint_eq(sink->layout.disks[0].size, 5120);
    vc_layout_clear(&layout);
}
END_TEST

START_TEST(blocks_of_one_cluster_are_placed_one_after_the_other)
{
    g_autoptr(VcFile) file = vc_memory_file("m");
    VcLayout layout = one_disk(100 * CLUSTER);
    g_autoptr(VcSink) sink = create_well(file, &layout);
    uint64_t position, run;
    ck_assert_uint_eq(vc_sink_settled(sink, 7), 12800);
    ck_assert(vc_sink_place(sink, 0, 3 * 4096, 4096, &position, &run, NULL));
    ck_assert_uint_eq(position, 13312);
    ck_assert(vc_sink_place(sink, 0, 9 * 4096, 9 * 4096, &position, &run, NULL));
    ck_assert_uint_eq(position, 13312 + 4096);
    ck_assert_uint_eq(run, 9 * 4096);
    /* Up to the end of the extent, which is that of cluster 57. */
    ck_assert(vc_sink_place(sink, 0, 57 * CLUSTER + 65536 - 4096, 3 * 65536, &position,
                            &run, NULL));
    ck_assert_uint_eq(position, 13312 + 10 * 4096);
    ck_assert_uint_eq(run, 4096);
    ck_assert_uint_eq(vc_sink_settled(sink, 7), 12800);
    ck_assert(
        vc_sink_place(sink, 0, 58 * CLUSTER, 42 * CLUSTER, &position, &run, NULL));
    ck_assert_uint_eq(position, 13312 + 11 * 4096 + 512);
    ck_assert_uint_eq(run, 42 * CLUSTER);
    ck_assert_uint_eq(vc_sink_settled(sink, 7), 13312 + 11 * 4096);
    vc_layout_clear(&layout);
}
END_TEST

START_TEST(a_file_is_no_archive_before_it_is_finished)
{
    g_autoptr(VcFile) file = vc_memory_file("m");
    VcLayout layout = one_disk(200 * CLUSTER);
    g_autoptr(VcSink) sink = create_well(file, &layout);
    uint64_t position, run, size;
    uint8_t raw[12800], zeros[12800] = { 0 };
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 0);
    ck_assert(vc_sink_place(sink, 0, 180 * CLUSTER, 4096, &position, &run, NULL));
    ck_assert(vc_file_read(file, 0, raw, sizeof raw, NULL));
    ck_assert_mem_eq(raw, zeros, sizeof raw);
    ck_assert(vc_sink_finish(sink, NULL));
    ck_assert(vc_file_read(file, 0, raw, sizeof raw, NULL));
    ck_assert_mem_eq(raw, "VMA", 4);
    vc_layout_clear(&layout);
}
END_TEST

START_TEST(going_back_is_refused)
{
    static const struct {
        unsigned disk;
        uint64_t offset;
    } back[] = { { 0, 65536 * 9 }, { 1, 0 }, { 1, 2 * 65536 + 4096 } };
    for (unsigned i = 0; i < G_N_ELEMENTS(back); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) file = vc_memory_file("m");
        VcLayout layout = one_disk(10 * CLUSTER);
        vc_layout_add_disk(&layout, "second", 10 * CLUSTER);
        g_autoptr(VcSink) sink = create_well(file, &layout);
        uint64_t position, run;
        ck_assert(vc_sink_place(sink, 0, 0, 4096, &position, &run, NULL));
        ck_assert(vc_sink_place(sink, 1, 2 * CLUSTER, 8192, &position, &run, NULL));
        ck_assert(!vc_sink_place(sink, back[i].disk, back[i].offset, 4096, &position,
                                 &run, &error));
        assert_error(error, VC_ERROR_UNSUPPORTED);
        vc_layout_clear(&layout);
    }
}
END_TEST

START_TEST(sixty_four_gigabytes_of_nothing_are_quick)
{
    g_autoptr(VcFile) file = vc_null_file("n");
    VcLayout layout = one_disk((uint64_t)64 << 30);
    g_autoptr(VcSink) sink = create_well(file, &layout);
    uint64_t position, run, size;
    ck_assert(
        vc_sink_place(sink, 0, (uint64_t)63 << 30, 1 << 20, &position, &run, NULL));
    ck_assert(vc_sink_finish(sink, NULL));
    ck_assert(vc_file_size(file, &size, NULL));
    ck_assert_uint_eq(size, 12800 + 18079 * 512 + (1 << 20));
    vc_layout_clear(&layout);
}
END_TEST

/* Places runs of random length, with gaps, in disks of random sizes; gives the size of
 * the archive. */
static uint64_t
random_size(uint32_t seed, bool only_size)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    g_autoptr(VcFile) file = vc_null_file("n");
    file->only_size = only_size;
    VcLayout layout = { 0 };
    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("disk%u", i);
        vc_layout_add_disk(&layout, name,
                           (uint64_t)g_rand_int_range(rand, 1, 8000) * 4096 + i);
    }
    g_autoptr(VcSink) sink = create_well(file, &layout);
    vc_layout_clear(&layout);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t disk = sink->layout.disks[i].size;
        for (uint64_t at = 0, end; at < disk; at = end) {
            uint64_t position, run, most = g_rand_boolean(rand) ? 40 : 4000;
            end = at + 4096 * (uint64_t)g_rand_int_range(rand, 1, (gint32)most);
            end = MIN(end, disk);
            for (bool data = g_rand_boolean(rand); data && at < end; at += run)
                ck_assert(vc_sink_place(sink, i, at, end - at, &position, &run, NULL));
        }
    }
    uint64_t size;
    ck_assert(vc_sink_finish(sink, NULL));
    ck_assert(vc_file_size(file, &size, NULL));
    return size;
}

START_TEST(where_only_the_size_counts_it_is_the_same)
{
    for (uint32_t seed = 0; seed < 100; seed++)
        ck_assert_uint_eq(random_size(seed, true), random_size(seed, false));
}
END_TEST

/* Neither headers nor places are made for each of 18 million extents: a few writes and
 * a few answers do. */
START_TEST(where_only_the_size_counts_64_tib_are_counted)
{
    const uint64_t disk = (uint64_t)64 << 40, slots = disk / CLUSTER,
                   headers = (slots + 57) / 58 * 512;
    for (unsigned full = 0; full < 2; full++) {
        g_autoptr(VcFile) null = vc_null_file("n");
        g_autoptr(VcFile) file = failing_file(null, 8);
        file->only_size = true;
        VcLayout layout = one_disk(disk);
        g_autoptr(VcSink) sink = create_well(file, &layout);
        vc_layout_clear(&layout);
        uint64_t position, run, size, at = full ? 0 : disk / 2,
                                      end = full ? disk : at + 4096;
        for (unsigned answers = 0; at < end; at += run, answers++) {
            ck_assert_uint_lt(answers, 3);
            ck_assert(vc_sink_place(sink, 0, at, end - at, &position, &run, NULL));
        }
        ck_assert(vc_sink_finish(sink, NULL));
        ck_assert(vc_file_size(null, &size, NULL));
        ck_assert_uint_eq(size, 12800 + headers + (full ? disk : 4096));
    }
}
END_TEST

START_TEST(a_failing_write_is_an_error_wherever_it_strikes)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    g_autofree uint8_t *content = build_content(rand, 75 * 65536);
    memset(content + 5 * 65536, 0, 66 * 65536);
    const uint64_t size = 75 * 65536 - 100;
    bool done = false;
    for (unsigned n = 0; !done; n++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) memory = vc_memory_file("m");
        g_autoptr(VcFile) file = failing_file(memory, n);
        VcLayout layout = one_disk(size);
        g_autoptr(VcSink) sink = create_well(file, &layout);
        g_rand_set_seed(rand, 6);
        done = write_disks(sink, rand, &content, &size, &error);
        ck_assert(done == (error == NULL));
        if (!done) {
            uint8_t raw[4];
            size_t got;
            assert_error(error, VC_ERROR_IO);
            ck_assert(vc_file_read_some(memory, 0, raw, sizeof raw, &got, NULL));
            ck_assert(got == 0 || memcmp(raw, "VMA", 4) != 0);
        }
        vc_layout_clear(&layout);
    }
}
END_TEST

/* Disks that nothing is placed in have slots in extents of their own. */
START_TEST(a_failing_write_between_disks_is_an_error_wherever_it_strikes)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    g_autofree uint8_t *content = build_content(rand, 3 * 65536);
    uint8_t *const contents[] = { NULL, content, NULL };
    const uint64_t sizes[] = { 130 * CLUSTER, 3 * CLUSTER - 100, 70 * CLUSTER };
    bool done = false;
    for (unsigned n = 0; !done; n++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(VcFile) memory = vc_memory_file("m");
        g_autoptr(VcFile) file = failing_file(memory, n);
        VcLayout layout = { 0 };
        for (unsigned i = 0; i < 3; i++)
            vc_layout_add_disk(&layout, i == 0 ? "a" : i == 1 ? "b" : "c", sizes[i]);
        g_autoptr(VcSink) sink = create_well(file, &layout);
        g_rand_set_seed(rand, 6);
        done = write_disks(sink, rand, contents, sizes, &error);
        ck_assert(done == (error == NULL));
        if (!done)
            assert_error(error, VC_ERROR_IO);
        ck_assert(!done || n > 3);
        vc_layout_clear(&layout);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vma/sink");
    TCase *bytes = tcase_create("bytes");
    tcase_set_timeout(bytes, 120);
    tcase_add_test(bytes, an_archive_has_the_bytes_of_the_specification);
    tcase_add_test(bytes, zero_clusters_are_slots_and_an_extent_has_58_of_them);
    tcase_add_loop_test(bytes, an_archive_without_disks_has_one_empty_extent, 0, 2);
    tcase_add_loop_test(
        bytes, disks_of_any_size_come_back_and_a_pipe_gets_the_same_bytes, 0, 6);
    tcase_add_loop_test(bytes, an_independent_reader_accepts_and_extracts_them, 0, 2);
    tcase_add_test(bytes, what_lies_behind_the_disks_end_is_zero_whatever_was_there);
    tcase_add_test(bytes, blocks_of_one_cluster_are_placed_one_after_the_other);
    tcase_add_test(bytes, a_file_is_no_archive_before_it_is_finished);
    tcase_add_test(bytes, going_back_is_refused);
    tcase_add_test(bytes, sixty_four_gigabytes_of_nothing_are_quick);
    tcase_add_test(bytes, where_only_the_size_counts_it_is_the_same);
    tcase_add_test(bytes, where_only_the_size_counts_64_tib_are_counted);
    tcase_add_test(bytes, a_failing_write_is_an_error_wherever_it_strikes);
    tcase_add_test(bytes,
                   a_failing_write_between_disks_is_an_error_wherever_it_strikes);
    suite_add_tcase(suite, bytes);
    return run_suite(suite);
}
