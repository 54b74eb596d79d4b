/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream that is read in a thread of its own, ahead of who uses it. */
#ifndef VC_CONVERTERS_AHEAD_H
#define VC_CONVERTERS_AHEAD_H

#include "io/stream.h"

/* How far: a ring of this many buffers. Enough to smooth over a slow write of the
 * consumer, small against the memory of a decompressor. */
#define VC_AHEAD_BUFFERS 8u
#define VC_AHEAD_BUFFER ((size_t)1 << 20)

/* Gives a stream with the bytes of STREAM (taken), which from now on only the thread
 * touches. An error of STREAM comes after all bytes that it gave before. Freeing it
 * ends the thread, also out of a wait for a pipe (see vc_interrupt_watch). VC_ERROR_IO
 * when there can be no thread. */
VcStream *vc_ahead(VcStream *stream, GError **error);

#endif
