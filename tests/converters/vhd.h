/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small VHD images made by hand: the links of differencing chains. */
#ifndef VC_TESTS_VHD_H
#define VC_TESTS_VHD_H

#include <glib.h>

#define VHD_DISK_SIZE ((guint64)4 << 20)

typedef struct {
    guint8 id;           /* each byte of the unique id */
    guint8 parent;       /* of the parent's; 0: a dynamic image, unless raw_parent */
    gboolean raw_parent; /* a differencing image without the id of a parent */
    const char *name;    /* the parent's name in the header; ASCII; may be NULL */
    const char
        *relative; /* the parent's relative path, ASCII, backslashes; may be NULL */
    const char *absolute;    /* the same, absolute */
    guint8 fill;             /* each byte of the first block; 0: it is not allocated */
    gboolean damaged_footer; /* the one at the end, which is worth a warning */
} Vhd;

/* Writes the image to PATH. */
void vhd_write(const Vhd *vhd, const char *path);

#endif
