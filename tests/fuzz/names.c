/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of an archive, one per NUL: none leaves its directory, none is given twice, and
 * none reaches the terminal with a control character. */
#include "tests/fuzz/fuzz.h"

#include "converters/names.h"

#include <string.h>

/* Equal ones are counted up, each from the beginning: more of them only cost time. */
#define NAMES_MAX 40u

static void
check_text(const char *text)
{
    g_assert(g_utf8_validate(text, -1, NULL));
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        g_assert(!g_unichar_iscntrl(g_utf8_get_char(p)));
}

static void
check_file(const char *file)
{
    check_text(file);
    g_assert(file[0] != '\0' && file[0] != '.' && file[0] != '-');
    g_assert(!strchr(file, '/') && !strchr(file, '\\'));
    g_assert(strlen(file) <= 255);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(VcNames) names = vc_names_new();
    g_autoptr(GHashTable)
        given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t at = 0, n = 0; at < size && n < NAMES_MAX; n++) {
        g_autofree char *name = g_strndup((const char *)data + at, size - at);
        at += strlen(name) + 1;
        bool renamed;
        char *file = vc_names_take(names, at % 2 ? "disk-" : "", name,
                                   at % 3 ? ".raw" : "", &renamed);
        check_file(file);
        g_assert(g_hash_table_add(given, file));
        g_autofree char *shown = vc_printable(name);
        check_text(shown);
    }
    return 0;
}
