/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a command line, one per NUL, as `convert` takes them: parsed, and their
 * values made of them. */
#include "tests/fuzz/fuzz.h"

#include "cli/transfer.h"

#include <string.h>

#define WORDS_MAX 30

VcManners vc_manners; /* main's, and so vconv's own */

/* The help goes to standard output, where it is of no use here. */
static bool
asks_for_help(const char *word)
{
    return word[0] == '-' &&
           (word[1] == '-' ? word[2] == 'h' : strchr(word, 'h') != NULL);
}

static void
check_prepared(const VcTransfer *t)
{
    g_assert(t->convert.sparse <= (uint64_t)16 << 20 && t->convert.sparse % 512 == 0);
    g_assert(t->convert.workers <= VC_WORKERS_MAX);
    g_assert(t->convert.rate <= G_MAXINT64 && t->size_align <= G_MAXINT64);
    g_assert(t->fd >= 0);
    g_assert(!t->target_is_zero || t->in_place);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const VcCommand command = { .name = "convert", .usage = "INPUT OUTPUT" };
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(words, g_strdup("convert"));
    for (size_t at = 0; at < size && words->len < WORDS_MAX;) {
        char *word = g_strndup((const char *)data + at, size - at);
        at += strlen(word) + 1;
        g_ptr_array_add(words, word);
        if (asks_for_help(word))
            return 0;
    }
    guint count = words->len;
    g_ptr_array_add(words, NULL);

    g_auto(VcArguments) arguments;
    g_auto(VcTransfer) transfer = { 0 };
    g_autoptr(GError) error = NULL;
    vc_arguments_init(&arguments, &command);
    vc_transfer_add(&transfer, &arguments);
    bool good = vc_arguments_parse(&arguments, (int)count, (char **)words->pdata,
                                   &error);
    g_assert(good == !error);
    if (!good)
        return 0;
    g_assert(arguments.n_files < count);
    good = vc_arguments_count(&arguments, 1, 2, "two images", NULL);
    g_assert(good == (arguments.n_files == 1 || arguments.n_files == 2));
    good = vc_transfer_prepare(&transfer, &error);
    g_assert(good == !error);
    if (good)
        check_prepared(&transfer);
    return 0;
}
