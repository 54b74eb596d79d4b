/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of lzop files; skipped where vconv was built without liblzo2. */
#include "io/bytes.h"
#include "io/lzop.h"
#include "tests/check-main.h"
#include "tests/io/packed.h"
#include "tests/io/pattern.h"

#include <zlib.h>

#define LZO VC_COMPRESSION_LZO

/* `lzop hh`, of a file with HELLO eight times. */
static const uint8_t golden[] = {
    0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a, 0x10, 0x40, 0x20, 0xa0, 0x09,
    0x40, 0x01, 0x05, 0x03, 0x00, 0x00, 0x09, 0x00, 0x00, 0x81, 0xa4, 0x6b, 0x00, 0xe7,
    0xb9, 0x00, 0x00, 0x00, 0x00, 0x02, 0x68, 0x68, 0x43, 0xf7, 0x05, 0x6e, 0x00, 0x00,
    0x00, 0xa0, 0x00, 0x00, 0x00, 0x26, 0x5e, 0xd7, 0x36, 0xf1, 0x04, 0x68, 0x65, 0x6c,
    0x6c, 0x6f, 0x2c, 0x20, 0x2a, 0x19, 0x00, 0x0a, 0x2a, 0x30, 0x00, 0xc8, 0x03, 0x20,
    0x4b, 0x4c, 0x00, 0x0a, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x2c, 0x20, 0x68, 0x65, 0x6c,
    0x6c, 0x6f, 0x0a, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};
#define HELLO "hello, hello, hello\n"
#define HELLO8 HELLO HELLO HELLO HELLO HELLO HELLO HELLO HELLO
#define PACKED (golden + 52) /* the data of its block */
#define PACKED_SIZE 38

#define ALL_SUMS (LZOP_ADLER32_D | LZOP_ADLER32_C | LZOP_CRC32_D | LZOP_CRC32_C)

static void
add32(GByteArray *to, uint32_t number)
{
    uint8_t raw[4];
    store_be32(raw, number);
    g_byte_array_append(to, raw, 4);
}

/* Appends a number that covers what was appended from BEGIN on. */
static void
add_sum(GByteArray *to, size_t begin, bool crc)
{
    const uint8_t *from = to->data + begin;
    size_t length = to->len - begin;
    add32(to, (uint32_t)(crc ? crc32_z(0, from, length) : adler32_z(1, from, length)));
}

typedef struct {
    unsigned version, needed, method;
    uint32_t flags;
    size_t extra;
} Header;

static void
add_header(GByteArray *to, Header h)
{
    uint8_t raw[8] = { 0 };
    bool old = h.version < 0x0940, crc = h.flags & LZOP_HEADER_CRC32;
    g_byte_array_append(to, (const uint8_t *)LZOP_MAGIC, LZOP_MAGIC_SIZE);
    size_t begin = to->len;
    store_be16(raw, (uint16_t)h.version);
    store_be16(raw + 2, 0x20a0);
    store_be16(raw + 4, (uint16_t)h.needed);
    g_byte_array_append(to, raw, old ? 4 : 6);
    raw[0] = (uint8_t)h.method;
    raw[1] = 5;
    g_byte_array_append(to, raw, old ? 1 : 2);
    add32(to, h.flags);
    if (h.flags & LZOP_FILTER)
        add32(to, 1);
    add32(to, 0100644); /* mode */
    add32(to, 12345);   /* time */
    if (!old)
        add32(to, 0);
    g_byte_array_append(to, (const uint8_t *)"\x04name", 5);
    add_sum(to, begin, crc);
    if (h.flags & LZOP_EXTRA) {
        begin = to->len;
        add32(to, (uint32_t)h.extra);
        g_byte_array_set_size(to, (guint)(to->len + h.extra));
        pattern_fill(to->data + to->len - h.extra, h.extra, 1);
        add_sum(to, begin, crc);
    }
}

static const Header plain = { 0x1040, 0x0940, LZOP_LZO1X_1, LZOP_ADLER32_D, 0 };

/* Appends the golden block, or bytes as they are, with the checksums of FLAGS. */
static void
add_block(GByteArray *to, uint32_t flags, const void *data, size_t length,
          const void *stored, size_t stored_length)
{
    add32(to, (uint32_t)length);
    add32(to, (uint32_t)stored_length);
    if (flags & LZOP_ADLER32_D)
        add32(to, (uint32_t)adler32_z(1, data, length));
    if (flags & LZOP_CRC32_D)
        add32(to, (uint32_t)crc32_z(0, data, length));
    if ((flags & LZOP_ADLER32_C) && stored_length < length)
        add32(to, (uint32_t)adler32_z(1, stored, stored_length));
    if ((flags & LZOP_CRC32_C) && stored_length < length)
        add32(to, (uint32_t)crc32_z(0, stored, stored_length));
    g_byte_array_append(to, stored, (guint)stored_length);
}

static void
add_hello(GByteArray *to, uint32_t flags)
{
    add_block(to, flags, HELLO8, strlen(HELLO8), PACKED, PACKED_SIZE);
}

START_TEST(the_golden_bytes_are_read)
{
    assert_unpacks_to(golden, sizeof golden, LZO, HELLO8, strlen(HELLO8));
}
END_TEST

START_TEST(every_kind_of_header_and_checksum_is_read)
{
    g_autoptr(GByteArray) packed = g_byte_array_new(), data = g_byte_array_new();
    for (uint32_t i = 0; i < 128; i++) {
        Header h = plain;
        h.flags = LZOP_OS_UNIX | (i & 1 ? LZOP_ADLER32_D : 0) |
                  (i & 2 ? LZOP_ADLER32_C : 0) | (i & 4 ? LZOP_CRC32_D : 0) |
                  (i & 8 ? LZOP_CRC32_C : 0) | (i & 16 ? LZOP_HEADER_CRC32 : 0) |
                  (i & 32 ? LZOP_EXTRA : 0);
        h.extra = i * 10;
        h.version = i & 64 ? 0x0900 : 0x1040;
        h.method = 1 + i % 3;
        add_header(packed, h);
        add_hello(packed, h.flags);
        add_block(packed, h.flags, HELLO, strlen(HELLO), HELLO, strlen(HELLO));
        add32(packed, 0);
        g_byte_array_append(data, (const uint8_t *)HELLO8 HELLO, strlen(HELLO8 HELLO));
    }
    assert_unpacks_to(packed->data, packed->len, LZO, data->data, data->len);
}
END_TEST

START_TEST(every_cut_is_short)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();
    Header h = plain;
    h.flags = ALL_SUMS | LZOP_EXTRA;
    h.extra = 30;
    add_header(packed, h);
    add_hello(packed, h.flags);
    add_block(packed, h.flags, HELLO, strlen(HELLO), HELLO, strlen(HELLO));
    add32(packed, 0);
    size_t whole = packed->len;
    g_byte_array_append(packed, golden, sizeof golden);
    assert_cuts_are_short(packed->data, packed->len, LZO, &whole, 1);
}
END_TEST

START_TEST(every_changed_byte_is_found)
{
    for (uint32_t crc = 0; crc < 2; crc++) {
        g_autoptr(GByteArray) packed = g_byte_array_new();
        Header h = plain;
        h.flags = LZOP_EXTRA | (crc ? LZOP_CRC32_D | LZOP_CRC32_C | LZOP_HEADER_CRC32
                                    : LZOP_ADLER32_D | LZOP_ADLER32_C);
        h.extra = 30;
        add_header(packed, h);
        add_hello(packed, h.flags);
        add_block(packed, h.flags, HELLO, strlen(HELLO), HELLO, strlen(HELLO));
        add32(packed, 0);
        assert_flips_are_found(packed->data, packed->len, LZO, 0, 0);
    }
}
END_TEST

START_TEST(a_wrong_checksum_says_where)
{
    g_autofree uint8_t *copy = g_memdup2(golden, sizeof golden);
    copy[37] ^= 1;
    assert_unpack_fails(
        copy, sizeof golden, LZO, VC_ERROR_CORRUPT,
        "lzop header checksum is 0x43f6056e, computed 0x43f7056e at 0x24");
    copy[37] ^= 1;
    copy[48] ^= 1;
    assert_unpack_fails(
        copy, sizeof golden, LZO, VC_ERROR_CORRUPT,
        "lzop checksum of a block is 0x5fd736f1, computed 0x5ed736f1 at 0x30");

    g_autoptr(GByteArray) packed = g_byte_array_new();
    Header h = plain;
    h.flags = LZOP_CRC32_C;
    add_header(packed, h);
    size_t begin = packed->len;
    add_hello(packed, h.flags);
    packed->data[begin + 12 + 5] ^= 1;
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) out = unpack(packed->data, packed->len, LZO, &error);
    ck_assert_ptr_null(out);
    assert_error(error, VC_ERROR_CORRUPT);
    ck_assert(
        g_str_has_prefix(error->message, "lzop checksum of a block as stored is"));
}
END_TEST

START_TEST(zeros_may_follow_the_end_and_nothing_else)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();
    g_autofree uint8_t *zeros = g_malloc0(1 << 20);
    g_byte_array_append(packed, golden, sizeof golden);
    g_byte_array_append(packed, zeros, 1 << 20);
    for (guint length = sizeof golden; length < sizeof golden + 20; length++)
        assert_unpacks_to(packed->data, length, LZO, HELLO8, strlen(HELLO8));
    assert_unpacks_to(packed->data, packed->len, LZO, HELLO8, strlen(HELLO8));
    packed->data[packed->len - 1] = 1;
    g_autofree char *message = g_strdup_printf(
        "bytes behind the end of the lzop stream at 0x%x", packed->len - 1);
    assert_unpack_fails(packed->data, packed->len, LZO, VC_ERROR_CORRUPT, message);
}
END_TEST

START_TEST(what_is_no_lzop_is_refused)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();
    assert_unpack_fails("", 0, LZO, VC_ERROR_SHORT,
                        "lzop stream ends inside a header at 0x0");
    assert_unpack_fails("hello, hello", 12, LZO, VC_ERROR_CORRUPT,
                        "no lzop header at 0x0");
    g_byte_array_append(packed, golden, sizeof golden);
    g_byte_array_append(packed, (const uint8_t *)"PK34567890", 10);
    assert_unpack_fails(packed->data, packed->len, LZO, VC_ERROR_CORRUPT,
                        "bytes behind the end of the lzop stream at 0x5e");
}
END_TEST

START_TEST(what_is_not_known_is_refused)
{
    static const struct {
        Header header;
        const char *message;
    } cases[] = {
        { { 0x0899, 0, 1, 0, 0 }, "lzop version 0x899 at 0x9 is not known" },
        { { 0x2000, 0x2000, 1, 0, 0 }, "lzop version 0x2000 at 0x9 is not known" },
        { { 0x1040, 0x0940, 0, 0, 0 }, "lzop method 0x0 at 0x9 is not known" },
        { { 0x1040, 0x0940, 0x80, 0, 0 }, "lzop method 0x80 at 0x9 is not known" },
        { { 0x1040, 0x0940, 1, LZOP_FILTER, 0 },
          "lzop flags 0x800 at 0x9 is not known" },
        { { 0x1040, 0x0940, 1, 0x4000, 0 }, "lzop flags 0x4000 at 0x9 is not known" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) packed = g_byte_array_new();
        add_header(packed, cases[i].header);
        add32(packed, 0);
        assert_unpack_fails(packed->data, packed->len, LZO, VC_ERROR_UNSUPPORTED,
                            cases[i].message);
    }
}
END_TEST

START_TEST(an_extra_field_beyond_the_limit_is_refused)
{
    for (uint32_t above = 0; above < 2; above++) {
        g_autoptr(GByteArray) packed = g_byte_array_new();
        Header h = plain;
        h.flags |= LZOP_EXTRA;
        h.extra = LZOP_EXTRA_MAX + above;
        add_header(packed, h);
        add32(packed, 0);
        if (above == 0)
            assert_unpacks_to(packed->data, packed->len, LZO, "", 0);
        else
            assert_unpack_fails(packed->data, packed->len, LZO, VC_ERROR_LIMIT,
                                "lzop extra field at 0x2a has 65537 bytes, at most "
                                "65536 are read");
    }
}
END_TEST

static void
assert_block_fails(uint32_t length, uint32_t stored, VcError code, const char *message)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();
    add_header(packed, plain);
    ck_assert_uint_eq(packed->len, 0x2a);
    add32(packed, length);
    add32(packed, stored);
    add32(packed, 0);
    g_byte_array_append(packed, PACKED, PACKED_SIZE);
    assert_unpack_fails(packed->data, packed->len, LZO, code, message);
}

START_TEST(blocks_that_cannot_be_are_refused)
{
    assert_block_fails(
        0x04000001, 10, VC_ERROR_CORRUPT,
        "lzop block of 67108865 bytes, stored in 10, at most 67108864 are "
        "possible at 0x2a");
    assert_block_fails(UINT32_MAX, UINT32_MAX, VC_ERROR_CORRUPT,
                       "lzop block of 4294967295 bytes, stored in 4294967295, at most "
                       "67108864 are possible at 0x2a");
    assert_block_fails(
        100, 101, VC_ERROR_CORRUPT,
        "lzop block of 100 bytes, stored in 101, at most 100 are possible "
        "at 0x2a");
    assert_block_fails(100, 0, VC_ERROR_CORRUPT,
                       "lzop block of 100 bytes, stored in 0, at most 100 are possible "
                       "at 0x2a");
    assert_block_fails(0x04000000, 0x03ffffff, VC_ERROR_SHORT,
                       "lzop stream ends inside a block at 0x5c");
    /* One byte too many and too few for what comes out. */
    assert_block_fails(159, PACKED_SIZE, VC_ERROR_CORRUPT,
                       "damaged lzo data (code -5, 147 of 159 bytes) at 0x36");
    assert_block_fails(161, PACKED_SIZE, VC_ERROR_CORRUPT,
                       "damaged lzo data (code 0, 160 of 161 bytes) at 0x36");
}
END_TEST

int
main(void)
{
    if (!lzo_is_there()) {
        puts("1..0 # SKIP built without liblzo2");
        return 0;
    }
    Suite *suite = suite_create("io/unlzop");
    TCase *tests = tcase_create("unlzop");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, the_golden_bytes_are_read);
    tcase_add_test(tests, every_kind_of_header_and_checksum_is_read);
    tcase_add_test(tests, every_cut_is_short);
    tcase_add_test(tests, every_changed_byte_is_found);
    tcase_add_test(tests, a_wrong_checksum_says_where);
    tcase_add_test(tests, zeros_may_follow_the_end_and_nothing_else);
    tcase_add_test(tests, what_is_no_lzop_is_refused);
    tcase_add_test(tests, what_is_not_known_is_refused);
    tcase_add_test(tests, an_extra_field_beyond_the_limit_is_refused);
    tcase_add_test(tests, blocks_that_cannot_be_are_refused);
    return run_suite(suite);
}
