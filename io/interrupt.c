/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user's wish to stop, known to every wait that could last. */
#include "io/interrupt.h"

#include "io/error.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_bool interrupted;
static int wake = -1; /* readable from vc_interrupt on, and never drained */
static _Thread_local int watched = -1;

void
vc_interrupt_prepare(void)
{
    if (wake < 0)
        wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void
vc_interrupt(void)
{
    int saved = errno;
    uint64_t one = 1;
    atomic_store(&interrupted, true);
    if (wake >= 0 && write(wake, &one, sizeof one) < 0) {
        /* Full: it is readable already. */
    }
    errno = saved;
}

bool
vc_interrupted(void)
{
    return atomic_load_explicit(&interrupted, memory_order_relaxed);
}

bool
vc_interrupt_check(GError **error)
{
    if (!vc_interrupted())
        return true;
    vc_fail(error, VC_ERROR_CANCELLED, "interrupted");
    return false;
}

void
vc_interrupt_watch(int fd)
{
    watched = fd;
}

bool
vc_interrupt_poll(int fd, short events, GError **error)
{
    /* poll passes over negative descriptors. */
    struct pollfd wait[3] = { { .fd = fd, .events = events },
                              { .fd = wake, .events = POLLIN },
                              { .fd = watched, .events = POLLIN } };
    for (;;) {
        if (!vc_interrupt_check(error))
            return false;
        int n = poll(wait, G_N_ELEMENTS(wait), -1);
        if (n < 0 && errno != EINTR) {
            vc_fail_errno(error, errno, "waiting for a pipe");
            return false;
        }
        if (n > 0 && wait[2].revents != 0) {
            vc_fail(error, VC_ERROR_CANCELLED, "no longer wanted");
            return false;
        }
        if (n > 0 && wait[0].revents != 0)
            return true;
    }
}
