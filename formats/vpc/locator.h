/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a differencing disk says that its parent is. */
#ifndef VC_FORMATS_VPC_LOCATOR_H
#define VC_FORMATS_VPC_LOCATOR_H

#include "formats/source.h"
#include "formats/vpc/wire.h"

/* Gives the candidates of HEADER's locators, which lie in FILE before END: relative
 * (W2ru), absolute (W2ku), URL (MacX), the ANSI ones, then the base name of the
 * parent's name. Network shares are left out, with a warning; when there is nothing but
 * shares the list is empty. A parent id of zeros is none. VC_ERROR_CORRUPT or
 * VC_ERROR_LIMIT when a locator is not in the file or absurdly long. */
VcParent *vpc_parent_read(VcFile *file, const VpcHeader *header, uint64_t end,
                          GPtrArray *warnings, GError **error);

#endif
