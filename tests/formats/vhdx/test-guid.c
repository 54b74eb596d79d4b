/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of GUIDs. */
#include "formats/vhdx/guid.h"
#include "tests/check-main.h"

#include <string.h>

START_TEST(the_bat_region_has_the_bytes_of_windows)
{
    static const uint8_t bytes[16] = { 0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42,
                                       0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08 };
    ck_assert_mem_eq(vhdx_guid_bat.bytes, bytes, 16);
}
END_TEST

START_TEST(a_guid_prints_as_it_is_known)
{
    char text[VHDX_GUID_TEXT_SIZE];
    vhdx_guid_format(&vhdx_guid_metadata, text);
    ck_assert_str_eq(text, "8b7ca206-4790-4b9a-b8fe-575f050f886e");
}
END_TEST

START_TEST(text_parses_in_either_case_with_or_without_braces)
{
    static const char *const texts[] = {
        "2dc27766-f623-4200-9d64-115e9bfd4a08",
        "2DC27766-F623-4200-9D64-115E9BFD4A08",
        "{2dc27766-f623-4200-9d64-115e9bfd4a08}",
        "{2DC27766-f623-4200-9D64-115e9bfd4a08}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        VhdxGuid guid = { { 0 } };
        ck_assert_msg(vhdx_guid_parse(texts[i], &guid), "%s", texts[i]);
        ck_assert(vhdx_guid_equal(&guid, &vhdx_guid_bat));
    }
}
END_TEST

START_TEST(other_text_is_no_guid)
{
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "2dc27766-f623-4200-9d64-115e9bfd4a0",
        "2dc27766-f623-4200-9d64-115e9bfd4a088",
        "2dc27766f62342009d64115e9bfd4a08",
        "{2dc27766-f623-4200-9d64-115e9bfd4a08",
        "2dc27766-f623-4200-9d64-115e9bfd4a08}",
        "2dc27766-f623-4200-9d64-115e9bfd4a0g",
        "2dc27766-f623-4200-9d64-115e9bfd4ag0",
        " 2dc27766-f623-4200-9d64-115e9bfd4a08",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        VhdxGuid guid;
        ck_assert_msg(!vhdx_guid_parse(texts[i], &guid), "%s", texts[i]);
    }
}
END_TEST

START_TEST(a_guid_made_from_a_uuid_prints_like_it)
{
    static const uint8_t uuid[16] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                      0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
    char text[VHDX_GUID_TEXT_SIZE];
    VhdxGuid guid = vhdx_guid_from_uuid(uuid);
    vhdx_guid_format(&guid, text);
    ck_assert_str_eq(text, "00112233-4455-6677-8899-aabbccddeeff");
    ck_assert(!vhdx_guid_is_zero(&guid));
    memset(guid.bytes, 0, 16);
    ck_assert(vhdx_guid_is_zero(&guid));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/guid");
    TCase *tests = tcase_create("guid");
    tcase_add_test(tests, the_bat_region_has_the_bytes_of_windows);
    tcase_add_test(tests, a_guid_prints_as_it_is_known);
    tcase_add_test(tests, text_parses_in_either_case_with_or_without_braces);
    tcase_add_test(tests, other_text_is_no_guid);
    tcase_add_test(tests, a_guid_made_from_a_uuid_prints_like_it);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
