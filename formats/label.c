/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names from files as text for messages. */
#include "formats/label.h"

#include <glib.h>
#include <stdint.h>

#define LABEL_MAX 100u /* bytes; messages stay one line */

char *
vc_label(const char *name)
{
    GString *label = g_string_new(NULL);
    for (const char *p = name; *p != '\0';) {
        if (label->len >= LABEL_MAX) {
            g_string_append(label, "...");
            break;
        }
        gunichar c = g_utf8_get_char_validated(p, -1);
        if (c == (gunichar)-1 || c == (gunichar)-2 || !g_unichar_isprint(c)) {
            g_string_append_printf(label, "\\x%02x", (uint8_t)*p++);
        } else {
            g_string_append_unichar(label, c);
            p = g_utf8_next_char(p);
        }
    }
    if (label->len == 0)
        g_string_append(label, "(no name)");
    return g_string_free(label, FALSE);
}
