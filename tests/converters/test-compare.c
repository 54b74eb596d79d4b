/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the comparison of disks. */
#include "converters/compare.h"
#include "formats/raw/raw.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/converters/scripted.h"

#include <string.h>

#define MIB ((uint64_t)1 << 20)
#define SIZE (6 * MIB)

static const unsigned worker_counts[] = { 0, 1, 4 };

typedef struct {
    VcSource *a, *b;
    VcComparison result;
    GError *error;
} Pair;

/* Runs with the loop's number of workers. */
static bool
compare(Pair *pair, bool strict, int variant)
{
    VcConvertOptions options = { .workers = worker_counts[variant] };
    return vc_compare(pair->a, 0, pair->b, 0, strict, &options, &pair->result,
                      &pair->error);
}

static void
clear_pair(Pair *pair)
{
    vc_source_free(pair->a);
    vc_source_free(pair->b);
    g_clear_error(&pair->error);
}

/* Two disks of pattern with a hole of 1 MiB at 1 MiB; B lies in other runs. */
static Pair
make_pair(ScriptedKind kind)
{
    Pair pair = { scripted_source("a", kind, SIZE),
                  scripted_source("b", SCRIPTED_MAP, SIZE) };
    scripted_add_data(pair.a, 3 * MIB + 512, 3 * MIB - 512, NULL);
    scripted_add_data(pair.a, 0, MIB, NULL);
    scripted_add_zero(pair.a, MIB, MIB, false);
    scripted_add_data(pair.a, 2 * MIB, MIB + 512, NULL);

    scripted_add_data(pair.b, 0, MIB / 2, NULL);
    scripted_add_data(pair.b, MIB / 2, MIB / 2, NULL);
    scripted_add_zero(pair.b, MIB, MIB, false);
    scripted_add_data(pair.b, 2 * MIB, 4 * MIB, NULL);
    return pair;
}

START_TEST(equal_disks_are_the_same)
{
    for (int kind = SCRIPTED_MAP; kind <= SCRIPTED_STORED; kind++) {
        Pair pair = make_pair((ScriptedKind)kind);
        ck_assert(compare(&pair, false, _i));
        assert_no_error(pair.error);
        ck_assert(pair.result.same);
        ck_assert(!pair.result.size_differs);
        clear_pair(&pair);
    }
}
END_TEST

START_TEST(the_first_of_many_differences_is_found)
{
    for (int kind = SCRIPTED_MAP; kind <= SCRIPTED_STORED; kind++) {
        Pair pair = make_pair((ScriptedKind)kind);
        scripted_flip(pair.b, 2 * MIB + 77);
        scripted_flip(pair.b, 2 * MIB + 78);
        for (uint64_t at = 3 * MIB; at < SIZE; at += 65536)
            scripted_flip(pair.b, at + 5);
        ck_assert(compare(&pair, false, _i));
        assert_no_error(pair.error);
        ck_assert(!pair.result.same);
        ck_assert(!pair.result.first_in_map);
        ck_assert_uint_eq(pair.result.first, 2 * MIB + 77);
        clear_pair(&pair);
    }
}
END_TEST

START_TEST(which_side_comes_in_stored_order_does_not_matter)
{
    Pair pair = make_pair(SCRIPTED_STORED);
    VcSource *a = pair.a;
    pair.a = pair.b;
    pair.b = a;
    scripted_flip(pair.a, 5 * MIB);
    ck_assert(compare(&pair, false, _i));
    ck_assert(!pair.result.same);
    ck_assert_uint_eq(pair.result.first, 5 * MIB);
    clear_pair(&pair);
}
END_TEST

START_TEST(two_in_stored_order_are_refused_with_advice)
{
    Pair pair = { scripted_source("a", SCRIPTED_STORED, SIZE),
                  scripted_source("b", SCRIPTED_STORED, SIZE) };
    ck_assert(!compare(&pair, false, _i));
    assert_error(pair.error, VC_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(pair.error->message, "--spool"));
    clear_pair(&pair);
}
END_TEST

START_TEST(what_both_know_to_be_zero_costs_nothing)
{
    uint64_t huge = (uint64_t)64 << 40;
    Pair pair = { scripted_source("a", SCRIPTED_MAP, huge),
                  scripted_source("b", SCRIPTED_MAP, huge) };
    scripted_add_zero(pair.a, 0, huge, false);
    scripted_add_zero(pair.b, 0, huge, false);
    ck_assert(compare(&pair, true, _i));
    ck_assert(pair.result.same);
    clear_pair(&pair);
}
END_TEST

START_TEST(stored_zeros_are_the_same_as_a_hole_unless_strict)
{
    g_autofree uint8_t *zeros = g_malloc0(SIZE);
    for (int kind = SCRIPTED_MAP; kind <= SCRIPTED_STORED; kind++) {
        for (int strict = 0; strict < 2; strict++) {
            Pair pair = { scripted_source("a", (ScriptedKind)kind, SIZE),
                          scripted_source("b", SCRIPTED_MAP, SIZE) };
            scripted_add_data(pair.a, 0, SIZE, zeros);
            scripted_add_data(pair.b, 0, MIB, zeros);
            scripted_add_zero(pair.b, MIB, SIZE - MIB, false);
            ck_assert(compare(&pair, strict != 0, _i));
            ck_assert(pair.result.same == !strict);
            if (strict) {
                ck_assert(pair.result.first_in_map);
                ck_assert_uint_eq(pair.result.first, MIB);
            }
            clear_pair(&pair);
        }
    }
}
END_TEST

START_TEST(a_byte_beside_a_hole_is_a_difference_at_the_byte)
{
    g_autofree uint8_t *bytes = g_malloc0(SIZE);
    static const uint64_t places[] = { 4 * MIB + 4097, SIZE - 1 };
    for (unsigned k = 0; k < 4; k++) {
        bool swapped = k % 2;
        memset(bytes, 0, SIZE);
        bytes[places[k / 2]] = 1;
        Pair pair = { scripted_source("a", SCRIPTED_MAP, SIZE),
                      scripted_source("b", SCRIPTED_MAP, SIZE) };
        scripted_add_data(swapped ? pair.b : pair.a, 0, SIZE, bytes);
        scripted_add_zero(swapped ? pair.a : pair.b, 0, SIZE, true);
        ck_assert(compare(&pair, false, _i));
        ck_assert(!pair.result.same);
        ck_assert_uint_eq(pair.result.first, places[k / 2]);
        clear_pair(&pair);
    }
}
END_TEST

START_TEST(strict_sees_that_only_one_side_is_allocated)
{
    Pair pair = { scripted_source("a", SCRIPTED_MAP, SIZE),
                  scripted_source("b", SCRIPTED_MAP, SIZE) };
    scripted_add_zero(pair.a, 0, SIZE, false);
    scripted_add_zero(pair.b, 0, 2 * MIB, false);
    scripted_add_zero(pair.b, 2 * MIB, SIZE - 2 * MIB, true);
    ck_assert(compare(&pair, true, _i));
    ck_assert(!pair.result.same);
    ck_assert(pair.result.first_in_map);
    ck_assert_uint_eq(pair.result.first, 2 * MIB);
    clear_pair(&pair);
}
END_TEST

/* A is SIZE bytes of pattern, B has SURPLUS bytes more: zeros, but for one at LAST. */
static Pair
make_uneven(ScriptedKind kind, uint64_t surplus, bool last)
{
    Pair pair = { scripted_source("a", kind, SIZE),
                  scripted_source("b", SCRIPTED_MAP, SIZE + surplus) };
    g_autofree uint8_t *tail = g_malloc0(surplus);
    tail[surplus - 1] = last;
    scripted_add_data(pair.a, 0, SIZE, NULL);
    scripted_add_data(pair.b, 0, SIZE, NULL);
    scripted_add_data(pair.b, SIZE, surplus, tail);
    return pair;
}

START_TEST(zeros_behind_the_smaller_disk_are_the_same)
{
    for (int kind = SCRIPTED_MAP; kind <= SCRIPTED_STORED; kind++) {
        Pair pair = make_uneven((ScriptedKind)kind, MIB + 1, false);
        ck_assert(compare(&pair, false, _i));
        ck_assert(pair.result.same);
        ck_assert(pair.result.size_differs);
        clear_pair(&pair);
    }
}
END_TEST

START_TEST(data_behind_the_smaller_disk_is_a_difference)
{
    for (int kind = SCRIPTED_MAP; kind <= SCRIPTED_STORED; kind++) {
        Pair pair = make_uneven((ScriptedKind)kind, MIB + 1, true);
        ck_assert(compare(&pair, false, _i));
        ck_assert(!pair.result.same);
        ck_assert(pair.result.size_differs);
        ck_assert_uint_eq(pair.result.first, SIZE + MIB);
        clear_pair(&pair);
    }
}
END_TEST

START_TEST(sizes_that_differ_are_a_strict_difference_found_without_reading)
{
    Pair pair = { scripted_source("a", SCRIPTED_MAP, SIZE),
                  scripted_source("b", SCRIPTED_MAP, SIZE + 512) };
    ck_assert(compare(&pair, true, _i));
    ck_assert(!pair.result.same);
    ck_assert(pair.result.size_differs);
    ck_assert_uint_eq(pair.result.first, SIZE);
    clear_pair(&pair);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error_unless_a_difference_lies_before)
{
    for (int flipped = 0; flipped < 2; flipped++) {
        Pair pair = { scripted_source("a", SCRIPTED_MAP, SIZE),
                      scripted_source("b", SCRIPTED_MAP, SIZE) };
        scripted_add_data(pair.a, 0, SIZE, NULL);
        scripted_add_data(pair.b, 0, 3 * MIB, NULL);
        scripted_add_unreadable(pair.b, 3 * MIB, SIZE - 3 * MIB);
        if (flipped)
            scripted_flip(pair.b, 3 * MIB - 1);
        ck_assert(compare(&pair, false, _i) == flipped);
        if (flipped) {
            ck_assert(!pair.result.same);
            ck_assert_uint_eq(pair.result.first, 3 * MIB - 1);
        } else {
            assert_error(pair.error, VC_ERROR_SHORT);
            ck_assert(g_str_has_prefix(pair.error->message, "b: "));
        }
        clear_pair(&pair);
    }
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error_beside_a_hole_as_well)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        Pair pair = { scripted_source("a", SCRIPTED_MAP, SIZE),
                      scripted_source("b", SCRIPTED_MAP, SIZE) };
        scripted_add_zero(swapped ? pair.b : pair.a, 0, SIZE, true);
        scripted_add_unreadable(swapped ? pair.a : pair.b, 0, SIZE);
        ck_assert(!compare(&pair, false, _i));
        assert_error(pair.error, VC_ERROR_SHORT);
        clear_pair(&pair);
    }
}
END_TEST

/* A raw image as it comes out of a pipe. */
static VcSource *
raw_from_pipe(uint64_t size)
{
    g_autofree uint8_t *bytes = g_malloc(size);
    scripted_pattern(0, bytes, size);
    VcFile *file = vc_memory_file_from("pipe", bytes, size);
    file->seekable = false;
    return raw_open(file, NULL, NULL);
}

START_TEST(a_pipe_of_unknown_size_is_compared_to_its_end)
{
    static const int64_t more[] = { 0, 4097, -4097 };
    for (size_t i = 0; i < G_N_ELEMENTS(more); i++) {
        uint64_t size = SIZE + (uint64_t)more[i];
        Pair pair = { raw_from_pipe(SIZE), scripted_source("b", SCRIPTED_MAP, size) };
        scripted_add_data(pair.b, 0, size, NULL);
        ck_assert(compare(&pair, false, _i));
        assert_no_error(pair.error);
        ck_assert(pair.result.same == (more[i] == 0));
        ck_assert(pair.result.size_differs == (more[i] != 0));
        if (more[i] != 0)
            ck_assert_uint_eq(pair.result.first, MIN(size, SIZE));
        clear_pair(&pair);
    }
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
    Pair pair = make_pair(SCRIPTED_MAP);
    VcConvertOptions options = { .workers = worker_counts[_i],
                                 .progress = count_progress,
                                 .user = &ends };
    ck_assert(vc_compare(pair.a, 0, pair.b, 0, false, &options, &pair.result, NULL));
    ck_assert_uint_ge(ends, 1);
    clear_pair(&pair);
}
END_TEST

int
main(void)
{
    const TTest *const all[] = {
        equal_disks_are_the_same,
        the_first_of_many_differences_is_found,
        which_side_comes_in_stored_order_does_not_matter,
        two_in_stored_order_are_refused_with_advice,
        what_both_know_to_be_zero_costs_nothing,
        stored_zeros_are_the_same_as_a_hole_unless_strict,
        a_byte_beside_a_hole_is_a_difference_at_the_byte,
        strict_sees_that_only_one_side_is_allocated,
        zeros_behind_the_smaller_disk_are_the_same,
        data_behind_the_smaller_disk_is_a_difference,
        sizes_that_differ_are_a_strict_difference_found_without_reading,
        what_cannot_be_read_is_an_error_unless_a_difference_lies_before,
        what_cannot_be_read_is_an_error_beside_a_hole_as_well,
        a_pipe_of_unknown_size_is_compared_to_its_end,
        progress_ends_at_the_total,
    };
    Suite *suite = suite_create("converters/compare");
    TCase *tests = tcase_create("compare");
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        tcase_add_loop_test(tests, all[i], 0, G_N_ELEMENTS(worker_counts));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
