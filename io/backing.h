/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files and block devices that lie on one another: what is written to one changes the
 * other. */
#ifndef VC_IO_BACKING_H
#define VC_IO_BACKING_H

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Where the system tells about its devices. */
#define VC_BACKING_SYSFS "/sys"

/* *SAME: whether A and B are one file or one block device, or one of them lies on the
 * other: a loop device on its file, a partition on its disk, what the device mapper
 * makes on its parts. Two partitions of one disk are not the same. SYSFS is
 * VC_BACKING_SYSFS; where it is not there, only names of one device are seen. What
 * cannot be looked at otherwise is an error: taken for something else, it could be
 * overwritten. */
bool vc_backing_same(const char *sysfs, const struct stat *a, const struct stat *b,
                     bool *same, GError **error);

#endif
