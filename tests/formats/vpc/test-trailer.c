/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of files that do not end with their footer. */
#include "tests/formats/vpc/findings.h"
#include "tests/formats/vpc/image.h"

#include "io/bytes.h"

START_TEST(padding_behind_the_footer_is_passed_over)
{
    static const char *const options[] = { "subformat=dynamic", "subformat=fixed" };
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        for (uint64_t unit = 4096; unit <= 1 << 20; unit *= 2) {
            g_autoptr(GError) error = NULL;
            VcFile *file = make_image(options[i]);
            uint64_t size;
            vc_round_up(file_size(file) + 1, unit, &size);
            vc_file_truncate(file, size, NULL);
            g_autoptr(VcSource) source = open_vpc(file, "", &error);
            assert_no_error(error);
            ck_assert(warned(source, "zero bytes follow the footer"));
            check_content(source);
        }
    }
}
END_TEST

START_TEST(more_padding_is_not_searched)
{
    for (unsigned more = 0; more <= 4096; more += 4096) {
        g_autoptr(GError) error = NULL;
        VcFile *file = vc_memory_file("padded");
        g_autoptr(VcSink) sink = create_vpc(file, 3584, "subformat=fixed", NULL);
        ck_assert(vc_sink_finish(sink, NULL));
        vc_file_truncate(file, 4096 + (1 << 20) + more, NULL);
        g_autoptr(VcSource) source = open_vpc(file, "", &error);
        ck_assert((source != NULL) == (more == 0));
        ck_assert(more == 0 || g_error_matches(error, VC_ERROR, VC_ERROR_CORRUPT));
    }
}
END_TEST

/* As on a device: LENGTH bytes follow the image in FILE, zeros or what was there. */
static VcFile *
make_longer(VcFile *file, uint64_t length, uint8_t byte)
{
    g_autofree uint8_t *bytes = g_malloc(length);
    memset(bytes, byte, length);
    vc_file_write(file, file_size(file), bytes, length, NULL);
    return file;
}

static VcFile *
make_empty(void)
{
    VcFile *file = vc_memory_file("empty");
    g_autoptr(VcSink) sink = create_vpc(file, IMAGE_SIZE, "block_size=64k", NULL);
    ck_assert(vc_sink_finish(sink, NULL));
    return file;
}

START_TEST(the_footer_of_an_image_on_a_longer_device_is_behind_the_last_block)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        VcFile *file = make_longer(make_image(""), 3 << 20, i ? 0x55 : 0);
        g_autoptr(VcSource) source = open_vpc(file, "", &error);
        assert_no_error(error);
        ck_assert_uint_eq(source->warnings->len, 1);
        ck_assert(warned(source, "3145728 bytes follow the footer behind the last"));
        check_content(source);
        expect(make_longer(make_image(""), 3 << 20, i ? 0x55 : 0), VC_FINDING_WARNING,
               "3145728 bytes follow the footer", 1);
        expect(make_longer(make_empty(), (3 << 20) + 77, i ? 0x55 : 0),
               VC_FINDING_WARNING, "3145805 bytes follow the footer", 1);
    }
}
END_TEST

/* Checks FILE, which is taken, and expects that its footer is not found. */
static void
expect_lost(VcFile *file)
{
    g_autoptr(GError) error = NULL;
    VcReport report;
    vc_report_init(&report);
    ck_assert(vc_format_vpc.check(file, &report, &error));
    assert_no_error(error);
    ck_assert_uint_eq(count(&report, VC_FINDING_CORRUPT, "the footer at the end is"),
                      1);
    vc_report_clear(&report);
    vc_file_free(file);
}

/* What was cut, or not wholly downloaded, stays damaged: there is no footer, one that
 * is not whole or is another, or there are blocks behind it. */
START_TEST(another_footer_behind_the_last_block_is_none)
{
    VcFile *file = make_image("");
    vc_file_zero(file, file_size(file) - 512, 512, NULL);
    expect_lost(make_longer(file, 3 << 20, 0));

    file = make_image("");
    vc_file_write(file, file_size(file) - 300, "x", 1, NULL);
    expect_lost(make_longer(file, 3 << 20, 0));

    uint8_t raw[512];
    file = make_image("");
    VpcFooter footer = get_footer(file);
    footer.timestamp++;
    vpc_footer_encode(&footer, raw);
    vc_file_write(file, 0, raw, 512, NULL);
    expect_lost(make_longer(file, 3 << 20, 0));

    for (unsigned cut = 0; cut < 2; cut++) {
        file = make_longer(make_image(""), 3 << 20, 0);
        store_be32(raw, (uint32_t)((file_size(file) - (cut ? 4096 : 1 << 20)) / 512));
        vc_file_write(file, 1536, raw, 4, NULL);
        expect_lost(file);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/trailer");
    TCase *tests = tcase_create("trailer");
    tcase_set_timeout(tests, 60); /* slow under sanitizers */
    tcase_add_test(tests, padding_behind_the_footer_is_passed_over);
    tcase_add_test(tests, more_padding_is_not_searched);
    tcase_add_test(tests,
                   the_footer_of_an_image_on_a_longer_device_is_behind_the_last_block);
    tcase_add_test(tests, another_footer_behind_the_last_block_is_none);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
