/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of zstd files. */
#include "tests/check-main.h"
#include "tests/io/packed.h"
#include "tests/io/zstd-made.h"

#define ZSTD VC_COMPRESSION_ZSTD

/* `printf 'hello, hello, hello\n' | zstd`. */
static const uint8_t golden[] = {
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x75, 0x00, 0x00, 0x40, 0x68, 0x65, 0x6c, 0x6c,
    0x6f, 0x2c, 0x20, 0x0a, 0x01, 0x00, 0xe2, 0x8a, 0x11, 0x21, 0x69, 0x9d, 0x87,
};
#define HELLO "hello, hello, hello\n"

START_TEST(the_golden_bytes_are_read)
{
    assert_unpacks_to(golden, sizeof golden, ZSTD, HELLO, strlen(HELLO));
}
END_TEST

START_TEST(frames_of_all_kinds_follow_one_another)
{
    g_autoptr(GByteArray) packed = g_byte_array_new(), data = g_byte_array_new();
    static const size_t lengths[] = { 0,   1,     255,   256,    257,
                                      300, 65791, 65792, 200000, 700000 };
    add_skippable(packed, 0, 0);
    for (uint32_t i = 0; i < 4 * G_N_ELEMENTS(lengths); i++) {
        size_t length = lengths[i / 4];
        g_autofree uint8_t *piece = i % 3 == 0 ? pattern_new(length, i)
                                               : pattern_text(length, i);
        add_frame(packed, piece, length, 17, i & 1, i & 2);
        add_skippable(packed, i % 16, i * 999);
        g_byte_array_append(data, piece, (guint)length);
    }
    assert_unpacks_to(packed->data, packed->len, ZSTD, data->data, data->len);
}
END_TEST

START_TEST(every_cut_is_short)
{
    g_autofree uint8_t *text = pattern_text(2000, 1);
    g_autoptr(GByteArray) packed = g_byte_array_new();
    size_t whole[3];
    add_frame(packed, text, 2000, 17, true, true);
    whole[0] = packed->len;
    add_skippable(packed, 3, 100);
    whole[1] = packed->len;
    add_frame(packed, text, 1000, 17, false, false);
    whole[2] = packed->len;
    add_frame(packed, HELLO, strlen(HELLO), 17, true, false);
    assert_cuts_are_short(packed->data, packed->len, ZSTD, whole, 3);
}
END_TEST

START_TEST(every_changed_byte_is_found_or_changes_nothing)
{
    g_autofree uint8_t *text = pattern_text(3000, 1);
    g_autoptr(GByteArray) packed = g_byte_array_new();
    add_frame(packed, text, 3000, 17, true, true);
    assert_flips_are_found(packed->data, packed->len, ZSTD, 4, packed->len - 4);
    /* Every byte of the checksum itself. */
    for (size_t i = 1; i <= 4; i++) {
        packed->data[packed->len - i] ^= 0x10;
        g_autofree char *message = g_strdup_printf("zstd checksum is wrong at 0x%x",
                                                   packed->len - 4);
        assert_unpack_fails(packed->data, packed->len, ZSTD, VC_ERROR_CORRUPT, message);
        packed->data[packed->len - i] ^= 0x10;
    }
}
END_TEST

START_TEST(damage_is_said_with_the_position_of_its_block)
{
    size_t length = 1 << 20;
    g_autofree uint8_t *text = pattern_text(length, 1);
    g_autoptr(GByteArray) packed = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    add_frame(packed, text, length, 17, true, true);
    size_t damaged = packed->len / 2;
    pattern_fill(packed->data + damaged, 20000, 5);
    g_autoptr(GByteArray) out = unpack(packed->data, packed->len, ZSTD, &error);
    ck_assert_ptr_null(out);
    assert_error(error, VC_ERROR_CORRUPT);
    ck_assert(g_str_has_prefix(error->message, "damaged zstd data ("));
    const char *at = strstr(error->message, " at 0x");
    ck_assert_ptr_nonnull(at);
    guint64 position = g_ascii_strtoull(at + 6, NULL, 16);
    ck_assert_uint_le(position, damaged + 20000);
    ck_assert_uint_gt(position + (128 << 10) + 16, damaged);
}
END_TEST

START_TEST(a_frame_that_holds_less_than_it_announces_is_corrupt)
{
    /* One segment of 5 bytes; a raw block of 3, and an empty one that is the last. */
    static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x05, 0x18, 0x00,
                                     0x00, 'a',  'b',  'c',  0x01, 0x00, 0x00 };
    static const size_t chunks[] = { 1, 3, 4, 5, 100 };
    for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) out = unpack_limited(
            frame, sizeof frame, ZSTD, VC_DECOMPRESS_MEMORY_DEFAULT, chunks[i], &error);
        ck_assert_ptr_null(out);
        ck_assert(g_error_matches(error, VC_ERROR, VC_ERROR_CORRUPT));
    }
}
END_TEST

START_TEST(a_frame_of_empty_blocks_has_an_end)
{
    /* A frame with a window and no length; three zeros are an empty block that is not
     * the last, and so a hole is as many of them as it is long. */
    static const uint8_t header[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00 };
    g_autoptr(GByteArray) packed = g_byte_array_new();
    g_autofree uint8_t *zeros = g_malloc0(4 << 20);
    g_byte_array_append(packed, header, sizeof header);
    g_byte_array_append(packed, zeros, 4 << 20);
    assert_unpack_fails(
        packed->data, packed->len, ZSTD, VC_ERROR_CORRUPT,
        "the blocks of 1048576 bytes of a zstd frame are empty at 0x100002");
    /* Some do no harm. */
    static const uint8_t last[] = { 0x01, 0x00, 0x00 };
    g_byte_array_set_size(packed, sizeof header + (300 << 10));
    g_byte_array_append(packed, last, sizeof last);
    assert_unpacks_to(packed->data, packed->len, ZSTD, "", 0);
}
END_TEST

START_TEST(what_is_skipped_has_an_end)
{
    /* 600 MiB each; the second is too much. What lies between the headers is a hole. */
    static const uint8_t header[] = { 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0x80, 0x25 };
    static const uint64_t positions[] = { 0, 8 + (600 << 20) };
    VcFile *file = vc_memory_file("packed");
    for (size_t i = 0; i < G_N_ELEMENTS(positions); i++)
        ck_assert(vc_file_write(file, positions[i], header, sizeof header, NULL));
    ck_assert(vc_file_truncate(file, (uint64_t)1 << 40, NULL));
    g_autoptr(VcStream) stream = vc_decompress(vc_stream_from_file(file), ZSTD,
                                               VC_DECOMPRESS_MEMORY_DEFAULT, NULL);
    g_autoptr(GError) error = NULL;
    uint8_t byte;
    size_t got;
    ck_assert(!vc_stream_pull(stream, &byte, 1, &got, &error));
    assert_error(error, VC_ERROR_LIMIT);
    ck_assert_str_eq(error->message,
                     "zstd frames to be skipped, up to that of 629145600 bytes at "
                     "0x25800008, hold more than 1073741824 bytes");
}
END_TEST

START_TEST(zeros_may_follow_the_end_and_nothing_else)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();
    g_autofree uint8_t *zeros = g_malloc0(1 << 20);
    g_byte_array_append(packed, golden, sizeof golden);
    g_byte_array_append(packed, zeros, 1 << 20);
    for (guint length = sizeof golden; length < sizeof golden + 20; length++)
        assert_unpacks_to(packed->data, length, ZSTD, HELLO, strlen(HELLO));
    assert_unpacks_to(packed->data, packed->len, ZSTD, HELLO, strlen(HELLO));
    packed->data[packed->len - 1] = 1;
    g_autofree char *message = g_strdup_printf(
        "bytes behind the end of the zstd stream at 0x%x", packed->len - 1);
    assert_unpack_fails(packed->data, packed->len, ZSTD, VC_ERROR_CORRUPT, message);
}
END_TEST

START_TEST(what_is_no_zstd_is_refused)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();
    assert_unpack_fails("", 0, ZSTD, VC_ERROR_SHORT,
                        "zstd stream ends inside a frame header at 0x0");
    assert_unpack_fails("hello", 5, ZSTD, VC_ERROR_CORRUPT, "no zstd frame at 0x0");
    g_byte_array_append(packed, golden, sizeof golden);
    g_byte_array_append(packed, (const uint8_t *)"PK34567890", 10);
    assert_unpack_fails(packed->data, packed->len, ZSTD, VC_ERROR_CORRUPT,
                        "bytes behind the end of the zstd stream at 0x1b");
    /* Dictionary 0x2a, a window of 1 KiB. */
    assert_unpack_fails("\x28\xb5\x2f\xfd\x01\x00\x2a\x01\x00\x00", 10, ZSTD,
                        VC_ERROR_UNSUPPORTED, "zstd frame at 0x0 needs dictionary 42");
    /* A format that was given up before the first release. */
    assert_unpack_fails("\x22\xb5\x2f\xfd\x04\x58\x75\x00\x00\x40", 10, ZSTD,
                        VC_ERROR_CORRUPT, "no zstd frame at 0x0");
}
END_TEST

/* A frame with an empty block and WINDOW as its window descriptor. */
static GByteArray *
empty_frame(uint8_t window)
{
    GByteArray *packed = g_byte_array_new();
    uint8_t raw[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, window, 0x01, 0x00, 0x00 };
    g_byte_array_append(packed, raw, sizeof raw);
    return packed;
}

START_TEST(a_window_beyond_the_limit_is_refused_with_the_way_out)
{
    g_autoptr(GByteArray) largest = empty_frame(17 << 3),
                          above = empty_frame(17 << 3 | 1),
                          two_gib = empty_frame(21 << 3),
                          more = empty_frame(21 << 3 | 1);
    g_autoptr(GByteArray) out = unpack(largest->data, largest->len, ZSTD, NULL);
    ck_assert_ptr_nonnull(out);
    assert_unpack_fails(
        above->data, above->len, ZSTD, VC_ERROR_LIMIT,
        "zstd frame at 0x0 needs a window of 150994944 bytes, the limit "
        "is 134217728; --memory-limit 144M allows it");
    assert_unpack_fails(
        two_gib->data, two_gib->len, ZSTD, VC_ERROR_LIMIT,
        "zstd frame at 0x0 needs a window of 2147483648 bytes, the limit "
        "is 134217728; --memory-limit 2048M allows it");
    assert_unpack_fails(
        more->data, more->len, ZSTD, VC_ERROR_UNSUPPORTED,
        "zstd frame at 0x0 needs a window of 2415919104 bytes, zstd does "
        "not do more than 2G");

    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) allowed = unpack_limited(two_gib->data, two_gib->len, ZSTD,
                                                   (uint64_t)2048 << 20, 4096, &error);
    assert_no_error(error);
    ck_assert_uint_eq(allowed->len, 0);
}
END_TEST

START_TEST(a_long_window_works_when_allowed)
{
    size_t length = 3 << 20;
    g_autofree uint8_t *text = pattern_text(length, 1);
    g_autoptr(GByteArray) packed = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    add_frame(packed, text, length, 28, true, false);
    g_autoptr(GByteArray) refused = unpack(packed->data, packed->len, ZSTD, &error);
    ck_assert_ptr_null(refused);
    assert_error(error, VC_ERROR_LIMIT);
    g_autoptr(GByteArray)
        out = unpack_limited(packed->data, packed->len, ZSTD, 256 << 20, 1 << 20, NULL);
    ck_assert_uint_eq(out->len, length);
    ck_assert(memcmp(out->data, text, length) == 0);
}
END_TEST

START_TEST(a_content_size_beyond_the_limit_is_a_window_too)
{
    /* A single segment of 2^40 bytes: the decoder would have to keep it all. */
    static const uint8_t raw[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0,    0,    0,
                                   0,    0,    1,    0,    0,    0x01, 0x00, 0x00 };
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) out = unpack(raw, sizeof raw, ZSTD, &error);
    ck_assert_ptr_null(out);
    assert_error(error, VC_ERROR_UNSUPPORTED);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/unzstd");
    TCase *tests = tcase_create("unzstd");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_golden_bytes_are_read);
    tcase_add_test(tests, frames_of_all_kinds_follow_one_another);
    tcase_add_test(tests, every_cut_is_short);
    tcase_add_test(tests, every_changed_byte_is_found_or_changes_nothing);
    tcase_add_test(tests, damage_is_said_with_the_position_of_its_block);
    tcase_add_test(tests, a_frame_that_holds_less_than_it_announces_is_corrupt);
    tcase_add_test(tests, a_frame_of_empty_blocks_has_an_end);
    tcase_add_test(tests, what_is_skipped_has_an_end);
    tcase_add_test(tests, zeros_may_follow_the_end_and_nothing_else);
    tcase_add_test(tests, what_is_no_zstd_is_refused);
    tcase_add_test(tests, a_window_beyond_the_limit_is_refused_with_the_way_out);
    tcase_add_test(tests, a_long_window_works_when_allowed);
    tcase_add_test(tests, a_content_size_beyond_the_limit_is_a_window_too);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
