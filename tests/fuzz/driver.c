/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plain main function of a fuzz target: runs the empty input and then each seed,
 * which are the files given, or the files in the directories given. Of those in
 * directories it also runs what the target's own mutator makes of them. TAP goes to
 * standard output; a crash or a hang ends the program, and the line before says with
 * which seed. */
#include "tests/fuzz/fuzz.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A hang, also under the slowest sanitizer on a busy machine. */
#define SEED_SECONDS_MAX 60

/* Each seed is changed this often, and as often crossed with the seed before. */
#define MUTANTS 8u

/* Room that a mutant has beyond its seed. */
#define GROWTH ((size_t)2048)

/* Most targets have none. */
#pragma weak LLVMFuzzerCustomMutator
#pragma weak LLVMFuzzerCustomCrossOver

/* Targets with a mutator of their own call this; the plain program has no other. */
size_t
LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    (void)data;
    (void)max_size;
    return size;
}

/* Runs one seed from a buffer of exactly its size, so that reading past it is seen. */
static void
run(const char *name, const void *data, size_t size, unsigned *count)
{
    uint8_t *copy = malloc(size ? size : 1);
    g_assert(copy);
    if (size)
        memcpy(copy, data, size);

    printf("# %s\n", name);
    fflush(stdout);
    alarm(SEED_SECONDS_MAX);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    printf("ok %u - %s\n", ++*count, name);
    free(copy);
}

/* In buffers of their exact size, too. */
static void
run_mutants(const char *name, const char *data, size_t size, const GString *before,
            unsigned *count)
{
    g_autofree char *text = g_strconcat("mutants of ", name, NULL);
    printf("# %s\n", text);
    fflush(stdout);
    alarm(SEED_SECONDS_MAX);
    for (unsigned seed = 1; seed <= 2 * MUTANTS; seed++) {
        uint8_t *mutant = malloc(size + GROWTH), *shrunk;
        size_t length = size;
        g_assert(mutant);
        if (seed > MUTANTS) {
            length = LLVMFuzzerCustomCrossOver(
                (const uint8_t *)data, size, (const uint8_t *)before->str, before->len,
                mutant, size + GROWTH, seed);
        } else if (size > 0) {
            memcpy(mutant, data, size);
            length = LLVMFuzzerCustomMutator(mutant, size, size + GROWTH, seed);
        }
        g_assert(length <= size + GROWTH);
        shrunk = realloc(mutant, length ? length : 1);
        g_assert(shrunk);
        LLVMFuzzerTestOneInput(shrunk, length);
        free(shrunk);
    }
    alarm(0);
    printf("ok %u - %s\n", ++*count, text);
}

/* BEFORE: the seed before, which this one becomes; NULL: no mutants. */
static bool
run_file(const char *path, GString *before, unsigned *count)
{
    g_autofree char *data = NULL;
    g_autofree char *name = g_path_get_basename(path);
    size_t size;

    if (!g_file_get_contents(path, &data, &size, NULL)) {
        printf("not ok %u - %s cannot be read\n", ++*count, name);
        return false;
    }
    run(name, data, size, count);
    if (before && LLVMFuzzerCustomMutator) {
        run_mutants(name, data, size, before, count);
        g_string_truncate(before, 0);
        g_string_append_len(before, data, (gssize)size);
    }
    return true;
}

static int
compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
run_directory(const char *path, unsigned *count)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) before = g_string_new(NULL);
    bool ok = true;
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL)
        g_ptr_array_add(names, g_build_filename(path, name, NULL));
    g_ptr_array_sort(names, compare_strings);
    for (unsigned i = 0; i < names->len; i++)
        ok = run_file(names->pdata[i], before, count) && ok;
    return ok;
}

int
main(int argc, char **argv)
{
    unsigned count = 0;
    bool ok = true;

    run("empty input", "", 0, &count);
    for (int i = 1; i < argc; i++) {
        if (g_file_test(argv[i], G_FILE_TEST_IS_DIR))
            ok = run_directory(argv[i], &count) && ok;
        else
            ok = run_file(argv[i], NULL, &count) && ok;
    }
    printf("1..%u\n", count);
    return ok ? 0 : 1;
}
