/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of compressing, and of both directions with the programs gzip, zstd and lzop
 * where they are. */
#include "io/bytes.h"
#include "io/posix.h"
#include "tests/check-main.h"
#include "tests/io/packed.h"
#include "tests/io/pattern.h"
#include "tests/io/scratch.h"

static const struct {
    const char *words, *program, *suffix;
    VcCompression compression;
} kinds[] = {
    { "gzip", "gzip", ".gz", VC_COMPRESSION_GZIP },
    { "gzip:1", "gzip", ".gz", VC_COMPRESSION_GZIP },
    { "gzip:9", "gzip", ".gz", VC_COMPRESSION_GZIP },
    { "zstd", "zstd", ".zst", VC_COMPRESSION_ZSTD },
    { "zstd:1,threads=3", "zstd", ".zst", VC_COMPRESSION_ZSTD },
    { "zstd:12", "zstd", ".zst", VC_COMPRESSION_ZSTD },
    { "lzo", "lzop", ".lzo", VC_COMPRESSION_LZO },
    { "lzo:1", "lzop", ".lzo", VC_COMPRESSION_LZO },
    { "lzo:9", "lzop", ".lzo", VC_COMPRESSION_LZO },
};

static bool
is_missing(size_t kind)
{
    return kinds[kind].compression == VC_COMPRESSION_LZO && !lzo_is_there();
}

START_TEST(what_is_packed_unpacks_to_the_same)
{
    static const size_t lengths[] = { 0, 1, 4096, (256 << 10) - 1, 256 << 10, 2000000 };
    if (is_missing((size_t)_i))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        size_t length = lengths[i];
        g_autofree uint8_t *data = i % 2 ? pattern_text(length, 1)
                                         : pattern_new(length, 1);
        g_autoptr(GByteArray) packed = pack(kinds[_i].words, data, length, 70001);
        ck_assert_int_eq(vc_compression_probe(packed->data, MIN(packed->len, 16)),
                         kinds[_i].compression);
        assert_unpacks_to(packed->data, packed->len, kinds[_i].compression, data,
                          length);
        if (length > 0 && i % 2)
            ck_assert_uint_lt(packed->len, length + 100);
    }
}
END_TEST

START_TEST(bytes_do_not_depend_on_threads_or_on_the_pieces_written)
{
    size_t length = 20 << 20;
    g_autofree uint8_t *data = pattern_text(length, 1);
    static const struct {
        const char *words;
        size_t piece;
    } cases[] = { { "zstd:1,threads=1", 1 << 20 },
                  { "zstd:1,threads=2", 65536 },
                  { "zstd:1,threads=4", 70001 },
                  { "zstd:1,threads=4", 20 << 20 },
                  { "zstd:1", 1 << 20 } };
    g_autoptr(GByteArray) first = pack(cases[0].words, data, length, cases[0].piece);
    for (size_t i = 1; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) next = pack(cases[i].words, data, length, cases[i].piece);
        ck_assert_uint_eq(next->len, first->len);
        ck_assert(memcmp(next->data, first->data, first->len) == 0);
    }
}
END_TEST

START_TEST(bytes_do_not_depend_on_the_time_it_takes)
{
    /* Level 1 works on pieces of 2 MiB, here a whole number of them. A slow writer
     * leaves the library the time to finish them all, a fast one with large writes does
     * not. */
    size_t length = 24 << 20;
    g_autofree uint8_t *data = pattern_new(length, 1);
    VcCompressOptions options = { VC_COMPRESSION_ZSTD, 1, 2 };
    g_autoptr(GByteArray) fast = pack("zstd:1", data, length, 65536);
    g_autoptr(VcFile) memory = vc_memory_file("m");
    g_autoptr(VcFile) slow = vc_compress_file(vc_lent_file(memory), &options, NULL);
    for (size_t at = 0; at < length; at += 1 << 20) {
        ck_assert(vc_file_write(slow, at, data + at, 1 << 20, NULL));
        g_usleep(20000);
    }
    ck_assert(vc_file_sync(slow, NULL));

    uint64_t size;
    ck_assert(vc_file_size(memory, &size, NULL));
    ck_assert_uint_eq(size, fast->len);
    g_autofree uint8_t *packed = g_malloc(size);
    ck_assert(vc_file_read(memory, 0, packed, size, NULL));
    ck_assert(memcmp(packed, fast->data, size) == 0);
}
END_TEST

START_TEST(zstd_needs_no_more_window_than_its_program_takes)
{
    static const char *const words[] = { "zstd:1", "zstd", "zstd:19", "zstd:22" };
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_autoptr(GByteArray) packed = pack(words[i], (const uint8_t *)"hello", 5, 5);
        ck_assert_uint_eq(packed->data[4] & 0x04, 0x04);  /* a content checksum */
        ck_assert_uint_eq(packed->data[4] & 0x20, 0);     /* a window of its own, */
        ck_assert_uint_le(packed->data[5] >> 3, 27 - 10); /* of 2^27 at most */
        ck_assert(packed->data[5] >> 3 < 17 || (packed->data[5] & 7) == 0);
    }
}
END_TEST

START_TEST(gzip_tells_neither_name_nor_time)
{
    g_autoptr(GByteArray) packed = pack("gzip", (const uint8_t *)"hello", 5, 5);
    ck_assert_mem_eq(packed->data, "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8);
}
END_TEST

START_TEST(only_the_end_can_be_written_until_it_has_ended)
{
    if (is_missing((size_t)_i))
        return;
    VcCompressOptions options;
    g_autoptr(GError) before = NULL, after = NULL;
    ck_assert(vc_compress_options_parse(kinds[_i].words, &options, NULL));
    g_autoptr(VcFile) memory = vc_memory_file("m");
    g_autoptr(VcFile) file = vc_compress_file(vc_lent_file(memory), &options, NULL);
    ck_assert(!file->seekable);
    ck_assert(vc_file_write(file, 0, "abc", 3, NULL));
    ck_assert(!vc_file_write(file, 4, "x", 1, &before));
    assert_error(before, VC_ERROR_USAGE);
    ck_assert(!vc_file_write(file, 0, "x", 1, NULL));
    ck_assert(!vc_file_truncate(file, 2, NULL));
    ck_assert(vc_file_truncate(file, 5, NULL));
    ck_assert(vc_file_zero(file, 5, 100000, NULL));
    ck_assert(vc_file_sync(file, NULL));
    ck_assert(!vc_file_write(file, 100005, "x", 1, &after));
    assert_error(after, VC_ERROR_USAGE);
    ck_assert(vc_file_sync(file, NULL)); /* again: nothing is added */

    uint64_t size;
    vc_file_size(memory, &size, NULL);
    g_autofree uint8_t *packed = g_malloc(size), *want = g_malloc0(100005);
    memcpy(want, "abc", 3);
    ck_assert(vc_file_read(memory, 0, packed, size, NULL));
    assert_unpacks_to(packed, size, kinds[_i].compression, want, 100005);
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    VcCompressOptions options;
    g_autofree uint8_t *data = pattern_new(3 << 20, 1);
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0 || is_missing((size_t)_i))
        return;
    ck_assert(vc_compress_options_parse(kinds[_i].words, &options, NULL));
    g_autoptr(VcFile)
        file = vc_compress_file(vc_posix_append(fd, true, "full"), &options, NULL);
    g_autoptr(GError) error = NULL;
    ck_assert(!vc_file_write(file, 0, data, 3 << 20, &error) ||
              !vc_file_sync(file, &error));
    assert_error(error, VC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error->message, "No space left"));
}
END_TEST

START_TEST(compressions_are_told_by_magic)
{
    static const struct {
        const char *head;
        size_t length;
        VcCompression compression;
    } cases[] = {
        { "\x1f\x8b\x08\x00", 4, VC_COMPRESSION_GZIP },
        { "\x1f\x8b\x07\x00", 4, VC_COMPRESSION_NONE },
        { "\x1f\x8b", 2, VC_COMPRESSION_NONE },
        { "\x28\xb5\x2f\xfd", 4, VC_COMPRESSION_ZSTD },
        { "\x28\xb5\x2f", 3, VC_COMPRESSION_NONE },
        { "\x50\x2a\x4d\x18", 4, VC_COMPRESSION_ZSTD },
        { "\x5f\x2a\x4d\x18", 4, VC_COMPRESSION_ZSTD },
        { "\x60\x2a\x4d\x18", 4, VC_COMPRESSION_NONE },
        { "\x89LZO\x00\r\n\x1a\n", 9, VC_COMPRESSION_LZO },
        { "\x89LZO\x00\r\n\x1a", 8, VC_COMPRESSION_NONE },
        { "VMA\x00", 4, VC_COMPRESSION_NONE },
        { "", 0, VC_COMPRESSION_NONE },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        ck_assert_int_eq(
            vc_compression_probe((const uint8_t *)cases[i].head, cases[i].length),
            cases[i].compression);
}
END_TEST

START_TEST(compressions_are_told_by_name)
{
    ck_assert_int_eq(vc_compression_by_name("a.vma.zst"), VC_COMPRESSION_ZSTD);
    ck_assert_int_eq(vc_compression_by_name("a.gz"), VC_COMPRESSION_GZIP);
    ck_assert_int_eq(vc_compression_by_name("a.lzo"), VC_COMPRESSION_LZO);
    ck_assert_int_eq(vc_compression_by_name("A.VMA.ZST"), VC_COMPRESSION_ZSTD);
    ck_assert_int_eq(vc_compression_by_name("a.vhd.Gz"), VC_COMPRESSION_GZIP);
    ck_assert_int_eq(vc_compression_by_name("a.vma"), VC_COMPRESSION_NONE);
    ck_assert_int_eq(vc_compression_by_name("zst"), VC_COMPRESSION_NONE);
    ck_assert_str_eq(vc_compression_name(VC_COMPRESSION_NONE), "none");
    ck_assert_str_eq(vc_compression_suffix(VC_COMPRESSION_NONE), "");
    ck_assert_str_eq(vc_compression_suffix(VC_COMPRESSION_ZSTD), ".zst");
    ck_assert_str_eq(vc_compression_name(VC_COMPRESSION_LZO), "lzo");
}
END_TEST

START_TEST(words_are_parsed)
{
    static const struct {
        const char *words;
        VcCompressOptions want;
    } good[] = {
        { "none", { VC_COMPRESSION_NONE, 0, 0 } },
        { "zstd", { VC_COMPRESSION_ZSTD, 0, 0 } },
        { "zstd:19", { VC_COMPRESSION_ZSTD, 19, 0 } },
        { "zstd:3,threads=4", { VC_COMPRESSION_ZSTD, 3, 4 } },
        { "zstd,threads=256", { VC_COMPRESSION_ZSTD, 0, 256 } },
        { "gzip:9", { VC_COMPRESSION_GZIP, 9, 0 } },
        { "lzo:1", { VC_COMPRESSION_LZO, 1, 0 } },
    };
    static const char *const bad[] = {
        "",
        "zst",
        "ZSTD",
        "zstd:",
        "zstd:0",
        "zstd:23",
        "zstd:-1",
        "zstd: 3",
        "zstd:3x",
        "zstd:99999999999999999999",
        "gzip:10",
        "lzo:10",
        "none:1",
        "zstd,",
        "zstd,threads=",
        "zstd,threads=0",
        "zstd,threads=257",
        "zstd,workers=1",
        "gzip,threads=1",
        "zstd,threads=1:3",
        "zstd:3,threads=1,",
        "zstdx",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        VcCompressOptions options;
        ck_assert(vc_compress_options_parse(good[i].words, &options, NULL));
        ck_assert_int_eq(options.compression, good[i].want.compression);
        ck_assert_int_eq(options.level, good[i].want.level);
        ck_assert_uint_eq(options.threads, good[i].want.threads);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        VcCompressOptions options = { VC_COMPRESSION_LZO, 7, 7 };
        g_autoptr(GError) error = NULL;
        ck_assert_msg(!vc_compress_options_parse(bad[i], &options, &error), "%s",
                      bad[i]);
        assert_error(error, VC_ERROR_USAGE);
        ck_assert_int_eq(options.level, 7);
    }
}
END_TEST

START_TEST(none_is_the_file_itself)
{
    VcCompressOptions options = { 0 };
    g_autoptr(VcFile) memory = vc_memory_file("m");
    ck_assert_ptr_eq(vc_compress_file(memory, &options, NULL), memory);
    g_autoptr(VcStream) stream = vc_stream_from_file(vc_memory_file("n"));
    ck_assert_ptr_eq(vc_decompress(stream, VC_COMPRESSION_NONE, 0, NULL), stream);
}
END_TEST

/* Runs PROGRAM ARGUMENT -c PATH and gives what it prints; NULL when it fails. */
static GByteArray *
run(const char *program, const char *argument, const char *path)
{
    g_autofree char *out_path = g_strdup_printf("%s.out", path), *out = NULL;
    g_autofree char *command = g_strdup_printf("exec %s %s -c '%s' > '%s'", program,
                                               argument, path, out_path);
    const char *shell[] = { "sh", "-c", command, NULL };
    int status = -1;
    gsize length = 0;
    if (!g_spawn_sync(NULL, (char **)shell, NULL,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                      NULL, NULL, &status, NULL) ||
        status != 0 || !g_file_get_contents(out_path, &out, &length, NULL))
        return NULL;
    return g_byte_array_new_take((guint8 *)g_steal_pointer(&out), length);
}

START_TEST(archives_of_other_programs_hold_the_same)
{
    static const char *const names[] = {
        "multi3.vma.zst",         "multi3.frames.vma.zst", "multi3.long27.vma.zst",
        "multi3.nocheck.vma.zst", "multi3.vma.gz",         "multi3.members.vma.gz",
        "multi3.vma.lzo",
    };
    const char *corpus = g_getenv("VCONV_CORPUS");
    g_autofree char *first = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(
            corpus ? corpus : SOURCE_ROOT "/../shared/corpus", "vma", names[i], NULL);
        g_autofree char *packed = NULL;
        g_autoptr(GError) error = NULL;
        gsize length;
        if (!g_file_get_contents(path, &packed, &length, NULL))
            continue;
        VcCompression compression = vc_compression_probe((const uint8_t *)packed,
                                                         MIN(length, 16));
        ck_assert_int_eq(compression, vc_compression_by_name(names[i]));
        if (compression == VC_COMPRESSION_LZO && !lzo_is_there())
            continue;
        g_autoptr(GByteArray) out = unpack(packed, length, compression, &error);
        assert_no_error(error);
        g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, out->data,
                                                           out->len);
        if (!first)
            first = g_steal_pointer(&sum);
        else
            ck_assert_str_eq(sum, first);
    }
}
END_TEST

START_TEST(the_programs_agree_in_both_directions)
{
    g_autofree char *program = g_find_program_in_path(kinds[_i].program);
    if (!program || is_missing((size_t)_i))
        return;
    size_t length = 3000000;
    g_autofree uint8_t *data = pattern_text(length, 1);
    g_autofree char *ours = g_strconcat("ours", kinds[_i].suffix, NULL),
                    *ours_path = scratch_path(ours),
                    *plain_path = scratch_path("plain");

    g_autoptr(GByteArray) packed = pack(kinds[_i].words, data, length, 1 << 20);
    scratch_write(ours, packed->data, packed->len);
    g_autoptr(GByteArray) tested = run(program, "-t", ours_path);
    ck_assert_ptr_nonnull(tested);
    g_autoptr(GByteArray) unpacked = run(program, "-d", ours_path);
    ck_assert_ptr_nonnull(unpacked);
    ck_assert_uint_eq(unpacked->len, length);
    ck_assert(memcmp(unpacked->data, data, length) == 0);

    scratch_write("plain", data, length);
    g_autoptr(GByteArray) theirs = run(program, "-4", plain_path);
    ck_assert_ptr_nonnull(theirs);
    assert_unpacks_to(theirs->data, theirs->len, kinds[_i].compression, data, length);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/compress");
    TCase *tests = scratch_case(suite, "compress");
    int n = G_N_ELEMENTS(kinds);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, what_is_packed_unpacks_to_the_same, 0, n);
    tcase_add_test(tests, bytes_do_not_depend_on_threads_or_on_the_pieces_written);
    tcase_add_test(tests, bytes_do_not_depend_on_the_time_it_takes);
    tcase_add_test(tests, zstd_needs_no_more_window_than_its_program_takes);
    tcase_add_test(tests, gzip_tells_neither_name_nor_time);
    tcase_add_loop_test(tests, only_the_end_can_be_written_until_it_has_ended, 0, n);
    tcase_add_loop_test(tests, a_full_disk_is_told, 0, n);
    tcase_add_test(tests, compressions_are_told_by_magic);
    tcase_add_test(tests, compressions_are_told_by_name);
    tcase_add_test(tests, words_are_parsed);
    tcase_add_test(tests, none_is_the_file_itself);
    tcase_add_test(tests, archives_of_other_programs_hold_the_same);
    tcase_add_loop_test(tests, the_programs_agree_in_both_directions, 0, n);
    return run_suite(suite);
}
