/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VHDX that was opened: all of its structures but the blocks, after replay of its log
 * in memory. */
#ifndef VC_VHDX_IMAGE_H
#define VC_VHDX_IMAGE_H

#include "formats/vhdx/locator.h"
#include "formats/vhdx/log.h"
#include "formats/vhdx/metadata.h"
#include "formats/vhdx/wire.h"
#include "io/file.h"

typedef struct {
    VcFile *file;  /* owned: the user's, or an overlay over it with the log replayed */
    bool replayed; /* it is the overlay */
    uint64_t size; /* of the file, after replay */
    char *creator; /* owned, UTF-8: whatever is in the file */
    VhdxHeader header;
    VhdxReplay replay;   /* when replayed */
    VhdxRegion *regions; /* owned */
    unsigned n_regions;
    VhdxRegion bat;
    VhdxMetadata metadata;
    VhdxLocator locator; /* when metadata.has_parent */
    VhdxGeometry geometry;
} VhdxImage;

/* Opens FILE (taken whatever happens). What is wrong but does not change what the disk
 * holds goes to WARNINGS. The errors are those of the decoders and of vhdx_log_replay,
 * and VC_ERROR_SHORT where the BAT or the metadata is not in the file. */
bool vhdx_image_open(VhdxImage *image, VcFile *file, GPtrArray *warnings,
                     GError **error);
void vhdx_image_clear(VhdxImage *image);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VhdxImage, vhdx_image_clear)

#endif
