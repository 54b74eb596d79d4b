/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ring of the log: its sectors, and the one sequence of entries in it that counts.
 */
#ifndef VC_VHDX_LOG_RING_H
#define VC_VHDX_LOG_RING_H

#include "formats/vhdx/log-entry.h"
#include "formats/vhdx/log.h"

/* Reads sectors in windows, so that walking along is cheap; one per place of reading.
 */
typedef struct {
    VcFile *file;
    uint64_t offset; /* of the log in the file */
    uint32_t length;
    uint32_t at; /* of the window in the log */
    bool filled;
    uint8_t *window; /* owned */
} VhdxRing;

void vhdx_ring_init(VhdxRing *ring, const VhdxLog *log, VcFile *file);
void vhdx_ring_clear(VhdxRing *ring);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VhdxRing, vhdx_ring_clear)

/* Borrowed until the next call: the sector at AT, which may be beyond the end of the
 * ring and then counts from its beginning. NULL: the file could not be read. */
const uint8_t *vhdx_ring_sector(VhdxRing *ring, uint64_t at, GError **error);

/* A valid entry and its place among the others. */
typedef struct {
    uint32_t at; /* in the log */
    VhdxLogEntry entry;
    guint next; /* index of the entry that continues the sequence; VHDX_RING_NONE */
    guint head; /* index of the last entry of the sequence */
    uint64_t memory; /* bytes that replay keeps of the changes from here to there */
} VhdxRingEntry;

#define VHDX_RING_NONE G_MAXUINT

/* Gives all valid entries of the log (VhdxRingEntry, ascending by place), linked to
 * sequences. VC_ERROR_CORRUPT: an entry is longer than its descriptors and data. */
GArray *vhdx_ring_entries(const VhdxLog *log, VcFile *file, GError **error);

/* The active sequence, MS-VHDX 2.3.3: the index of its first entry that is still
 * needed; VHDX_RING_NONE when there is none. */
guint vhdx_ring_active(const GArray *entries);

#endif
