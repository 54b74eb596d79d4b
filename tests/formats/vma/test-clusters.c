/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the set of clusters. */
#include "formats/vma/clusters.h"
#include "tests/check-main.h"

static bool
add(VmaClusters *set, uint32_t cluster)
{
    ck_assert(vma_clusters_reserve(set, NULL));
    return vma_clusters_add(set, cluster);
}

START_TEST(a_cluster_is_new_once)
{
    static const uint32_t some[] = { 0, 1, 63, 64, 65, 4096, 0x7fffffff, 0xffffffff };
    VmaClusters set = { 0 };
    for (size_t i = 0; i < G_N_ELEMENTS(some); i++)
        ck_assert(add(&set, some[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(some); i++)
        ck_assert(!add(&set, some[i]));
    ck_assert_uint_eq(set.count, G_N_ELEMENTS(some));
    vma_clusters_clear(&set);
}
END_TEST

START_TEST(the_first_missing_one_is_the_lowest)
{
    VmaClusters set = { 0 };
    ck_assert_uint_eq(vma_clusters_first_missing(&set), 0);
    add(&set, 1);
    ck_assert_uint_eq(vma_clusters_first_missing(&set), 0);
    for (uint32_t i = 0; i < 200; i++)
        add(&set, i);
    ck_assert_uint_eq(vma_clusters_first_missing(&set), 200);
    add(&set, 201);
    ck_assert_uint_eq(vma_clusters_first_missing(&set), 200);
    vma_clusters_clear(&set);
}
END_TEST

START_TEST(any_order_gives_the_same_set)
{
    enum { N = 20000 };
    VmaClusters set = { 0 };
    g_autofree uint32_t *order = g_new(uint32_t, N);
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t j = (uint32_t)g_rand_int_range(rand, 0, (gint32)i + 1);
        order[i] = order[j];
        order[j] = i * 7; /* one of seven */
    }
    for (uint32_t i = 0; i < N; i++)
        ck_assert(add(&set, order[i]));
    ck_assert_uint_eq(set.count, N);
    for (uint32_t i = 0; i < N * 7; i++)
        ck_assert(add(&set, i) == (i % 7 != 0));
    ck_assert_uint_eq(vma_clusters_first_missing(&set), N * 7);
    vma_clusters_clear(&set);
}
END_TEST

START_TEST(memory_follows_what_is_in_the_set)
{
    VmaClusters set = { 0 };
    for (uint32_t i = 0; i < 3000; i++)
        add(&set, i * 1400000u);
    ck_assert_uint_le((uint64_t)12 << set.log2_capacity, 3000 * 48);
    vma_clusters_clear(&set);

    for (uint32_t i = 0; i < 3000000; i++)
        add(&set, i);
    ck_assert_uint_le((uint64_t)12 << set.log2_capacity, 3000000);
    vma_clusters_clear(&set);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("vma/clusters");
    TCase *tests = tcase_create("clusters");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_cluster_is_new_once);
    tcase_add_test(tests, the_first_missing_one_is_the_lowest);
    tcase_add_test(tests, any_order_gives_the_same_set);
    tcase_add_test(tests, memory_follows_what_is_in_the_set);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
