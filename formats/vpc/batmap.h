/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XenServer's batmap: a bit for each block that is written completely. Reading does not
 * need it; a check looks whether it says the truth. */
#ifndef VC_FORMATS_VPC_BATMAP_H
#define VC_FORMATS_VPC_BATMAP_H

#include "formats/report.h"
#include "formats/vpc/bat.h"

/* Reports what is wrong with the batmap that lies behind the BAT, if one does. *FROM
 * and *TO are the bytes of FILE that it takes; equal when there is none. */
bool vpc_batmap_check(VcFile *file, const VpcBat *bat, VcReport *report, uint64_t *from,
                      uint64_t *to, GError **error);

#endif
