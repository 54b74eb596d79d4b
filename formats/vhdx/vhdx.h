/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VHDX images of Hyper-V: what the row of the format is made of. */
#ifndef VC_VHDX_VHDX_H
#define VC_VHDX_VHDX_H

#include "formats/format.h"

extern const VcFormat vc_format_vhdx;

/* The options of vhdx_create. */
extern const VcOptionSpec vhdx_create_options[];

/* Gives a sink that writes LAYOUT's one disk to FILE (borrowed), laid out as Windows
 * does: log at 1 MiB, metadata, BAT, and the payload blocks packed behind it. A dynamic
 * disk gets its blocks in the order of `place`, which may be any; a fixed one has them
 * in the disk's. Nothing that a reader would take for a VHDX is in FILE before the last
 * writes of `finish`; of a file that does not read as zero, the first MiB is cleared by
 * the first `place`. VC_ERROR_USAGE: no disk, an option with a value that is not
 * allowed; VC_ERROR_LIMIT: more than 64 TiB; VC_ERROR_UNSUPPORTED: a disk of unknown
 * size. */
VcSink *vhdx_create(VcFile *file, const VcLayout *layout, const VcOptions *options,
                    const VcIdentity *identity, GError **error);

#endif
