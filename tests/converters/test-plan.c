/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the plan: every kind of source into every kind of target. */
#include "converters/plan.h"
#include "io/error.h"
#include "tests/check-main.h"

/* Sources: an image with tables, an archive in a file, an archive in a stream, raw
 * bytes from a pipe. */
#define IMAGE .source_map = true
#define ARCHIVE .source_map = true, .source_next = true
#define ARCHIVE_STREAM .source_next = true
#define RAW_STREAM .source_next = true, .source_ascending = true

/* A part of one that begins inside a cell. */
#define UNALIGNED .source_unaligned = true

/* Targets: blocks behind tables (VHDX), fixed places (raw), an archive (VMA); each in a
 * file or a pipe. */
#define BLOCKS .order = VC_ORDER_ANY
#define FIXED .order = VC_ORDER_ANY, .append_only = true
#define STREAMED .order = VC_ORDER_ASCENDING, .append_only = true
#define PIPE .target_pipe = true

static const struct {
    VcPlanQuestion question;
    bool possible;
    VcPlan plan;
} cases[] = {
    { { IMAGE, BLOCKS }, true, { VC_WALK_MAP, false } },
    { { IMAGE, BLOCKS, PIPE }, true, { VC_WALK_MAP, true } },
    { { IMAGE, FIXED }, true, { VC_WALK_MAP, false } },
    { { IMAGE, FIXED, PIPE }, true, { VC_WALK_MAP, false } },
    { { IMAGE, STREAMED }, true, { VC_WALK_MAP, false } },
    { { ARCHIVE, BLOCKS }, true, { VC_WALK_STORED, false } },
    { { ARCHIVE, BLOCKS, PIPE }, true, { VC_WALK_MAP, true } },
    { { ARCHIVE, FIXED }, true, { VC_WALK_STORED, false } },
    { { ARCHIVE, FIXED, PIPE }, true, { VC_WALK_MAP, false } },
    { { ARCHIVE, STREAMED }, true, { VC_WALK_MAP, false } },
    { { ARCHIVE_STREAM, BLOCKS }, true, { VC_WALK_STORED, false } },
    { { ARCHIVE_STREAM, BLOCKS, PIPE }, false, { 0 } },
    { { ARCHIVE_STREAM, FIXED }, true, { VC_WALK_STORED, false } },
    { { ARCHIVE_STREAM, FIXED, PIPE }, false, { 0 } },
    { { ARCHIVE_STREAM, STREAMED }, false, { 0 } },
    { { ARCHIVE, UNALIGNED, FIXED }, true, { VC_WALK_MAP, false } },
    { { ARCHIVE_STREAM, UNALIGNED, BLOCKS }, false, { 0 } },
    { { ARCHIVE_STREAM, UNALIGNED, FIXED }, false, { 0 } },
    { { RAW_STREAM, UNALIGNED, FIXED }, true, { VC_WALK_STORED, false } },
    { { RAW_STREAM, BLOCKS }, true, { VC_WALK_STORED, false } },
    { { RAW_STREAM, BLOCKS, PIPE }, false, { 0 } },
    { { RAW_STREAM, FIXED, PIPE }, true, { VC_WALK_STORED, false } },
    { { RAW_STREAM, STREAMED, PIPE }, true, { VC_WALK_STORED, false } },
};

START_TEST(every_pair_is_walked_or_refused_as_the_table_says)
{
    g_autoptr(GError) error = NULL;
    VcPlan plan;

    bool possible = vc_plan(&cases[_i].question, &plan, &error);
    ck_assert_int_eq(possible, cases[_i].possible);
    if (possible) {
        ck_assert_int_eq(plan.walk, cases[_i].plan.walk);
        ck_assert_int_eq(plan.place_first, cases[_i].plan.place_first);
    } else {
        assert_error(error, VC_ERROR_UNSUPPORTED);
        /* The remedy is named. */
        ck_assert_ptr_nonnull(strstr(error->message, "--spool"));
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("converters/plan");
    TCase *tests = tcase_create("plan");
    tcase_add_loop_test(tests, every_pair_is_walked_or_refused_as_the_table_says, 0,
                        G_N_ELEMENTS(cases));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
