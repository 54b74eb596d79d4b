/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file in memory: for tests, fuzzing, and metadata that is needed before its time.
 *
 * Sparse: memory is proportional to what was written, in pages of 4 KiB. */
#ifndef VC_IO_MEMORY_H
#define VC_IO_MEMORY_H

#include "io/file.h"

/* Gives an empty seekable file that reads and writes. */
VcFile *vc_memory_file(const char *name);

/* Gives a file that holds a copy of DATA. */
VcFile *vc_memory_file_from(const char *name, const void *data, size_t length);

/* Calls VISIT for each page that was written, ascending; the last is cut at the file's
 * end. Stops and returns false when VISIT does. */
typedef bool (*VcMemoryVisit)(void *user, uint64_t position, const void *data,
                              size_t length, GError **error);
bool vc_memory_file_visit(VcFile *file, VcMemoryVisit visit, void *user,
                          GError **error);

#endif
