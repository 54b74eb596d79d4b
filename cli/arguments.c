/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of one command. */
#include "cli/arguments.h"

#include "cli/failure.h"
#include "cli/print.h"
#include "formats/options.h"
#include "io/error.h"

#include <string.h>

void
vc_arguments_init(VcArguments *arguments, const VcCommand *command)
{
    *arguments = (VcArguments){ .command = command,
                                .status = 1,
                                .entries = g_array_new(TRUE, TRUE,
                                                       sizeof(GOptionEntry)) };
}

void
vc_arguments_clear(VcArguments *arguments)
{
    g_clear_pointer(&arguments->entries, g_array_unref);
    g_clear_pointer(&arguments->files, g_strfreev);
}

void
vc_arguments_add(VcArguments *arguments, const GOptionEntry *entries)
{
    for (; entries->long_name; entries++)
        g_array_append_vals(arguments->entries, entries, 1);
}

static const GOptionEntry *
find_letter(const VcArguments *arguments, char letter)
{
    for (guint i = 0; i < arguments->entries->len; i++) {
        const GOptionEntry *entry = &g_array_index(arguments->entries, GOptionEntry, i);
        if (entry->short_name == letter)
            return entry;
    }
    return NULL;
}

static const GOptionEntry *
find_name(const VcArguments *arguments, const char *name)
{
    for (guint i = 0; i < arguments->entries->len; i++) {
        const GOptionEntry *entry = &g_array_index(arguments->entries, GOptionEntry, i);
        if (strcmp(entry->long_name, name) == 0)
            return entry;
    }
    return NULL;
}

static bool
takes_value(const GOptionEntry *entry)
{
    return entry && entry->arg != G_OPTION_ARG_NONE;
}

/* Adds "-abO", cut where a letter takes a value; true when the value is the next
 * argument. */
static bool
add_letters(const VcArguments *arguments, const char *arg, GPtrArray *to)
{
    for (size_t i = 1; arg[i] != '\0'; i++) {
        if (!takes_value(find_letter(arguments, arg[i])))
            continue;
        g_ptr_array_add(to, g_strndup(arg, i + 1));
        if (arg[i + 1] == '\0')
            return true;
        g_ptr_array_add(to, g_strdup(arg + i + 1));
        return false;
    }
    g_ptr_array_add(to, g_strdup(arg));
    return false;
}

static bool
add_word(const VcArguments *arguments, const char *arg, GPtrArray *to)
{
    /* The one option whose value is optional, which GOption has not for flags. */
    if (g_str_has_prefix(arg, "--progress=")) {
        g_ptr_array_add(to,
                        g_strconcat("--progress-format=", strchr(arg, '=') + 1, NULL));
        return false;
    }
    g_ptr_array_add(to, g_strdup(arg));
    return takes_value(find_name(arguments, arg + 2));
}

/* What getopt allows and GOption does not: a value in one word with its letter. And
 * "-#disk", a disk of the archive on standard input, is no option: so files go behind
 * "--". */
static char **
as_goption_wants(const VcArguments *arguments, int argc, char **argv)
{
    GPtrArray *to = g_ptr_array_new();
    g_autoptr(GPtrArray) files = g_ptr_array_new();
    g_ptr_array_add(to, g_strdup(argv[0]));
    bool options = true, value = false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (value) {
            g_ptr_array_add(to, g_strdup(arg));
            value = false;
        } else if (!options || arg[0] != '-' || arg[1] == '\0' || arg[1] == '#') {
            g_ptr_array_add(files, argv[i]);
        } else if (strcmp(arg, "--") == 0) {
            options = false;
        } else if (arg[1] == '-') {
            value = add_word(arguments, arg, to);
        } else {
            value = add_letters(arguments, arg, to);
        }
    }
    /* A value that is missing must not find "--" in its place. */
    if (!value)
        g_ptr_array_add(to, g_strdup("--"));
    for (guint i = 0; i < files->len && !value; i++)
        g_ptr_array_add(to, g_strdup(files->pdata[i]));
    g_ptr_array_add(to, NULL);
    return (char **)g_ptr_array_free(to, FALSE);
}

/* "vconv convert", "qemu-img convert"; the tool of the name is in "vma list" already.
 */
static char *
full_name(const VcCommand *command)
{
    if (vc_manners == VC_MANNERS_VMA)
        return g_strdup(command->name);
    return g_strdup_printf("%s %s",
                           vc_manners == VC_MANNERS_QEMU_IMG ? "qemu-img" : "vconv",
                           command->name);
}

static GOptionContext *
make_context(VcArguments *arguments)
{
    const VcCommand *command = arguments->command;
    GOptionContext *context = g_option_context_new(command->usage);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, command->summary);
    g_option_context_set_description(context, command->details);

    const GOptionEntry own[] = {
        { "help", 'h', 0, G_OPTION_ARG_NONE, &arguments->help, "Show this help", NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments->files,
          NULL, NULL },
        { NULL },
    };
    g_option_context_add_main_entries(
        context, (const GOptionEntry *)(void *)arguments->entries->data, NULL);
    g_option_context_add_main_entries(context, own, NULL);
    return context;
}

bool
vc_arguments_parse(VcArguments *arguments, int argc, char **argv, GError **error)
{
    g_autoptr(GOptionContext) context = make_context(arguments);
    g_auto(GStrv) args = as_goption_wants(arguments, argc, argv);
    g_autofree char *name = full_name(arguments->command);
    g_set_prgname(name);

    g_autoptr(GError) reason = NULL;
    if (!g_option_context_parse_strv(context, &args, &reason)) {
        reason->message[0] = g_ascii_tolower(reason->message[0]);
        vc_fail(error, VC_ERROR_USAGE, "%s; see '%s --help'", reason->message, name);
        return false;
    }
    if (arguments->help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        vc_print_text(help);
        arguments->status = 0;
        return false;
    }
    if (!arguments->files)
        arguments->files = g_new0(char *, 1);
    arguments->n_files = g_strv_length(arguments->files);
    return true;
}

bool
vc_arguments_count(const VcArguments *arguments, guint min, guint max, const char *what,
                   GError **error)
{
    if (arguments->n_files >= min && arguments->n_files <= max)
        return true;
    g_autofree char *name = full_name(arguments->command);
    vc_fail(error, VC_ERROR_USAGE, "%s wants %s: %s", name, what,
            arguments->command->usage);
    return false;
}

bool
vc_arguments_number(const char *option, const char *text, uint64_t max,
                    uint64_t fallback, uint64_t *number, GError **error)
{
    *number = fallback;
    if (!text)
        return true;
    guint64 value;
    if (!g_ascii_string_to_unsigned(text, 10, 0, max, &value, NULL)) {
        vc_fail(error, VC_ERROR_USAGE,
                "%s: '%s' is not a number from 0 to %" G_GUINT64_FORMAT, option, text,
                max);
        return false;
    }
    *number = value;
    return true;
}

bool
vc_arguments_size(const char *option, const char *text, uint64_t fallback,
                  uint64_t *size, GError **error)
{
    *size = fallback;
    if (!text || vc_size_parse(text, size))
        return true;
    vc_fail(error, VC_ERROR_USAGE, "%s: '%s' is not a size such as 4096, 64k or 1.5G",
            option, text);
    return false;
}

bool
vc_arguments_json(const VcArguments *arguments, const char *output, bool *json,
                  GError **error)
{
    *json = output && strcmp(output, "json") == 0;
    if (*json && vc_manners == VC_MANNERS_VCONV)
        vc_failure_as_json(arguments->files);
    if (!output || *json || strcmp(output, "human") == 0)
        return true;
    vc_fail(error, VC_ERROR_USAGE, "--output is human or json, not '%s'", output);
    return false;
}
