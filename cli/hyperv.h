/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands between an image and Hyper-V. */
#ifndef VC_CLI_HYPERV_H
#define VC_CLI_HYPERV_H

#include "converters/image.h"

/* Gives a list of sentences (char *), empty when Hyper-V attaches IMAGE as it lies
 * there; NULL when its format is none of Hyper-V's. */
GPtrArray *vc_hyperv_obstacles(const VcImage *image);

#endif
