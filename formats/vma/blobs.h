/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The blob buffer of an archive's header: names and configuration files.
 *
 * A blob is a 16-bit little-endian length and that many bytes. Blobs follow one another
 * from offset 1 on; a pointer is the offset of a blob's length, and must be the exact
 * beginning of one. */
#ifndef VC_FORMATS_VMA_BLOBS_H
#define VC_FORMATS_VMA_BLOBS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMA_BLOB_MAX 65535u

/* A buffer that was read. */
typedef struct {
    const uint8_t *data; /* borrowed */
    size_t size;
    uint8_t *starts; /* one bit for each byte: a whole blob begins there */
} VmaBlobs;

/* Finds the blobs in SIZE bytes. A blob that would pass the end is not one, and neither
 * is anything behind it. */
bool vma_blobs_init(VmaBlobs *blobs, const uint8_t *data, size_t size, GError **error);
void vma_blobs_clear(VmaBlobs *blobs);

/* The data of the blob at POINTER; false when no blob begins there. */
bool vma_blobs_find(const VmaBlobs *blobs, uint32_t pointer, const uint8_t **data,
                    size_t *length);

/* A buffer that is being made. */
typedef struct {
    GByteArray *bytes;
    uint64_t table; /* bytes set aside for it in the header, a multiple of 512 */
} VmaBlobWriter;

void vma_blob_writer_init(VmaBlobWriter *writer);
void vma_blob_writer_clear(VmaBlobWriter *writer);
/* Appends a blob of LENGTH (at most VMA_BLOB_MAX) bytes and gives the pointer to it. */
uint32_t vma_blob_writer_add(VmaBlobWriter *writer, const void *data, size_t length);
/* The bytes that the header needs for the buffer: at least those used, and at least
 * 512. */
uint64_t vma_blob_writer_table(const VmaBlobWriter *writer);

#endif
