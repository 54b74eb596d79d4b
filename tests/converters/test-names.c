/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the names that archives bring. */
#include "converters/names.h"
#include "tests/check-main.h"

#include <string.h>

/* The first name that an empty directory gives for NAME. */
static char *
first_name(const char *prefix, const char *name, const char *suffix, bool *renamed)
{
    g_autoptr(VcNames) names = vc_names_new();
    return vc_names_take(names, prefix, name, suffix, renamed);
}

static const struct {
    const char *name, *file;
} unsafe[] = {
    { "", "_" },
    { ".", "_" },
    { "..", "_." },
    { "../../evil", "_._.._evil" },
    { "/etc/passwd", "_etc_passwd" },
    { "a\\b", "a_b" },
    { "-rf", "_rf" },
    { ".profile", "_profile" },
    { "a\nDEV: dev_id=1", "a_DEV: dev_id=1" },
    { "\033[2J", "_[2J" },
    { "\x7f", "_" },
    { "\xc2\x9b"
      "31m",
      "_31m" }, /* U+009B, one-character CSI */
    { "a\xe2\x80\xae"
      "b",
      "a_b" }, /* U+202E, right-to-left override */
    { "a\xe2\x80\xa8"
      "b",
      "a_b" }, /* U+2028, line separator */
    { "a\xff\xfe", "a__" },
    { "a\xc3", "a_" },         /* ends inside a character */
    { "\xc0\xaf", "__" },      /* '/' in too many bytes */
    { "\xed\xa0\x80", "___" }, /* a surrogate */
};

START_TEST(an_unsafe_name_becomes_one_safe_component)
{
    bool renamed;
    g_autofree char *file = first_name("", unsafe[_i].name, "", &renamed);

    ck_assert_str_eq(file, unsafe[_i].file);
    ck_assert(renamed);
}
END_TEST

START_TEST(a_name_as_proxmox_writes_it_is_kept)
{
    bool renamed;
    g_autofree char *plain = first_name("", "drive-scsi0", ".vhdx", &renamed);
    ck_assert_str_eq(plain, "drive-scsi0.vhdx");
    ck_assert(!renamed);

    g_autofree char *prefixed = first_name("disk-", "drive-scsi0", ".raw", &renamed);
    ck_assert_str_eq(prefixed, "disk-drive-scsi0.raw");
    ck_assert(!renamed);
}
END_TEST

START_TEST(spaces_and_letters_of_any_script_are_kept)
{
    bool renamed;
    g_autofree char *file = first_name("", "Bürö 1: テスト", ".raw", &renamed);

    ck_assert_str_eq(file, "Bürö 1: テスト.raw");
    ck_assert(!renamed);
}
END_TEST

START_TEST(a_prefix_makes_a_leading_mark_harmless)
{
    bool renamed;
    g_autofree char *file = first_name("disk-", "..", ".raw", &renamed);

    ck_assert_str_eq(file, "disk-...raw");
    ck_assert(!renamed);
}
END_TEST

START_TEST(a_name_is_given_once)
{
    g_autoptr(VcNames) names = vc_names_new();
    bool renamed;
    g_autofree char *a = vc_names_take(names, "", "disk", ".raw", &renamed);
    ck_assert(!renamed);
    g_autofree char *b = vc_names_take(names, "", "disk", ".raw", &renamed);
    ck_assert(renamed);
    g_autofree char *c = vc_names_take(names, "", "disk", ".raw", &renamed);

    ck_assert_str_eq(a, "disk.raw");
    ck_assert_str_eq(b, "disk-2.raw");
    ck_assert_str_eq(c, "disk-3.raw");
}
END_TEST

START_TEST(a_numbered_name_that_is_taken_is_passed_over)
{
    g_autoptr(VcNames) names = vc_names_new();
    bool renamed;
    g_autofree char *a = vc_names_take(names, "", "disk-2", ".raw", &renamed);
    g_autofree char *b = vc_names_take(names, "", "disk", ".raw", &renamed);
    g_autofree char *c = vc_names_take(names, "", "disk", ".raw", &renamed);

    ck_assert_str_eq(a, "disk-2.raw");
    ck_assert_str_eq(b, "disk.raw");
    ck_assert_str_eq(c, "disk-3.raw");
}
END_TEST

START_TEST(a_config_cannot_take_the_name_of_a_disk)
{
    g_autoptr(VcNames) names = vc_names_new();
    bool renamed;
    g_autofree char *disk = vc_names_take(names, "disk-", "a", ".raw", &renamed);
    g_autofree char *config = vc_names_take(names, "", "disk-a.raw", "", &renamed);

    ck_assert_str_eq(disk, "disk-a.raw");
    ck_assert_str_eq(config, "disk-a.raw-2");
    ck_assert(renamed);
}
END_TEST

START_TEST(names_that_differ_in_case_only_are_kept_apart)
{
    g_autoptr(VcNames) names = vc_names_new();
    bool renamed;
    g_autofree char *a = vc_names_take(names, "", "Äpfel", "", &renamed);
    g_autofree char *b = vc_names_take(names, "", "äpfel", "", &renamed);
    g_autofree char *c = vc_names_take(names, "", "a\xcc\x88pfel", "", &renamed);

    ck_assert_str_eq(a, "Äpfel");
    ck_assert_str_eq(b, "äpfel-2");
    ck_assert_str_eq(c, "a\xcc\x88pfel-3");
}
END_TEST

START_TEST(a_long_name_is_cut_between_characters)
{
    g_autoptr(VcNames) names = vc_names_new();
    g_autoptr(GString) longest = g_string_new("a");
    while (longest->len < 400)
        g_string_append(longest, "é");

    bool renamed;
    g_autofree char *a = vc_names_take(names, "", longest->str, ".vhdx", &renamed);
    ck_assert(renamed);
    ck_assert_uint_le(strlen(a), 255);
    ck_assert_uint_ge(strlen(a), 254);
    ck_assert(g_utf8_validate(a, -1, NULL));
    ck_assert(g_str_has_suffix(a, "é.vhdx"));

    g_autofree char *b = vc_names_take(names, "", longest->str, ".vhdx", &renamed);
    ck_assert_uint_le(strlen(b), 255);
    ck_assert(g_str_has_suffix(b, "é-2.vhdx"));
}
END_TEST

static const struct {
    const char *text, *shown;
} shown[] = {
    { "plain text, ümlaut, テ", "plain text, ümlaut, テ" },
    { "\033[31mred", "\\x1b[31mred" },
    { "two\nlines\r\t", "two\\x0alines\\x0d\\x09" },
    { "\x7f", "\\x7f" },
    { "\xc2\x85", "\\x85" },
    { "\xe2\x80\xa8\xe2\x80\xae", "\\u2028\\u202e" },
    { "\xf3\xa0\x81\x81", "\\U000e0041" },
    { "\xff\xc3", "\\xff\\xc3" },
    { "C:\\disks", "C:\\disks" },
};

START_TEST(text_for_the_terminal_is_one_line_without_controls)
{
    g_autofree char *text = vc_printable(shown[_i].text);
    ck_assert_str_eq(text, shown[_i].shown);
}
END_TEST

START_TEST(json_for_the_terminal_is_escaped_and_says_the_same)
{
    g_autofree char *text = vc_printable_json(
        "{\n\"\\u001b\": \"\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81 ümlaut "
        "\xf0\x9f\x98\x80\"\n}");
    ck_assert_str_eq(text, "{\n\"\\u001b\": \"\\u009b\\u202e\\udb40\\udc41 ümlaut "
                           "\xf0\x9f\x98\x80\"\n}");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/names");
    TCase *tests = tcase_create("names");
    tcase_add_loop_test(tests, an_unsafe_name_becomes_one_safe_component, 0,
                        G_N_ELEMENTS(unsafe));
    tcase_add_test(tests, a_name_as_proxmox_writes_it_is_kept);
    tcase_add_test(tests, spaces_and_letters_of_any_script_are_kept);
    tcase_add_test(tests, a_prefix_makes_a_leading_mark_harmless);
    tcase_add_test(tests, a_name_is_given_once);
    tcase_add_test(tests, a_numbered_name_that_is_taken_is_passed_over);
    tcase_add_test(tests, a_config_cannot_take_the_name_of_a_disk);
    tcase_add_test(tests, names_that_differ_in_case_only_are_kept_apart);
    tcase_add_test(tests, a_long_name_is_cut_between_characters);
    tcase_add_loop_test(tests, text_for_the_terminal_is_one_line_without_controls, 0,
                        G_N_ELEMENTS(shown));
    tcase_add_test(tests, json_for_the_terminal_is_escaped_and_says_the_same);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
