/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log entries, MS-VHDX 2.3.1: bytes to structs, without I/O.
 *
 * Nothing here sets an error: bytes that do not make an entry are what lies behind the
 * end of every log, a torn write or an older round, and never a fault by themselves. */
#ifndef VC_VHDX_LOG_ENTRY_H
#define VC_VHDX_LOG_ENTRY_H

#include "formats/vhdx/guid.h"

#include <stdbool.h>
#include <stdint.h>

/* The unit of the log: entries begin on it, are multiples of it, and change pages of
 * it. */
#define VHDX_LOG_SECTOR 4096u
#define VHDX_LOG_DESCRIPTOR_SIZE 32u
#define VHDX_LOG_HEADER_SIZE 64u

typedef struct {
    uint32_t checksum;
    uint32_t length; /* bytes, a multiple of VHDX_LOG_SECTOR */
    uint32_t tail;   /* where in the log the oldest entry lies that is still needed */
    uint32_t descriptors; /* may be 0 */
    uint64_t sequence;    /* above 0 */
    uint64_t flushed;     /* bytes that the file had when the entry was written */
    uint64_t last;        /* bytes that the file must have after replay */
} VhdxLogEntry;

typedef struct {
    bool zero;         /* LENGTH zeros; otherwise a page, whose ends are here */
    uint64_t position; /* in the file, a multiple of VHDX_LOG_SECTOR */
    uint64_t length;   /* bytes, a multiple of VHDX_LOG_SECTOR; ends below 2^64 */
    uint8_t leading[8];
    uint8_t trailing[4];
} VhdxLogDescriptor;

/* The header of an entry in a log of LOG_LENGTH bytes, when it belongs to the log GUID.
 * The checksum is kept, not checked. */
bool vhdx_log_entry_decode(const uint8_t raw[static VHDX_LOG_HEADER_SIZE],
                           const VhdxGuid *guid, uint32_t log_length,
                           VhdxLogEntry *entry);

/* How many sectors header and descriptors fill. */
uint32_t vhdx_log_descriptor_sectors(const VhdxLogEntry *entry);

/* Of the entry's sectors that hold descriptors, in number SECTOR: how many there are,
 * and where in the sector the first one lies. */
uint32_t vhdx_log_descriptors_in(const VhdxLogEntry *entry, uint32_t sector,
                                 uint32_t *first);

bool vhdx_log_descriptor_decode(const uint8_t raw[static VHDX_LOG_DESCRIPTOR_SIZE],
                                uint64_t sequence, VhdxLogDescriptor *descriptor);

/* Whether the sector holds data of entry SEQUENCE. */
bool vhdx_log_data_verify(const uint8_t raw[static VHDX_LOG_SECTOR], uint64_t sequence);

/* The page that DESCRIPTOR and its data sector make together. */
void vhdx_log_page(const VhdxLogDescriptor *descriptor,
                   const uint8_t raw[static VHDX_LOG_SECTOR],
                   uint8_t page[static VHDX_LOG_SECTOR]);

/* Continues CRC with sector number SECTOR of an entry: the checksum field counts as 0.
 */
uint32_t vhdx_log_checksum(uint32_t crc, const uint8_t raw[static VHDX_LOG_SECTOR],
                           uint32_t sector);

#endif
