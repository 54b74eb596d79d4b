/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what is remembered of the runs of a file.
 *
 * The function of the system that is defined here goes before that of the library. */
#include "io/runs.h"

#include "io/posix.h"
#include "tests/check-main.h"
#include "tests/io/pattern.h"
#include "tests/io/scratch.h"

#include <sys/syscall.h>
#include <unistd.h>

static unsigned seeks; /* so many times holes and data were looked for */

off_t
lseek(int fd, off_t position, int whence)
{
    seeks += whence == SEEK_DATA || whence == SEEK_HOLE;
    return syscall(SYS_lseek, fd, position, whence);
}

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

/* Two pieces of data and two holes of a MiB each. */
static char *
make_holes(void)
{
    char *path = scratch_path("holes");
    g_autofree uint8_t *data = pattern_new(1 << 20, 1);
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    ck_assert_int_eq(ftruncate(fd, 4 << 20), 0);
    ck_assert_int_eq(pwrite(fd, data, 1 << 20, 0), 1 << 20);
    ck_assert_int_eq(pwrite(fd, data, 1 << 20, 2 << 20), 1 << 20);
    close(fd);
    return path;
}

/* Some file systems look at each page of a run to find its end. */
START_TEST(a_source_is_asked_once_for_each_run)
{
    g_autofree char *path = make_holes();
    g_autoptr(VcFile) file = vc_posix_open(path, VC_CACHE_WRITEBACK, NULL);
    seeks = 0;
    for (unsigned turn = 0; turn < 4096; turn++) {
        uint64_t length, position = (uint64_t)(turn % 4) << 20 | turn / 4 << 10;
        bool data;
        ck_assert(vc_file_run(file, position, &data, &length, NULL));
        /* Where there are no holes, all is data. */
        ck_assert(data || turn % 2 == 1);
        ck_assert_uint_ge(length, (1 << 20) - (turn / 4 << 10));
    }
    ck_assert_uint_le(seeks, 8);
}
END_TEST

START_TEST(an_output_is_asked_each_time)
{
    g_autofree char *path = make_holes();
    g_autoptr(VcFile) file = vc_posix_output(open(path, O_RDWR), NULL, "holes",
                                             VC_CACHE_WRITEBACK, NULL);
    uint64_t length;
    bool data;
    ck_assert(vc_file_run(file, 1 << 20, &data, &length, NULL));
    ck_assert(vc_file_write(file, 1 << 20, "x", 1, NULL));
    ck_assert(vc_file_run(file, 1 << 20, &data, &length, NULL));
    ck_assert(data);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/runs");
    TCase *tests = scratch_case(suite, "runs");
    tcase_add_test(tests, a_run_is_found_from_its_begin_to_its_end);
    tcase_add_test(tests, what_a_run_overlaps_is_forgotten);
    tcase_add_test(tests, too_many_runs_are_begun_anew);
    tcase_add_test(tests, a_source_is_asked_once_for_each_run);
    tcase_add_test(tests, an_output_is_asked_each_time);
    return run_suite(suite);
}
