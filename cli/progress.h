/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far a conversion is: a line that changes on a terminal, qemu-img's text, or JSON
 * lines for programs. */
#ifndef VC_CLI_PROGRESS_H
#define VC_CLI_PROGRESS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    VC_PROGRESS_NONE,
    VC_PROGRESS_LINE, /* " 42.0 % (1.2 GiB of 2.9 GiB, 310 MiB/s)", on FD */
    VC_PROGRESS_QEMU, /* "    (42.00/100%)\r", on FD */
    VC_PROGRESS_JSON, /* {"phase": "copy", "bytes-done": …} and a newline, on FD */
} VcProgressStyle;

/* Begins PHASE (static; "copy", "compare", "check"). */
void vc_progress_start(VcProgressStyle style, int fd, const char *phase);

/* A VcProgress of converters/. TOTAL is UINT64_MAX while nobody knows it. */
void vc_progress_report(void *user, uint64_t done, uint64_t total);

/* Ends the phase: at 100 % when it went well. */
void vc_progress_end(bool well);

/* Writes one line to standard error. Async-signal-safe. */
void vc_progress_tell(void);
/* From now on it does not: standard error leads into an image. */
void vc_progress_hush(void);

#endif
