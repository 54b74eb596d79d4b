/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sharing extents between files. */
#include "io/clone.h"

#include <errno.h>
#include <sys/ioctl.h>

#ifdef __linux__
#include <linux/fs.h>
#endif

bool
vc_file_may_clone(VcFile *to, VcFile *from)
{
    if (to->fd < 0 || from->fd < 0)
        return false;
#ifdef FICLONERANGE
    /* A position that no file system takes: where nothing can be shared the kernel says
     * so before it looks at positions, and nothing changes in either case. */
    struct file_clone_range range = {
        .src_fd = from->fd, .src_offset = 1, .src_length = 1, .dest_offset = 1
    };
    return ioctl(to->fd, FICLONERANGE, &range) != 0 && errno == EINVAL;
#else
    return false;
#endif
}

bool
vc_file_clone(VcFile *to, uint64_t to_position, VcFile *from, uint64_t from_position,
              uint64_t length)
{
    if (to->fd < 0 || from->fd < 0 || length == 0 ||
        (to_position | from_position | length) % VC_CLONE_ALIGNMENT != 0)
        return false;
#ifdef FICLONERANGE
    struct file_clone_range range = { .src_fd = from->fd,
                                      .src_offset = from_position,
                                      .src_length = length,
                                      .dest_offset = to_position };
    return ioctl(to->fd, FICLONERANGE, &range) == 0;
#else
    return false;
#endif
}
