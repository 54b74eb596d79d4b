/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors for programs: one line of JSON instead of one line of text. */
#ifndef VC_CLI_FAILURE_H
#define VC_CLI_FAILURE_H

#include <glib.h>
#include <stdbool.h>

/* From now on failures are JSON. FILES (borrowed, for good) are the names on the
 * command line, by which the message tells what it is about. */
void vc_failure_as_json(char *const *files);

/* A file that was named in some other way; a copy is kept. */
void vc_failure_add_file(const char *name);

/* Gives {"error": {"code", "message", "file", "offset"}}, the last two where the
 * message has them; NULL unless JSON is wanted. */
char *vc_failure_text(const GError *error);

#endif
