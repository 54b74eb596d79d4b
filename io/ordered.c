/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An append-only file that lets its writer come back a little way. */
#include "io/ordered.h"

#include "io/allocate.h"
#include "io/error.h"
#include "io/interrupt.h"

#include <inttypes.h>
#include <string.h>

typedef struct {
    uint64_t position;
    size_t length;
    uint8_t data[];
} Pending;

typedef struct {
    VcFile base;
    VcFile *below;
    VcFile *content; /* borrowed; NULL: zeros */
    uint64_t end;    /* all before has gone out */
    GQueue pending;  /* of Pending *, ascending, none overlapping */
    size_t pending_bytes;
} OrderedFile;

static bool
send(OrderedFile *o, const void *data, size_t length, GError **error)
{
    if (!vc_file_write(o->below, o->end, data, length, error))
        return false;
    o->end += length;
    return true;
}

static bool
send_zeros(OrderedFile *o, uint64_t length, GError **error)
{
    static const uint8_t zeros[256 << 10];
    for (size_t piece; length > 0; length -= piece) {
        piece = MIN(length, sizeof zeros);
        /* Below a compressor nobody else looks. */
        if (!vc_interrupt_check(error) || !send(o, zeros, piece, error))
            return false;
    }
    return true;
}

/* Sends LENGTH bytes of the content from where the output stands. */
static bool
send_content(OrderedFile *o, uint64_t length, GError **error)
{
    uint8_t buffer[64 << 10];
    for (size_t piece; length > 0; length -= piece) {
        piece = MIN(length, sizeof buffer);
        if (!vc_file_read(o->content, o->end, buffer, piece, error) ||
            !send(o, buffer, piece, error))
            return false;
    }
    return true;
}

/* Sends what nobody wrote, up to UNTIL. */
static bool
fill(OrderedFile *o, uint64_t until, GError **error)
{
    uint64_t size = 0;
    if (o->content && !vc_file_size(o->content, &size, error))
        return false;
    while (o->end < MIN(until, size)) {
        bool data;
        uint64_t run;
        if (!vc_file_run(o->content, o->end, &data, &run, error))
            return false;
        run = MIN(run, MIN(until, size) - o->end);
        if (!(data ? send_content(o, run, error) : send_zeros(o, run, error)))
            return false;
    }
    return o->end >= until || send_zeros(o, until - o->end, error);
}

/* Sends the first of what waits. */
static bool
send_pending(OrderedFile *o, GError **error)
{
    g_autofree Pending *first = g_queue_pop_head(&o->pending);
    o->pending_bytes -= first->length;
    return send(o, first->data, first->length, error);
}

/* Sends what waits as long as it follows on without a gap. */
static bool
send_following(OrderedFile *o, GError **error)
{
    for (Pending *first = g_queue_peek_head(&o->pending);
         first && first->position == o->end; first = g_queue_peek_head(&o->pending))
        if (!send_pending(o, error))
            return false;
    return true;
}

/* Whether what waits at LINK (or nothing, NULL) and what is to be written share a byte:
 * then it would go out twice. */
static bool
overlaps(const GList *link, uint64_t position, size_t length, GError **error)
{
    const Pending *p = link ? link->data : NULL;
    if (!p || (position < p->position ? length <= p->position - position
                                      : p->length <= position - p->position))
        return false;
    vc_fail(error, VC_ERROR_UNSUPPORTED, "a pipe cannot be written twice at 0x%" PRIx64,
            MAX(position, p->position));
    return true;
}

static bool
keep(OrderedFile *o, uint64_t position, const void *data, size_t length, GError **error)
{
    if (length > VC_ORDERED_PENDING_MAX - o->pending_bytes) {
        vc_fail(error, VC_ERROR_LIMIT,
                "more than %zu MiB wait for the bytes before them, at 0x%" PRIx64,
                VC_ORDERED_PENDING_MAX >> 20, position);
        return false;
    }
    GList *after = o->pending.tail;
    while (after && ((Pending *)after->data)->position > position)
        after = after->prev;
    if (overlaps(after, position, length, error) ||
        overlaps(after ? after->next : o->pending.head, position, length, error))
        return false;

    Pending *pending = vc_allocate_more(NULL, sizeof *pending + length, error);
    if (!pending)
        return false;
    pending->position = position;
    pending->length = length;
    memcpy(pending->data, data, length);
    if (after)
        g_queue_insert_after(&o->pending, after, pending);
    else
        g_queue_push_head(&o->pending, pending);
    o->pending_bytes += length;
    return true;
}

static bool
ordered_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
              GError **error)
{
    OrderedFile *o = (OrderedFile *)file;
    if (position < o->end) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "a pipe cannot be written at 0x%" PRIx64 ", 0x%" PRIx64
                " bytes have gone out",
                position, o->end);
        return false;
    }
    if (length == 0)
        return true;
    if (position > o->end)
        return keep(o, position, buffer, length, error);
    if (overlaps(o->pending.head, position, length, error))
        return false;
    return send(o, buffer, length, error) && send_following(o, error);
}

static bool
ordered_settle(VcFile *file, uint64_t position, GError **error)
{
    OrderedFile *o = (OrderedFile *)file;
    while (o->end < position) {
        const Pending *first = g_queue_peek_head(&o->pending);
        if (!fill(o, first ? MIN(first->position, position) : position, error) ||
            !send_following(o, error))
            return false;
    }
    return true;
}

static bool
ordered_truncate(VcFile *file, uint64_t size, GError **error)
{
    OrderedFile *o = (OrderedFile *)file;
    if (!ordered_settle(file, size, error))
        return false;
    if (o->end > size || !g_queue_is_empty(&o->pending)) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "a pipe cannot be cut to 0x%" PRIx64 " bytes", size);
        return false;
    }
    return true;
}

static bool
ordered_end(VcFile *file, uint64_t end, GError **error)
{
    return ordered_truncate(file, end, error) &&
           vc_file_end(((OrderedFile *)file)->below, end, error);
}

static bool
ordered_sync(VcFile *file, GError **error)
{
    OrderedFile *o = (OrderedFile *)file;
    if (!g_queue_is_empty(&o->pending)) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "%zu bytes wait for those at 0x%" PRIx64 ", which were never written",
                o->pending_bytes, o->end);
        return false;
    }
    return vc_file_sync(o->below, error);
}

static void
ordered_free(VcFile *file)
{
    OrderedFile *o = (OrderedFile *)file;
    g_queue_clear_full(&o->pending, g_free);
    vc_file_free(o->below);
    vc_file_clear(file);
    g_free(o);
}

static const VcFileOps ordered_ops = {
    .write = ordered_write,
    .settle = ordered_settle,
    .truncate = ordered_truncate,
    .end = ordered_end,
    .sync = ordered_sync,
    .free = ordered_free,
};

VcFile *
vc_ordered_file(VcFile *below)
{
    OrderedFile *o = g_new0(OrderedFile, 1);
    vc_file_init(&o->base, &ordered_ops, below->name, false);
    o->base.reads_zero = true;
    o->below = below;
    g_queue_init(&o->pending);
    return &o->base;
}

void
vc_ordered_preload(VcFile *ordered, VcFile *content)
{
    ((OrderedFile *)ordered)->content = content;
}
