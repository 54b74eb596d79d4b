/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the test for zeros, on which it depends what is written at all, and of the
 * checksum. */
#include "io/checksum.h"
#include "tests/check-main.h"

#include <string.h>

START_TEST(one_byte_anywhere_is_not_zero)
{
    static uint8_t data[800 + 2];
    for (size_t length = 0; length <= 800; length += length < 40 ? 1 : 19) {
        /* What lies on either side does not count. */
        data[0] = data[length + 1] = 0xff;
        ck_assert(vc_is_zero(data + 1, length));
        for (size_t i = 1; i <= length; i++) {
            data[i] = (uint8_t)(1u << i % 8);
            if (vc_is_zero(data + 1, length))
                ck_abort_msg("byte %zu of %zu", i, length);
            data[i] = 0;
        }
        data[length + 1] = 0;
    }
}
END_TEST

START_TEST(the_checksum_of_pieces_is_that_of_the_whole)
{
    static const char digits[] = "123456789";
    ck_assert_uint_eq(vc_crc32c(0, digits, 9), 0xe3069283);
    for (size_t i = 0; i <= 9; i++)
        ck_assert_uint_eq(vc_crc32c(vc_crc32c(0, digits, i), digits + i, 9 - i),
                          0xe3069283);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/checksum");
    TCase *tests = tcase_create("checksum");
    tcase_add_test(tests, one_byte_anywhere_is_not_zero);
    tcase_add_test(tests, the_checksum_of_pieces_is_that_of_the_whole);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
