/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of VHDX on a file that fails: at each of its operations, one after the other.
 * The contract does so too, but with images that have neither log nor parent. */
#include "io/lent.h"
#include "tests/formats/vhdx/reading.h"
#include "tests/io/fault.h"

#include <string.h>

#define DISK_SIZE (8 * MIB)

static Image image;

/* An image whose log changes two pages of a block, one of them around the end of the
 * ring, and whose BAT has more states than one. */
static void
set_up_log(void)
{
    image = (Image){ 0 };
    image_build(&image);
    uint64_t block = image_add(&image, 2, PRESENT, 0x22);
    image_block(&image, 3, ZERO, 0);
    image_dirty(&image);
    image_mend(&image);
    Change first[] = { { .position = block, .byte = 0x77 },
                       { .position = block + 8192, .zeros = 4096 } };
    Change second = { .position = block + 4096, .byte = 0x78 };
    uint32_t tail = (uint32_t)MIB - 8192;
    uint32_t at = image_log(
        &image,
        &(LogEntry){
            .at = tail, .tail = tail, .sequence = 1, .changes = first, .n = 2 });
    image_log(&image,
              &(LogEntry){
                  .at = at, .tail = tail, .sequence = 2, .changes = &second, .n = 1 });
}

static VcSource *
make_parent(void)
{
    g_auto(Image) parent = { .data_write = 0xdd };
    image_build(&parent);
    image_add(&parent, 1, PRESENT, 0xd1);
    return opens(&parent);
}

/* A child in which block 1 is there but for four of its sectors. */
static void
set_up_child(void)
{
    static const char *const locator[] = { "parent_linkage",
                                           "{dddddddd-dddd-dddd-dddd-dddddddddddd}",
                                           "relative_path", "p.vhdx", NULL };
    image = (Image){ .flags = 2, .locator = locator };
    image_build(&image);
    image_add(&image, 1, PARTIAL, 0x11);
    uint64_t bitmap = image.end;
    image.end += MIB;
    ck_assert(vc_file_truncate(image.file, image.end, NULL));
    image_bitmap(&image, 0, PRESENT, bitmap);
    image_fill(&image, bitmap, 0xff, MIB);
    image_fill(&image, bitmap + MIB / 512 / 8, 0x55, 1);
    image_mend(&image);
}

static void
tear_down(void)
{
    image_clear(&image);
}

/* Reads all of the disk in FILE (taken) into BYTES. */
static bool
read_all(VcFile *file, uint8_t *bytes, GError **error)
{
    bool match;
    if (!vhdx_probe(file, &match, error)) {
        vc_file_free(file);
        return false;
    }
    if (!match) { /* the signature was cut */
        vc_file_free(file);
        vc_fail(error, VC_ERROR_SHORT, "no VHDX");
        return false;
    }
    g_autoptr(VcSource) source = vhdx_open(file, NULL, error);
    if (!source)
        return false;
    if (source->parent) {
        VcSource *parent = make_parent();
        if (!vc_source_adopt(source, parent, error)) {
            vc_source_free(parent);
            return false;
        }
    }
    return vc_source_index(source, error) &&
           vc_source_read(source, 0, 0, bytes, DISK_SIZE, error);
}

static bool
check_all(VcFile *file, GError **error)
{
    VcReport report;
    vc_report_init(&report);
    bool done = vhdx_check(file, &report, error);
    vc_report_clear(&report);
    vc_file_free(file);
    return done;
}

/* An operation that fails may not have mattered; then all that is read is right. */
static void
fail_each(VcFaultKind kind, unsigned operations)
{
    g_autofree uint8_t *model = g_malloc(DISK_SIZE), *bytes = g_malloc(DISK_SIZE);
    ck_assert(read_all(vc_lent_file(image.file), model, NULL));
    for (unsigned n = 1;; n++) {
        g_autoptr(GError) error = NULL;
        VcFaultPlan plan = { .kind = kind, .operations = operations, .nth = n };
        VcFile *file = vc_fault_file(vc_lent_file(image.file), &plan);
        bool ok = read_all(file, bytes, &error);
        ck_assert(ok == (error == NULL));
        if (ok)
            ck_assert_mem_eq(bytes, model, DISK_SIZE);
        else if (kind == VC_FAULT_FAIL)
            assert_error(error, VC_ERROR_IO);
        if (!plan.happened) {
            assert_no_error(error);
            ck_assert_uint_gt(n, 2);
            return;
        }
        ck_assert(!ok || kind != VC_FAULT_FAIL);
    }
}

START_TEST(each_failure_is_an_error)
{
    fail_each(VC_FAULT_FAIL, 0);
}
END_TEST

START_TEST(a_read_that_ends_early_never_gives_wrong_bytes)
{
    fail_each(VC_FAULT_SHORT, VC_FAULT_READ);
}
END_TEST

START_TEST(each_failure_of_checking_is_an_error)
{
    for (unsigned n = 1;; n++) {
        g_autoptr(GError) error = NULL;
        VcFaultPlan plan = { .nth = n };
        bool ok = check_all(vc_fault_file(vc_lent_file(image.file), &plan), &error);
        ck_assert(ok == (error == NULL));
        if (!plan.happened) {
            assert_no_error(error);
            ck_assert_uint_gt(n, 2);
            return;
        }
        ck_assert(!ok);
        assert_error(error, VC_ERROR_IO);
    }
}
END_TEST

START_TEST(a_file_that_is_cut_while_it_is_read_is_short)
{
    g_autofree uint8_t *bytes = g_malloc(DISK_SIZE);
    uint64_t end = image.end;
    VcFile *file = image.file; /* the source's, soon */
    g_autoptr(VcSource) source = opens_indexed(&image);
    for (uint64_t size = end - 1; size > end - MIB; size -= 100001) {
        g_autoptr(GError) error = NULL;
        ck_assert(vc_file_truncate(file, size, NULL));
        ck_assert(!vc_source_read(source, 0, 0, bytes, DISK_SIZE, &error));
        assert_error(error, VC_ERROR_SHORT);
    }
}
END_TEST

static void
set_up_plain(void)
{
    image = (Image){ 0 };
    image_build(&image);
    image_add(&image, 2, PRESENT, 0x22);
}

int
main(void)
{
    Suite *suite = suite_create("vhdx/faults");
    TCase *log = tcase_create("log"), *child = tcase_create("child"),
          *plain = tcase_create("plain");
    tcase_add_checked_fixture(log, set_up_log, tear_down);
    tcase_add_checked_fixture(child, set_up_child, tear_down);
    tcase_add_checked_fixture(plain, set_up_plain, tear_down);
    tcase_set_timeout(log, 60);
    tcase_set_timeout(child, 60);
    tcase_add_test(log, each_failure_is_an_error);
    tcase_add_test(log, a_read_that_ends_early_never_gives_wrong_bytes);
    tcase_add_test(log, each_failure_of_checking_is_an_error);
    tcase_add_test(child, each_failure_is_an_error);
    tcase_add_test(child, a_read_that_ends_early_never_gives_wrong_bytes);
    tcase_add_test(child, each_failure_of_checking_is_an_error);
    tcase_add_test(plain, a_file_that_is_cut_while_it_is_read_is_short);
    suite_add_tcase(suite, log);
    suite_add_tcase(suite, child);
    suite_add_tcase(suite, plain);
    return run_suite(suite);
}
