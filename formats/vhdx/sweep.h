/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One pass over the whole BAT of an opened VHDX: does each entry make sense, and does
 * anything lie on anything else. */
#ifndef VC_VHDX_SWEEP_H
#define VC_VHDX_SWEEP_H

#include "formats/report.h"
#include "formats/vhdx/image.h"

/* Adds what it finds to REPORT, and sets its figures; gives up after VC_FINDINGS_MAX
 * faults. False only when the file cannot be read. Memory: up to 32 MiB, for files of
 * 256 TiB. */
bool vhdx_sweep(const VhdxImage *image, VcReport *report, GError **error);

#endif
