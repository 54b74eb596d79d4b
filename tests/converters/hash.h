/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checksum of a disk, for comparing it with a list of them. */
#ifndef VC_TESTS_CONVERTERS_HASH_H
#define VC_TESTS_CONVERTERS_HASH_H

#include "converters/convert.h"

/* SHA-256 of the whole disk as hexadecimal text (owned by the caller). Needs `map`, or
 * stored order that ascends. */
char *vc_hash_disk(VcSource *source, unsigned disk, const VcConvertOptions *options,
                   GError **error);

#endif
