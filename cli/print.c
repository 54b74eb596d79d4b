/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one place that prints. */
#include "cli/print.h"

#include "cli/failure.h"
#include "cli/json.h"
#include "converters/names.h"
#include "io/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static struct {
    const char *program;
    bool quiet;
    GPtrArray *waiting; /* of char *, complete lines but for the newline */
} state = { .program = "vconv" };

void
vc_print_init(const char *program)
{
    state.program = program;
    if (!state.waiting)
        state.waiting = g_ptr_array_new_with_free_func(g_free);
}

void
vc_print_be_quiet(void)
{
    state.quiet = true;
}

void
vc_print_line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *line = vc_printable(text);
    fputs(line, stdout);
    fputc('\n', stdout);
}

void
vc_print_bytes(const void *bytes, size_t length)
{
    fwrite(bytes, 1, length, stdout);
}

void
vc_print_text(const char *text)
{
    fputs(text, stdout);
}

void
vc_print_json(JsonBuilder *builder)
{
    g_autofree char *text = vc_json_write(builder, true);
    vc_print_text(text);
    vc_print_text("\n");
}

/* Takes TEXT. */
static void
wait_with(const char *kind, char *text)
{
    g_autofree char *own = text;
    if (state.quiet)
        return;
    g_autofree char *shown = vc_printable(own);
    g_ptr_array_add(state.waiting, g_strconcat(kind, shown, NULL));
}

void
vc_print_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    wait_with("", g_strdup_vprintf(format, args));
    va_end(args);
}

void
vc_print_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    wait_with("warning: ", g_strdup_vprintf(format, args));
    va_end(args);
}

void
vc_print_release(void)
{
    for (guint i = 0; i < state.waiting->len; i++)
        fprintf(stderr, "%s: %s\n", state.program,
                (const char *)state.waiting->pdata[i]);
    g_ptr_array_set_size(state.waiting, 0);
}

void
vc_print_error(const GError *error)
{
    g_ptr_array_set_size(state.waiting, 0);
    fflush(stdout);
    g_autofree char *json = vc_failure_text(error);
    g_autofree char *shown = vc_printable(error->message);
    if (json)
        fprintf(stderr, "%s\n", json);
    else
        fprintf(stderr, "%s: %s\n", state.program, shown);
}

bool
vc_print_flush(GError **error)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    vc_fail_errno(error, errno, "standard output");
    return false;
}

char *
vc_print_size(guint64 bytes)
{
    static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
    double value = (double)bytes;
    unsigned unit = 0;
    /* Never four digits in front of the unit. */
    while (value >= 1000 && unit < G_N_ELEMENTS(units) - 1) {
        value /= 1024;
        unit++;
    }
    return g_strdup_printf("%.3g %sB", value, units[unit]);
}
