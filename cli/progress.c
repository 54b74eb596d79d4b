/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far a conversion is. */
#include "cli/progress.h"

#include "cli/print.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static struct {
    VcProgressStyle style;
    int fd;
    const char *phase;
    gint64 begun; /* microseconds */
    bool full;    /* the end was reported */
} state;

/* Apart from the rest, for the signal handler, which may come before the start or
 * where there is none. */
static _Atomic uint64_t bytes_done, bytes_total = UINT64_MAX;

static atomic_bool hushed;

/* Progress is no result: a reader who went away must not stop a conversion. */
static void
put(const char *text)
{
    if (write(state.fd, text, strlen(text)) < 0) {
        /* Nothing to be done. */
    }
}

/* Hundredths of a percent, rounded down, so that 100 % is said at the end only. */
static unsigned
hundredths(uint64_t done, uint64_t total)
{
    if (total == UINT64_MAX)
        return 0;
    if (done >= total)
        return 10000;
    return (unsigned)((unsigned __int128)done * 10000 / total);
}

static void
put_line(uint64_t done, uint64_t total)
{
    double seconds = (double)(g_get_monotonic_time() - state.begun) / 1e6;
    g_autofree char *have = vc_print_size(done);
    g_autofree char *rate = vc_print_size(
        seconds > 0 ? (guint64)((double)done / seconds) : 0);
    g_autofree char *line = NULL;
    if (total == UINT64_MAX) {
        line = g_strdup_printf("\r%s so far, %s/s\033[K", have, rate);
    } else {
        g_autofree char *all = vc_print_size(total);
        unsigned part = hundredths(done, total);
        line = g_strdup_printf("\r%3u.%u %% (%s of %s, %s/s)\033[K", part / 100,
                               part % 100 / 10, have, all, rate);
    }
    put(line);
}

static void
put_qemu(uint64_t done, uint64_t total)
{
    unsigned part = hundredths(done, total);
    g_autofree char *line = g_strdup_printf("    (%u.%02u/100%%)\r", part / 100,
                                            part % 100);
    put(line);
}

static void
put_json(const char *phase, uint64_t done, uint64_t total)
{
    gint64 elapsed = (g_get_monotonic_time() - state.begun) / 1000;
    g_autofree char *all = total == UINT64_MAX
                               ? g_strdup("null")
                               : g_strdup_printf("%" G_GUINT64_FORMAT, total);
    g_autofree char *line = g_strdup_printf(
        "{\"phase\": \"%s\", \"bytes-done\": %" G_GUINT64_FORMAT
        ", \"bytes-total\": %s, \"elapsed\": %" G_GINT64_FORMAT ".%03d}\n",
        phase, done, all, elapsed / 1000, (int)(elapsed % 1000));
    put(line);
}

static void
put_state(void)
{
    uint64_t done = atomic_load(&bytes_done), total = atomic_load(&bytes_total);
    switch (state.style) {
    case VC_PROGRESS_NONE:
        return;
    case VC_PROGRESS_LINE:
        put_line(done, total);
        return;
    case VC_PROGRESS_QEMU:
        put_qemu(done, total);
        return;
    case VC_PROGRESS_JSON:
        put_json(state.phase, done, total);
        return;
    }
}

void
vc_progress_start(VcProgressStyle style, int fd, const char *phase)
{
    state.style = style;
    state.fd = fd;
    state.phase = phase;
    state.begun = g_get_monotonic_time();
    state.full = false;
    atomic_store(&bytes_done, 0);
    atomic_store(&bytes_total, UINT64_MAX);
    if (style == VC_PROGRESS_QEMU)
        put_state();
}

void
vc_progress_report(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    /* Work has begun: what was to be said is said above the progress. */
    vc_print_release();
    atomic_store(&bytes_done, done);
    atomic_store(&bytes_total, total);
    state.full = done == total;
    put_state();
}

void
vc_progress_end(bool well)
{
    if (well && !state.full) {
        /* A disk of no bytes, or of a size that only its end has told. */
        uint64_t total = atomic_load(&bytes_total);
        if (total == UINT64_MAX)
            total = atomic_load(&bytes_done);
        vc_progress_report(NULL, total, total);
    }
    if (state.style == VC_PROGRESS_JSON && well)
        put_json("done", atomic_load(&bytes_done), atomic_load(&bytes_total));
    else if (state.style == VC_PROGRESS_LINE || state.style == VC_PROGRESS_QEMU)
        put("\n");
    state.style = VC_PROGRESS_NONE;
}

static char *
append_number(char *to, uint64_t number)
{
    char digits[20];
    unsigned n = 0;
    do
        digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

static char *
append_text(char *to, const char *text)
{
    while (*text != '\0')
        *to++ = *text++;
    return to;
}

/* By hand: the printf family is not for signal handlers. */
void
vc_progress_tell(void)
{
    uint64_t done = atomic_load(&bytes_done), total = atomic_load(&bytes_total);
    unsigned part = hundredths(done, total);
    char line[128], *end = line;
    if (hushed)
        return;

    end = append_text(end, "    (");
    end = append_number(end, part / 100);
    *end++ = '.';
    *end++ = (char)('0' + part / 10 % 10);
    *end++ = (char)('0' + part % 10);
    end = append_text(end, "/100%) ");
    end = append_number(end, done);
    if (total != UINT64_MAX) {
        end = append_text(end, " of ");
        end = append_number(end, total);
    }
    end = append_text(end, " bytes\n");
    if (write(STDERR_FILENO, line, (size_t)(end - line)) < 0) {
        /* Nothing to be done. */
    }
}

void
vc_progress_hush(void)
{
    hushed = true;
}
