/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile names from archives, made into file names and into text for terminals. */
#include "converters/names.h"

#include <stdint.h>
#include <string.h>

/* What Linux and most others take for one name (NAME_MAX). */
#define NAME_BYTES_MAX 255u

VcNames *
vc_names_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

/* Characters that show nothing, or that change how what is around them is shown:
 * controls, line separators, and the marks that turn the direction of writing. */
static bool
is_invisible(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return true;
    default:
        return false;
    }
}

/* The character at TEXT and its length in bytes; (gunichar)-1 and 1 for a byte that is
 * not valid UTF-8. */
static gunichar
next_char(const char *text, size_t *length)
{
    gunichar c = g_utf8_get_char_validated(text, -1);
    if (c == (gunichar)-1 || c == (gunichar)-2) {
        *length = 1;
        return (gunichar)-1;
    }
    *length = (size_t)(g_utf8_next_char(text) - text);
    return c;
}

/* One component of a path, whatever NAME holds; leading marks are left to the caller.
 */
static char *
without_marks(const char *name)
{
    GString *safe = g_string_new(NULL);
    size_t length;
    for (; *name != '\0'; name += length) {
        gunichar c = next_char(name, &length);
        if (c == (gunichar)-1 || c == '/' || c == '\\' || is_invisible(c))
            g_string_append_c(safe, '_');
        else
            g_string_append_len(safe, name, (gssize)length);
    }
    return g_string_free(safe, FALSE);
}

/* Cuts TEXT to at most LENGTH bytes, between characters. */
static void
cut(char *text, size_t length)
{
    if (strlen(text) <= length)
        return;
    while (length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80)
        length--;
    text[length] = '\0';
}

/* PREFIX + NAME + MARK + SUFFIX, with NAME cut so that all of it is a legal name. */
static char *
compose(const char *prefix, const char *name, const char *mark, const char *suffix)
{
    size_t others = strlen(prefix) + strlen(mark) + strlen(suffix);
    g_assert(others < NAME_BYTES_MAX); /* prefix and suffix are ours */

    g_autofree char *body = g_strdup(name);
    cut(body, NAME_BYTES_MAX - others);
    char *file = g_strconcat(prefix, body, mark, suffix, NULL);
    /* "-rf" would be taken for an option, ".profile" be hidden, ".." be the parent. */
    if (file[0] == '-' || file[0] == '.')
        file[0] = '_';
    return file;
}

/* What file systems without regard to case, or to how accents are put together, take
 * for the same name. */
static char *
collation(const char *file)
{
    g_autofree char *folded = g_utf8_casefold(file, -1);
    return g_utf8_normalize(folded, -1, G_NORMALIZE_ALL);
}

char *
vc_names_take(VcNames *names, const char *prefix, const char *name, const char *suffix,
              bool *renamed)
{
    g_autofree char *wanted = g_strconcat(prefix, name, suffix, NULL);
    g_autofree char *safe = without_marks(name);
    if (safe[0] == '\0') {
        g_free(safe);
        safe = g_strdup("_");
    }

    g_autofree char *file = compose(prefix, safe, "", suffix);
    for (unsigned n = 2; !g_hash_table_add(names, collation(file)); n++) {
        g_autofree char *mark = g_strdup_printf("-%u", n);
        g_free(file);
        file = compose(prefix, safe, mark, suffix);
    }
    *renamed = strcmp(file, wanted) != 0;
    return g_steal_pointer(&file);
}

char *
vc_printable(const char *text)
{
    GString *line = g_string_new(NULL);
    size_t length;
    for (; *text != '\0'; text += length) {
        gunichar c = next_char(text, &length);
        if (c == (gunichar)-1)
            g_string_append_printf(line, "\\x%02x", (uint8_t)*text);
        else if (!is_invisible(c))
            g_string_append_len(line, text, (gssize)length);
        else if (c < 0x100)
            g_string_append_printf(line, "\\x%02x", c);
        else
            g_string_append_printf(line, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    }
    return g_string_free(line, FALSE);
}

char *
vc_printable_json(const char *json)
{
    GString *safe = g_string_new(NULL);
    size_t length;
    for (; *json != '\0'; json += length) {
        gunichar c = next_char(json, &length);
        if (c < 0x80 || !is_invisible(c))
            g_string_append_len(safe, json, (gssize)length);
        else if (c < 0x10000)
            g_string_append_printf(safe, "\\u%04x", c);
        else
            g_string_append_printf(safe, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10),
                                   0xdc00 + (c & 0x3ff));
    }
    return g_string_free(safe, FALSE);
}
