/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one place that prints.
 *
 * Results go to standard output, all else to standard error with the name of the
 * program in front. Whatever came from a file is shown without control characters
 * (vc_printable), so each call makes one line and no name can move the cursor or forge
 * another line. */
#ifndef VC_CLI_PRINT_H
#define VC_CLI_PRINT_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stddef.h>

/* PROGRAM (static) stands in front of messages. */
void vc_print_init(const char *program);

/* Notes and warnings are dropped from here on (-q). */
void vc_print_be_quiet(void);

/* One line of results. */
void vc_print_line(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Bytes of results as they are: JSON, help, a configuration that was asked for. */
void vc_print_bytes(const void *bytes, size_t length);
void vc_print_text(const char *text);
/* What was built, indented as qemu-img does, and a newline. */
void vc_print_json(JsonBuilder *builder);

/* Notes and warnings wait until vc_print_release: so an error that comes before any
 * work was done is the only line. */
void vc_print_note(const char *format, ...) G_GNUC_PRINTF(1, 2);
void vc_print_warning(const char *format, ...) G_GNUC_PRINTF(1, 2);
void vc_print_release(void);

/* The one line of a failure; what waits is dropped. */
void vc_print_error(const GError *error);

/* Writes out what is buffered. False with ERROR when standard output takes no more. */
bool vc_print_flush(GError **error);

/* "93.1 GiB", as qemu-img rounds; owned by the caller. */
char *vc_print_size(guint64 bytes);

#endif
