/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the row of VMA archives consists of. */
#ifndef VC_FORMATS_VMA_VMA_H
#define VC_FORMATS_VMA_VMA_H

#include "formats/options.h"
#include "formats/report.h"
#include "formats/sink.h"
#include "formats/source.h"

/* As in VcFormat. */
VcSource *vma_open(VcFile *file, const VcOptions *options, GError **error);
VcSink *vma_create(VcFile *file, const VcLayout *layout, const VcOptions *options,
                   const VcIdentity *identity, GError **error);
bool vma_check(VcFile *file, VcReport *report, GError **error);

#endif
