/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of files that do not end with their footer. */
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

int
main(void)
{
    Suite *suite = suite_create("vpc/trailer");
    TCase *tests = tcase_create("trailer");
    tcase_set_timeout(tests, 60); /* slow under sanitizers */
    tcase_add_test(tests, padding_behind_the_footer_is_passed_over);
    tcase_add_test(tests, more_padding_is_not_searched);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
