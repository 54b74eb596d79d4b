/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parent locator of a differencing disk. */
#include "formats/vhdx/locator.h"

#include "io/bytes.h"
#include "io/error.h"

#define HEADER_SIZE 20u
#define ENTRY_SIZE 12u

/* The paths in the order in which MS-VHDX 2.6.2.6.3 has them tried. */
enum { LINKAGE, LINKAGE2, RELATIVE, VOLUME, ABSOLUTE, KEYS };

static const char *const keys[KEYS] = {
    [LINKAGE] = "parent_linkage",       [LINKAGE2] = "parent_linkage2",
    [RELATIVE] = "relative_path",       [VOLUME] = "volume_path",
    [ABSOLUTE] = "absolute_win32_path",
};

typedef char *Values[KEYS];

static void
free_values(Values *values)
{
    for (unsigned i = 0; i < KEYS; i++)
        g_free((*values)[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Values, free_values)

/* A text of the item: UTF-16, and nobody has looked at its units yet. */
typedef struct {
    const uint8_t *raw;
    size_t length; /* bytes */
} Text;

/* LENGTH bytes at OFFSET of the item. WHAT is "key" or "value". */
static bool
find_text(const uint8_t *raw, size_t item_length, uint32_t offset, uint16_t length,
          const char *what, uint64_t position, Text *text, GError **error)
{
    if (offset > item_length || length > item_length - offset) {
        vc_corrupt(
            error, position,
            "parent locator: a %s of %u bytes at offset 0x%x of the item, which has "
            "0x%zx bytes",
            what, length, offset, item_length);
        return false;
    }
    if (length == 0 || length % 2 != 0) {
        vc_corrupt(error, position,
                   "parent locator: a %s of %u bytes, expected an even number above 0",
                   what, length);
        return false;
    }
    *text = (Text){ .raw = raw + offset, .length = length };
    return true;
}

/* Gives the UTF-8 of VALUE. */
static char *
decode_value(const Text *value, uint64_t position, GError **error)
{
    size_t n = value->length / 2;
    g_autofree gunichar2 *units = g_new(gunichar2, n);
    for (size_t i = 0; i < n; i++)
        units[i] = load_le16(value->raw + i * 2);
    glong read = 0;
    char *text = g_utf16_to_utf8(units, (glong)n, &read, NULL, NULL);
    /* The conversion stops at a NUL, which no path has. */
    if (!text || (size_t)read != n) {
        g_free(text);
        vc_corrupt(error, position, "parent locator: a value that is not UTF-16");
        return NULL;
    }
    return text;
}

static bool
is_key(const Text *key, const char *name)
{
    size_t n = strlen(name);
    if (key->length != n * 2)
        return false;
    for (size_t i = 0; i < n; i++)
        if (load_le16(key->raw + i * 2) != (uint8_t)name[i])
            return false;
    return true;
}

/* What the pair is of which ENTRY tells. Only what is known is decoded, and that once:
 * MS-VHDX 2.6.2.6.1 lets an item have 65,535 pairs, and all of them may name one long
 * text. */
static bool
decode_pair(const uint8_t *raw, size_t length, const uint8_t *entry, uint64_t position,
            Values *values, GError **error)
{
    Text key, value;
    if (!find_text(raw, length, load_le32(entry), load_le16(entry + 8), "key", position,
                   &key, error) ||
        !find_text(raw, length, load_le32(entry + 4), load_le16(entry + 10), "value",
                   position, &value, error))
        return false;
    unsigned k = 0;
    while (k < KEYS && !is_key(&key, keys[k]))
        k++;
    if (k == KEYS)
        return true;
    if ((*values)[k]) {
        vc_corrupt(error, position, "parent locator: key %s twice", keys[k]);
        return false;
    }
    (*values)[k] = decode_value(&value, position, error);
    return (*values)[k] != NULL;
}

static bool
decode_pairs(const uint8_t *raw, size_t length, uint64_t position, Values *values,
             GError **error)
{
    unsigned count = load_le16(raw + 18);
    if (count > (length - HEADER_SIZE) / ENTRY_SIZE) {
        vc_corrupt(error, position + 18,
                   "parent locator: %u entries in an item of %zu bytes", count, length);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = HEADER_SIZE + i * ENTRY_SIZE;
        if (!decode_pair(raw, length, raw + at, position + at, values, error))
            return false;
    }
    return true;
}

/* Windows' "extended" prefix means nothing elsewhere: \\?\c:\x is c:\x, and \\?\UNC\h\s
 * is
 * \\h\s. A volume's name stays as it is: it tells people something, and names no file.
 */
static char *
absolute_path(const char *text)
{
    static const char extended[] = "\\\\?\\", network[] = "\\\\?\\UNC\\";
    if (g_ascii_strncasecmp(text, network, strlen(network)) == 0)
        return g_strconcat("\\\\", text + strlen(network), NULL);
    if (g_str_has_prefix(text, extended))
        text += strlen(extended);
    return g_strdup(text);
}

static char **
make_paths(const Values *values)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    for (unsigned k = RELATIVE; k < KEYS; k++) {
        const char *value = (*values)[k];
        if (value)
            g_ptr_array_add(paths, g_strdelimit(k == ABSOLUTE ? absolute_path(value)
                                                              : g_strdup(value),
                                                "\\", '/'));
    }
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&paths), FALSE);
}

/* "{83ed6a41-...}", as MS-VHDX 2.6.2.6.3 shows it. */
static bool
is_proper(const char *text)
{
    if (*text != '{')
        return false;
    for (; *text; text++)
        if (g_ascii_isupper(*text))
            return false;
    return true;
}

static bool
decode_linkages(const Values *values, uint64_t position, VhdxLocator *locator,
                GError **error)
{
    const char *linkage = (*values)[LINKAGE], *linkage2 = (*values)[LINKAGE2];
    if (!linkage) {
        vc_corrupt(error, position, "parent locator: no key parent_linkage");
        return false;
    }
    if (!vhdx_guid_parse(linkage, &locator->linkage)) {
        vc_corrupt(error, position, "parent locator: parent_linkage is not a GUID");
        return false;
    }
    locator->odd_linkage = !is_proper(linkage);
    if (!linkage2)
        return true;
    if (!vhdx_guid_parse(linkage2, &locator->linkage2)) {
        vc_corrupt(error, position, "parent locator: parent_linkage2 is not a GUID");
        return false;
    }
    locator->odd_linkage = locator->odd_linkage || !is_proper(linkage2);
    return true;
}

bool
vhdx_locator_decode(const uint8_t *raw, size_t length, uint64_t position,
                    VhdxLocator *locator, GError **error)
{
    g_auto(Values) values = { NULL };

    *locator = (VhdxLocator){ 0 };
    if (length < HEADER_SIZE) {
        vc_corrupt(error, position, "parent locator: %zu bytes, expected at least %u",
                   length, HEADER_SIZE);
        return false;
    }
    if (memcmp(raw, vhdx_guid_vhdx_locator.bytes, 16) != 0) {
        VhdxGuid type;
        char text[VHDX_GUID_TEXT_SIZE];
        memcpy(type.bytes, raw, 16);
        vhdx_guid_format(&type, text);
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "parent locator: unknown type %s, expected that of VHDX", text);
        return false;
    }
    if (!decode_pairs(raw, length, position, &values, error) ||
        !decode_linkages((const Values *)&values, position, locator, error))
        return false;
    locator->paths = make_paths((const Values *)&values);
    if (!locator->paths[0]) {
        vc_corrupt(error, position, "parent locator: no path to the parent");
        vhdx_locator_clear(locator);
        return false;
    }
    return true;
}

void
vhdx_locator_clear(VhdxLocator *locator)
{
    g_clear_pointer(&locator->paths, g_strfreev);
}

/* The 32 digits of TEXT in lower case; false when it is not a GUID in some notation. */
static bool
digits(const char *text, char to[static 33])
{
    unsigned n = 0;
    for (; *text; text++) {
        if (strchr("{-}", *text))
            continue;
        if (!g_ascii_isxdigit(*text) || n == 32)
            return false;
        to[n++] = g_ascii_tolower(*text);
    }
    to[n] = '\0';
    return n == 32;
}

static bool
matches(const VhdxGuid *guid, const char *identity)
{
    char text[VHDX_GUID_TEXT_SIZE], ours[33], theirs[33];
    vhdx_guid_format(guid, text);
    return !vhdx_guid_is_zero(guid) && digits(text, ours) && digits(identity, theirs) &&
           strcmp(ours, theirs) == 0;
}

bool
vhdx_locator_accepts(const VhdxLocator *locator, const char *identity)
{
    return matches(&locator->linkage, identity) ||
           matches(&locator->linkage2, identity);
}
