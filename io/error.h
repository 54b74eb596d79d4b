/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can go wrong, in words for people and codes for programs.
 *
 * A function that takes a GError returns false or NULL exactly when it set one.
 * Messages are lower case, one line, without a full stop: structure, position, found,
 * expected and, where there is one, the remedy. The name of the file is put in front
 * once, by the layer that knows which file it is (vc_source_* and vc_sink_* in
 * formats/, the converters). */
#ifndef VC_IO_ERROR_H
#define VC_IO_ERROR_H

#include <glib.h>
#include <stdint.h>

#define VC_ERROR (vc_error_quark())

typedef enum {
    VC_ERROR_CORRUPT,     /* the file contradicts its format, or a checksum is wrong */
    VC_ERROR_SHORT,       /* the file ends before what it announces */
    VC_ERROR_LIMIT,       /* beyond a named limit of vconv or of the format */
    VC_ERROR_UNSUPPORTED, /* well formed, but not something vconv does */
    VC_ERROR_IO,          /* the system said no; the message carries its reason */
    VC_ERROR_USAGE,       /* options or arguments that do not make sense together */
    VC_ERROR_EXISTS,      /* an output would be overwritten */
    VC_ERROR_PARENT,      /* a differencing image without its (right) parent */
    VC_ERROR_CANCELLED,   /* a signal asked us to stop */
} VcError;

GQuark vc_error_quark(void);

/* Sets VC_ERROR_CORRUPT with the message and " at 0xOFFSET" behind it. OFFSET is a
 * position in the file in bytes. */
void vc_corrupt(GError **error, uint64_t offset, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Sets CODE with the message. */
void vc_fail(GError **error, VcError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Sets VC_ERROR_IO with the message, a colon and strerror(ERRNUM). */
void vc_fail_errno(GError **error, int errnum, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* A list of one-line warnings (char *), which the command prints once each. */
GPtrArray *vc_warnings_new(void);
void vc_warn(GPtrArray *warnings, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
