/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header section: file identifier, headers and region tables; bytes to structs and
 * back, without I/O. All integers are little-endian. POSITION is always where RAW lies
 * in the file, for messages. */
#ifndef VC_VHDX_WIRE_H
#define VC_VHDX_WIRE_H

#include "formats/vhdx/geometry.h"
#include "formats/vhdx/guid.h"

#include <glib.h>

/* MS-VHDX 2.2: the header section fills the first MiB; nothing else may lie there. */
#define VHDX_IDENTIFIER_POSITION ((uint64_t)0)
#define VHDX_HEADER1_POSITION ((uint64_t)64 << 10)
#define VHDX_HEADER2_POSITION ((uint64_t)128 << 10)
#define VHDX_REGIONS1_POSITION ((uint64_t)192 << 10)
#define VHDX_REGIONS2_POSITION ((uint64_t)256 << 10)
#define VHDX_HEADER_SECTION_SIZE VHDX_MIB

#define VHDX_SIGNATURE "vhdxfile"
#define VHDX_SIGNATURE_SIZE 8u
#define VHDX_IDENTIFIER_SIZE 520u /* what is used of its 64 KiB */
#define VHDX_CREATOR_SIZE 512u    /* bytes of UTF-16 */
#define VHDX_HEADER_SIZE 4096u
#define VHDX_REGIONS_SIZE 65536u

/* What fits behind the table's own header (MS-VHDX 2.2.3.1). */
#define VHDX_REGIONS_MAX 2047u

/* --- file identifier, MS-VHDX 2.2.1 -------------------------------------------------
 */

/* False, with VC_ERROR_CORRUPT, without the signature. CREATOR (may be NULL) gets the
 * text as UTF-8, owned by the caller; what is not UTF-16 is left out. */
bool vhdx_identifier_decode(const uint8_t raw[static VHDX_IDENTIFIER_SIZE],
                            uint64_t position, char **creator, GError **error);
/* CREATOR is ASCII, at most 255 characters. */
void vhdx_identifier_encode(const char *creator,
                            uint8_t raw[static VHDX_IDENTIFIER_SIZE]);

/* --- headers, MS-VHDX 2.2.2 ---------------------------------------------------------
 */

typedef struct {
    uint64_t sequence;
    VhdxGuid file_write; /* new before each session that writes */
    VhdxGuid data_write; /* new before what the disk holds changes; children know it */
    VhdxGuid log;        /* zero: the log is empty */
    uint16_t log_version;
    uint16_t version;
    uint32_t log_length;
    uint64_t log_offset;
} VhdxHeader;

/* Validity as the specification has it: signature and checksum; VC_ERROR_CORRUPT. */
bool vhdx_header_decode(const uint8_t raw[static VHDX_HEADER_SIZE], uint64_t position,
                        VhdxHeader *header, GError **error);

/* Decodes both copies and gives the current one: the only valid one, or the one of the
 * larger sequence number. Equal numbers are taken when the copies are identical
 * (Disk2vhd writes so). *SECOND (may be NULL) says whether it is the second copy.
 * VC_ERROR_CORRUPT when there is none. Version and log are looked at by
 * vhdx_header_check. */
bool vhdx_headers_choose(const uint8_t first[static VHDX_HEADER_SIZE],
                         const uint8_t second[static VHDX_HEADER_SIZE],
                         VhdxHeader *header, bool *second_chosen, GError **error);

/* The rules for the current header: version 1 (VC_ERROR_UNSUPPORTED otherwise), log on
 * MiB and not in the header section; where the log is not empty also log version 0 and
 * a length above 0. A length of 0 with an empty log passes: a warning's worth. */
bool vhdx_header_check(const VhdxHeader *header, uint64_t position, GError **error);

void vhdx_header_encode(const VhdxHeader *header, uint8_t raw[static VHDX_HEADER_SIZE]);

/* --- region tables, MS-VHDX 2.2.3 ---------------------------------------------------
 */

typedef struct {
    VhdxGuid id;
    uint64_t offset; /* in the file, a multiple of 1 MiB */
    uint32_t length; /* a multiple of 1 MiB */
    bool required;
} VhdxRegion;

/* Signature and checksum alone: what decides between the two copies. */
bool vhdx_regions_verify(const uint8_t raw[static VHDX_REGIONS_SIZE], uint64_t position,
                         GError **error);

/* Verifies, and gives all regions (g_free), *COUNT of them. VC_ERROR_CORRUPT: more than
 * VHDX_REGIONS_MAX, the same region twice, not on MiB, in the header section, beyond
 * 2^63, on one another or on the log of HEADER (NULL: no log known), BAT or metadata
 * missing; VC_ERROR_UNSUPPORTED: an unknown region that is required. Whether they lie
 * in the file is for the caller to see. */
VhdxRegion *vhdx_regions_decode(const uint8_t raw[static VHDX_REGIONS_SIZE],
                                uint64_t position, const VhdxHeader *header,
                                unsigned *count, GError **error);

/* Borrowed from REGIONS; NULL when there is none. */
const VhdxRegion *vhdx_regions_find(const VhdxRegion *regions, unsigned count,
                                    const VhdxGuid *id);

void vhdx_regions_encode(const VhdxRegion *regions, unsigned count,
                         uint8_t raw[static VHDX_REGIONS_SIZE]);

#endif
