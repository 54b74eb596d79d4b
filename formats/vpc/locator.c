/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a differencing disk says that its parent is. */
#include "formats/vpc/locator.h"

#include "io/allocate.h"
#include "io/bytes.h"
#include "io/checksum.h"
#include "io/error.h"

#include <string.h>

/* Windows paths end at 32767 UTF-16 units, 64 KiB; as a URL few need more than this. */
#define LOCATOR_MAX (256u << 10)

typedef struct {
    GPtrArray *paths;
    GPtrArray *warnings;
    bool share_seen;
} Candidates;

/* Gives UTF-8 up to the first NUL; *CLEAN is false when units were not characters,
 * which become U+FFFD. */
static char *
decode_utf16(const uint8_t *raw, size_t length, bool big_endian, bool *clean)
{
    GString *text = g_string_new(NULL);
    *clean = length % 2 == 0;
    for (size_t i = 0; i + 2 <= length; i += 2) {
        gunichar c = big_endian ? load_be16(raw + i) : load_le16(raw + i);
        if (c == 0)
            break;
        if (c == 0xfeff && i == 0)
            continue;
        if (c >= 0xd800 && c < 0xdc00 && i + 4 <= length) {
            gunichar low = big_endian ? load_be16(raw + i + 2) : load_le16(raw + i + 2);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        if (c >= 0xd800 && c < 0xe000) {
            c = 0xfffd;
            *clean = false;
        }
        g_string_append_unichar(text, c);
    }
    return g_string_free(text, FALSE);
}

static void
add_path(Candidates *to, const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    if (path[0] == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return;
    for (unsigned i = 0; i < to->paths->len; i++)
        if (strcmp(to->paths->pdata[i], path) == 0)
            return;
    g_ptr_array_add(to->paths, g_strdup(path));
}

/* A path as Windows writes it. */
static void
add_windows_path(Candidates *to, char *path)
{
    for (char *p = path; *p != '\0'; p++)
        if (*p == '\\')
            *p = '/';
    if (g_str_has_prefix(path, "//?/") && g_ascii_isalpha(path[4]) && path[5] == ':')
        path += 4;
    if (g_str_has_prefix(path, "//")) {
        vc_warn(
            to->warnings,
            "the parent is said to be on a network share or volume, where it is not "
            "looked for: %s",
            path);
        to->share_seen = true;
        return;
    }
    add_path(to, path);
}

/* "file:///absolute", "file://localhost/absolute", and XenServer's "file://./relative".
 */
static void
add_url(Candidates *to, const char *url)
{
    const char *path = url;
    if (g_str_has_prefix(url, "file://")) {
        path = url + strlen("file://");
        if (path[0] != '/' && path[0] != '.')
            path = strchr(path, '/');
    }
    g_autofree char *decoded = path ? g_uri_unescape_string(path, NULL) : NULL;
    if (!decoded || !g_utf8_validate(decoded, -1, NULL)) {
        vc_warn(to->warnings, "a parent locator is not a file URL");
        return;
    }
    add_path(to, decoded);
}

static bool
read_locator(VcFile *file, const VpcLocator *locator, Candidates *to, GError **error)
{
    size_t length = locator->length;
    if (length > LOCATOR_MAX) {
        vc_fail(error, VC_ERROR_LIMIT, "a parent locator has %zu bytes, more than %u",
                length, LOCATOR_MAX);
        return false;
    }
    g_autofree uint8_t *raw = vc_allocate(1, length + 1, error);
    if (!raw || !vc_file_read(file, locator->offset, raw, length, error))
        return false;

    bool clean = true;
    if (memcmp(locator->code, "W2", 2) == 0) {
        g_autofree char *path = decode_utf16(raw, length, false, &clean);
        if (!clean)
            vc_warn(to->warnings, "a parent locator is not whole UTF-16 text");
        add_windows_path(to, path);
    } else if (memcmp(locator->code, "MacX", 4) == 0) {
        add_url(to, (const char *)raw);
    } else if (g_utf8_validate((const char *)raw, -1, NULL)) {
        add_windows_path(to, (char *)raw);
    }
    return true;
}

/* The name that the header itself carries, or the path: its last part. */
static void
add_name(Candidates *to, const VpcHeader *header)
{
    const uint8_t *raw = header->parent_name;
    bool clean, little = raw[0] == 0xff && raw[1] == 0xfe; /* tapdisk 0.1 */
    g_autofree char *name = decode_utf16(raw, sizeof header->parent_name, !little,
                                         &clean);
    if (!clean) {
        vc_warn(to->warnings, "the parent's name is not valid UTF-16");
        return;
    }
    const char *base = name;
    for (const char *p = name; *p != '\0'; p++)
        if (*p == '/' || *p == '\\')
            base = p + 1;
    add_path(to, base);
}

static bool
check_locator(const VpcLocator *locator, uint64_t end, GError **error)
{
    if (locator->offset > end || locator->length > end - locator->offset) {
        vc_corrupt(error, locator->offset,
                   "a parent locator of %u bytes is not inside the file",
                   locator->length);
        return false;
    }
    return true;
}

VcParent *
vpc_parent_read(VcFile *file, const VpcHeader *header, uint64_t end,
                GPtrArray *warnings, GError **error)
{
    static const char codes[][5] = { "W2ru", "W2ku", "MacX", "Wi2r", "Wi2k" };
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    Candidates to = { paths, warnings, false };
    bool any = false;

    for (unsigned i = 0; i < VPC_LOCATORS; i++) {
        const VpcLocator *locator = &header->locators[i];
        if (load_be32(locator->code) == 0)
            continue;
        if (!check_locator(locator, end, error))
            return NULL;
        any = true;
    }
    for (size_t c = 0; c < G_N_ELEMENTS(codes); c++)
        for (unsigned i = 0; i < VPC_LOCATORS; i++)
            if (memcmp(header->locators[i].code, codes[c], 4) == 0 &&
                !read_locator(file, &header->locators[i], &to, error))
                return NULL;

    if (!any)
        vc_warn(warnings, "there is no parent locator, only the parent's name");
    /* A parent that is only known on a share must not be replaced by a namesake here.
     */
    if (paths->len > 0 || !to.share_seen)
        add_name(&to, header);

    VcParent *parent = g_new0(VcParent, 1);
    if (!vc_is_zero(header->parent_id, sizeof header->parent_id))
        parent->id = vpc_id_text(header->parent_id);
    g_ptr_array_add(paths, NULL);
    parent->paths = (char **)g_ptr_array_steal(paths, NULL);
    return parent;
}
