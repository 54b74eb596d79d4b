/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ring of the log: reading, and finding the sequence that counts. */
#include "formats/vhdx/log-ring.h"

#include "io/error.h"

#include <inttypes.h>
#include <stdlib.h>

/* Divides a MiB, so that no window crosses the end of a log. */
#define WINDOW ((uint32_t)64 << 10)

/* What an overlay keeps of each change, whether it writes a page or zeros: its place in
 * a tree, three small allocations. */
#define CHANGE_COST 128u

void
vhdx_ring_init(VhdxRing *ring, const VhdxLog *log, VcFile *file)
{
    *ring = (VhdxRing){
        .file = file,
        .offset = log->offset,
        .length = log->length,
        .window = g_malloc(WINDOW),
    };
}

void
vhdx_ring_clear(VhdxRing *ring)
{
    g_clear_pointer(&ring->window, g_free);
}

const uint8_t *
vhdx_ring_sector(VhdxRing *ring, uint64_t at, GError **error)
{
    uint32_t place = (uint32_t)(at % ring->length), window = place - place % WINDOW;
    if (!ring->filled || ring->at != window) {
        ring->filled = false;
        if (!vc_file_read(ring->file, ring->offset + window, ring->window, WINDOW,
                          error)) {
            g_prefix_error(error, "log: ");
            return NULL;
        }
        ring->filled = true;
        ring->at = window;
    }
    return ring->window + (place - window);
}

/* --- which entries are valid ---------------------------------------------------------
 */

/* False when a descriptor of the sector is none. Adds those of data to *DATA. */
static bool
verify_descriptors(const uint8_t *raw, const VhdxLogEntry *entry, uint32_t sector,
                   uint64_t *data)
{
    uint32_t at, count = vhdx_log_descriptors_in(entry, sector, &at);
    for (uint32_t i = 0; i < count; i++, at += VHDX_LOG_DESCRIPTOR_SIZE) {
        VhdxLogDescriptor descriptor;
        if (!vhdx_log_descriptor_decode(raw + at, entry->sequence, &descriptor))
            return false;
        *data += !descriptor.zero;
    }
    return true;
}

/* Reads the entry at E->at as far as it makes sense; *VALID when it does to the end.
 * All its sectors but the first begin with another signature than an entry: entries
 * cannot lie on each other, and each sector of the log is read once as a beginning and
 * once as a part. So an entry may not go on behind its data, where it could be as long
 * as the log says that it is, all of it holes. Nobody writes one that does. It is no
 * torn one, with all of it there: to end the sequence before it could lose what it
 * changes. */
static bool
read_entry(VhdxRing *ring, const VhdxGuid *guid, VhdxRingEntry *e, bool *valid,
           GError **error)
{
    VhdxLogEntry *entry = &e->entry;
    *valid = false;
    const uint8_t *raw = vhdx_ring_sector(ring, e->at, error);
    if (!raw)
        return false;
    if (!vhdx_log_entry_decode(raw, guid, ring->length, entry))
        return true;

    uint32_t sectors = entry->length / VHDX_LOG_SECTOR, crc = 0;
    uint32_t tables = vhdx_log_descriptor_sectors(entry);
    uint64_t data = 0;
    for (uint32_t i = 0; i < sectors; i++) {
        if (i >= tables && i - tables >= data) {
            vc_corrupt(error, ring->offset + e->at,
                       "log: an entry of %" PRIu32 " sectors has content for %" PRIu32
                       "; it begins",
                       sectors, i);
            return false;
        }
        raw = vhdx_ring_sector(ring, (uint64_t)e->at + (uint64_t)i * VHDX_LOG_SECTOR,
                               error);
        if (!raw)
            return false;
        if (i < tables) {
            if (!verify_descriptors(raw, entry, i, &data) || data > sectors - tables)
                return true;
        } else if (!vhdx_log_data_verify(raw, entry->sequence)) {
            return true;
        }
        crc = vhdx_log_checksum(crc, raw, i);
    }
    e->memory = (uint64_t)entry->descriptors * CHANGE_COST + data * VHDX_LOG_SECTOR;
    *valid = crc == entry->checksum;
    return true;
}

/* How much of the log from AT, the beginning of a window, is known to be zero. */
static bool
skip_hole(const VhdxRing *ring, uint32_t at, uint32_t *length, GError **error)
{
    bool data;
    uint64_t run;
    if (!vc_file_run(ring->file, ring->offset + at, &data, &run, error))
        return false;
    run = MIN(run, ring->length - at);
    *length = data ? 0 : (uint32_t)(run - run % WINDOW);
    return true;
}

/* --- which belong together -----------------------------------------------------------
 */

static guint
find(const GArray *entries, uint32_t at)
{
    guint low = 0, high = entries->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        uint32_t here = g_array_index(entries, VhdxRingEntry, middle).at;
        if (here == at)
            return middle;
        if (here < at)
            low = middle + 1;
        else
            high = middle;
    }
    return VHDX_RING_NONE;
}

/* Newest first; of equally new ones the first in the log. */
static int
compare_sequences(gconstpointer a, gconstpointer b)
{
    const VhdxRingEntry *x = *(VhdxRingEntry *const *)a;
    const VhdxRingEntry *y = *(VhdxRingEntry *const *)b;
    if (x->entry.sequence != y->entry.sequence)
        return x->entry.sequence > y->entry.sequence ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static VhdxRingEntry **
newest_first(const GArray *entries)
{
    VhdxRingEntry **sorted = g_new(VhdxRingEntry *, entries->len + 1);
    for (guint i = 0; i < entries->len; i++)
        sorted[i] = &g_array_index(entries, VhdxRingEntry, i);
    qsort(sorted, entries->len, sizeof *sorted, compare_sequences);
    return sorted;
}

static void
link_sequences(GArray *entries, uint32_t log_length)
{
    /* An entry continues with a newer one, so newest first meets each after its next.
     */
    g_autofree VhdxRingEntry **sorted = newest_first(entries);
    for (guint i = 0; i < entries->len; i++) {
        VhdxRingEntry *e = sorted[i];
        uint64_t end = ((uint64_t)e->at + e->entry.length) % log_length;
        guint next = find(entries, (uint32_t)end);
        const VhdxRingEntry *n = next == VHDX_RING_NONE
                                     ? NULL
                                     : &g_array_index(entries, VhdxRingEntry, next);
        e->next = VHDX_RING_NONE;
        e->head = (guint)(e - &g_array_index(entries, VhdxRingEntry, 0));
        if (n && n->entry.sequence - 1 == e->entry.sequence) {
            e->next = next;
            e->head = n->head;
            e->memory += n->memory;
        }
    }
}

GArray *
vhdx_ring_entries(const VhdxLog *log, VcFile *file, GError **error)
{
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(VhdxRingEntry));
    g_auto(VhdxRing) ring = { 0 };

    g_assert(log->length > 0); /* as the header was checked */
    vhdx_ring_init(&ring, log, file);
    for (uint32_t at = 0; at < log->length;) {
        uint32_t hole = 0;
        if (at % WINDOW == 0 && !skip_hole(&ring, at, &hole, error))
            return NULL;
        if (hole > 0) {
            /* The log may end at 2^32 - 1 MiB: this does not wrap. */
            at += hole;
            continue;
        }
        VhdxRingEntry e = { .at = at };
        bool valid;
        if (!read_entry(&ring, &log->guid, &e, &valid, error))
            return NULL;
        if (valid)
            g_array_append_val(entries, e);
        at += VHDX_LOG_SECTOR;
    }
    link_sequences(entries, log->length);
    return g_steal_pointer(&entries);
}

/* The specification extends runs of entries from each place in turn, takes a run when
 * its last entry, the head, names the place of one of the run as its tail, and of those
 * the one with the newest head. The sequences are the same from wherever in them one
 * starts, so it is enough to ask each head: does the entry at your tail lead to you?
 * None is longer than the log, as no entry lies on another. */
guint
vhdx_ring_active(const GArray *entries)
{
    g_autofree VhdxRingEntry **sorted = newest_first(entries);
    for (guint i = 0; i < entries->len; i++) {
        const VhdxRingEntry *head = sorted[i];
        if (head->next != VHDX_RING_NONE)
            continue;
        guint tail = find(entries, head->entry.tail);
        if (tail == VHDX_RING_NONE)
            continue;
        const VhdxRingEntry *t = &g_array_index(entries, VhdxRingEntry, tail);
        if (&g_array_index(entries, VhdxRingEntry, t->head) == head)
            return tail;
    }
    return VHDX_RING_NONE;
}
