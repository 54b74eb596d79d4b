/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parent locator of a differencing disk, MS-VHDX 2.6.2.6: bytes to text, without
 * I/O. */
#ifndef VC_VHDX_LOCATOR_H
#define VC_VHDX_LOCATOR_H

#include "formats/vhdx/guid.h"

#include <glib.h>

typedef struct {
    VhdxGuid linkage;  /* the DataWriteGuid that the parent must have */
    VhdxGuid linkage2; /* or this one, while a merge is under way; zero: none */
    bool odd_linkage;  /* a linkage is not written as the specification wants it */
    /* Where the parent may be, best first: UTF-8, slashes, at least one,
     * NULL-terminated. They come from the file as they are, so they may name anything.
     */
    char **paths;
} VhdxLocator;

/* Decodes the LENGTH bytes of the item. POSITION is where they lie in the file, for
 * messages. VC_ERROR_UNSUPPORTED: another type of locator; VC_ERROR_CORRUPT: entries
 * outside the item, keys or values that are not UTF-16 or are there twice, no
 * parent_linkage, or no path. */
bool vhdx_locator_decode(const uint8_t *raw, size_t length, uint64_t position,
                         VhdxLocator *locator, GError **error);

void vhdx_locator_clear(VhdxLocator *locator);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VhdxLocator, vhdx_locator_clear)

/* Whether a parent of that identity (see VcSource) is the right one. GUIDs are compared
 * by their digits: braces, hyphens and case do not count. */
bool vhdx_locator_accepts(const VhdxLocator *locator, const char *identity);

#endif
