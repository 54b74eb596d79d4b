/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of a VHDX: replay. */
#include "formats/vhdx/log.h"

#include "formats/vhdx/log-ring.h"
#include "formats/vhdx/space.h"
#include "formats/vhdx/wire.h"
#include "io/error.h"

#include <inttypes.h>

typedef struct {
    const VhdxLog *log;
    VcFile *file;
    VhdxReplay *replay;
    uint64_t announced; /* the size that the log wants the file to have */
    VhdxRing tables, data;
} Replayer;

/* The file identifier and the headers are changed by other means (MS-VHDX 2.2.2), and a
 * log that changes itself has no end. */
static bool
check_target(const Replayer *r, const VhdxLogDescriptor *d, GError **error)
{
    const VhdxLog *log = r->log;
    uint64_t end = d->position + d->length;

    if (end > VHDX_FILE_SIZE_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "log: a change of 0x%" PRIx64 " bytes at 0x%" PRIx64
                ", which is beyond 256 TiB",
                d->length, d->position);
        return false;
    }
    if (d->position < VHDX_REGIONS1_POSITION ||
        (d->position < log->offset + log->length && end > log->offset)) {
        vc_corrupt(error, d->position, "log: a change of 0x%" PRIx64 " bytes of the %s",
                   d->length,
                   d->position < VHDX_REGIONS1_POSITION ? "file's headers"
                                                        : "log itself");
        return false;
    }
    return true;
}

static bool
apply(Replayer *r, const VhdxLogDescriptor *d, uint64_t data_at, GError **error)
{
    if (d->length == 0)
        return true;
    if (!check_target(r, d, error))
        return false;

    uint64_t end = d->position + d->length;
    r->replay->size_after = MAX(r->replay->size_after, end);
    if (r->replay->beyond_last == 0 && end > MAX(r->replay->size_before, r->announced))
        r->replay->beyond_last = d->position;

    if (d->zero) {
        r->replay->zero_bytes += d->length;
        return vc_file_zero(r->file, d->position, d->length, error);
    }
    const uint8_t *raw = vhdx_ring_sector(&r->data, data_at, error);
    uint8_t page[VHDX_LOG_SECTOR];
    if (!raw)
        return false;
    vhdx_log_page(d, raw, page);
    r->replay->data_pages++;
    return vc_file_write(r->file, d->position, page, sizeof page, error);
}

static bool
replay_entry(Replayer *r, const VhdxRingEntry *e, GError **error)
{
    uint32_t tables = vhdx_log_descriptor_sectors(&e->entry);
    uint64_t data_at = (uint64_t)e->at + (uint64_t)tables * VHDX_LOG_SECTOR;

    for (uint32_t i = 0; i < tables; i++) {
        uint32_t at, count = vhdx_log_descriptors_in(&e->entry, i, &at);
        for (uint32_t k = 0; k < count; k++, at += VHDX_LOG_DESCRIPTOR_SIZE) {
            const uint8_t *raw = vhdx_ring_sector(
                &r->tables, (uint64_t)e->at + (uint64_t)i * VHDX_LOG_SECTOR, error);
            VhdxLogDescriptor d;
            if (!raw)
                return false;
            if (!vhdx_log_descriptor_decode(raw + at, e->entry.sequence, &d)) {
                vc_corrupt(error, r->log->offset + e->at,
                           "log: the entry changed while it was read");
                return false;
            }
            if (!apply(r, &d, data_at, error))
                return false;
            if (!d.zero)
                data_at += VHDX_LOG_SECTOR;
        }
    }
    r->replay->entries++;
    return true;
}

/* Whether the sequence that begins with FIRST may be replayed; *HEAD is its last. */
static bool
check_sequence(const GArray *entries, guint first, const VhdxLog *log, uint64_t size,
               const VhdxRingEntry **head, GError **error)
{
    if (first == VHDX_RING_NONE) {
        vc_corrupt(error, log->offset,
                   "log: the header says that it must be replayed, but it holds no "
                   "complete sequence of entries; the log begins");
        return false;
    }
    const VhdxRingEntry *tail = &g_array_index(entries, VhdxRingEntry, first);
    const VhdxRingEntry *h = &g_array_index(entries, VhdxRingEntry, tail->head);
    if (size < h->entry.flushed) {
        vc_fail(error, VC_ERROR_SHORT,
                "the file has 0x%" PRIx64 " bytes, but had 0x%" PRIx64
                " when its log was written: it was cut",
                size, h->entry.flushed);
        return false;
    }
    if (h->entry.last > VHDX_FILE_SIZE_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "log: the file should have 0x%" PRIx64
                " bytes, at most 256 TiB expected",
                h->entry.last);
        return false;
    }
    if (tail->memory > VHDX_REPLAY_MAX) {
        vc_fail(error, VC_ERROR_LIMIT,
                "log: %" PRIu64 " bytes to replay in memory, expected at most 256 MiB",
                tail->memory);
        return false;
    }
    *head = h;
    return true;
}

bool
vhdx_log_replay(const VhdxLog *log, VcFile *file, VhdxReplay *replay, GError **error)
{
    *replay = (VhdxReplay){ 0 };
    if (!vc_file_size(file, &replay->size_before, error))
        return false;
    if (log->offset > replay->size_before ||
        log->length > replay->size_before - log->offset) {
        vc_fail(error, VC_ERROR_SHORT,
                "the log of 0x%" PRIx32 " bytes at 0x%" PRIx64
                " must be replayed, but the file ends at 0x%" PRIx64,
                log->length, log->offset, replay->size_before);
        return false;
    }
    g_autoptr(GArray) entries = vhdx_ring_entries(log, file, error);
    if (!entries)
        return false;
    guint first = vhdx_ring_active(entries);
    const VhdxRingEntry *head;
    if (!check_sequence(entries, first, log, replay->size_before, &head, error))
        return false;

    Replayer r = { .log = log, .file = file, .replay = replay };
    r.announced = head->entry.last;
    replay->size_after = MAX(replay->size_before, r.announced);
    vhdx_ring_init(&r.tables, log, file);
    vhdx_ring_init(&r.data, log, file);
    bool ok = true;
    for (guint i = first; ok && i != VHDX_RING_NONE;) {
        const VhdxRingEntry *e = &g_array_index(entries, VhdxRingEntry, i);
        ok = replay_entry(&r, e, error);
        i = e->next;
    }
    vhdx_ring_clear(&r.tables);
    vhdx_ring_clear(&r.data);
    return ok && (replay->size_after == replay->size_before ||
                  vc_file_truncate(file, replay->size_after, error));
}
