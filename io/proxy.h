/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two small files: one that lends another, and one that keeps nothing but its size. */
#ifndef VC_IO_PROXY_H
#define VC_IO_PROXY_H

#include "io/file.h"

/* Gives a file that passes everything on to FILE (borrowed), but neither frees nor
 * syncs it: for wrappers that take their file. */
VcFile *vc_lent_file(VcFile *file);

/* Gives a seekable output that drops what is written: it answers its size. */
VcFile *vc_null_file(const char *name);

#endif
