/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of damaged and hostile headers of archives. */
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/formats/vma/saying.h"

#include <string.h>

/* Patches the fixed header at AT with a big-endian VALUE of 4 bytes, mended. */
static void
assert_patched(guint at, uint32_t value, int code, const char *text)
{
    g_autoptr(GByteArray) archive = small_archive();
    value = GUINT32_TO_BE(value);
    memcpy(archive->data + at, &value, 4);
    build_mend_header(archive->data, 12800);
    assert_says(archive, code, text);
}

START_TEST(wrong_fields_of_the_header_are_named)
{
    assert_patched(0, 0x564d4201, VC_ERROR_CORRUPT,
                   "it begins with 0x564d4201, expected");
    assert_patched(4, 0, VC_ERROR_UNSUPPORTED, "VMA version 0");
    assert_patched(4, 2, VC_ERROR_UNSUPPORTED, "VMA version 2");
    assert_patched(48, 0, VC_ERROR_CORRUPT, "at 0x0 is not inside 0x3000..0x3200");
    assert_patched(48, 12287, VC_ERROR_CORRUPT, "at 0x2fff is not inside");
    assert_patched(48, 12800, VC_ERROR_CORRUPT, "at 0x3200 is not inside");
    assert_patched(48, UINT32_MAX, VC_ERROR_CORRUPT, "at 0xffffffff is not inside");
    assert_patched(48, UINT32_MAX - 10, VC_ERROR_CORRUPT, "is not inside");
    assert_patched(52, 513, VC_ERROR_CORRUPT, "the blob buffer of 513 bytes");
    assert_patched(52, UINT32_MAX, VC_ERROR_CORRUPT, "the blob buffer of 4294967295");
    assert_patched(56, 0, VC_ERROR_CORRUPT, "the archive header has 0 bytes");
    assert_patched(56, 12288, VC_ERROR_CORRUPT, "the archive header has 12288 bytes");
    assert_patched(56, 1 << 24, VC_ERROR_SHORT, "archive header of 16777216 bytes: ");
    assert_patched(56, (1 << 24) + 1, VC_ERROR_LIMIT, "claims 16777217 bytes");
    assert_patched(56, 0x80002fff, VC_ERROR_LIMIT, "claims 2147495935 bytes");
    assert_patched(24, 0x80000000, ACCEPTED, "the creation time, -92233720");
}
END_TEST

START_TEST(wrong_pointers_of_the_header_are_named)
{
    /* Blobs are at 1 (17 bytes), 20 (8), 30 (2), 34 (2). */
    assert_patched(2044, 2, VC_ERROR_CORRUPT, "config 0: its name pointer 0x2 is not");
    assert_patched(2044, 0xffffff, VC_ERROR_CORRUPT,
                   "config 0: its name pointer 0xffffff");
    assert_patched(3068, 19, VC_ERROR_CORRUPT,
                   "config 0: its data pointer 0x13 is not");
    assert_patched(3068, UINT32_MAX, VC_ERROR_CORRUPT, "data pointer 0xffffffff");
    assert_patched(2044, 0, ACCEPTED, "config 0 has no name and was left out");
    assert_patched(3068, 0, ACCEPTED, "config 0 has no data and was left out");
    assert_patched(3068, 1, ACCEPTED, NULL); /* two pointers to one blob */
    assert_patched(2044, 20, VC_ERROR_CORRUPT,
                   "config 0: its name of 8 bytes has no NUL at its end at 0x7fc");
    assert_patched(4096 + 32, 0, VC_ERROR_CORRUPT,
                   "device 1: its name pointer 0x0 is not");
    assert_patched(4096 + 32, 31, VC_ERROR_CORRUPT, "device 1: its name pointer 0x1f");
    assert_patched(4096 + 32, 20, VC_ERROR_CORRUPT,
                   "device 1: its name of 8 bytes has no");
    assert_patched(4096, 77, ACCEPTED, NULL);            /* device 0 and */
    assert_patched(4096 + 32 * 255, 77, ACCEPTED, NULL); /* 255 mean nothing */
    assert_patched(4096 + 32 * 9, 30, ACCEPTED, "device 9 has a name but size 0");
}
END_TEST

START_TEST(a_name_of_no_bytes_is_refused)
{
    Build build;
    build_init(&build);
    build_raw_device(&build, 1, build_blob(&build, "", 0), 512);
    assert_built(&build, VC_ERROR_CORRUPT, "device 1: its name of 0 bytes has no NUL");
}
END_TEST

START_TEST(a_name_with_a_nul_inside_is_cut_with_a_warning)
{
    Build build;
    build_init(&build);
    build_raw_device(&build, 1, build_blob(&build, "good\0hidden", 12), 512);
    build_begin(&build);
    build_slot(&build, 1, 0, 0, NULL);
    build_end(&build);
    assert_built(&build, ACCEPTED, "its name has a NUL inside and was cut to 'good'");
}
END_TEST

START_TEST(a_disk_above_the_limit_of_the_format_is_refused)
{
    static const uint64_t sizes[] = { ((uint64_t)1 << 48) + 1, (uint64_t)1 << 62,
                                      UINT64_MAX };
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Build build;
        build_init(&build);
        build_device(&build, 1, "a", sizes[i]);
        assert_built(&build, VC_ERROR_LIMIT, "are the limit of the format");
    }
}
END_TEST

START_TEST(a_disk_of_the_greatest_size_costs_only_what_is_stored)
{
    Build build;
    build_init(&build);
    for (unsigned id = 1; id < 255; id++)
        build_device(&build, id, "a", (uint64_t)1 << 48);
    build_begin(&build);
    for (uint32_t i = 0; i < 59; i++)
        build_slot(&build, i + 1, UINT32_MAX - i, 0x8000, NULL);
    build_end(&build);
    assert_built(&build, VC_ERROR_CORRUPT,
                 "a: 4294967295 of 4294967296 clusters are missing, first cluster 0");
}
END_TEST

START_TEST(a_size_that_is_no_multiple_of_512_is_kept_with_a_warning)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "a", 100);
    build_begin(&build);
    build_slot(&build, 1, 0, 1, NULL);
    build_end(&build);
    assert_built(&build, ACCEPTED,
                 "the size of a, 100 bytes, is not a multiple of 512");
}
END_TEST

START_TEST(control_characters_of_names_are_escaped_in_messages)
{
    Build build;
    build_init(&build);
    build_device(&build, 1, "dr\303\257ve\n\033[31m\377", 512);
    assert_built(&build, VC_ERROR_CORRUPT,
                 "dr\303\257ve\\x0a\\x1b[31m\\xff: 1 of 1 clusters are missing");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vma/header");
    TCase *header = tcase_create("header");
    tcase_set_timeout(header, 120);
    tcase_add_test(header, wrong_fields_of_the_header_are_named);
    tcase_add_test(header, wrong_pointers_of_the_header_are_named);
    tcase_add_test(header, a_name_of_no_bytes_is_refused);
    tcase_add_test(header, a_name_with_a_nul_inside_is_cut_with_a_warning);
    tcase_add_test(header, a_disk_above_the_limit_of_the_format_is_refused);
    tcase_add_test(header, a_disk_of_the_greatest_size_costs_only_what_is_stored);
    tcase_add_test(header, a_size_that_is_no_multiple_of_512_is_kept_with_a_warning);
    tcase_add_test(header, control_characters_of_names_are_escaped_in_messages);
    suite_add_tcase(suite, header);
    return run_suite(suite);
}
