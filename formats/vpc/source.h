/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VHD source from the inside: what opening prepares and mapping uses. */
#ifndef VC_FORMATS_VPC_SOURCE_H
#define VC_FORMATS_VPC_SOURCE_H

#include "formats/source.h"
#include "formats/vpc/bat.h"
#include "formats/vpc/hidden.h"

typedef struct {
    VcSource base;
    VpcFooters found;
    VpcHeader header; /* not when fixed */
    VpcBat bat;       /* not when fixed */
    bool ignore_bitmaps;
    VpcHidden *hidden;        /* owned; NULL where clear bits hide nothing */
    _Atomic uint8_t *written; /* owned: a bit for each block that was seen to have bits
                                 set; NULL where the footer is at the end */
    VcSource *below;          /* the adopted parent; owned */
    bool adopted;             /* it is a parent itself, which nobody gives options to */
} VpcSource;

extern const VcSourceOps vpc_fixed_ops, vpc_block_ops;

static inline uint64_t
vpc_disk_size(const VpcSource *s)
{
    return s->base.layout.disks[0].size;
}

#endif
