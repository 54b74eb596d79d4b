/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An append-only file that lets its writer come back a little way.
 *
 * What is written ahead of the end waits in memory until all before it is written or
 * settled (vc_file_settle); what was never written goes out as zeros. */
#ifndef VC_IO_ORDERED_H
#define VC_IO_ORDERED_H

#include "io/file.h"

/* The writer may be this far ahead of what is settled: the open extent of a VMA is
 * below 4 MiB, and payload comes in pieces of 1 MiB. */
#define VC_ORDERED_PENDING_MAX ((size_t)64 << 20)

/* Gives an ordering file over BELOW (taken), which takes bytes at its end. Used from
 * one thread. vc_file_truncate fills up to the size with zeros; it cannot shrink. */
VcFile *vc_ordered_file(VcFile *below);

/* Where nothing is written, the bytes of CONTENT (a memory file; borrowed until ORDERED
 * is freed) go out instead of zeros. Called before the first write. */
void vc_ordered_preload(VcFile *ordered, VcFile *content);

#endif
