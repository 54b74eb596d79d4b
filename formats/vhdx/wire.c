/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File identifier, headers and region tables: bytes to structs and back. */
#include "formats/vhdx/wire.h"

#include "io/bytes.h"
#include "io/checksum.h"
#include "io/error.h"

#include <inttypes.h>
#include <stdlib.h>

/* Each structure has its CRC-32C at byte 4, computed with those four bytes zero. */
#define CHECKSUM_AT 4u

/* No file ends beyond this, so that sums of a position and a length do not wrap. */
#define POSITION_MAX ((uint64_t)INT64_MAX)

static uint32_t
checksum(const uint8_t *raw, size_t length)
{
    static const uint8_t zero[4];
    uint32_t crc = vc_crc32c(0, raw, CHECKSUM_AT);
    crc = vc_crc32c(crc, zero, sizeof zero);
    return vc_crc32c(crc, raw + CHECKSUM_AT + 4, length - CHECKSUM_AT - 4);
}

static bool
verify(const uint8_t *raw, size_t length, uint64_t position, const char *signature,
       const char *what, GError **error)
{
    if (memcmp(raw, signature, 4) != 0) {
        vc_corrupt(error, position, "%s: no signature '%s'", what, signature);
        return false;
    }
    uint32_t stored = load_le32(raw + CHECKSUM_AT), computed = checksum(raw, length);
    if (stored != computed) {
        vc_corrupt(error, position + CHECKSUM_AT,
                   "%s: checksum is 0x%08" PRIx32 ", computed 0x%08" PRIx32, what,
                   stored, computed);
        return false;
    }
    return true;
}

/* --- file identifier ----------------------------------------------------------------
 */

bool
vhdx_identifier_decode(const uint8_t raw[static VHDX_IDENTIFIER_SIZE],
                       uint64_t position, char **creator, GError **error)
{
    if (memcmp(raw, VHDX_SIGNATURE, VHDX_SIGNATURE_SIZE) != 0) {
        vc_corrupt(error, position, "file identifier: no signature '%s'",
                   VHDX_SIGNATURE);
        return false;
    }
    if (!creator)
        return true;

    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < VHDX_CREATOR_SIZE / 2; i++) {
        gunichar c = load_le16(raw + 8 + i * 2);
        if (c == 0)
            break;
        if ((c & 0xfc00) == 0xd800 && i + 1 < VHDX_CREATOR_SIZE / 2) {
            gunichar low = load_le16(raw + 8 + (i + 1) * 2);
            if ((low & 0xfc00) == 0xdc00) {
                c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
                i++;
            }
        }
        if (g_unichar_validate(c))
            g_string_append_unichar(text, c);
    }
    *creator = g_string_free(text, FALSE);
    return true;
}

void
vhdx_identifier_encode(const char *creator, uint8_t raw[static VHDX_IDENTIFIER_SIZE])
{
    memset(raw, 0, VHDX_IDENTIFIER_SIZE);
    memcpy(raw, VHDX_SIGNATURE, VHDX_SIGNATURE_SIZE);
    g_assert(strlen(creator) < VHDX_CREATOR_SIZE / 2);
    for (size_t i = 0; creator[i] != '\0'; i++)
        store_le16(raw + 8 + i * 2, (uint8_t)creator[i]);
}

/* --- headers ------------------------------------------------------------------------
 */

bool
vhdx_header_decode(const uint8_t raw[static VHDX_HEADER_SIZE], uint64_t position,
                   VhdxHeader *header, GError **error)
{
    if (!verify(raw, VHDX_HEADER_SIZE, position, "head", "header", error))
        return false;

    *header = (VhdxHeader){
        .sequence = load_le64(raw + 8),
        .log_version = load_le16(raw + 64),
        .version = load_le16(raw + 66),
        .log_length = load_le32(raw + 68),
        .log_offset = load_le64(raw + 72),
    };
    memcpy(header->file_write.bytes, raw + 16, 16);
    memcpy(header->data_write.bytes, raw + 32, 16);
    memcpy(header->log.bytes, raw + 48, 16);
    return true;
}

bool
vhdx_headers_choose(const uint8_t first[static VHDX_HEADER_SIZE],
                    const uint8_t second[static VHDX_HEADER_SIZE], VhdxHeader *header,
                    bool *second_chosen, GError **error)
{
    g_autoptr(GError) error1 = NULL;
    g_autoptr(GError) error2 = NULL;
    VhdxHeader header1, header2;
    bool valid1 = vhdx_header_decode(first, VHDX_HEADER1_POSITION, &header1, &error1);
    bool valid2 = vhdx_header_decode(second, VHDX_HEADER2_POSITION, &header2, &error2);

    if (!valid1 && !valid2) {
        vc_fail(error, VC_ERROR_CORRUPT, "neither header is valid: first %s; second %s",
                error1->message, error2->message);
        return false;
    }
    if (valid1 && valid2 && header1.sequence == header2.sequence &&
        memcmp(first, second, VHDX_HEADER_SIZE) != 0) {
        vc_corrupt(error, VHDX_HEADER2_POSITION + 8,
                   "both headers have sequence number %" PRIu64
                   " but differ, expected one to be newer",
                   header2.sequence);
        return false;
    }

    bool take_second = !valid1 || (valid2 && header2.sequence > header1.sequence);
    *header = take_second ? header2 : header1;
    if (second_chosen)
        *second_chosen = take_second;
    return true;
}

bool
vhdx_header_check(const VhdxHeader *header, uint64_t position, GError **error)
{
    bool dirty = !vhdx_guid_is_zero(&header->log);

    if (header->version != 1) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "header at 0x%" PRIx64 ": version %u, expected 1", position,
                header->version);
        return false;
    }
    if (dirty && header->log_version != 0) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "header at 0x%" PRIx64 ": version %u of a log that must be replayed, "
                "expected 0",
                position, header->log_version);
        return false;
    }
    if (header->log_length == 0 && !dirty)
        return true;
    if (header->log_length == 0 || header->log_length % VHDX_MIB != 0) {
        vc_corrupt(error, position + 68,
                   "header: log length is 0x%" PRIx32
                   ", expected a multiple of 1 MiB%s",
                   header->log_length, header->log_length == 0 ? " above 0" : "");
        return false;
    }
    if (header->log_offset < VHDX_HEADER_SECTION_SIZE ||
        header->log_offset % VHDX_MIB != 0 ||
        header->log_offset > POSITION_MAX - header->log_length) {
        vc_corrupt(error, position + 72,
                   "header: log offset is 0x%" PRIx64
                   ", expected a multiple of 1 MiB from 1 MiB up",
                   header->log_offset);
        return false;
    }
    return true;
}

void
vhdx_header_encode(const VhdxHeader *header, uint8_t raw[static VHDX_HEADER_SIZE])
{
    memset(raw, 0, VHDX_HEADER_SIZE);
    memcpy(raw, "head", 4);
    store_le64(raw + 8, header->sequence);
    memcpy(raw + 16, header->file_write.bytes, 16);
    memcpy(raw + 32, header->data_write.bytes, 16);
    memcpy(raw + 48, header->log.bytes, 16);
    store_le16(raw + 64, header->log_version);
    store_le16(raw + 66, header->version);
    store_le32(raw + 68, header->log_length);
    store_le64(raw + 72, header->log_offset);
    store_le32(raw + CHECKSUM_AT, checksum(raw, VHDX_HEADER_SIZE));
}

/* --- region tables ------------------------------------------------------------------
 */

#define REGIONS_AT                                                                     \
    16u /* the entries begin behind signature, checksum, count, reserved */
#define REGION_SIZE 32u

bool
vhdx_regions_verify(const uint8_t raw[static VHDX_REGIONS_SIZE], uint64_t position,
                    GError **error)
{
    return verify(raw, VHDX_REGIONS_SIZE, position, "regi", "region table", error);
}

static bool
check_region(const VhdxRegion *region, uint64_t position, GError **error)
{
    char id[VHDX_GUID_TEXT_SIZE];
    vhdx_guid_format(&region->id, id);

    if (region->offset < VHDX_HEADER_SECTION_SIZE || region->offset % VHDX_MIB != 0 ||
        region->offset > POSITION_MAX - region->length) {
        vc_corrupt(error, position + 16,
                   "region table: region %s begins at 0x%" PRIx64
                   ", expected a multiple of 1 MiB from 1 MiB up",
                   id, region->offset);
        return false;
    }
    if (region->length % VHDX_MIB != 0) {
        vc_corrupt(error, position + 24,
                   "region table: region %s has 0x%" PRIx32
                   " bytes, expected a multiple of 1 MiB",
                   id, region->length);
        return false;
    }
    if (region->required && !vhdx_guid_equal(&region->id, &vhdx_guid_bat) &&
        !vhdx_guid_equal(&region->id, &vhdx_guid_metadata)) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "region table: unknown region %s is required, entry at 0x%" PRIx64, id,
                position);
        return false;
    }
    return true;
}

static int
compare_ids(const void *a, const void *b)
{
    return memcmp(((const VhdxRegion *)a)->id.bytes, ((const VhdxRegion *)b)->id.bytes,
                  sizeof(VhdxGuid));
}

static int
compare_offsets(const void *a, const void *b)
{
    const VhdxRegion *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->length > y->length) - (x->length < y->length);
}

/* No region twice, none on another or on the log. */
static bool
check_together(const VhdxRegion *regions, unsigned count, uint64_t position,
               const VhdxHeader *header, GError **error)
{
    g_autofree VhdxRegion *sorted = g_new(VhdxRegion, count + 1);
    char id[VHDX_GUID_TEXT_SIZE], other[VHDX_GUID_TEXT_SIZE];
    memcpy(sorted, regions, count * sizeof *regions);

    qsort(sorted, count, sizeof *sorted, compare_ids);
    for (unsigned i = 1; i < count; i++) {
        if (vhdx_guid_equal(&sorted[i].id, &sorted[i - 1].id)) {
            vhdx_guid_format(&sorted[i].id, id);
            vc_corrupt(error, position, "region table: region %s is listed twice", id);
            return false;
        }
    }

    if (header && header->log_length > 0)
        sorted[count++] = (VhdxRegion){ .offset = header->log_offset,
                                        .length = header->log_length };
    qsort(sorted, count, sizeof *sorted, compare_offsets);
    for (unsigned i = 1; i < count; i++) {
        if (sorted[i].offset - sorted[i - 1].offset < sorted[i - 1].length) {
            vhdx_guid_format(&sorted[i - 1].id, id);
            vhdx_guid_format(&sorted[i].id, other);
            vc_corrupt(error, position,
                       "region table: %s (0x%" PRIx64 ", 0x%" PRIx32
                       " bytes) and %s at 0x%" PRIx64 " overlap; table",
                       vhdx_guid_is_zero(&sorted[i - 1].id) ? "the log" : id,
                       sorted[i - 1].offset, sorted[i - 1].length,
                       vhdx_guid_is_zero(&sorted[i].id) ? "the log" : other,
                       sorted[i].offset);
            return false;
        }
    }
    return true;
}

VhdxRegion *
vhdx_regions_decode(const uint8_t raw[static VHDX_REGIONS_SIZE], uint64_t position,
                    const VhdxHeader *header, unsigned *count, GError **error)
{
    if (!vhdx_regions_verify(raw, position, error))
        return NULL;

    uint32_t n = load_le32(raw + 8);
    if (n > VHDX_REGIONS_MAX) {
        vc_corrupt(error, position + 8,
                   "region table: %" PRIu32 " entries, expected at most %u", n,
                   VHDX_REGIONS_MAX);
        return NULL;
    }

    g_autofree VhdxRegion *regions = g_new0(VhdxRegion, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = REGIONS_AT + i * REGION_SIZE;
        regions[i] = (VhdxRegion){
            .offset = load_le64(raw + at + 16),
            .length = load_le32(raw + at + 24),
            .required = load_le32(raw + at + 28) & 1,
        };
        memcpy(regions[i].id.bytes, raw + at, 16);
        if (!check_region(&regions[i], position + at, error))
            return NULL;
    }
    if (!check_together(regions, n, position, header, error))
        return NULL;
    if (!vhdx_regions_find(regions, n, &vhdx_guid_bat) ||
        !vhdx_regions_find(regions, n, &vhdx_guid_metadata)) {
        vc_corrupt(error, position, "region table: no %s region",
                   vhdx_regions_find(regions, n, &vhdx_guid_bat) ? "metadata" : "BAT");
        return NULL;
    }
    *count = n;
    return g_steal_pointer(&regions);
}

const VhdxRegion *
vhdx_regions_find(const VhdxRegion *regions, unsigned count, const VhdxGuid *id)
{
    for (unsigned i = 0; i < count; i++)
        if (vhdx_guid_equal(&regions[i].id, id))
            return &regions[i];
    return NULL;
}

void
vhdx_regions_encode(const VhdxRegion *regions, unsigned count,
                    uint8_t raw[static VHDX_REGIONS_SIZE])
{
    g_assert(count <= VHDX_REGIONS_MAX);
    memset(raw, 0, VHDX_REGIONS_SIZE);
    memcpy(raw, "regi", 4);
    store_le32(raw + 8, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t *entry = raw + REGIONS_AT + i * REGION_SIZE;
        memcpy(entry, regions[i].id.bytes, 16);
        store_le64(entry + 16, regions[i].offset);
        store_le32(entry + 24, regions[i].length);
        store_le32(entry + 28, regions[i].required);
    }
    store_le32(raw + CHECKSUM_AT, checksum(raw, VHDX_REGIONS_SIZE));
}
