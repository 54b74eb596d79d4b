/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the parent locator. */
#include "formats/vhdx/locator.h"
#include "io/bytes.h"
#include "io/error.h"
#include "tests/check-main.h"

#define LINKAGE "{2dc27766-f623-4200-9d64-115e9bfd4a08}"
#define LINKAGE2 "{8b7ca206-4790-4b9a-b8fe-575f050f886e}"

static const uint8_t type[16] = { 0xb7, 0xef, 0x4a, 0xb0, 0x9e, 0xd1, 0x81, 0x4a,
                                  0xb7, 0x89, 0x25, 0xb8, 0xe9, 0x44, 0x59, 0x13 };

static uint8_t raw[4096];
static size_t length;
static unsigned pairs;

/* Room for eight pairs, then text. */
#define TEXT (20 + 8 * 12)

static void
begin(void)
{
    memset(raw, 0, sizeof raw);
    memcpy(raw, type, 16);
    length = TEXT;
    pairs = 0;
}

static void
add_text(const char *text, size_t pair_offset, size_t pair_length)
{
    uint8_t *pair = raw + 20 + pairs * 12;
    glong units;
    g_autofree gunichar2 *utf16 = g_utf8_to_utf16(text, -1, NULL, &units, NULL);
    store_le32(pair + pair_offset, (uint32_t)length);
    store_le16(pair + pair_length, (uint16_t)(units * 2));
    for (glong i = 0; i < units; i++, length += 2)
        store_le16(raw + length, utf16[i]);
}

static void
add(const char *key, const char *value)
{
    add_text(key, 0, 8);
    add_text(value, 4, 10);
    store_le16(raw + 18, (uint16_t)++pairs);
}

static void
refuses(VcError code)
{
    g_autoptr(GError) error = NULL;
    g_auto(VhdxLocator) locator = { 0 };
    /* Of exactly its size, so that reading beyond is seen. */
    g_autofree uint8_t *copy = g_memdup2(raw, length);
    ck_assert(!vhdx_locator_decode(copy, length, 0, &locator, &error));
    assert_error(error, (int)code);
    ck_assert_ptr_null(locator.paths);
}

static void
decodes(VhdxLocator *locator)
{
    g_autoptr(GError) error = NULL;
    bool ok = vhdx_locator_decode(raw, length, 0, locator, &error);
    assert_no_error(error);
    ck_assert(ok);
}

START_TEST(paths_come_in_the_order_of_the_specification)
{
    g_auto(VhdxLocator) locator;
    begin();
    add("absolute_win32_path", "\\\\?\\c:\\vm\\b\xc3\xa4se.vhdx");
    add("volume_path",
        "\\\\?\\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\\base.vhdx");
    add("relative_path", "..\\base.vhdx");
    add("parent_linkage", LINKAGE);
    decodes(&locator);
    ck_assert_str_eq(locator.paths[0], "../base.vhdx");
    ck_assert_str_eq(locator.paths[1],
                     "//?/Volume{26a21bda-a627-11d7-9931-806e6f6e6963}/base.vhdx");
    ck_assert_str_eq(locator.paths[2], "c:/vm/b\xc3\xa4se.vhdx");
    ck_assert_ptr_null(locator.paths[3]);
    ck_assert(!locator.odd_linkage);
}
END_TEST

START_TEST(a_network_path_loses_its_extended_prefix)
{
    g_auto(VhdxLocator) locator;
    begin();
    add("absolute_win32_path", "\\\\?\\UNC\\host\\share\\base.vhdx");
    add("parent_linkage", LINKAGE);
    decodes(&locator);
    ck_assert_str_eq(locator.paths[0], "//host/share/base.vhdx");
}
END_TEST

START_TEST(unknown_keys_are_left_out)
{
    g_auto(VhdxLocator) locator;
    begin();
    add("colour", "blue");
    add("parent_linkage", LINKAGE);
    add("relative_path", ".\\base.vhdx");
    decodes(&locator);
    ck_assert_str_eq(locator.paths[0], "./base.vhdx");
    ck_assert_ptr_null(locator.paths[1]);
}
END_TEST

/* Their pairs may be many, and all of them name one long text. */
START_TEST(texts_of_unknown_keys_are_not_even_decoded)
{
    g_auto(VhdxLocator) locator;
    begin();
    add("parent_linkage", LINKAGE);
    add("relative_path", "x");
    size_t key = length;
    add("c", "blue");
    store_le16(raw + key, 0xd800);
    store_le16(raw + key + 2, 0xd800);
    decodes(&locator);
    ck_assert_str_eq(locator.paths[0], "x");
    ck_assert_ptr_null(locator.paths[1]);
}
END_TEST

START_TEST(a_key_is_known_only_as_a_whole)
{
    static const char *const others[] = { "relative_pat", "relative_path_",
                                          "Relative_path",
                                          "relative_pat\xc5\xa8" /* U+0168 */ };
    for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
        begin();
        add("parent_linkage", LINKAGE);
        add(others[i], "x");
        refuses(VC_ERROR_CORRUPT);
    }
}
END_TEST

START_TEST(either_linkage_is_accepted)
{
    g_auto(VhdxLocator) locator;
    begin();
    add("parent_linkage", LINKAGE);
    add("parent_linkage2", LINKAGE2);
    add("relative_path", "x");
    decodes(&locator);
    ck_assert(vhdx_locator_accepts(&locator, LINKAGE));
    ck_assert(vhdx_locator_accepts(&locator, LINKAGE2));
    ck_assert(
        !vhdx_locator_accepts(&locator, "{00000000-0000-0000-0000-000000000000}"));
    ck_assert(
        !vhdx_locator_accepts(&locator, "{2dc27766-f623-4200-9d64-115e9bfd4a09}"));
    ck_assert(!vhdx_locator_accepts(&locator, ""));
}
END_TEST

START_TEST(linkages_are_compared_by_their_digits)
{
    g_auto(VhdxLocator) locator;
    begin();
    add("parent_linkage", "2DC27766-F623-4200-9D64-115E9BFD4A08");
    add("relative_path", "x");
    decodes(&locator);
    ck_assert(locator.odd_linkage);
    ck_assert(vhdx_locator_accepts(&locator, LINKAGE));
    ck_assert(vhdx_locator_accepts(&locator, "2dc27766f62342009d64115e9bfd4a08"));
    ck_assert(!vhdx_locator_accepts(&locator, "2dc27766f62342009d64115e9bfd4a0"));
    ck_assert(!vhdx_locator_accepts(&locator, "2dc27766f62342009d64115e9bfd4a088"));
}
END_TEST

START_TEST(another_type_is_not_supported)
{
    begin();
    add("parent_linkage", LINKAGE);
    add("relative_path", "x");
    raw[3] ^= 1;
    refuses(VC_ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(a_locator_needs_linkage_and_path)
{
    begin();
    add("parent_linkage", LINKAGE);
    refuses(VC_ERROR_CORRUPT);
    begin();
    add("relative_path", "x");
    refuses(VC_ERROR_CORRUPT);
    begin();
    add("parent_linkage", "{2dc27766-f623-4200-9d64-115e9bfd4a0}");
    add("relative_path", "x");
    refuses(VC_ERROR_CORRUPT);
    begin();
    refuses(VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(a_second_linkage_that_is_none_is_corrupt)
{
    begin();
    add("parent_linkage", LINKAGE);
    add("parent_linkage2", "{2dc27766}");
    add("relative_path", "x");
    refuses(VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(a_key_twice_is_corrupt)
{
    begin();
    add("parent_linkage", LINKAGE);
    add("relative_path", "x");
    add("parent_linkage", LINKAGE2);
    refuses(VC_ERROR_CORRUPT);
}
END_TEST

START_TEST(keys_and_values_lie_in_the_item_and_are_utf_16)
{
    static const struct {
        unsigned at, bytes;
        uint32_t value;
    } fields[] = {
        { 20, 4, 4096 },     { 20, 4, 0xffffffff },
        { 24, 4, 4096 },     { 24, 4, 0xfffffffe },
        { 28, 2, 0 },        { 28, 2, 27 },
        { 28, 2, 0xfffe },   { 30, 2, 0 },
        { 30, 2, 75 },       { 30, 2, 0xfffe },
        { 18, 2, 0xffff },   { TEXT, 2, 0xd800 },
        { TEXT + 4, 2, 0 },  { TEXT + 28, 2, 0xd800 },
        { TEXT + 30, 2, 0 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
        uint8_t value[4];
        begin();
        add("parent_linkage", LINKAGE);
        add("relative_path", "x");
        store_le32(value, fields[i].value);
        memcpy(raw + fields[i].at, value, fields[i].bytes);
        refuses(VC_ERROR_CORRUPT);
    }
}
END_TEST

START_TEST(every_truncation_is_corrupt)
{
    begin();
    add("parent_linkage", LINKAGE);
    add("relative_path", "x");
    for (length--; length > 0; length--)
        refuses(VC_ERROR_CORRUPT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vhdx/locator");
    TCase *tests = tcase_create("locator");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, paths_come_in_the_order_of_the_specification);
    tcase_add_test(tests, a_network_path_loses_its_extended_prefix);
    tcase_add_test(tests, unknown_keys_are_left_out);
    tcase_add_test(tests, texts_of_unknown_keys_are_not_even_decoded);
    tcase_add_test(tests, a_key_is_known_only_as_a_whole);
    tcase_add_test(tests, either_linkage_is_accepted);
    tcase_add_test(tests, linkages_are_compared_by_their_digits);
    tcase_add_test(tests, another_type_is_not_supported);
    tcase_add_test(tests, a_locator_needs_linkage_and_path);
    tcase_add_test(tests, a_second_linkage_that_is_none_is_corrupt);
    tcase_add_test(tests, a_key_twice_is_corrupt);
    tcase_add_test(tests, keys_and_values_lie_in_the_item_and_are_utf_16);
    tcase_add_test(tests, every_truncation_is_corrupt);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
