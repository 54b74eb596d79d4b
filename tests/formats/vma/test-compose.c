/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what an archive is made for: its disks, names, options and limits. */
#include "formats/format.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/formats/vma/writing.h"

#include <string.h>

extern const VcFormat vc_format_vma;

static void
assert_refused(const VcLayout *layout, const char *options, int code, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    ck_assert_ptr_null(create(file, layout, options, &error));
    ck_assert_msg(g_error_matches(error, VC_ERROR, code) &&
                      strstr(error->message, text),
                  "%s", error->message);
}

START_TEST(disks_that_an_archive_cannot_hold_are_refused)
{
    static const struct {
        uint64_t size;
        int code;
        const char *text;
    } wrong[] = {
        { 0, VC_ERROR_UNSUPPORTED, "drive-scsi0 has no bytes" },
        { VC_SIZE_UNKNOWN, VC_ERROR_UNSUPPORTED,
          "the size of drive-scsi0 is not known" },
        { ((uint64_t)1 << 48) + 1, VC_ERROR_LIMIT, "at most 281474976710656" },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        VcLayout layout = one_disk(wrong[i].size);
        assert_refused(&layout, "", wrong[i].code, wrong[i].text);
        vc_layout_clear(&layout);
    }
    VcLayout many = { 0 };
    for (unsigned i = 0; i < 255; i++)
        vc_layout_add_disk(&many, "", 512);
    assert_refused(&many, "", VC_ERROR_USAGE, "at most 254 disks, not 255");
    vc_layout_clear(&many);
}
END_TEST

START_TEST(headers_beyond_the_limits_are_refused)
{
    g_autofree char *large = g_strnfill(65536, 'x');
    VcLayout layout = { 0 };
    for (unsigned i = 0; i < 257; i++)
        vc_layout_add_blob(&layout, "a", "", 0);
    assert_refused(&layout, "", VC_ERROR_LIMIT, "257 configuration files");
    vc_layout_clear(&layout);

    vc_layout_add_blob(&layout, "a", large, 65536);
    assert_refused(&layout, "", VC_ERROR_LIMIT, "the config a has 65536 bytes");
    vc_layout_clear(&layout);

    for (unsigned i = 0; i < 8; i++)
        vc_layout_add_blob(&layout, "a", large, 65000);
    assert_refused(&layout, "", VC_ERROR_LIMIT, "more than the 524288 bytes");
    vc_layout_clear(&layout);

    vc_layout_add_disk(&layout, large, 512);
    assert_refused(&layout, "", VC_ERROR_LIMIT, "has 65537 bytes; at most 65535 fit");
    vc_layout_clear(&layout);
}
END_TEST

START_TEST(wrong_options_are_refused)
{
    VcLayout layout = one_disk(512);
    assert_refused(&layout, "uuid=x", VC_ERROR_USAGE, "option uuid: 'x' is not a UUID");
    assert_refused(&layout, "ctime=now", VC_ERROR_USAGE, "option ctime: 'now'");
    assert_refused(&layout, "ctime=-1", VC_ERROR_USAGE, "option ctime: '-1'");
    assert_refused(&layout, "cluster_size=1M", VC_ERROR_USAGE, "has no option");
    vc_layout_clear(&layout);
}
END_TEST

START_TEST(uuid_and_time_come_from_the_identity)
{
    g_autoptr(VcFile) first = vc_memory_file("a"), second = vc_memory_file("b"),
                      other = vc_memory_file("c");
    VcLayout layout = one_disk(512), larger = one_disk(1024);
    g_autoptr(VcSink) a = create(first, &layout, "", NULL),
                      b = create(second, &layout, "", NULL),
                      c = create(other, &larger, "", NULL);
    ck_assert(vc_sink_finish(a, NULL) && vc_sink_finish(b, NULL) &&
              vc_sink_finish(c, NULL));
    g_autoptr(GByteArray) x = bytes_of(first), y = bytes_of(second),
                          z = bytes_of(other);
    assert_same(x, y);
    ck_assert_mem_ne(x->data + 8, z->data + 8, 16);
    ck_assert_mem_eq(x->data + 24, "\0\0\0\0\x49\x96\x02\xd2", 8);
    vc_layout_clear(&layout);
    vc_layout_clear(&larger);
}
END_TEST

START_TEST(names_that_are_missing_or_twice_are_dealt_with)
{
    g_autoptr(VcFile) file = vc_memory_file("m");
    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "", 512);
    vc_layout_add_disk(&layout, "", 512);
    vc_layout_add_disk(&layout, "disk1", 512);
    g_autoptr(VcSink) sink = create_well(file, &layout);
    ck_assert_str_eq(sink->layout.disks[0].name, "disk0");
    ck_assert_str_eq(sink->layout.disks[1].name, "disk1");
    ck_assert_uint_eq(sink->warnings->len, 1);
    ck_assert_str_eq(
        sink->warnings->pdata[0],
        "two disks are called disk1; Proxmox cannot restore such an archive");
    vc_layout_clear(&layout);
}
END_TEST

START_TEST(disks_up_to_254_fit)
{
    VcLayout layout = { 0 };
    for (unsigned i = 0; i < 254; i++)
        vc_layout_add_disk(&layout, "", 65536);
    g_autoptr(GByteArray) archive = empty_archive(&layout);
    g_autoptr(VcSource) source = vc_format_open(
        &vc_format_vma, vc_memory_file_from("m", archive->data, archive->len), NULL,
        NULL);
    VcExtent e;
    unsigned n = 0;
    while (vc_source_next(source, &e, NULL) && e.kind != VC_END)
        ck_assert_uint_eq(e.disk, n++);
    ck_assert_uint_eq(n, 254);
    vc_layout_clear(&layout);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vma/compose");
    TCase *tests = tcase_create("compose");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, disks_that_an_archive_cannot_hold_are_refused);
    tcase_add_test(tests, headers_beyond_the_limits_are_refused);
    tcase_add_test(tests, wrong_options_are_refused);
    tcase_add_test(tests, uuid_and_time_come_from_the_identity);
    tcase_add_test(tests, names_that_are_missing_or_twice_are_dealt_with);
    tcase_add_test(tests, disks_up_to_254_fit);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
