/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the two footers of a VHD counts. */
#include "formats/vpc/footers.h"

#include "formats/vpc/vpc.h"
#include "io/bytes.h"
#include "io/checksum.h"
#include "io/error.h"

#include <string.h>

bool
vpc_header_read(VcFile *file, const VpcFooter *footer, uint64_t end, VpcHeader *header,
                GError **error)
{
    uint8_t raw[VPC_HEADER_SIZE];
    uint64_t at = footer->data_offset;

    if (at < VPC_FOOTER_SIZE) {
        vc_corrupt(error, at,
                   "the dynamic disk header lies over the copy of the footer");
        return false;
    }
    if (end < VPC_HEADER_SIZE || at > end - VPC_HEADER_SIZE) {
        vc_corrupt(error, at,
                   "data ends at 0x%" G_GINT64_MODIFIER
                   "x, before the end of the dynamic disk header",
                   end);
        return false;
    }
    return vc_file_read(file, at, raw, sizeof raw, error) &&
           vpc_header_decode(raw, at, header, error);
}

bool
vpc_header_look(VcFile *file, const VpcFooter *footer, uint64_t end, bool *there,
                GError **error)
{
    VpcHeader header;
    g_autoptr(GError) reason = NULL;
    *there = vpc_header_read(file, footer, end, &header, &reason);
    if (!g_error_matches(reason, VC_ERROR, VC_ERROR_IO))
        return true;
    g_propagate_error(error, g_steal_pointer(&reason));
    return false;
}

/* Reads the footer of LENGTH bytes (511: the last zero left out) at the end at AT. */
static bool
read_tail(VcFile *file, uint64_t at, size_t length, uint8_t raw[static VPC_FOOTER_SIZE],
          GError **error)
{
    memset(raw, 0, VPC_FOOTER_SIZE);
    return vc_file_read(file, at, raw, length, error);
}

/* Where the sector lies that holds the last byte that is not zero, if at most
 * VPC_PADDING_MAX zeros are behind that sector; otherwise SIZE. */
static bool
find_before_zeros(VcFile *file, uint64_t size, uint64_t *at, GError **error)
{
    static const size_t piece = 64 << 10;
    uint64_t reach = VPC_PADDING_MAX + VPC_FOOTER_SIZE;
    uint64_t lowest = size > reach ? size - reach : 0;
    g_autofree uint8_t *buffer = g_malloc(piece);

    *at = size;
    for (uint64_t end = size; end > lowest;) {
        uint64_t from = MAX(lowest, (end - 1) / piece * piece);
        size_t length = end - from;
        if (!vc_file_read(file, from, buffer, length, error))
            return false;
        if (!vc_is_zero(buffer, length)) {
            while (buffer[length - 1] == 0)
                length--;
            *at = (from + length - 1) / VPC_SECTOR * VPC_SECTOR;
            return true;
        }
        end = from;
    }
    return true;
}

/* A good footer at AT before padding: one that also knows that it is at the end. */
static bool
try_before_padding(VcFile *file, VpcFooters *found, uint8_t raw[static VPC_FOOTER_SIZE],
                   bool *good, GError **error)
{
    uint64_t at;
    VpcFooter footer;

    *good = false;
    if (!find_before_zeros(file, found->file_size, &at, error))
        return false;
    if (at > found->file_size || found->file_size - at <= VPC_FOOTER_SIZE)
        return true;
    if (!read_tail(file, at, VPC_FOOTER_SIZE, raw, error))
        return false;
    *good = vpc_footer_valid(raw) && vpc_footer_decode(raw, at, &footer, NULL);
    if (*good && footer.type == VPC_FIXED)
        *good = footer.current_size == at;
    else if (*good && !vpc_header_look(file, &footer, at, good, error))
        return false;
    found->at = at;
    found->padding = *good ? found->file_size - at - VPC_FOOTER_SIZE : 0;
    return true;
}

static bool
find_trailing(VcFile *file, VpcFooters *found, uint8_t raw[static VPC_FOOTER_SIZE],
              GError **error)
{
    uint64_t size = found->file_size;

    if (size >= VPC_FOOTER_SIZE) {
        found->at = size - VPC_FOOTER_SIZE;
        if (!read_tail(file, found->at, VPC_FOOTER_SIZE, raw, error))
            return false;
        found->trailing = vpc_footer_valid(raw);
    }
    if (!found->trailing && size % VPC_SECTOR == VPC_FOOTER_SIZE - 1) {
        found->at = size - (VPC_FOOTER_SIZE - 1);
        if (!read_tail(file, found->at, VPC_FOOTER_SIZE - 1, raw, error))
            return false;
        found->trailing = vpc_footer_valid(raw);
    }
    return found->trailing ||
           try_before_padding(file, found, raw, &found->trailing, error);
}

/* Says what is wrong with the best of the places where a footer should be. */
static bool
explain(VcFile *file, uint64_t size, const uint8_t head[static VPC_FOOTER_SIZE],
        GError **error)
{
    uint8_t tail[VPC_FOOTER_SIZE];
    VpcFooter footer;
    uint64_t at = size - VPC_FOOTER_SIZE;

    if (!vc_file_read(file, at, tail, sizeof tail, error))
        return false;
    if (memcmp(tail, "conectix", 8) == 0 || memcmp(tail, "v_poison", 8) == 0) {
        if (vpc_footer_decode(tail, at, &footer, error))
            vc_corrupt(error, at, "the footer is not usable");
        return false;
    }
    /* Fixed disks have no copy at 0: what looks like one is payload. */
    VpcHeader header;
    if (!vpc_footer_decode(head, 0, &footer, error))
        return false;
    if (footer.type == VPC_FIXED)
        vc_corrupt(error, at, "no VHD footer");
    else if (vpc_header_read(file, &footer, size, &header, error))
        vc_corrupt(error, 0, "the footer is not usable");
    return false;
}

bool
vpc_footers_find(VcFile *file, VpcFooters *found, GError **error)
{
    uint8_t head[VPC_FOOTER_SIZE], raw[VPC_FOOTER_SIZE];

    *found = (VpcFooters){ 0 };
    if (!vc_file_size(file, &found->file_size, error))
        return false;
    if (found->file_size < VPC_FOOTER_SIZE - 1) {
        vc_fail(error, VC_ERROR_CORRUPT,
                "the file has %" G_GUINT64_FORMAT " bytes, too few for a VHD footer",
                found->file_size);
        return false;
    }
    if (!find_trailing(file, found, raw, error))
        return false;
    if (found->trailing) {
        found->end = found->at;
        if (!vpc_footer_decode(raw, found->at, &found->footer, error))
            return false;
        if (found->footer.type == VPC_FIXED)
            return true;
    }
    if (found->file_size < VPC_FOOTER_SIZE) {
        vc_corrupt(error, 0, "no VHD footer");
        return false;
    }
    if (!vc_file_read(file, 0, head, sizeof head, error))
        return false;
    if (found->trailing) {
        found->mirror = !vpc_footer_valid(head)               ? VPC_MIRROR_BAD
                        : memcmp(head, raw, sizeof head) != 0 ? VPC_MIRROR_DIFFERS
                                                              : VPC_MIRROR_SAME;
        return true;
    }

    found->end = found->file_size;
    found->at = 0;
    found->mirror = VPC_MIRROR_SAME;
    if (vpc_footer_valid(head)) {
        if (!vpc_footer_decode(head, 0, &found->footer, error))
            return false;
        bool there = false;
        if (found->footer.type != VPC_FIXED &&
            !vpc_header_look(file, &found->footer, found->end, &there, error))
            return false;
        if (there)
            return true;
    }
    return explain(file, found->file_size, head, error);
}

static void
warn_of_copies(const VpcFooters *found, GPtrArray *warnings)
{
    if (found->mirror == VPC_MIRROR_BAD)
        vc_warn(warnings, "the copy of the footer at the beginning is damaged");
    else if (found->mirror == VPC_MIRROR_DIFFERS)
        vc_warn(warnings,
                "the footers at the beginning and at the end differ, the one at "
                "the end is used: was a write interrupted?");
    if (found->padding > 0)
        vc_warn(warnings, "%" G_GUINT64_FORMAT " zero bytes follow the footer",
                found->padding);
    if (found->surplus > 0)
        vc_warn(warnings,
                "%" G_GUINT64_FORMAT " bytes follow the footer behind the last block: "
                "the file, or device, is longer than the image",
                found->surplus);
}

static void
warn_of_geometry(const VpcFooter *footer, GPtrArray *warnings)
{
    uint64_t reach = vpc_geometry_size(footer->geometry);
    if (vpc_geometry_is_largest(footer->geometry))
        return;
    if (reach == 0 && vpc_geometry_size(vpc_geometry(footer->current_size)) > 0)
        vc_warn(warnings, "the geometry is empty");
    else if (reach > footer->current_size)
        vc_warn(warnings,
                "the geometry reaches %" G_GUINT64_FORMAT
                " bytes, beyond the size of %" G_GUINT64_FORMAT,
                reach, footer->current_size);
    else if (reach > 0 && reach < footer->current_size &&
             memcmp(footer->creator, "vpc ", 4) == 0)
        vc_warn(warnings,
                "Virtual PC showed its guest only the %" G_GUINT64_FORMAT
                " bytes of the geometry, not all %" G_GUINT64_FORMAT
                "; " VPC_SIZE_BY_GEOMETRY " reads it so",
                reach, footer->current_size);
}

void
vpc_footers_warn(const VpcFooters *found, GPtrArray *warnings)
{
    const VpcFooter *footer = &found->footer;

    warn_of_copies(found, warnings);
    if ((footer->features & 2) == 0)
        vc_warn(warnings, "the reserved feature bit of the footer is not set");
    if (footer->saved_state != 0)
        vc_warn(warnings,
                "the disk belongs to a suspended machine: what that has not yet "
                "written is not in it");
    if (footer->current_size == 0)
        vc_warn(warnings, "the disk has no size");
    if (footer->current_size % VPC_SECTOR != 0)
        vc_warn(warnings,
                "the size %" G_GUINT64_FORMAT
                " is not whole sectors of 512 bytes and is rounded down",
                footer->current_size);
    if (footer->type != VPC_FIXED && footer->current_size > VPC_SIZE_MAX)
        vc_warn(warnings,
                "the disk is larger than 2040 GiB, the most that VHD is made for");
    /* The specification prints 32 one bits. */
    if (footer->type == VPC_FIXED && footer->data_offset != UINT64_MAX &&
        footer->data_offset != UINT32_MAX)
        vc_warn(warnings,
                "a fixed disk should have no data offset, this one says "
                "0x%" G_GINT64_MODIFIER "x",
                footer->data_offset);
    warn_of_geometry(footer, warnings);
}

bool
vpc_footers_check_fixed(VcFile *file, const VpcFooters *found, uint64_t size,
                        GPtrArray *warnings, GError **error)
{
    bool dynamic;
    if (!vpc_header_look(file, &found->footer, found->end, &dynamic, error))
        return false;
    if (dynamic) {
        vc_corrupt(
            error, found->at + 60,
            "the footer says that the disk is fixed, but there is the header of a "
            "dynamic one; the type is");
        return false;
    }
    if (found->padding > 0 && found->file_size % VPC_PADDING_UNIT != 0) {
        vc_corrupt(error, found->at + VPC_FOOTER_SIZE,
                   "%" G_GUINT64_FORMAT
                   " zero bytes follow the footer of a fixed disk, and "
                   "not as padding; if they do not belong there, cut the file to "
                   "%" G_GUINT64_FORMAT " bytes: they begin",
                   found->padding, found->at + VPC_FOOTER_SIZE);
        return false;
    }
    if (size > found->end) {
        vc_corrupt(error, found->at,
                   "the disk has %" G_GUINT64_FORMAT " bytes, but its footer is", size);
        return false;
    }
    if (size < found->end)
        vc_warn(warnings,
                "the disk has %" G_GUINT64_FORMAT " bytes, %" G_GUINT64_FORMAT
                " more lie before the footer and are not read",
                size, found->end - size);
    return true;
}
