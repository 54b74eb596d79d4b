/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main function that all unit tests share: one suite, TAP on standard output. */
#ifndef VC_TESTS_CHECK_MAIN_H
#define VC_TESTS_CHECK_MAIN_H

#include <check.h>
#include <glib.h>
#include <stdio.h>

/* Runs the tests of SUITE; TAP goes to standard output. main() returns the result. */
static inline int
run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

/* Fails the test with ERROR's message when ERROR is set. */
#define assert_no_error(error)                                                         \
    ck_assert_msg((error) == NULL, "%s", (error) ? (error)->message : "")

#define assert_error(error, code)                                                      \
    ck_assert_msg(g_error_matches((error), VC_ERROR, (code)), "%s",                    \
                  (error) ? (error)->message : "no error")

#endif
