/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to io/compress.c: one decompressor per compression; see vc_decompress. */
#ifndef VC_IO_DECOMPRESS_H
#define VC_IO_DECOMPRESS_H

#include "io/stream.h"

/* Each takes STREAM. */
VcStream *vc_gunzip(VcStream *stream, GError **error);
VcStream *vc_unzstd(VcStream *stream, uint64_t memory, GError **error);
VcStream *vc_unlzop(VcStream *stream, GError **error);

#endif
