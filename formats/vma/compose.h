/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of an archive that is to be written. */
#ifndef VC_FORMATS_VMA_COMPOSE_H
#define VC_FORMATS_VMA_COMPOSE_H

#include "formats/layout.h"
#include "formats/vma/wire.h"

/* Proxmox's writer does not make a larger header. */
#define VMA_HEADER_WRITTEN_MAX (512u << 10)

/* Makes LAYOUT something that an archive can hold: rounds sizes up to 512 bytes and
 * names disks without a name, and tells WARNINGS. Refuses with
 *   VC_ERROR_UNSUPPORTED  a disk of no bytes, or of a size that is not known
 *   VC_ERROR_LIMIT        a disk above VMA_DISK_MAX, more than 256 configs. */
bool vma_compose_layout(VcLayout *layout, GPtrArray *warnings, GError **error);

/* Gives the bytes of the header: those that Proxmox's writer would make of the same
 * names and configs. VC_ERROR_LIMIT when a name or config is above 65535 bytes, or all
 * of it above VMA_HEADER_WRITTEN_MAX. */
GByteArray *vma_compose_header(const VcLayout *layout, const uint8_t uuid[static 16],
                               int64_t ctime, GError **error);

#endif
