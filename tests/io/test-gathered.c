/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the writer that gathers small writes into blocks. */
#include "io/error.h"
#include "io/gathered.h"
#include "io/lent.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/io/fault.h"

#include <string.h>

#define BLOCK VC_GATHERED_BLOCK

static VcFile *
gather(VcFile *file)
{
    VcFile *gathered = vc_gathered_file(vc_lent_file(file), NULL);
    ck_assert_ptr_nonnull(gathered);
    return gathered;
}

static uint64_t
size_of(VcFile *file)
{
    uint64_t size;
    ck_assert(vc_file_size(file, &size, NULL));
    return size;
}

/* The byte that the tests put at POSITION. */
static uint8_t
byte_at(uint64_t position)
{
    return (uint8_t)(position * 2654435761u >> 13);
}

static void
put(VcFile *file, uint64_t position, size_t length)
{
    g_autofree uint8_t *bytes = g_malloc(length);
    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(position + i);
    ck_assert(vc_file_write(file, position, bytes, length, NULL));
}

static void
assert_content(VcFile *file, uint64_t size)
{
    g_autofree uint8_t *have = g_malloc(size);
    ck_assert_uint_eq(size_of(file), size);
    ck_assert(vc_file_read(file, 0, have, size, NULL));
    uint64_t same = 0;
    while (same < size && have[same] == byte_at(same))
        same++;
    ck_assert_uint_eq(same, size);
}

START_TEST(a_block_goes_out_when_its_last_byte_is_there)
{
    g_autoptr(VcFile) below = vc_memory_file("below");
    g_autoptr(VcFile) file = gather(below);

    put(file, 512, BLOCK - 512);
    ck_assert_uint_eq(size_of(below), 0);
    put(file, 0, 512);
    assert_content(below, BLOCK);
}
END_TEST

START_TEST(a_write_may_touch_many_blocks)
{
    g_autoptr(VcFile) below = vc_memory_file("below");
    g_autoptr(VcFile) file = gather(below);

    put(file, 100, 3 * (size_t)BLOCK);
    put(file, 0, 100);
    ck_assert_uint_eq(size_of(below), 3 * BLOCK);
    ck_assert(vc_file_sync(file, NULL));
    assert_content(below, 3 * BLOCK + 100);
}
END_TEST

START_TEST(more_blocks_than_there_is_memory_for_are_written_in_pieces)
{
    g_autoptr(VcFile) below = vc_memory_file("below");
    g_autoptr(VcFile) file = gather(below);
    unsigned n = 3 * VC_GATHERED_BLOCKS_MAX;

    for (unsigned i = 0; i < n; i++)
        put(file, (uint64_t)i * BLOCK + 1000, BLOCK - 3000);
    ck_assert_uint_gt(size_of(below), 0);
    for (unsigned i = n; i-- > 0;) {
        put(file, (uint64_t)i * BLOCK + BLOCK - 2000, 2000);
        put(file, (uint64_t)i * BLOCK, 1000);
    }
    ck_assert(vc_file_sync(file, NULL));
    assert_content(below, (uint64_t)n * BLOCK);
}
END_TEST

START_TEST(the_size_can_be_set_in_between)
{
    g_autoptr(VcFile) below = vc_memory_file("below");
    g_autoptr(VcFile) file = gather(below);

    put(file, 512, 1024);
    ck_assert(vc_file_truncate(file, 1536, NULL));
    put(file, 0, 512);
    ck_assert(vc_file_sync(file, NULL));
    assert_content(below, 1536);
}
END_TEST

/* Below, what was gathered comes before what is asked for. */
START_TEST(every_other_operation_comes_behind_what_was_written)
{
    uint8_t have[1500];
    g_autoptr(VcFile) below = vc_memory_file("below");
    g_autoptr(VcFile) file = gather(below);

    put(file, 0, 1000);
    ck_assert_uint_eq(size_of(file), 1000);
    put(file, 1000, 500);
    ck_assert(vc_file_read(file, 0, have, sizeof have, NULL));
    for (unsigned i = 0; i < sizeof have; i++)
        ck_assert_uint_eq(have[i], byte_at(i));
    put(file, 1500, 500);
    ck_assert(vc_file_zero(file, 0, 2000, NULL));
    ck_assert(vc_file_sync(file, NULL));
    ck_assert(vc_file_read(below, 500, have, sizeof have, NULL));
    for (unsigned i = 0; i < sizeof have; i++)
        ck_assert_uint_eq(have[i], 0);
    put(file, 2000, 500);
    ck_assert(vc_file_truncate(file, 0, NULL));
    ck_assert(vc_file_sync(file, NULL));
    ck_assert_uint_eq(size_of(below), 0);
}
END_TEST

START_TEST(what_was_not_written_stays_a_gap)
{
    static const uint8_t zeros[100];
    uint8_t have[100];
    g_autoptr(VcFile) below = vc_memory_file("below");
    g_autoptr(VcFile) file = gather(below);

    put(file, 0, 100);
    put(file, 200, 100);
    ck_assert(vc_file_sync(file, NULL));
    ck_assert(vc_file_read(below, 100, have, sizeof have, NULL));
    ck_assert_mem_eq(have, zeros, sizeof have);
    ck_assert_uint_eq(size_of(below), 300);
}
END_TEST

START_TEST(what_cannot_be_written_is_an_error_of_who_filled_the_block_or_of_the_end)
{
    for (unsigned nth = 1; nth <= 2; nth++) {
        g_autoptr(VcFile) below = vc_memory_file("below");
        VcFaultPlan plan = { .kind = VC_FAULT_FAIL,
                             .operations = VC_FAULT_WRITE,
                             .nth = nth };
        g_autoptr(VcFile) failing = vc_fault_file(vc_lent_file(below), &plan);
        g_autoptr(VcFile) file = gather(failing);
        g_autoptr(GError) error = NULL;
        static uint8_t bytes[BLOCK];

        ck_assert(vc_file_write(file, 0, bytes, BLOCK / 2, NULL));
        bool filled = vc_file_write(file, BLOCK / 2, bytes, BLOCK / 2 + 1, &error);
        ck_assert(filled == (nth == 2));
        ck_assert(!filled || !vc_file_sync(file, &error));
        ck_assert_ptr_nonnull(error);
    }
}
END_TEST

typedef struct {
    VcFile *file;
    unsigned first, step, n;
    size_t piece;
} Writer;

static gpointer
write_some(gpointer user)
{
    const Writer *w = user;
    for (unsigned i = w->first; i < w->n; i += w->step)
        put(w->file, (uint64_t)i * w->piece, w->piece);
    return NULL;
}

START_TEST(threads_may_write_at_once)
{
    g_autoptr(VcFile) below = vc_memory_file("below");
    g_autoptr(VcFile) file = gather(below);
    enum { N = 4, PIECE = 200000, PIECES = 120 };
    GThread *threads[N];
    Writer writers[N];

    for (unsigned i = 0; i < N; i++) {
        writers[i] = (Writer){ file, i, N, PIECES, PIECE };
        threads[i] = g_thread_new("writer", write_some, &writers[i]);
    }
    for (unsigned i = 0; i < N; i++)
        g_thread_join(threads[i]);
    ck_assert(vc_file_sync(file, NULL));
    assert_content(below, (uint64_t)PIECE * PIECES);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("io/gathered");
    TCase *tests = tcase_create("gathered");
    tcase_add_test(tests, a_block_goes_out_when_its_last_byte_is_there);
    tcase_add_test(tests, a_write_may_touch_many_blocks);
    tcase_add_test(tests, more_blocks_than_there_is_memory_for_are_written_in_pieces);
    tcase_add_test(tests, the_size_can_be_set_in_between);
    tcase_add_test(tests, every_other_operation_comes_behind_what_was_written);
    tcase_add_test(tests, what_was_not_written_stays_a_gap);
    tcase_add_test(
        tests,
        what_cannot_be_written_is_an_error_of_who_filled_the_block_or_of_the_end);
    tcase_add_test(tests, threads_may_write_at_once);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
