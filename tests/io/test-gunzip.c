/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of gzip files; built once for each inflater. */
#include "io/bytes.h"
#include "tests/check-main.h"
#include "tests/io/packed.h"
#include "tests/io/pattern.h"

#include <zlib.h>

#define GZIP VC_COMPRESSION_GZIP

/* `printf 'hello, hello, hello\n' | gzip -n9`. */
static const uint8_t golden[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
    0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0x40, 0xa2,
    0xb8, 0x00, 0xe7, 0x42, 0x6e, 0x52, 0x14, 0x00, 0x00, 0x00,
};
#define HELLO "hello, hello, hello\n"

/* Appends a member; with all optional fields of the header if FULL. */
static void
add_member(GByteArray *to, const void *data, size_t length, int level, bool full)
{
    z_stream z = { 0 };
    gz_header header = { .extra = (Bytef *)"extra field",
                         .extra_len = 11,
                         .name = (Bytef *)"a name",
                         .comment = (Bytef *)"and a comment",
                         .hcrc = 1 };
    ck_assert_int_eq(deflateInit2(&z, level, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY),
                     Z_OK);
    if (full)
        deflateSetHeader(&z, &header);
    size_t room = deflateBound(&z, length) + 100, at = to->len;
    g_byte_array_set_size(to, (guint)(at + room));
    z.next_in = (Bytef *)data;
    z.avail_in = (uInt)length;
    z.next_out = to->data + at;
    z.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    g_byte_array_set_size(to, (guint)(at + room - z.avail_out));
    deflateEnd(&z);
}

START_TEST(the_golden_bytes_are_read)
{
    assert_unpacks_to(golden, sizeof golden, GZIP, HELLO, strlen(HELLO));
}
END_TEST

START_TEST(all_fields_of_the_header_are_passed_over)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();
    add_member(packed, HELLO, strlen(HELLO), 6, true);
    assert_unpacks_to(packed->data, packed->len, GZIP, HELLO, strlen(HELLO));
}
END_TEST

START_TEST(every_cut_is_short)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();
    add_member(packed, HELLO, strlen(HELLO), 6, true);
    size_t whole = packed->len;
    add_member(packed, HELLO, strlen(HELLO), 0, false);
    add_member(packed, HELLO, strlen(HELLO), 9, true);
    size_t second = packed->len - whole;
    g_autoptr(GByteArray) last = g_byte_array_new();
    add_member(last, HELLO, strlen(HELLO), 9, true);
    assert_cuts_are_short(packed->data, packed->len, GZIP,
                          (size_t[]){ whole, whole + second - last->len }, 2);
}
END_TEST

START_TEST(every_changed_byte_is_found)
{
    g_autofree uint8_t *data = pattern_text(3000, 1);
    g_autoptr(GByteArray) packed = g_byte_array_new();
    add_member(packed, data, 3000, 6, true);
    /* Code lengths of symbols that do not occur may change. */
    size_t header = 10 + 2 + 11 + 7 + 14 + 2;
    assert_flips_are_found(packed->data, packed->len, GZIP, header, packed->len - 8);
}
END_TEST

START_TEST(a_wrong_checksum_or_length_says_where)
{
    uint8_t copy[sizeof golden];
    memcpy(copy, golden, sizeof golden);
    copy[sizeof golden - 8] ^= 1;
    assert_unpack_fails(copy, sizeof copy, GZIP, VC_ERROR_CORRUPT,
                        "gzip checksum is 0x526e42e6, computed 0x526e42e7 at 0x16");
    memcpy(copy, golden, sizeof golden);
    copy[sizeof golden - 1] ^= 1;
    assert_unpack_fails(
        copy, sizeof copy, GZIP, VC_ERROR_CORRUPT,
        "gzip length is 0x01000014, but 0x00000014 bytes came out at 0x1a");
    assert_unpack_fails(golden, 20, GZIP, VC_ERROR_SHORT,
                        "gzip stream ends inside its data at 0x14");
}
END_TEST

START_TEST(what_is_no_gzip_is_refused)
{
    uint8_t copy[sizeof golden];
    assert_unpack_fails("", 0, GZIP, VC_ERROR_SHORT,
                        "gzip stream ends inside a header at 0x0");
    assert_unpack_fails("0123456789", 10, GZIP, VC_ERROR_CORRUPT,
                        "no gzip header at 0x0");
    memcpy(copy, golden, sizeof golden);
    copy[3] = 0x20;
    assert_unpack_fails(copy, sizeof copy, GZIP, VC_ERROR_UNSUPPORTED,
                        "gzip method 8 with flags 0x20 at 0x0 is not known");
    copy[2] = 7;
    copy[3] = 0;
    assert_unpack_fails(copy, sizeof copy, GZIP, VC_ERROR_UNSUPPORTED,
                        "gzip method 7 with flags 0x00 at 0x0 is not known");
}
END_TEST

START_TEST(zeros_may_follow_the_last_member_and_nothing_else)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();
    g_autofree uint8_t *zeros = g_malloc0(1 << 20);
    g_byte_array_append(packed, golden, sizeof golden);
    g_byte_array_append(packed, golden, sizeof golden);
    g_byte_array_append(packed, zeros, 1 << 20);
    assert_unpacks_to(packed->data, packed->len, GZIP, HELLO HELLO, 2 * strlen(HELLO));
    packed->data[packed->len - 1] = 1;
    assert_unpack_fails(packed->data, packed->len, GZIP, VC_ERROR_CORRUPT,
                        "bytes behind the end of the gzip stream at 0x10003b");
    g_byte_array_set_size(packed, 2 * sizeof golden);
    g_byte_array_append(packed, (const uint8_t *)"PK34567890", 10);
    assert_unpack_fails(packed->data, packed->len, GZIP, VC_ERROR_CORRUPT,
                        "bytes behind the end of the gzip stream at 0x3c");
}
END_TEST

START_TEST(members_may_end_anywhere_in_the_buffers)
{
    /* Enough that ends of members, of the input buffer and of the output meet in all
     * ways; some members are empty, some stored, some do not compress. */
    g_autoptr(GByteArray) packed = g_byte_array_new(), data = g_byte_array_new();
    uint32_t x = 1;
    while (packed->len < 2500000) {
        x = x * 1664525u + 1013904223u;
        size_t length = (x >> 12) % 40000 * ((x >> 8) % 3) / 2;
        g_autofree uint8_t *piece = x >> 30 == 0 ? pattern_new(length, x)
                                                 : pattern_text(length, x);
        add_member(packed, piece, length, (int)(x >> 20) % 10, (x >> 10) % 2);
        g_byte_array_append(data, piece, (guint)length);
    }
    assert_unpacks_to(packed->data, packed->len, GZIP, data->data, data->len);
}
END_TEST

START_TEST(much_comes_out_of_little)
{
    size_t length = 50 << 20;
    g_autofree uint8_t *zeros = g_malloc0(length);
    g_autoptr(GByteArray) packed = g_byte_array_new();
    add_member(packed, zeros, length, 9, false);
    ck_assert_uint_lt(packed->len, 100000);
    assert_unpacks_to(packed->data, packed->len, GZIP, zeros, length);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/gunzip");
    TCase *tests = tcase_create("gunzip");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_golden_bytes_are_read);
    tcase_add_test(tests, all_fields_of_the_header_are_passed_over);
    tcase_add_test(tests, every_cut_is_short);
    tcase_add_test(tests, every_changed_byte_is_found);
    tcase_add_test(tests, a_wrong_checksum_or_length_says_where);
    tcase_add_test(tests, what_is_no_gzip_is_refused);
    tcase_add_test(tests, zeros_may_follow_the_last_member_and_nothing_else);
    tcase_add_test(tests, members_may_end_anywhere_in_the_buffers);
    tcase_add_test(tests, much_comes_out_of_little);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
