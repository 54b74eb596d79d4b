/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The making of an archive that Proxmox restores: which disk gets which device name,
 * and the configuration beside them. */
#ifndef VC_CLI_ARCHIVE_H
#define VC_CLI_ARCHIVE_H

#include "cli/pack.h"
#include "converters/qemuconf.h"

typedef struct {
    /* As typed. */
    char *config, *firewall;
    char *vmid, *name, *memory, *cores, *bios, *machine, *ostype, *scsihw, *net0, *boot;
    /* Made of it. */
    VcQemuConf conf;
    bool unfit; /* qmrestore would not restore it as it should */
} VcArchive;

void vc_archive_add(VcArchive *archive, VcArguments *arguments);
void vc_archive_clear(VcArchive *archive);

/* VC_ERROR_USAGE, with REASON, when any of the options was given: for what they have no
 * effect on. */
bool vc_archive_refuse(VcArchive *archive, const char *reason, GError **error);

/* Fills PACK with N sources, and those of --disk DEVICE=FILE. FORMAT, of the sources,
 * overrides -f when not NULL. What comes from an archive keeps its names. */
bool vc_archive_fill(VcArchive *archive, VcPack *pack, const VcFormat *format,
                     char **sources, guint n, GError **error);

/* Fills an archive of TARGET's format at TO and writes it. Says, where that is of use,
 * how Proxmox restores it. */
bool vc_archive_write(VcArchive *archive, VcTransfer *transfer, const VcFormat *format,
                      char **sources, guint n, const char *to, const VcFormat *target,
                      GError **error);

#endif
