/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map that `vma extract -r` reads: which disk goes where, as qmrestore writes it.
 */
#ifndef VC_CLI_VMA_MAP_H
#define VC_CLI_VMA_MAP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* One line of it. */
typedef struct {
    char *device;
    bool skip;
    char *path;       /* NULL with skip */
    char *format;     /* NULL: by the path, or by what stands there */
    uint64_t rate;    /* throttling.bps; 0: not said */
    bool write_zeros; /* the target holds something: zeros must be written */
} VcVmaMapping;

/* Parses a line without its newline:
 *     skip=NAME
 *     [format=F:][throttling.bps=N:][throttling.group=G:][cache=MODE:]W:NAME=PATH
 * with the options in any order, each once at most, and W 0 or 1. The group and the
 * mode are taken and mean nothing. */
bool vc_vma_mapping_parse(VcVmaMapping *mapping, const char *line, GError **error);
void vc_vma_mapping_clear(VcVmaMapping *mapping);

/* Reads PATH, a file or FIFO, up to its end, an empty line or "done". Gives
 * VcVmaMapping; no device is in it twice. Waits for a FIFO's writer, until a signal. */
GArray *vc_vma_map_read(const char *path, GError **error);

/* The mapping of DEVICE, or NULL. */
const VcVmaMapping *vc_vma_map_find(const GArray *map, const char *device);

#endif
