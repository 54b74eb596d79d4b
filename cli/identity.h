/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the UUIDs and times of outputs come from, as the user wishes. */
#ifndef VC_CLI_IDENTITY_H
#define VC_CLI_IDENTITY_H

#include "formats/options.h"

/* REPRODUCIBLE: UUIDs follow from names, and the time is SOURCE_DATE_EPOCH or 0.
 * Otherwise UUIDs are random; SOURCE_DATE_EPOCH sets the time also then, else the clock
 * does. */
bool vc_identity_prepare(VcIdentity *identity, bool reproducible, GError **error);

#endif
