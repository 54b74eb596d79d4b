/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a file the page cache holds. */
#ifndef VC_IO_RESIDENT_H
#define VC_IO_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A range is looked at as a whole up to this length. */
#define VC_RESIDENT_MAX ((size_t)4 << 20)

/* True when all LENGTH bytes (1..VC_RESIDENT_MAX) from POSITION of the file FD are in
 * the page cache, or the system does not tell: it tells only about files that the user
 * owns or may write. */
bool vc_resident(int fd, uint64_t position, size_t length);

#endif
