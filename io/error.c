/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can go wrong, in words for people and codes for programs. */
#include "io/error.h"

#include <stdarg.h>

/* Not by GLib's macro, which keeps the answer where threads write and read it
 * unguarded. Only errors ask. */
GQuark
vc_error_quark(void)
{
    return g_quark_from_static_string("vc-error-quark");
}

void
vc_corrupt(GError **error, uint64_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, VC_ERROR, VC_ERROR_CORRUPT, "%s at 0x%" G_GINT64_MODIFIER "x",
                message, offset);
}

void
vc_fail(GError **error, VcError code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, VC_ERROR, (int)code, message);
}

void
vc_fail_errno(GError **error, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, VC_ERROR, VC_ERROR_IO, "%s: %s", message, g_strerror(errnum));
}

GPtrArray *
vc_warnings_new(void)
{
    return g_ptr_array_new_with_free_func(g_free);
}

void
vc_warn(GPtrArray *warnings, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_ptr_array_add(warnings, g_strdup_vprintf(format, args));
    va_end(args);
}
