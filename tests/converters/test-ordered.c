/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of an archive that is put in order. */
#include "converters/ordered.h"

#include "io/error.h"
#include "tests/check-main.h"
#include "tests/converters/scripted.h"

#define SIZE ((uint64_t)64 << 10)

START_TEST(with_random_access_the_disk_comes_in_order)
{
    g_autoptr(VcSource) stored = scripted_source("stored", SCRIPTED_MAP, SIZE);
    scripted_add_data(stored, 32768, 32768, NULL);
    scripted_add_zero(stored, 0, 32768, true);
    g_autoptr(VcSource) ordered = vc_ordered(stored);
    g_autoptr(GError) error = NULL;

    ck_assert(vc_source_has_map(ordered));
    ck_assert_ptr_null(ordered->ops->next);
    ck_assert(ordered->ascending);
    ck_assert(vc_source_index(ordered, &error));
    for (uint64_t offset = 0; offset < SIZE; offset += 32768) {
        VcExtent extent;
        ck_assert(vc_source_next(ordered, &extent, &error));
        ck_assert_uint_eq(extent.offset, offset);
        ck_assert_uint_eq(extent.length, 32768);
        ck_assert_int_eq(extent.kind, offset == 0 ? VC_ZERO : VC_DATA);
    }
}
END_TEST

START_TEST(a_stream_in_order_is_passed_on)
{
    g_autoptr(VcSource) stored = scripted_source("stored", SCRIPTED_STORED, SIZE);
    scripted_add_data(stored, 0, 32768, NULL);
    scripted_add_zero(stored, 32768, 32768, false);
    g_autoptr(VcSource) ordered = vc_ordered(stored);
    VcExtent extent;

    ck_assert(vc_source_next(ordered, &extent, NULL));
    ck_assert_uint_eq(extent.offset, 0);
    ck_assert(vc_source_next(ordered, &extent, NULL));
    ck_assert_uint_eq(extent.offset, 32768);
    ck_assert(vc_source_next(ordered, &extent, NULL));
    ck_assert_int_eq(extent.kind, VC_END);
}
END_TEST

START_TEST(a_stream_out_of_order_is_refused_with_the_remedy)
{
    g_autoptr(VcSource) stored = scripted_source("stored", SCRIPTED_STORED, SIZE);
    scripted_add_data(stored, 32768, 32768, NULL);
    scripted_add_data(stored, 0, 32768, NULL);
    g_autoptr(VcSource) ordered = vc_ordered(stored);
    g_autoptr(GError) error = NULL;
    VcExtent extent;

    ck_assert(vc_source_next(ordered, &extent, &error));
    ck_assert(!vc_source_next(ordered, &extent, &error));
    assert_error(error, VC_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error->message, "--spool"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/ordered");
    TCase *tests = tcase_create("ordered");
    tcase_add_test(tests, with_random_access_the_disk_comes_in_order);
    tcase_add_test(tests, a_stream_in_order_is_passed_on);
    tcase_add_test(tests, a_stream_out_of_order_is_refused_with_the_remedy);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
