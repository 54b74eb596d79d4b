/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VHD images as the row sees them. */
#ifndef VC_FORMATS_VPC_VPC_H
#define VC_FORMATS_VPC_VPC_H

#include "formats/format.h"

/* What a user types to open an image with an option of the row. */
#define VPC_TYPED "--image-opts driver=vpc,file.filename=FILE,"
#define VPC_IGNORE_BITMAPS VPC_TYPED "ignore_bitmaps=on"
#define VPC_SIZE_BY_GEOMETRY VPC_TYPED "size_rule=chs"

/* Gives a source over FILE (taken). Options as in the row. */
VcSource *vpc_open(VcFile *file, const VcOptions *options, GError **error);

/* Gives a sink over FILE (borrowed). Options as in the row. */
VcSink *vpc_create(VcFile *file, const VcLayout *layout, const VcOptions *options,
                   const VcIdentity *identity, GError **error);

bool vpc_check(VcFile *file, VcReport *report, GError **error);

#endif
