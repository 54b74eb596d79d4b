/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an image holds: disks, and the small files beside them. */
#ifndef VC_FORMATS_LAYOUT_H
#define VC_FORMATS_LAYOUT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* VMA's device ids are 1..254 (255 is never used); nothing else holds more than one. */
#define VC_DISKS_MAX 255u

/* The size of a disk that comes from a pipe of unknown length; few sinks take it. */
#define VC_SIZE_UNKNOWN UINT64_MAX

typedef struct {
    char *name;    /* "drive-scsi0" as stored, any bytes but NUL; "" for none */
    uint64_t size; /* bytes */
    uint32_t logical_sector;  /* bytes; 512 where the format does not say */
    uint32_t physical_sector; /* bytes; 0 where the format does not say */
    bool vmstate;             /* a RAM stream of VMA, not a disk */
} VcDisk;

/* A configuration file of an archive. */
typedef struct {
    char *name;    /* as stored: hostile, never a path */
    uint8_t *data; /* never NULL; a 0 follows */
    size_t length;
} VcBlob;

typedef struct {
    VcDisk *disks;
    unsigned n_disks;
    VcBlob *blobs;
    unsigned n_blobs;
} VcLayout;

/* Appends; strings and data are copied. */
VcDisk *vc_layout_add_disk(VcLayout *layout, const char *name, uint64_t size);
void vc_layout_add_blob(VcLayout *layout, const char *name, const void *data,
                        size_t length);
void vc_layout_copy(VcLayout *to, const VcLayout *from);
/* Frees what LAYOUT holds and empties it. */
void vc_layout_clear(VcLayout *layout);

#endif
