/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GUIDs as VHDX stores them, and the ones that it defines. */
#include "formats/vhdx/guid.h"

#include "io/bytes.h"

#include <stdio.h>

/* As printed: GUID(2dc27766-f623-4200-9d64-115e9bfd4a08). */
#define GUID(a, b, c, d, e)                                                            \
    {                                                                                  \
        {                                                                              \
            BYTE(a, 0), BYTE(a, 1), BYTE(a, 2), BYTE(a, 3), BYTE(b, 0), BYTE(b, 1),    \
                BYTE(c, 0), BYTE(c, 1), BYTE(d, 1), BYTE(d, 0), BYTE(e, 5),            \
                BYTE(e, 4), BYTE(e, 3), BYTE(e, 2), BYTE(e, 1), BYTE(e, 0)             \
        }                                                                              \
    }
#define BYTE(value, n) (uint8_t)((value) >> (8 * (n)))

const VhdxGuid vhdx_guid_bat = GUID(0x2dc27766, 0xf623, 0x4200, 0x9d64, 0x115e9bfd4a08);
const VhdxGuid vhdx_guid_metadata = GUID(0x8b7ca206, 0x4790, 0x4b9a, 0xb8fe,
                                         0x575f050f886e);

const VhdxGuid vhdx_guid_file_parameters = GUID(0xcaa16737, 0xfa36, 0x4d43, 0xb3b6,
                                                0x33f0aa44e76b);
const VhdxGuid vhdx_guid_disk_size = GUID(0x2fa54224, 0xcd1b, 0x4876, 0xb211,
                                          0x5dbed83bf4b8);
const VhdxGuid vhdx_guid_disk_id = GUID(0xbeca12ab, 0xb2e6, 0x4523, 0x93ef,
                                        0xc309e000c746);
const VhdxGuid vhdx_guid_logical_sector = GUID(0x8141bf1d, 0xa96f, 0x4709, 0xba47,
                                               0xf233a8faab5f);
const VhdxGuid vhdx_guid_physical_sector = GUID(0xcda348c7, 0x445d, 0x4471, 0x9cc9,
                                                0xe9885251c556);
const VhdxGuid vhdx_guid_parent_locator = GUID(0xa8d35f2d, 0xb30b, 0x454d, 0xabf7,
                                               0xd3d84834ab0c);

const VhdxGuid vhdx_guid_vhdx_locator = GUID(0xb04aefb7, 0xd19e, 0x4a81, 0xb789,
                                             0x25b8e9445913);

/* The place in memory of each byte as printed; the same both ways. */
static const uint8_t order[16] = {
    3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
};

bool
vhdx_guid_equal(const VhdxGuid *a, const VhdxGuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool
vhdx_guid_is_zero(const VhdxGuid *guid)
{
    static const VhdxGuid zero;
    return vhdx_guid_equal(guid, &zero);
}

/* Where a hyphen stands before byte I. */
static bool
hyphen_before(unsigned i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void
vhdx_guid_format(const VhdxGuid *guid, char text[static VHDX_GUID_TEXT_SIZE])
{
    for (unsigned i = 0; i < 16; i++) {
        if (hyphen_before(i))
            *text++ = '-';
        text += snprintf(text, 3, "%02x", guid->bytes[order[i]]);
    }
}

bool
vhdx_guid_parse(const char *text, VhdxGuid *guid)
{
    bool braces = *text == '{';
    VhdxGuid parsed;

    text += braces;
    for (unsigned i = 0; i < 16; i++) {
        if (hyphen_before(i) && *text++ != '-')
            return false;
        int high = g_ascii_xdigit_value(text[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);
        if (low < 0)
            return false;
        parsed.bytes[order[i]] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (braces && *text++ != '}')
        return false;
    if (*text != '\0')
        return false;
    *guid = parsed;
    return true;
}

VhdxGuid
vhdx_guid_from_uuid(const uint8_t uuid[static 16])
{
    VhdxGuid guid;
    for (unsigned i = 0; i < 16; i++)
        guid.bytes[order[i]] = uuid[i];
    return guid;
}
