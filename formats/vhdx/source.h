/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VHDX images as a source, and their check. */
#ifndef VC_VHDX_SOURCE_H
#define VC_VHDX_SOURCE_H

#include "formats/options.h"
#include "formats/report.h"
#include "formats/source.h"

/* Whether FILE has the signature of VHDX. */
bool vhdx_probe(VcFile *file, bool *match, GError **error);

/* Gives a source over FILE (taken), which is never written: a log that must be replayed
 * is, in memory. Takes no options. Of a differencing disk, `parent` is set and the
 * parent must be adopted before `map`; one of another format is taken when its identity
 * is the linkage asked for. `index` reads the BAT; `map` reads pieces of it. */
VcSource *vhdx_open(VcFile *file, const VcOptions *options, GError **error);

/* Looks at all structures of FILE (borrowed), and at none of its payload. False when it
 * cannot be read, or is something that vconv does not know. */
bool vhdx_check(VcFile *file, VcReport *report, GError **error);

#endif
