/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A block allocation table in the making: only the pages that were touched are in
 * memory, and only they are written. */
#ifndef VC_VHDX_PAGES_H
#define VC_VHDX_PAGES_H

#include "io/file.h"

typedef struct VhdxPages VhdxPages;

/* Gives a table of ENTRIES entries that are all 0. */
VhdxPages *vhdx_pages_new(uint64_t entries, GError **error);
void vhdx_pages_free(VhdxPages *pages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VhdxPages, vhdx_pages_free)

/* INDEX is below the number of entries: a caller's duty. */
uint64_t vhdx_pages_get(const VhdxPages *pages, uint64_t index);
bool vhdx_pages_set(VhdxPages *pages, uint64_t index, uint64_t entry, GError **error);

/* Writes the pages that were touched to the table that begins at POSITION of FILE. The
 * last page is written whole: the table's region ends on a MiB. */
bool vhdx_pages_write(const VhdxPages *pages, VcFile *file, uint64_t position,
                      GError **error);

#endif
