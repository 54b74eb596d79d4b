/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A seekable file seen through changes that are kept in memory: the file below is never
 * written. Replayed VHDX logs live here. */
#ifndef VC_IO_OVERLAY_H
#define VC_IO_OVERLAY_H

#include "io/file.h"

/* Gives an overlay over BASE (taken; seekable). Writes, zero and truncate change the
 * overlay only; memory is proportional to the bytes written, zero ranges are free. */
VcFile *vc_overlay_file(VcFile *base);

/* The base below, and whether LENGTH bytes at POSITION are unchanged in the overlay:
 * then they may be read, or cloned, from the base directly. */
VcFile *vc_overlay_base(VcFile *overlay);
bool vc_overlay_untouched(VcFile *overlay, uint64_t position, uint64_t length);

#endif
