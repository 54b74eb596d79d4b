/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the SHA-256 of a disk. */
#include "io/error.h"
#include "tests/check-main.h"
#include "tests/converters/hash.h"
#include "tests/converters/scripted.h"

#include <string.h>

#define MIB ((uint64_t)1 << 20)
#define SIZE (5 * MIB + 513)

/* Data, a hole of 2 MiB, data; the last run first in stored order when SHUFFLED. */
static VcSource *
make_source(ScriptedKind kind, bool shuffled)
{
    VcSource *source = scripted_source("disk", kind, SIZE);
    if (shuffled)
        scripted_add_data(source, 3 * MIB, SIZE - 3 * MIB, NULL);
    scripted_add_data(source, 0, MIB, NULL);
    scripted_add_zero(source, MIB, 2 * MIB, true);
    if (!shuffled)
        scripted_add_data(source, 3 * MIB, SIZE - 3 * MIB, NULL);
    return source;
}

static char *
expected_hash(void)
{
    g_autofree uint8_t *bytes = g_malloc0(SIZE);
    scripted_pattern(0, bytes, MIB);
    scripted_pattern(3 * MIB, bytes + 3 * MIB, SIZE - 3 * MIB);
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, SIZE);
}

static const VcConvertOptions in_thread = { .workers = 4 };
static const VcConvertOptions *const variants[] = { NULL, &in_thread };

START_TEST(the_hash_is_that_of_all_bytes_with_zeros)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = make_source(SCRIPTED_MAP, true);
    g_autofree char *expected = expected_hash();
    g_autofree char *hash = vc_hash_disk(source, 0, variants[_i], &error);

    assert_no_error(error);
    ck_assert_str_eq(hash, expected);
}
END_TEST

START_TEST(stored_order_that_ascends_is_hashed)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = make_source(SCRIPTED_STORED, false);
    g_autofree char *expected = expected_hash();
    g_autofree char *hash = vc_hash_disk(source, 0, variants[_i], &error);

    assert_no_error(error);
    ck_assert_str_eq(hash, expected);
}
END_TEST

START_TEST(stored_order_that_does_not_ascend_is_refused_with_advice)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = make_source(SCRIPTED_STORED, true);
    g_autofree char *hash = vc_hash_disk(source, 0, variants[_i], &error);

    ck_assert_ptr_null(hash);
    assert_error(error, VC_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error->message, "--spool"));
}
END_TEST

START_TEST(a_disk_that_ends_early_is_short)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = scripted_source("disk", SCRIPTED_STORED, SIZE);
    scripted_add_data(source, 0, 2 * MIB, NULL);
    g_autofree char *hash = vc_hash_disk(source, 0, variants[_i], &error);

    ck_assert_ptr_null(hash);
    assert_error(error, VC_ERROR_SHORT);
}
END_TEST

START_TEST(bytes_that_cannot_be_read_are_an_error_with_the_file_name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = scripted_source("disk", SCRIPTED_MAP, SIZE);
    scripted_add_data(source, 0, 2 * MIB, NULL);
    scripted_add_unreadable(source, 2 * MIB, SIZE - 2 * MIB);
    g_autofree char *hash = vc_hash_disk(source, 0, variants[_i], &error);

    ck_assert_ptr_null(hash);
    assert_error(error, VC_ERROR_SHORT);
    ck_assert(g_str_has_prefix(error->message, "disk: "));
}
END_TEST

START_TEST(an_empty_disk_has_the_hash_of_nothing)
{
    g_autoptr(VcSource) source = scripted_source("disk", SCRIPTED_MAP, 0);
    g_autofree char *expected = g_compute_checksum_for_data(G_CHECKSUM_SHA256, NULL, 0);
    g_autofree char *hash = vc_hash_disk(source, 0, variants[_i], NULL);

    ck_assert_str_eq(hash, expected);
}
END_TEST

static void
count_progress(void *user, uint64_t done, uint64_t total)
{
    unsigned *ends = user;
    ck_assert_uint_le(done, total);
    *ends += done == total;
}

START_TEST(progress_ends_at_the_total)
{
    unsigned ends = 0;
    VcConvertOptions options = { .progress = count_progress, .user = &ends };
    g_autoptr(VcSource) source = make_source(SCRIPTED_MAP, false);
    g_autofree char *hash = vc_hash_disk(source, 0, &options, NULL);

    ck_assert_ptr_nonnull(hash);
    ck_assert_uint_ge(ends, 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/hash");
    TCase *tests = tcase_create("hash");
    const int n = G_N_ELEMENTS(variants);
    tcase_add_loop_test(tests, the_hash_is_that_of_all_bytes_with_zeros, 0, n);
    tcase_add_loop_test(tests, stored_order_that_ascends_is_hashed, 0, n);
    tcase_add_loop_test(tests, stored_order_that_does_not_ascend_is_refused_with_advice,
                        0, n);
    tcase_add_loop_test(tests, a_disk_that_ends_early_is_short, 0, n);
    tcase_add_loop_test(
        tests, bytes_that_cannot_be_read_are_an_error_with_the_file_name, 0, n);
    tcase_add_loop_test(tests, an_empty_disk_has_the_hash_of_nothing, 0, n);
    tcase_add_test(tests, progress_ends_at_the_total);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
