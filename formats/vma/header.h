/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of an archive: which disks and configuration files it holds. */
#ifndef VC_FORMATS_VMA_HEADER_H
#define VC_FORMATS_VMA_HEADER_H

#include "formats/layout.h"
#include "formats/vma/wire.h"
#include "io/file.h"

typedef struct {
    uint8_t uuid[16];
    int64_t ctime; /* seconds since 1970, any value */
    uint64_t size; /* bytes: the first extent begins here */
    uint64_t blobs_size;
    VcLayout layout;                     /* disks in the order of their ids */
    uint8_t device[VC_DISKS_MAX];        /* the id of each disk */
    char *label[VC_DISKS_MAX];           /* its name, safe in a message */
    int16_t disk_of_device[VMA_DEVICES]; /* -1: no such disk */
} VmaHeader;

/* Reads and checks the header at the beginning of FILE, which may be a stream. What is
 * strange but harmless goes to WARNINGS. Refuses with
 *   VC_ERROR_CORRUPT      magic, MD5, sizes, pointers, names that cannot be found
 *   VC_ERROR_SHORT        the file ends inside the header
 *   VC_ERROR_LIMIT        a header above VMA_HEADER_MAX, a disk above VMA_DISK_MAX
 *   VC_ERROR_UNSUPPORTED  another version. */
bool vma_header_read(VmaHeader *header, VcFile *file, GPtrArray *warnings,
                     GError **error);
void vma_header_clear(VmaHeader *header);

#endif
