/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile names from archives, made into file names and into text for terminals. */
#ifndef VC_CONVERTERS_NAMES_H
#define VC_CONVERTERS_NAMES_H

#include <glib.h>
#include <stdbool.h>

/* The names given out in one directory. */
typedef GHashTable VcNames;
VcNames *vc_names_new(void);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VcNames, g_hash_table_unref)

/* Gives a file name PREFIX + NAME + SUFFIX that is safe in a directory: never empty,
 * ".", or "..", no slash, backslash, control character, or invalid UTF-8 (each becomes
 * '_'), no leading '-' or '.', at most 255 bytes, and differing (also without regard to
 * case) from every name that NAMES gave before (then "-2", "-3", … goes before SUFFIX).
 * *RENAMED tells that NAME could not be kept as it is. */
char *vc_names_take(VcNames *names, const char *prefix, const char *name,
                    const char *suffix, bool *renamed);

/* Gives TEXT with control characters, invalid UTF-8 and line separators as "\x1b"-like
 * escapes: safe on a terminal, one line. */
char *vc_printable(const char *text);

/* Gives JSON, which must be UTF-8, with the same characters as "\u202e", above U+FFFF
 * as pairs of surrogates; but those of ASCII stand only between values, or are escaped
 * already. */
char *vc_printable_json(const char *json);

#endif
