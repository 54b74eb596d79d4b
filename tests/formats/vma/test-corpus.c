/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests over archives of the reference tool and over malformed ones. */
#include "formats/format.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/formats/vma/build.h"
#include "tests/formats/vma/corpus.h"
#include "tests/formats/vma/reading.h"
#include "tests/formats/vma/writing.h"

#include <string.h>
#include <uuid.h>

extern const VcFormat vc_format_vma;

static char *good_folder, *bad_folder;
static GPtrArray *manifest, *configs, *verdicts; /* tables */
static GPtrArray *archives;                      /* names, each once */

static VcFile *
file_of(const GByteArray *archive, bool stream)
{
    return stream ? build_stream(archive->data, archive->len)
                  : vc_memory_file_from("archive", archive->data, archive->len);
}

/* The rows of TABLE for ARCHIVE. */
static GPtrArray *
rows_of(const GPtrArray *table, const char *archive)
{
    GPtrArray *rows = g_ptr_array_new();
    for (guint i = 0; i < table->len; i++)
        if (strcmp(((char **)table->pdata[i])[0], archive) == 0)
            g_ptr_array_add(rows, table->pdata[i]);
    return rows;
}

static void
assert_row(char **row, const char *name, const uint8_t *data, uint64_t size)
{
    g_autofree char *sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data,
                                                          (gsize)size);
    ck_assert_str_eq(name, row[1]);
    ck_assert_uint_eq(size, g_ascii_strtoull(row[2], NULL, 10));
    ck_assert_str_eq(sha256, row[3]);
}

START_TEST(archives_of_the_reference_tool_read_back)
{
    const char *name = archives->pdata[_i / 3];
    int way = _i % 3;
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) archive = corpus_archive(good_folder, name);
    g_autoptr(GPtrArray) disks = rows_of(manifest, name),
                         blobs = rows_of(configs, name);
    g_autoptr(VcSource) source = vc_format_open(
        &vc_format_vma, file_of(archive, way == 0), NULL, &error);
    Contents contents;

    assert_no_error(error);
    bool ok = way == 2 ? read_mapped(source, &contents, &error)
                       : read_stored(source, &contents, &error);
    assert_no_error(error);
    ck_assert(ok);
    ck_assert_uint_eq(source->warnings->len, 0);
    ck_assert_uint_eq(source->layout.n_disks, disks->len);
    for (unsigned i = 0; i < disks->len; i++)
        assert_row(disks->pdata[i], source->layout.disks[i].name, contents.disks[i],
                   source->layout.disks[i].size);
    /* The table leaves out the archive whose configs cannot be told by their names. */
    if (strcmp(name, "x-same-config-name.vma") != 0)
        ck_assert_uint_eq(source->layout.n_blobs, blobs->len);
    for (unsigned i = 0; i < blobs->len; i++)
        assert_row(blobs->pdata[i], source->layout.blobs[i].name,
                   source->layout.blobs[i].data, source->layout.blobs[i].length);
    contents_clear(&contents);
}
END_TEST

/* The UUID and time of ARCHIVE as options. */
static VcOptions *
options_of(const GByteArray *archive)
{
    VcOptions *options = vc_options_new();
    char uuid[37];
    int64_t time;
    uuid_unparse(archive->data + 8, uuid);
    memcpy(&time, archive->data + 24, sizeof time);
    g_autofree char *ctime = g_strdup_printf("%" G_GINT64_FORMAT,
                                             (gint64)GINT64_FROM_BE(time));
    vc_options_set(options, "uuid", uuid);
    vc_options_set(options, "ctime", ctime);
    return options;
}

/* The reference tool reads several disks at once, so only the clusters of a single one
 * come in order; its header is the same in any case. */
START_TEST(the_sink_writes_the_bytes_of_the_reference_tool)
{
    const char *name = archives->pdata[_i];
    g_autoptr(GError) error = NULL;
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(GPtrArray) rows = rows_of(manifest, name);
    if (rows->len == 0 || strcmp(((char **)rows->pdata[0])[4], "real") != 0)
        return;
    g_autoptr(GByteArray) archive = corpus_archive(good_folder, name);
    g_autoptr(VcOptions) options = options_of(archive);
    g_autoptr(VcSource)
        source = vc_format_open(&vc_format_vma, file_of(archive, false), NULL, &error);
    g_autoptr(VcFile) file = vc_memory_file("copy");
    g_autoptr(VcSink) sink = vc_format_create(&vc_format_vma, file, &source->layout,
                                              options, NULL, &error);
    assert_no_error(error);
    uint64_t sizes[VC_DISKS_MAX];
    Contents contents;
    ck_assert(read_mapped(source, &contents, NULL));
    for (unsigned i = 0; i < source->layout.n_disks; i++)
        sizes[i] = source->layout.disks[i].size;
    ck_assert(write_disks(sink, rand, contents.disks, sizes, &error));
    contents_clear(&contents);

    g_autoptr(GByteArray) copy = bytes_of(file);
    uint32_t header;
    memcpy(&header, archive->data + 56, sizeof header);
    ck_assert_uint_ge(copy->len, GUINT32_FROM_BE(header));
    ck_assert(memcmp(copy->data, archive->data, GUINT32_FROM_BE(header)) == 0);
    ck_assert_msg(copy->len == archive->len, "%s: %u, expected %u", name, copy->len,
                  archive->len);
    ck_assert(rows->len > 1 || memcmp(copy->data, archive->data, copy->len) == 0);
}
END_TEST

START_TEST(check_finds_nothing_corrupt_in_them)
{
    const char *name = archives->pdata[_i];
    g_autoptr(GByteArray) archive = corpus_archive(good_folder, name);
    g_autoptr(VcFile) file = file_of(archive, _i % 2);
    VcReport report;
    vc_report_init(&report);
    ck_assert(vc_format_vma.check(file, &report, NULL));
    ck_assert_uint_eq(report.count[VC_FINDING_CORRUPT], 0);
    ck_assert_uint_eq(report.end, archive->len);
    vc_report_clear(&report);
}
END_TEST

START_TEST(malformed_archives_get_their_verdict)
{
    char **row = verdicts->pdata[_i / 3];
    int way = _i % 3;
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) archive = corpus_archive(bad_folder, row[0]);
    g_autoptr(VcSource) source = vc_format_open(
        &vc_format_vma, file_of(archive, way == 0), NULL, &error);
    Contents contents = { 0 };
    bool ok = source && (way == 2 ? read_mapped(source, &contents, &error)
                                  : read_stored(source, &contents, &error));
    contents_clear(&contents);

    g_autofree char *warnings = NULL;
    if (ok) {
        g_ptr_array_add(source->warnings, NULL);
        warnings = g_strjoinv("; ", (char **)source->warnings->pdata);
    }
    const char *said = ok ? warnings : strchr(error->message, ':') + 2,
               *verdict = !ok                   ? "refuse"
                          : warnings[0] != '\0' ? "warn"
                                                : "accept";
    ck_assert_msg(strcmp(verdict, row[1]) == 0, "%s: %s, expected %s: %s", row[0],
                  verdict, row[1], said);
    /* In a stream, the end is where the payload was expected to be. */
    if (way != 0 || strcmp(row[0], "trunc-ext-data.vma") != 0)
        ck_assert_str_eq(said, row[2]);
}
END_TEST

START_TEST(check_agrees_with_the_verdict)
{
    char **row = verdicts->pdata[_i];
    g_autoptr(GByteArray) archive = corpus_archive(bad_folder, row[0]);
    g_autoptr(VcFile) file = file_of(archive, _i % 2);
    VcReport report;
    vc_report_init(&report);
    ck_assert(vc_format_vma.check(file, &report, NULL));
    ck_assert_int_eq(report.count[VC_FINDING_CORRUPT] > 0,
                     strcmp(row[1], "refuse") == 0);
    ck_assert(strcmp(row[1], "warn") != 0 || report.count[VC_FINDING_WARNING] > 0);
    vc_report_clear(&report);
}
END_TEST

START_TEST(every_malformed_archive_has_a_verdict)
{
    g_autofree char *path = g_build_filename(bad_folder, "DEFECTS.tsv", NULL);
    g_autoptr(GPtrArray) defects = corpus_table(path, true);
    for (guint i = 0; i < defects->len; i++) {
        char **row = defects->pdata[i];
        g_autoptr(GPtrArray) rows = rows_of(verdicts, row[0]);
        ck_assert_msg(rows->len == 1, "%s", row[0]);
    }
}
END_TEST

static GPtrArray *
table(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    return corpus_table(path, true);
}

static void
add_archives(const GPtrArray *rows)
{
    for (guint i = 0; i < rows->len; i++) {
        char *name = ((char **)rows->pdata[i])[0];
        if (!g_ptr_array_find_with_equal_func(archives, name, g_str_equal, NULL))
            g_ptr_array_add(archives, name);
    }
}

int
main(void)
{
    good_folder = corpus_folder("vma");
    bad_folder = corpus_folder("vma-bad");
    if (!good_folder || !bad_folder) {
        printf("1..0 # SKIP no corpus\n");
        return 0;
    }
    manifest = table(good_folder, "MANIFEST.tsv");
    configs = table(good_folder, "CONFIGS.tsv");
    verdicts = corpus_table(VERDICTS, false);
    archives = g_ptr_array_new();
    add_archives(manifest);
    add_archives(configs);

    Suite *suite = suite_create("vma/corpus");
    TCase *good = tcase_create("good"), *bad = tcase_create("bad");
    tcase_set_timeout(bad, 60);
    tcase_set_timeout(good, 60);
    tcase_add_loop_test(good, archives_of_the_reference_tool_read_back, 0,
                        3 * (int)archives->len);
    tcase_add_loop_test(good, the_sink_writes_the_bytes_of_the_reference_tool, 0,
                        (int)archives->len);
    tcase_add_loop_test(good, check_finds_nothing_corrupt_in_them, 0,
                        (int)archives->len);
    suite_add_tcase(suite, good);
    tcase_add_loop_test(bad, malformed_archives_get_their_verdict, 0,
                        3 * (int)verdicts->len);
    tcase_add_loop_test(bad, check_agrees_with_the_verdict, 0, (int)verdicts->len);
    tcase_add_test(bad, every_malformed_archive_has_a_verdict);
    suite_add_tcase(suite, bad);
    return run_suite(suite);
}
