/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which MiB of a file are taken: everything in a VHDX but the header section begins on
 * a MiB and is a whole number of them, and nothing may lie on anything else. */
#ifndef VC_VHDX_SPACE_H
#define VC_VHDX_SPACE_H

#include "formats/vhdx/geometry.h"

#include <glib.h>

/* Nothing in a file may lie beyond: four times the largest disk, and the largest file
 * on NTFS. Keeps the bitmap at 32 MiB for whatever size a sparse file claims. */
#define VHDX_FILE_SIZE_MAX ((uint64_t)256 << 40)

typedef struct VhdxSpace VhdxSpace;

/* Gives the space of a file of SIZE bytes (what is above VHDX_FILE_SIZE_MAX is left
 * out), all of it free. */
VhdxSpace *vhdx_space_new(uint64_t size, GError **error);

/* Takes LENGTH bytes (rounded up) from POSITION (on a MiB). False when some of it was
 * taken before; the rest is then taken too. What lies beyond the space is left out. */
bool vhdx_space_take(VhdxSpace *space, uint64_t position, uint64_t length);

/* The next gap at or behind POSITION, which ends where something taken begins. False
 * when there is none. */
bool vhdx_space_gap(const VhdxSpace *space, uint64_t position, uint64_t *begin,
                    uint64_t *end);

/* Where the last thing taken ends, rounded up to a MiB. */
uint64_t vhdx_space_end(const VhdxSpace *space);

void vhdx_space_free(VhdxSpace *space);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VhdxSpace, vhdx_space_free)

#endif
