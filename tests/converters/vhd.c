/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small VHD images made by hand, from the specification and without the project's code.
 *
 * Layout: footer copy, dynamic header, table of blocks, two locators, one block,
 * footer. */
#include "tests/converters/vhd.h"

#include "io/bytes.h"

#define BLOCK ((guint32)2 << 20)
#define HEADER_AT 512u
#define TABLE_AT 1536u
#define RELATIVE_AT 2048u
#define ABSOLUTE_AT 4096u
#define BLOCK_AT 8192u /* its bitmap of one sector, then its data */

static void
store_checksum(guint8 *structure, size_t length, size_t at)
{
    guint32 sum = 0;
    store_be32(structure + at, 0);
    for (size_t i = 0; i < length; i++)
        sum += structure[i];
    store_be32(structure + at, ~sum);
}

static void
make_footer(const Vhd *vhd, guint8 *footer)
{
    memcpy(footer, "conectix", 8);
    store_be32(footer + 8, 2);
    store_be32(footer + 12, 0x10000);
    store_be64(footer + 16, HEADER_AT);
    memcpy(footer + 28, "vcnv", 4);
    memcpy(footer + 36, "Wi2k", 4);
    store_be64(footer + 40, VHD_DISK_SIZE);
    store_be64(footer + 48, VHD_DISK_SIZE);
    store_be16(footer + 56, 120);
    footer[58] = 4;
    footer[59] = 17;
    store_be32(footer + 60, vhd->parent || vhd->raw_parent ? 4 : 3);
    memset(footer + 68, vhd->id, 16);
    store_checksum(footer, 512, 64);
}

static void
make_locator(guint8 *file, unsigned index, const char *code, const char *path,
             guint32 at)
{
    guint8 *entry = file + HEADER_AT + 576 + 24 * index;
    size_t length = strlen(path);
    g_assert(length <= 1024);
    memcpy(entry, code, 4);
    store_be32(entry + 4, 4);
    store_be32(entry + 8, (guint32)length * 2);
    store_be64(entry + 16, at);
    for (size_t i = 0; i < length; i++)
        store_le16(file + at + 2 * i, (guint8)path[i]);
}

static void
make_header(const Vhd *vhd, guint8 *file)
{
    guint8 *header = file + HEADER_AT;
    memcpy(header, "cxsparse", 8);
    memset(header + 8, 0xff, 8);
    store_be64(header + 16, TABLE_AT);
    store_be32(header + 24, 0x10000);
    store_be32(header + 28, VHD_DISK_SIZE / BLOCK);
    store_be32(header + 32, BLOCK);
    if (vhd->parent)
        memset(header + 40, vhd->parent, 16);
    for (size_t i = 0; vhd->name && vhd->name[i]; i++)
        store_be16(header + 64 + 2 * i, (guint8)vhd->name[i]);
    if (vhd->relative)
        make_locator(file, 0, "W2ru", vhd->relative, RELATIVE_AT);
    if (vhd->absolute)
        make_locator(file, 1, "W2ku", vhd->absolute, ABSOLUTE_AT);
    store_checksum(header, 1024, 36);
}

void
vhd_write(const Vhd *vhd, const char *path)
{
    size_t end = BLOCK_AT + (vhd->fill ? 512 + BLOCK : 0);
    g_autofree guint8 *file = g_malloc0(end + 512);
    guint8 footer[512] = { 0 };

    make_footer(vhd, footer);
    memcpy(file, footer, 512);
    make_header(vhd, file);
    memset(file + TABLE_AT, 0xff, 512);
    if (vhd->fill) {
        store_be32(file + TABLE_AT, BLOCK_AT / 512);
        memset(file + BLOCK_AT, 0xff, 512);
        memset(file + BLOCK_AT + 512, vhd->fill, BLOCK);
    }
    memcpy(file + end, footer, 512);
    file[end] ^= vhd->damaged_footer ? 1 : 0;
    gboolean written = g_file_set_contents(path, (char *)file, (gssize)end + 512, NULL);
    g_assert(written);
}
