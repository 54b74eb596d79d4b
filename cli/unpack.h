/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The content of an archive into a directory: each disk and each configuration to a
 * file of its own, whose name is safe whatever the archive says. */
#ifndef VC_CLI_UNPACK_H
#define VC_CLI_UNPACK_H

#include "cli/transfer.h"
#include "converters/names.h"

typedef struct {
    /* Set by the command; borrowed. */
    VcTransfer *transfer;
    const char *directory;
    const VcFormat *format; /* of the disks */
    const char *prefix;     /* before their names: "" or "disk-" */
    /* Its own. */
    bool made; /* the directory is ours */
    VcNames *names;
    GPtrArray *images;  /* the archive, and whatever else is read */
    GPtrArray *texts;   /* paths that targets borrow */
    GPtrArray *configs; /* VcSource, owned: configurations as sources */
    VcConversion conversion;
} VcUnpack;

void vc_unpack_init(VcUnpack *unpack, VcTransfer *transfer);
void vc_unpack_clear(VcUnpack *unpack);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VcUnpack, vc_unpack_clear)

/* Adds disk DISK of IMAGE as PREFIX + its name + the suffix of the format; or as FILE,
 * a name of our own, unless that is NULL. */
void vc_unpack_disk(VcUnpack *unpack, const VcImage *image, unsigned disk,
                    const char *file);

/* Adds the configurations of IMAGE under their names. After the disks: of two with one
 * name it is not the disk that gets another. */
bool vc_unpack_configs(VcUnpack *unpack, const VcImage *image, GError **error);

/* Makes the directory where there is none, and runs: all files appear, or none, and no
 * directory either. */
bool vc_unpack_run(VcUnpack *unpack, GError **error);

/* Sets CHOSEN[i] for the disks of IMAGE that NAMES (NULL: all) and "#disk" want.
 * VC_ERROR_USAGE lists the disks when one of NAMES is none. */
bool vc_unpack_choose(const VcImage *image, char **names, bool chosen[VC_DISKS_MAX],
                      GError **error);

#endif
