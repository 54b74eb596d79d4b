/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of which footer counts, and of fixed disks that are none. */
#include "tests/formats/vpc/image.h"

static void
refuses(VcFile *file, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = open_vpc(file, "", &error);
    ck_assert_ptr_null(source);
    assert_error(error, VC_ERROR_CORRUPT);
    if (!strstr(error->message, words))
        ck_abort_msg("%s", error->message);
}

START_TEST(a_dynamic_disk_that_is_called_fixed_is_refused)
{
    VcFile *file = make_image("");
    VpcFooter footer = get_footer(file);
    footer.type = VPC_FIXED;
    set_footer(file, &footer);
    refuses(file, "but there is the header of a dynamic one");
}
END_TEST

/* Where the disk ends would be a guess. */
START_TEST(zeros_behind_a_fixed_disk_that_are_no_padding_are_refused)
{
    static const uint64_t zeros[] = { 1, 512, 1024 };
    for (size_t i = 0; i < G_N_ELEMENTS(zeros); i++) {
        VcFile *file = make_image("subformat=fixed");
        ck_assert_uint_ne((file_size(file) + zeros[i]) % 4096, 0);
        vc_file_truncate(file, file_size(file) + zeros[i], NULL);
        refuses(file, "and not as padding");
    }
}
END_TEST

START_TEST(the_footer_of_a_fixed_disk_at_the_beginning_of_a_file_is_payload)
{
    VcFile *fixed = make_image("subformat=fixed");
    VpcFooter footer = get_footer(fixed);
    uint8_t raw[VPC_FOOTER_SIZE];
    vpc_footer_encode(&footer, raw);
    vc_file_write(fixed, 0, raw, sizeof raw, NULL);
    vc_file_truncate(fixed, file_size(fixed) - VPC_FOOTER_SIZE, NULL);
    vc_file_write(fixed, file_size(fixed) - 1, "x", 1, NULL);
    refuses(fixed, "no VHD footer");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vpc/footers");
    TCase *tests = tcase_create("footers");
    tcase_set_timeout(tests, 60); /* slow under sanitizers */
    tcase_add_test(tests, a_dynamic_disk_that_is_called_fixed_is_refused);
    tcase_add_test(tests, zeros_behind_a_fixed_disk_that_are_no_padding_are_refused);
    tcase_add_test(tests,
                   the_footer_of_a_fixed_disk_at_the_beginning_of_a_file_is_payload);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
