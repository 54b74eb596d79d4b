/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user's wish to stop, known to every wait that could last.
 *
 * A signal handler calls vc_interrupt(); reads and writes on pipes then end with
 * VC_ERROR_CANCELLED, and the engine stops making jobs. */
#ifndef VC_IO_INTERRUPT_H
#define VC_IO_INTERRUPT_H

#include <glib.h>
#include <stdbool.h>

/* Makes vc_interrupt wake waits; called once, before any thread. Without it only
 * vc_interrupted() works. */
void vc_interrupt_prepare(void);

/* Async-signal-safe. */
void vc_interrupt(void);

bool vc_interrupted(void);

/* Waits until FD can be read (EVENTS POLLIN) or written (POLLOUT). False with
 * VC_ERROR_CANCELLED after vc_interrupt. */
bool vc_interrupt_poll(int fd, short events, GError **error);

/* From now on each vc_interrupt_poll of the calling thread ends with VC_ERROR_CANCELLED
 * also when FD (borrowed: an eventfd, say; -1 for none) can be read. So whoever started
 * a thread can end its waits, whatever stack of streams it waits in. */
void vc_interrupt_watch(int fd);

/* False with VC_ERROR_CANCELLED after vc_interrupt. */
bool vc_interrupt_check(GError **error);

#endif
