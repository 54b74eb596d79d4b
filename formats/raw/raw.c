/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of raw images. */
#include "formats/raw/raw.h"

#include "formats/format.h"

static const VcOptionSpec open_options[] = {
    { "size", VC_OPTION_SIZE, NULL, "of the file",
      "size of the image, which must be right; lets a pipe go to any target" },
    { NULL },
};

static const VcOptionSpec create_options[] = {
    { "size", VC_OPTION_SIZE, NULL, "of the source", "size of the disk" },
    { NULL },
};

const VcFormat vc_format_raw = {
    .name = "raw",
    .suffix = ".raw",
    .description = "raw image: the bytes of the disk, nothing else",
    .max_disks = 1,
    .from_stream = true,
    .open = raw_open,
    .open_options = open_options,
    .create = raw_create,
    .create_options = create_options,
};
