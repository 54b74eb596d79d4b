/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw images: the bytes of one disk and nothing else. */
#ifndef VC_FORMATS_RAW_RAW_H
#define VC_FORMATS_RAW_RAW_H

#include "formats/options.h"
#include "formats/sink.h"
#include "formats/source.h"

/* Gives a source over FILE (taken). Option "size": the size that the file must have. A
 * stream may also come without it; then the disk's size is VC_SIZE_UNKNOWN, and the
 * extents are pieces that were read ahead: extent.file holds one until the following
 * `next`. That of a stream whose size is known passes the reading on, to see its end.
 */
VcSource *raw_open(VcFile *file, const VcOptions *options, GError **error);

/* Gives a sink over FILE (borrowed). Option "size": at least the disk's. A disk of
 * VC_SIZE_UNKNOWN ends where the last run placed ends. */
VcSink *raw_create(VcFile *file, const VcLayout *layout, const VcOptions *options,
                   const VcIdentity *identity, GError **error);

#endif
