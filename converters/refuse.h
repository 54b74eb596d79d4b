/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is read is never written. */
#ifndef VC_CONVERTERS_REFUSE_H
#define VC_CONVERTERS_REFUSE_H

#include "converters/convert.h"

/* VC_ERROR_USAGE when a target of CONVERSION is something that it reads, by whatever
 * name: every target beside everything, also where no disk goes from one to the other,
 * for a configuration has a name of the archive's choice. */
bool vc_refuse_read(const VcConversion *conversion, GError **error);

#endif
