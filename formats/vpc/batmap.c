/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XenServer's batmap. */
#include "formats/vpc/batmap.h"

#include "io/bytes.h"
#include "io/error.h"

#include <string.h>

#define HEX "0x%" G_GINT64_MODIFIER "x"

/* A longer map is not read: a bit for each block of the largest table. The one of
 * XenServer goes by the entries of the table, which may be more than the disk needs. */
#define BATMAP_MAX ((uint64_t)VPC_BAT_ENTRIES_MAX / 8)

typedef struct {
    uint64_t at;
    uint64_t length; /* bytes */
    uint32_t checksum;
} Batmap;

/* One piece of the map, whose first bit is for block FIRST: counts blocks that are
 * marked as complete and do not exist. */
static uint64_t
count_wrong(const VpcBat *bat, const uint8_t *map, size_t length, uint64_t first)
{
    uint64_t wrong = 0, bits = first < bat->n ? MIN(length * 8, bat->n - first) : 0;
    for (uint64_t i = 0; i < bits; i++)
        if ((map[i / 8] & (0x80u >> i % 8)) &&
            bat->entries[first + i] == VPC_UNALLOCATED)
            wrong++;
    return wrong;
}

static bool
check_map(VcFile *file, const VpcBat *bat, const Batmap *map, VcReport *report,
          GError **error)
{
    static const size_t piece = 64 << 10;
    g_autofree uint8_t *buffer = g_malloc(piece);
    uint64_t sum = 0, wrong = 0;
    int64_t signed_sum = 0; /* version 1.1 summed signed characters */

    for (uint64_t done = 0; done < map->length;) {
        size_t length = MIN(map->length - done, piece);
        if (!vc_file_read(file, map->at + done, buffer, length, error))
            return false;
        for (size_t i = 0; i < length; i++) {
            sum += buffer[i];
            signed_sum += (int8_t)buffer[i];
        }
        wrong += count_wrong(bat, buffer, length, done * 8);
        done += length;
    }
    if (map->checksum != (uint32_t)~sum && map->checksum != (uint32_t)~signed_sum)
        vc_report_add(report, VC_FINDING_WARNING,
                      "the batmap's checksum is 0x%08x, computed 0x%08x", map->checksum,
                      (uint32_t)~sum);
    if (wrong > 0)
        vc_report_add(report, VC_FINDING_WARNING,
                      "the batmap says that %" G_GUINT64_FORMAT
                      " blocks are complete which are not in the file",
                      wrong);
    return true;
}

bool
vpc_batmap_check(VcFile *file, const VpcBat *bat, VcReport *report, uint64_t *from,
                 uint64_t *to, GError **error)
{
    uint64_t at = bat->taken[2].to; /* behind the BAT */
    uint8_t raw[VPC_SECTOR];
    size_t got;

    *from = *to = at;
    if (!vc_file_read_some(file, at, raw, sizeof raw, &got, error))
        return false;
    if (got < sizeof raw || memcmp(raw, "tdbatmap", 8) != 0)
        return true;
    *to = at + VPC_SECTOR;

    Batmap map = {
        .at = load_be64(raw + 8),
        .length = (uint64_t)load_be32(raw + 16) * VPC_SECTOR,
        .checksum = load_be32(raw + 24),
    };
    uint64_t end = bat->end - bat->byte_missing;
    if (map.at > end || map.length > end - map.at) {
        vc_report_add(report, VC_FINDING_WARNING,
                      "the batmap goes beyond the end of the data: " HEX
                      " bytes at " HEX,
                      map.length, map.at);
        return true;
    }
    if (map.at == *to)
        *to += map.length;
    if (map.length * 8 < bat->n)
        vc_report_add(report, VC_FINDING_WARNING,
                      "the batmap has too few bits for %u blocks", bat->n);
    if (map.length > BATMAP_MAX) {
        vc_report_add(report, VC_FINDING_WARNING,
                      "the batmap of %" G_GUINT64_FORMAT
                      " bytes was not read: no disk needs more than %" G_GUINT64_FORMAT,
                      map.length, BATMAP_MAX);
        return true;
    }
    return check_map(file, bat, &map, report, error);
}
