/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The -o key=value options of a format, and what makes an output reproducible. */
#include "formats/options.h"

#include "io/error.h"

#include <string.h>
#include <uuid.h>

struct VcOptions {
    GHashTable *values; /* char * to char *, both owned */
};

VcOptions *
vc_options_new(void)
{
    VcOptions *options = g_new0(VcOptions, 1);
    options->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return options;
}

void
vc_options_free(VcOptions *options)
{
    if (!options)
        return;
    g_hash_table_unref(options->values);
    g_free(options);
}

void
vc_options_set(VcOptions *options, const char *key, const char *value)
{
    g_hash_table_replace(options->values, g_strdup(key), g_strdup(value));
}

char *
vc_options_take(VcOptions *options, const char *key)
{
    char *value = g_strdup(vc_options_text(options, key, NULL));
    g_hash_table_remove(options->values, key);
    return value;
}

/* Takes one "key=value" off *TEXT, up to a comma that is not doubled. */
static char *
next_item(const char **text)
{
    GString *item = g_string_new(NULL);
    const char *p = *text;
    while (*p != '\0') {
        if (*p == ',') {
            p++;
            if (*p != ',')
                break;
        }
        g_string_append_c(item, *p++);
    }
    *text = p;
    return g_string_free(item, FALSE);
}

bool
vc_options_parse(VcOptions *options, const char *text, GError **error)
{
    while (*text != '\0') {
        g_autofree char *item = next_item(&text);
        char *value = strchr(item, '=');
        if (value)
            *value++ = '\0';
        if (item[0] == '\0') {
            vc_fail(error, VC_ERROR_USAGE, "an option without a name in '-o'");
            return false;
        }
        vc_options_set(options, item, value ? value : "on");
    }
    return true;
}

static bool
parse_bool(const char *text, bool *value)
{
    static const char *const on[] = { "on", "true", "yes", "1", NULL };
    static const char *const off[] = { "off", "false", "no", "0", NULL };
    *value = g_strv_contains(on, text);
    return *value || g_strv_contains(off, text);
}

static bool
check_value(const VcOptionSpec *spec, const char *value, GError **error)
{
    uint64_t size;
    bool flag;

    switch (spec->type) {
    case VC_OPTION_SIZE:
        if (vc_size_parse(value, &size))
            return true;
        vc_fail(error, VC_ERROR_USAGE, "option %s: '%s' is not a size such as 32M",
                spec->key, value);
        return false;
    case VC_OPTION_BOOL:
        if (parse_bool(value, &flag))
            return true;
        vc_fail(error, VC_ERROR_USAGE, "option %s: '%s' is neither on nor off",
                spec->key, value);
        return false;
    case VC_OPTION_CHOICE: {
        g_auto(GStrv) choices = g_strsplit(spec->choices, "|", -1);
        if (g_strv_contains((const char *const *)choices, value))
            return true;
        vc_fail(error, VC_ERROR_USAGE, "option %s: '%s' is not one of %s", spec->key,
                value, spec->choices);
        return false;
    }
    case VC_OPTION_TEXT:
        return true;
    }
    g_assert_not_reached();
}

/* "it has size_rule, ignore_bitmaps" */
static char *
list_keys(const VcOptionSpec *specs)
{
    GString *list = g_string_new("it has ");
    for (const VcOptionSpec *s = specs; s && s->key; s++)
        g_string_append_printf(list, "%s%s", s == specs ? "" : ", ", s->key);
    if (!specs || !specs->key)
        g_string_append(list, "none");
    return g_string_free(list, FALSE);
}

/* In the order of their names, so that the same mistake gives the same message. */
static GList *
sorted_keys(const VcOptions *options)
{
    return g_list_sort(g_hash_table_get_keys(options->values), (GCompareFunc)strcmp);
}

const char *
vc_options_first(const VcOptions *options)
{
    g_autoptr(GList) keys = sorted_keys(options);
    return keys ? keys->data : NULL;
}

bool
vc_options_check(const VcOptions *options, const char *format,
                 const VcOptionSpec *specs, GError **error)
{
    if (!options)
        return true;

    g_autoptr(GList) keys = sorted_keys(options);
    for (GList *link = keys; link; link = link->next) {
        const char *key = link->data;
        const VcOptionSpec *spec = specs;
        while (spec && spec->key && strcmp(spec->key, key) != 0)
            spec++;
        if (!spec || !spec->key) {
            g_autofree char *known = list_keys(specs);
            vc_fail(error, VC_ERROR_USAGE, "format %s has no option '%s' here; %s",
                    format, key, known);
            return false;
        }
        if (!check_value(spec, g_hash_table_lookup(options->values, key), error))
            return false;
    }
    return true;
}

const char *
vc_options_text(const VcOptions *options, const char *key, const char *fallback)
{
    const char *value = options ? g_hash_table_lookup(options->values, key) : NULL;
    return value ? value : fallback;
}

uint64_t
vc_options_size(const VcOptions *options, const char *key, uint64_t fallback)
{
    const char *value = vc_options_text(options, key, NULL);
    uint64_t size;
    return value && vc_size_parse(value, &size) ? size : fallback;
}

bool
vc_options_bool(const VcOptions *options, const char *key, bool fallback)
{
    const char *value = vc_options_text(options, key, NULL);
    bool flag;
    return value && parse_bool(value, &flag) ? flag : fallback;
}

bool
vc_size_parse(const char *text, uint64_t *size)
{
    if (!g_ascii_isdigit(text[0]))
        return false;

    char *end;
    uint64_t whole = g_ascii_strtoull(text, &end, 10);
    if (whole == G_MAXUINT64)
        return false;

    /* At most nine digits behind the point: exact in 64 bits, enough for any unit. */
    uint64_t part = 0, scale = 1;
    if (*end == '.') {
        if (!g_ascii_isdigit(*++end))
            return false;
        for (; g_ascii_isdigit(*end); end++) {
            if (scale == 1000000000)
                continue;
            part = part * 10 + (uint64_t)g_ascii_digit_value(*end);
            scale *= 10;
        }
    }

    static const char units[] = "KMGTPE";
    unsigned shift = 0;
    const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
        if (g_ascii_tolower(end[0]) == 'i' && g_ascii_toupper(end[1]) == 'B')
            end++;
    }
    if (g_ascii_toupper(*end) == 'B')
        end++;
    if (*end != '\0' || whole > (uint64_t)G_MAXINT64 >> shift)
        return false;

    /* part < scale, so the quotient is below one unit and the sum below 2^64. */
    uint64_t fraction = (uint64_t)(((unsigned __int128)part << shift) / scale);
    *size = (whole << shift) + fraction;
    return *size <= G_MAXINT64;
}

void
vc_identity_uuid(const VcIdentity *identity, const char *purpose, const char *name,
                 uint8_t uuid[static 16])
{
    if (!identity || !identity->reproducible) {
        uuid_generate_random(uuid);
        return;
    }
    /* Our own name space, drawn once at random. */
    static const uint8_t space[16] = { 0x9c, 0x0e, 0x5d, 0x3a, 0x41, 0x6f, 0x4b, 0x1d,
                                       0x8e, 0x27, 0x66, 0x1f, 0xb0, 0xc3, 0x52, 0xd9 };
    g_autofree char *text = g_strdup_printf("%s\n%s", purpose, name);
    uuid_generate_sha1(uuid, space, text, strlen(text));
}
