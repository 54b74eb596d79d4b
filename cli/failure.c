/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors for programs: one line of JSON instead of one line of text. */
#include "cli/failure.h"

#include "cli/json.h"
#include "io/error.h"

#include <string.h>

static GPtrArray *names; /* of char *; NULL: not as JSON */

void
vc_failure_as_json(char *const *files)
{
    /* Copies: the arguments are gone when their command has returned. */
    g_clear_pointer(&names, g_ptr_array_unref);
    names = g_ptr_array_new_with_free_func(g_free);
    for (; *files; files++) {
        const char *name = strcmp(*files, "-") == 0 ? "standard input" : *files;
        g_ptr_array_add(names, g_strdup(name));
    }
}

void
vc_failure_add_file(const char *name)
{
    if (names)
        g_ptr_array_add(names, g_strdup(name));
}

static const char *
code_name(const GError *error)
{
    static const char *const codes[] = {
        [VC_ERROR_CORRUPT] = "corrupt",
        [VC_ERROR_SHORT] = "short",
        [VC_ERROR_LIMIT] = "limit",
        [VC_ERROR_IO] = "io",
        [VC_ERROR_UNSUPPORTED] = "unsupported",
        [VC_ERROR_USAGE] = "usage",
        [VC_ERROR_EXISTS] = "exists",
        [VC_ERROR_PARENT] = "parent",
        [VC_ERROR_CANCELLED] = "cancelled",
    };
    bool ours = error->domain == VC_ERROR && error->code >= 0 &&
                (size_t)error->code < G_N_ELEMENTS(codes);
    return ours ? codes[error->code] : "other";
}

/* Messages begin with the name of the file that they are about. */
static const char *
find_file(const char *message)
{
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        size_t length = strcspn(name, "#");
        if (strncmp(message, name, strlen(name)) == 0 &&
            g_str_has_prefix(message + strlen(name), ": "))
            return name;
        if (name[length] == '#' && strncmp(message, name, length) == 0 &&
            g_str_has_prefix(message + length, ": "))
            return name;
    }
    return NULL;
}

/* " at 0x…" behind the message is a position in that file (vc_corrupt). */
static bool
find_offset(const char *message, guint64 *offset)
{
    const char *at = g_strrstr(message, " at 0x");
    return at && g_ascii_string_to_unsigned(at + strlen(" at 0x"), 16, 0, G_MAXINT64,
                                            offset, NULL);
}

char *
vc_failure_text(const GError *error)
{
    if (!names)
        return NULL;
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_builder_begin_object(b);
    json_builder_set_member_name(b, "error");
    json_builder_begin_object(b);
    vc_json_text(b, "code", code_name(error));
    vc_json_text(b, "message", error->message);
    const char *file = find_file(error->message);
    guint64 offset;
    if (file)
        vc_json_text(b, "file", file);
    if (find_offset(error->message, &offset))
        vc_json_number(b, "offset", offset);
    json_builder_end_object(b);
    json_builder_end_object(b);

    return vc_json_write(b, false);
}
