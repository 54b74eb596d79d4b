/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The blob buffer of an archive's header. */
#include "formats/vma/blobs.h"

#include "io/allocate.h"
#include "io/bytes.h"

#define UNIT 512u

bool
vma_blobs_init(VmaBlobs *blobs, const uint8_t *data, size_t size, GError **error)
{
    *blobs = (VmaBlobs){
        .data = data,
        .size = size,
        .starts = vc_allocate(1, size / 8 + 1, error),
    };
    if (!blobs->starts)
        return false;
    size_t at = 1; /* byte 0 is there so that pointer 0 can mean "none" */
    while (at < size && size - at >= 2) {
        size_t length = load_le16(data + at);
        if (length > size - at - 2)
            break;
        blobs->starts[at / 8] |= (uint8_t)(1u << at % 8);
        at += 2 + length;
    }
    return true;
}

void
vma_blobs_clear(VmaBlobs *blobs)
{
    g_free(blobs->starts);
    *blobs = (VmaBlobs){ 0 };
}

bool
vma_blobs_find(const VmaBlobs *blobs, uint32_t pointer, const uint8_t **data,
               size_t *length)
{
    if (pointer >= blobs->size ||
        !(blobs->starts[pointer / 8] & (uint8_t)(1u << pointer % 8)))
        return false;
    *length = load_le16(blobs->data + pointer);
    *data = blobs->data + pointer + 2;
    return true;
}

void
vma_blob_writer_init(VmaBlobWriter *writer)
{
    static const uint8_t dummy[1] = { 0 };
    *writer = (VmaBlobWriter){ .bytes = g_byte_array_new() };
    g_byte_array_append(writer->bytes, dummy, sizeof dummy);
}

void
vma_blob_writer_clear(VmaBlobWriter *writer)
{
    g_clear_pointer(&writer->bytes, g_byte_array_unref);
}

uint32_t
vma_blob_writer_add(VmaBlobWriter *writer, const void *data, size_t length)
{
    g_assert(length <= VMA_BLOB_MAX);

    /* The table grows as that of Proxmox's writer does, so that headers are equal. */
    uint64_t used = writer->bytes->len, needed = length + 2;
    if (writer->table < used + needed)
        writer->table += (needed + UNIT - 1) / UNIT * UNIT;

    uint8_t prefix[2];
    store_le16(prefix, (uint16_t)length);
    g_byte_array_append(writer->bytes, prefix, sizeof prefix);
    g_byte_array_append(writer->bytes, data, (guint)length);
    return (uint32_t)used;
}

uint64_t
vma_blob_writer_table(const VmaBlobWriter *writer)
{
    /* Where Proxmox's writer falls short: a first blob of 510 bytes leaves no room for
     * byte 0, and a header without any blob is one that its own reader refuses. */
    return writer->bytes->len > writer->table ? writer->table + UNIT : writer->table;
}
