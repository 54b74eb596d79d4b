/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a new VHDX shall be like: the options, checked and made whole. */
#ifndef VC_VHDX_CREATE_H
#define VC_VHDX_CREATE_H

#include "formats/layout.h"
#include "formats/options.h"
#include "formats/vhdx/metadata.h"
#include "formats/vhdx/wire.h"

typedef struct {
    VhdxMetadata metadata;
    VhdxGeometry geometry;
    VhdxHeader header; /* of sequence number 0 */
    VhdxRegion bat, metadata_region;
    uint64_t payload; /* where the first block begins */
} VhdxPlan;

/* Plans the image of DISK, whose size and sector sizes become those that are stored.
 * Appends to WARNINGS. Errors as vhdx_create. */
bool vhdx_plan(VcDisk *disk, const VcOptions *options, const VcIdentity *identity,
               VhdxPlan *plan, GPtrArray *warnings, GError **error);

#endif
