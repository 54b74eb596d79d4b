/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources and streams that say and fail what a test tells them to. */
#ifndef VC_TESTS_SCRIPTED_H
#define VC_TESTS_SCRIPTED_H

#include "formats/source.h"
#include "io/stream.h"

/* Where data lies in the file of a scripted source, so that offset and position differ.
 */
#define SCRIPTED_SHIFT 4096u

typedef enum { SCRIPTED_MAP, SCRIPTED_STORED } ScriptedKind;

/* Gives a source NAME with one disk of SIZE bytes, over a memory file, which has `map`
 * or `next` only. What no run says is an error of `map`. */
VcSource *scripted_source(const char *name, ScriptedKind kind, uint64_t size);

/* Adds a run of data, in stored order; its bytes are DATA, or scripted_pattern for
 * NULL. */
void scripted_add_data(VcSource *source, uint64_t offset, uint64_t length,
                       const void *data);
void scripted_add_zero(VcSource *source, uint64_t offset, uint64_t length, bool absent);
/* Adds a run whose bytes cannot be read. */
void scripted_add_unreadable(VcSource *source, uint64_t offset, uint64_t length);
/* Changes one byte of a run of data. */
void scripted_flip(VcSource *source, uint64_t offset);

/* Bytes that are never zero and tell their offset. */
void scripted_pattern(uint64_t offset, void *buffer, size_t length);

/* Gives a stream of LENGTH bytes of the pattern, and then its end, or VC_ERROR_CORRUPT
 * when FAILS. */
VcStream *scripted_stream(uint64_t length, bool fails);

#endif
