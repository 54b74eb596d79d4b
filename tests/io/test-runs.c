/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what is remembered of the runs of a file. */
#include "io/runs.h"

#include "tests/check-main.h"

#include <glib.h>

static void
add(VcRuns *runs, uint64_t begin, uint64_t end, bool data)
{
    vc_runs_add(runs, &(VcRun){ .begin = begin, .end = end, .data = data });
}

START_TEST(a_run_is_found_from_its_begin_to_its_end)
{
    VcRuns *runs = vc_runs_new();
    VcRun run;
    ck_assert(!vc_runs_find(runs, 0, &run));
    add(runs, 20, 30, true);
    add(runs, 10, 20, false);
    ck_assert(!vc_runs_find(runs, 9, &run));
    ck_assert(vc_runs_find(runs, 10, &run) && !run.data && run.end == 20);
    ck_assert(vc_runs_find(runs, 19, &run) && !run.data && run.begin == 10);
    ck_assert(vc_runs_find(runs, 20, &run) && run.data && run.end == 30);
    ck_assert(!vc_runs_find(runs, 30, &run));
    vc_runs_free(runs);
}
END_TEST

START_TEST(what_a_run_overlaps_is_forgotten)
{
    VcRuns *runs = vc_runs_new();
    VcRun run;
    add(runs, 10, 20, true);
    add(runs, 30, 40, true);
    add(runs, 50, 60, true);
    add(runs, 5, 35, false);
    ck_assert(vc_runs_find(runs, 15, &run) && !run.data && run.end == 35);
    ck_assert(!vc_runs_find(runs, 36, &run));
    ck_assert(vc_runs_find(runs, 55, &run) && run.data);
    vc_runs_free(runs);
}
END_TEST

START_TEST(too_many_runs_are_begun_anew)
{
    VcRuns *runs = vc_runs_new();
    VcRun run;
    for (uint64_t i = 0; i < VC_RUNS_MAX; i++)
        add(runs, i * 10, i * 10 + 5, true);
    for (uint64_t i = 0; i < VC_RUNS_MAX; i++)
        ck_assert(vc_runs_find(runs, i * 10 + 4, &run) && run.begin == i * 10);
    add(runs, VC_RUNS_MAX * 10, VC_RUNS_MAX * 10 + 1, true);
    ck_assert(vc_runs_find(runs, VC_RUNS_MAX * 10, &run));
    ck_assert(!vc_runs_find(runs, 0, &run));
    vc_runs_free(runs);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/runs");
    TCase *tests = tcase_create("runs");
    tcase_add_test(tests, a_run_is_found_from_its_begin_to_its_end);
    tcase_add_test(tests, what_a_run_overlaps_is_forgotten);
    tcase_add_test(tests, too_many_runs_are_begun_anew);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
