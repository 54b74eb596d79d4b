/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk of a given size that holds nothing, as a source. */
#ifndef VC_CLI_EMPTY_H
#define VC_CLI_EMPTY_H

#include "converters/image.h"

/* Opens it as if it were an image. */
bool vc_empty_open(VcImage *image, uint64_t size, GError **error);

#endif
