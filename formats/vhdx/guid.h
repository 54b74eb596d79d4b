/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GUIDs as VHDX stores them, and the ones that it defines. */
#ifndef VC_VHDX_GUID_H
#define VC_VHDX_GUID_H

#include <stdbool.h>
#include <stdint.h>

/* In the order of Windows' memory, which is the order in files: the first three fields
 * little-endian, the last eight bytes as printed. */
typedef struct {
    uint8_t bytes[16];
} VhdxGuid;

/* 36 characters and the NUL. */
#define VHDX_GUID_TEXT_SIZE 37

/* Regions (MS-VHDX 2.2.3.2). */
extern const VhdxGuid vhdx_guid_bat, vhdx_guid_metadata;
/* Metadata items (MS-VHDX 2.6.2). */
extern const VhdxGuid vhdx_guid_file_parameters, vhdx_guid_disk_size, vhdx_guid_disk_id,
    vhdx_guid_logical_sector, vhdx_guid_physical_sector, vhdx_guid_parent_locator;
/* The only type of parent locator (MS-VHDX 2.6.2.6.1). */
extern const VhdxGuid vhdx_guid_vhdx_locator;

bool vhdx_guid_equal(const VhdxGuid *a, const VhdxGuid *b);
bool vhdx_guid_is_zero(const VhdxGuid *guid);

/* "2dc27766-f623-4200-9d64-115e9bfd4a08": lower case, no braces. */
void vhdx_guid_format(const VhdxGuid *guid, char text[static VHDX_GUID_TEXT_SIZE]);

/* Takes that with or without braces, in either case; false for anything else. */
bool vhdx_guid_parse(const char *text, VhdxGuid *guid);

/* From a UUID in the byte order of RFC 4122, which prints the same. */
VhdxGuid vhdx_guid_from_uuid(const uint8_t uuid[static 16]);

#endif
