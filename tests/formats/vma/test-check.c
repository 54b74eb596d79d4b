/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the check of archives. */
#include "formats/format.h"
#include "formats/vma/walk.h"
#include "io/error.h"
#include "io/interrupt.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/formats/vma/saying.h"

#include <string.h>

extern const VcFormat vc_format_vma;

START_TEST(check_counts_clusters_and_knows_the_end)
{
    g_autoptr(GByteArray) archive = small_archive();
    VcReport report;
    check_bytes(archive, _i == 1, &report);
    ck_assert_uint_eq(report.findings->len, 0);
    ck_assert_uint_eq(report.total, 5 + 8);
    ck_assert_uint_eq(report.allocated, 4);
    ck_assert_uint_eq(report.end, archive->len);
    vc_report_clear(&report);
}
END_TEST

/* Five extents, the second with a damaged header: the others are still judged. */
START_TEST(check_goes_on_behind_a_damaged_extent)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", 5 * 65536);
    for (uint32_t i = 0; i < 5; i++) {
        build_begin(&build);
        build_slot(&build, 1, i == 4 ? 3 : i, i == 2 ? 0 : 0x00ff, NULL);
        build_end(&build);
    }
    g_autoptr(GByteArray) archive = build_archive(&build);
    guint second = 12800 + 512 + 8 * 4096;
    archive->data[second + 100] = 1;

    VcReport report;
    check_bytes(archive, _i == 1, &report);
    ck_assert_uint_eq(report.findings->len, 4);
    ck_assert_ptr_nonnull(strstr(finding(&report, 0), "extent 2: MD5 begins with"));
    ck_assert_ptr_nonnull(
        strstr(finding(&report, 1), "skipped everything up to the next extent header"));
    ck_assert_ptr_nonnull(
        strstr(finding(&report, 2), "extent 5, slot 0: cluster 3 of a for the second"));
    ck_assert_ptr_nonnull(
        strstr(finding(&report, 3), "a: 2 of 5 clusters are missing, first cluster 1"));
    ck_assert_uint_eq(report.count[VC_FINDING_CORRUPT], 4);
    vc_report_clear(&report);
    build_clear(&build);
}
END_TEST

START_TEST(check_goes_on_behind_zeros_and_stops_at_a_torn_end)
{
    Build build;
    begin_whole(&build);
    build_end(&build);
    guint gap = build.extents->len;
    g_byte_array_set_size(build.extents, gap + 1234 * 512);
    memset(build.extents->data + gap, 0, 1234 * 512);
    build_begin(&build);
    build_slot(&build, 1, 0, 3, NULL);
    build_end(&build);
    g_autoptr(GByteArray) archive = build_archive(&build);
    archive->len -= 1;

    VcReport report;
    check_bytes(archive, _i == 1, &report);
    ck_assert_uint_eq(report.count[VC_FINDING_CORRUPT], 4);
    ck_assert_ptr_nonnull(strstr(finding(&report, 0), "extent 2: zeros up to"));
    ck_assert_ptr_nonnull(
        strstr(finding(&report, 1), "skipped everything up to the next"));
    vc_report_clear(&report);
    build_clear(&build);
}
END_TEST

START_TEST(check_passes_an_exabyte_of_hole_behind_damage)
{
    Build build;
    begin_whole(&build);
    build_end(&build);
    g_byte_array_append(build.extents, (const uint8_t *)"junk", 4);
    g_autoptr(VcFile) file = build_file(&build);
    VcReport report;
    ck_assert(vc_file_truncate(file, (uint64_t)1 << 60, NULL));
    vc_report_init(&report);
    ck_assert(vc_format_vma.check(file, &report, NULL));
    ck_assert_uint_eq(report.count[VC_FINDING_CORRUPT], 2);
    vc_report_clear(&report);
    build_clear(&build);
}
END_TEST

START_TEST(check_finds_names_that_are_not_safe)
{
    static const char *const names[] = {
        "qemu-server.conf",
        "",
        ".",
        "..",
        "../../evil",
        "a\nb.conf",
        "\033[31mred",
        "..\\evil",
        "\377",
        "qemu-server.conf",
    };
    Build build;
    VcReport report;
    build_init(&build);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        build_config(&build, names[i], "x", 1);
    build_device(&build, 1, "qemu-server.conf", 512); /* not a duplicate */
    build_begin(&build);
    build_slot(&build, 1, 0, 0, NULL);
    build_end(&build);
    g_autoptr(GByteArray) archive = build_archive(&build);
    check_bytes(archive, false, &report);
    ck_assert_uint_eq(report.count[VC_FINDING_WARNING], 9);
    ck_assert_uint_eq(report.count[VC_FINDING_CORRUPT], 0);
    ck_assert_str_eq(finding(&report, 0), "name of config 2 is empty: (no name)");
    ck_assert_str_eq(finding(&report, 3), "name of config 5 has a slash: ../../evil");
    ck_assert_str_eq(finding(&report, 4),
                     "name of config 6 has a control character: a\\x0ab.conf");
    ck_assert_str_eq(finding(&report, 8),
                     "name of config 10 is that of another one: qemu-server.conf");
    vc_report_clear(&report);
    build_clear(&build);
}
END_TEST

/* An archive of disk "a" with N extents that store its only cluster again. */
static VcFile *
repeated(unsigned n)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", 65536);
    for (unsigned i = 0; i < n; i++) {
        build_begin(&build);
        for (unsigned slot = 0; slot < 59; slot++)
            build_slot(&build, 1, 0, 0, NULL);
        build_end(&build);
    }
    VcFile *file = build_file(&build);
    build_clear(&build);
    return file;
}

START_TEST(check_counts_the_faults_that_it_does_not_keep)
{
    g_autoptr(VcFile) file = repeated(100);
    VcReport report;
    vc_report_init(&report);
    ck_assert(vc_format_vma.check(file, &report, NULL));
    ck_assert_uint_eq(report.count[VC_FINDING_CORRUPT], 100 * 59 - 1);
    ck_assert_uint_eq(report.findings->len, VC_FINDINGS_MAX);
    vc_report_clear(&report);
}
END_TEST

typedef struct {
    unsigned wanted, asked, heard;
} Listening;

static bool
wants(void *user, VmaFault fault G_GNUC_UNUSED)
{
    Listening *listening = user;
    return listening->asked++ < listening->wanted;
}

static bool
hear(void *user, VmaFault fault G_GNUC_UNUSED, const GError *what,
     GError **error G_GNUC_UNUSED)
{
    Listening *listening = user;
    ck_assert_ptr_nonnull(strstr(what->message, "cluster 0 of a for the second time"));
    listening->heard++;
    return true;
}

/* A stream of a few kilobytes can hold millions of them. */
START_TEST(a_fault_that_nobody_wants_is_not_put_into_words)
{
    g_autoptr(VcFile) file = repeated(20);
    g_autoptr(GPtrArray) warnings = vc_warnings_new();
    Listening listening = { .wanted = 3 };
    const VmaListener listener = { wants, hear, &listening };
    VmaHeader header;
    bool more = true;
    ck_assert(vma_header_read(&header, file, warnings, NULL));
    g_autoptr(VmaWalk)
        walk = vma_walk_new(file, &header, &header.layout, NULL, &listener, NULL);
    while (more)
        ck_assert(vma_walk_next(walk, &more, NULL));
    ck_assert_uint_eq(listening.asked, 20 * 59 - 1);
    ck_assert_uint_eq(listening.heard, 3);
    vma_header_clear(&header);
}
END_TEST

/* Damage, zeros and extents without payload may go on for terabytes. */
START_TEST(check_ends_when_interrupted)
{
    g_autoptr(GByteArray) archive = small_archive();
    g_autoptr(VcFile) file = vc_memory_file_from("a", archive->data, archive->len);
    g_autoptr(GError) error = NULL;
    VcReport report;
    vc_report_init(&report);
    vc_interrupt();
    ck_assert(!vc_format_vma.check(file, &report, &error));
    assert_error(error, VC_ERROR_CANCELLED);
    vc_report_clear(&report);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vma/check");
    TCase *check = tcase_create("check");
    tcase_set_timeout(check, 120);
    tcase_add_loop_test(check, check_counts_clusters_and_knows_the_end, 0, 2);
    tcase_add_loop_test(check, check_goes_on_behind_a_damaged_extent, 0, 2);
    tcase_add_loop_test(check, check_goes_on_behind_zeros_and_stops_at_a_torn_end, 0,
                        2);
    tcase_add_test(check, check_passes_an_exabyte_of_hole_behind_damage);
    tcase_add_test(check, check_finds_names_that_are_not_safe);
    tcase_add_test(check, check_counts_the_faults_that_it_does_not_keep);
    tcase_add_test(check, a_fault_that_nobody_wants_is_not_put_into_words);
    /* The last: nothing takes an interruption back, and not every run forks. */
    tcase_add_test(check, check_ends_when_interrupted);
    suite_add_tcase(suite, check);
    return run_suite(suite);
}
