/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks and configurations on their way into one archive. */
#ifndef VC_CLI_PACK_H
#define VC_CLI_PACK_H

#include "cli/transfer.h"

typedef struct {
    VcTransfer *transfer; /* borrowed */
    VcTarget target;      /* its path is borrowed; layout owned */
    GPtrArray *images;
    GArray *routes; /* of VcRoute, for target 0 */
} VcPack;

void vc_pack_init(VcPack *pack, VcTransfer *transfer, const char *path,
                  const VcFormat *format);
void vc_pack_clear(VcPack *pack);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcPack, vc_pack_clear)

bool vc_pack_has_disk(const VcPack *pack, const char *name);

/* Adds DISK of IMAGE, which must be one of pack->images, as NAME. */
bool vc_pack_disk(VcPack *pack, const VcImage *image, unsigned disk, const char *name,
                  GError **error);

/* Adds what IMAGE, an archive, holds: all disks (or the one behind '#') and all
 * configurations, under the names that they have. */
bool vc_pack_archive(VcPack *pack, const VcImage *image, GError **error);

/* Adds the file at PATH as configuration NAME. */
bool vc_pack_config(VcPack *pack, const char *path, const char *name, GError **error);

/* Forgets the configurations of this name. */
void vc_pack_drop_config(VcPack *pack, const char *name);

/* Makes a conversion of it. CONVERSION is initialised already. */
void vc_pack_plan(const VcPack *pack, VcConversion *conversion);
bool vc_pack_run(VcPack *pack, GError **error);

#endif
