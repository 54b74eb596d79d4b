/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of VMA archives. */
#include "formats/vma/vma.h"

#include "formats/format.h"
#include "formats/vma/wire.h"

/* The magic alone: an archive whose header is damaged must be called that, and not be
 * taken for a raw disk. */
static bool
probe(VcFile *file, bool *match, GError **error)
{
    uint8_t raw[4];
    size_t got;
    if (!vc_file_read_some(file, 0, raw, sizeof raw, &got, error))
        return false;
    *match = got == sizeof raw && vma_magic_is_right(raw);
    return true;
}

static const VcOptionSpec create_options[] = {
    { "uuid", VC_OPTION_TEXT, NULL, "random", "UUID of the archive" },
    { "ctime", VC_OPTION_TEXT, NULL, "now", "creation time, in seconds since 1970" },
    { NULL },
};

const VcFormat vc_format_vma = {
    .name = "vma",
    .suffix = ".vma",
    .description = "VMA archive: a backup of a virtual machine by Proxmox VE",
    .max_disks = VMA_DEVICE_LAST,
    .from_stream = true,
    .probe = probe,
    .open = vma_open,
    .create = vma_create,
    .create_options = create_options,
    .check = vma_check,
};
