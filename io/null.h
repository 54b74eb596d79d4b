/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An output that keeps nothing but its size: for measuring and planning. */
#ifndef VC_IO_NULL_H
#define VC_IO_NULL_H

#include "io/file.h"

/* Gives a seekable output that drops what is written; its size is where the writing
 * ended, or what it was truncated to. */
VcFile *vc_null_file(const char *name);

#endif
