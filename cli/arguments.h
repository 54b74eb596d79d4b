/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of one command: options from anywhere on the line, then what is left.
 */
#ifndef VC_CLI_ARGUMENTS_H
#define VC_CLI_ARGUMENTS_H

#include "cli/command.h"

#include <stdbool.h>
#include <stdint.h>

/* Of -m: far beyond what a machine has use for; a slip must not start a million
 * threads. */
#define VC_WORKERS_MAX 64u

typedef struct {
    const VcCommand *command;
    GArray *entries; /* of GOptionEntry */
    char **files;    /* what is no option; after parsing never NULL; owned */
    guint n_files;
    gboolean help;
    int status; /* of the command when parsing gave false */
} VcArguments;

void vc_arguments_init(VcArguments *arguments, const VcCommand *command);
void vc_arguments_clear(VcArguments *arguments);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcArguments, vc_arguments_clear)

/* Adds options, up to an entry without a name. Values are bytes as typed: use
 * G_OPTION_ARG_FILENAME for all text, and _FILENAME_ARRAY for what may be repeated. */
void vc_arguments_add(VcArguments *arguments, const GOptionEntry *entries);

/* Parses as getopt does: options stand anywhere, "-m4" is "-m 4", "--" ends them. False
 * when the command is to end with arguments->status: after --help, which was printed
 * and is no failure, or with ERROR set. */
bool vc_arguments_parse(VcArguments *arguments, int argc, char **argv, GError **error);

/* VC_ERROR_USAGE unless there are MIN to MAX files; WHAT is "one image". */
bool vc_arguments_count(const VcArguments *arguments, guint min, guint max,
                        const char *what, GError **error);

/* The value of a numeric option, or FALLBACK when TEXT is NULL. OPTION is for messages.
 */
bool vc_arguments_number(const char *option, const char *text, uint64_t max,
                         uint64_t fallback, uint64_t *number, GError **error);
bool vc_arguments_size(const char *option, const char *text, uint64_t fallback,
                       uint64_t *size, GError **error);

/* --output=human|json. With json a failure is JSON too, but for qemu-img's manners. */
bool vc_arguments_json(const VcArguments *arguments, const char *output, bool *json,
                       GError **error);

#endif
