/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals: the wish to stop, and the question how far it is. */
#ifndef VC_CLI_SIGNALS_H
#define VC_CLI_SIGNALS_H

/* SIGINT, SIGTERM and SIGHUP ask for an orderly end, once: the next one ends the
 * program at once. SIGUSR1 prints a line of progress. A pipe that nobody reads is an
 * error of write, not a signal. Called once, before any thread. */
void vc_signals_install(void);

/* The signal that asked for the end, or 0. */
int vc_signals_caught(void);

#endif
