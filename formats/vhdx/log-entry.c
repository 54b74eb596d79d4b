/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log entries: bytes to structs. */
#include "formats/vhdx/log-entry.h"

#include "io/bytes.h"
#include "io/checksum.h"

#define CHECKSUM_AT 4u

/* Header and descriptors count alike: the header takes the place of two descriptors. */
#define PER_SECTOR (VHDX_LOG_SECTOR / VHDX_LOG_DESCRIPTOR_SIZE)
#define HEADER_SLOTS (VHDX_LOG_HEADER_SIZE / VHDX_LOG_DESCRIPTOR_SIZE)

static uint64_t
slots(const VhdxLogEntry *entry)
{
    return (uint64_t)entry->descriptors + HEADER_SLOTS;
}

uint32_t
vhdx_log_descriptor_sectors(const VhdxLogEntry *entry)
{
    return (uint32_t)((slots(entry) + PER_SECTOR - 1) / PER_SECTOR);
}

uint32_t
vhdx_log_descriptors_in(const VhdxLogEntry *entry, uint32_t sector, uint32_t *first)
{
    uint64_t left = slots(entry) - (uint64_t)sector * PER_SECTOR;
    uint32_t skip = sector == 0 ? HEADER_SLOTS : 0;
    *first = skip * VHDX_LOG_DESCRIPTOR_SIZE;
    return (uint32_t)MIN(left, PER_SECTOR) - skip;
}

/* MS-VHDX 2.3.1.1. The two reserved words are not looked at. */
bool
vhdx_log_entry_decode(const uint8_t raw[static VHDX_LOG_HEADER_SIZE],
                      const VhdxGuid *guid, uint32_t log_length, VhdxLogEntry *entry)
{
    if (memcmp(raw, "loge", 4) != 0 || memcmp(raw + 32, guid->bytes, 16) != 0)
        return false;

    *entry = (VhdxLogEntry){
        .checksum = load_le32(raw + CHECKSUM_AT),
        .length = load_le32(raw + 8),
        .tail = load_le32(raw + 12),
        .sequence = load_le64(raw + 16),
        .descriptors = load_le32(raw + 24),
        .flushed = load_le64(raw + 48),
        .last = load_le64(raw + 56),
    };
    return entry->sequence > 0 && entry->length > 0 && entry->length <= log_length &&
           entry->length % VHDX_LOG_SECTOR == 0 && entry->tail < log_length &&
           entry->tail % VHDX_LOG_SECTOR == 0 &&
           vhdx_log_descriptor_sectors(entry) <= entry->length / VHDX_LOG_SECTOR;
}

/* MS-VHDX 2.3.1.2 (zero) and 2.3.1.3 (data). */
bool
vhdx_log_descriptor_decode(const uint8_t raw[static VHDX_LOG_DESCRIPTOR_SIZE],
                           uint64_t sequence, VhdxLogDescriptor *descriptor)
{
    bool zero = memcmp(raw, "zero", 4) == 0;
    if (!zero && memcmp(raw, "desc", 4) != 0)
        return false;

    *descriptor = (VhdxLogDescriptor){
        .zero = zero,
        .position = load_le64(raw + 16),
        .length = zero ? load_le64(raw + 8) : VHDX_LOG_SECTOR,
    };
    if (!zero) {
        memcpy(descriptor->trailing, raw + 4, 4);
        memcpy(descriptor->leading, raw + 8, 8);
    }
    return load_le64(raw + 24) == sequence &&
           descriptor->position % VHDX_LOG_SECTOR == 0 &&
           descriptor->length % VHDX_LOG_SECTOR == 0 &&
           descriptor->length <= UINT64_MAX - descriptor->position;
}

/* MS-VHDX 2.3.1.4: the sequence number lies in two halves at the two ends, so that a
 * sector torn in the middle is seen. */
bool
vhdx_log_data_verify(const uint8_t raw[static VHDX_LOG_SECTOR], uint64_t sequence)
{
    return memcmp(raw, "data", 4) == 0 && load_le32(raw + 4) == sequence >> 32 &&
           load_le32(raw + VHDX_LOG_SECTOR - 4) == (uint32_t)sequence;
}

void
vhdx_log_page(const VhdxLogDescriptor *descriptor,
              const uint8_t raw[static VHDX_LOG_SECTOR],
              uint8_t page[static VHDX_LOG_SECTOR])
{
    memcpy(page, descriptor->leading, 8);
    memcpy(page + 8, raw + 8, VHDX_LOG_SECTOR - 12);
    memcpy(page + VHDX_LOG_SECTOR - 4, descriptor->trailing, 4);
}

uint32_t
vhdx_log_checksum(uint32_t crc, const uint8_t raw[static VHDX_LOG_SECTOR],
                  uint32_t sector)
{
    static const uint8_t zero[4];
    if (sector != 0)
        return vc_crc32c(crc, raw, VHDX_LOG_SECTOR);
    crc = vc_crc32c(crc, raw, CHECKSUM_AT);
    crc = vc_crc32c(crc, zero, sizeof zero);
    return vc_crc32c(crc, raw + CHECKSUM_AT + 4, VHDX_LOG_SECTOR - CHECKSUM_AT - 4);
}
