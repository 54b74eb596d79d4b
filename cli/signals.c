/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals: the wish to stop, and the question how far it is. */
#include "cli/signals.h"

#include "cli/progress.h"
#include "io/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t caught;

static void
stop(int number)
{
    caught = number;
    vc_interrupt();
}

static void
tell(int number)
{
    int saved = errno;
    (void)number;
    vc_progress_tell();
    errno = saved;
}

static void
install(int number, void (*handler)(int), int flags)
{
    struct sigaction old, new = { .sa_handler = handler, .sa_flags = flags };
    sigemptyset(&new.sa_mask);
    /* What nohup or a shell ignored for us stays ignored. */
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(number, &new, NULL);
}

void
vc_signals_install(void)
{
    vc_interrupt_prepare();
    /* SA_RESETHAND: the second one finds the default action. */
    install(SIGINT, stop, (int)SA_RESETHAND);
    install(SIGTERM, stop, (int)SA_RESETHAND);
    install(SIGHUP, stop, (int)SA_RESETHAND);
    install(SIGUSR1, tell, SA_RESTART);
    signal(SIGPIPE, SIG_IGN);
    /* A limit on file sizes is told by the write, too. */
    signal(SIGXFSZ, SIG_IGN);
}

int
vc_signals_caught(void)
{
    return caught;
}
