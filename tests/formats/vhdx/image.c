/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small VHDX images in memory. */
#include "tests/formats/vhdx/image.h"

#include "io/bytes.h"
#include "io/checksum.h"
#include "io/memory.h"

#include <string.h>

#define SECTOR 4096u

const uint8_t image_log_guid[16] = { 0x4c, 0x6f, 0x67, 1, 2, 3, 4, 5,
                                     6,    7,    8,    9, 1, 1, 1, 1 };

/* As they lie in the file. */
static const uint8_t bat_id[16] = { 0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42,
                                    0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08 };
static const uint8_t metadata_id[16] = {
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b,
    0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e
};
static const uint8_t locator_type[16] = { 0xb7, 0xef, 0x4a, 0xb0, 0x9e, 0xd1,
                                          0x81, 0x4a, 0xb7, 0x89, 0x25, 0xb8,
                                          0xe9, 0x44, 0x59, 0x13 };
static const struct {
    uint8_t id[16];
    uint32_t offset, length, flags;
} items[] = {
    { { 0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa,
        0x44, 0xe7, 0x6b },
      0x10000,
      8,
      4 },
    { { 0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8,
        0x3b, 0xf4, 0xb8 },
      0x10008,
      8,
      6 },
    { { 0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, 0x93, 0xef, 0xc3, 0x09, 0xe0,
        0x00, 0xc7, 0x46 },
      0x10018,
      16,
      6 },
    { { 0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8,
        0xfa, 0xab, 0x5f },
      0x10010,
      4,
      6 },
    { { 0xc7, 0x48, 0xa3, 0xcd, 0x5d, 0x44, 0x71, 0x44, 0x9c, 0xc9, 0xe9, 0x88, 0x52,
        0x51, 0xc5, 0x56 },
      0x10014,
      4,
      6 },
    { { 0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab, 0xf7, 0xd3, 0xd8, 0x48,
        0x34, 0xab, 0x0c },
      0x11000,
      0,
      4 },
};

void
image_write(Image *image, uint64_t position, const void *data, size_t length)
{
    g_assert(vc_file_write(image->file, position, data, length, NULL));
}

void
image_fill(Image *image, uint64_t position, uint8_t byte, size_t length)
{
    g_autofree uint8_t *data = g_malloc(length);
    memset(data, byte, length);
    image_write(image, position, data, length);
}

void
image_store16(Image *image, uint64_t position, uint16_t value)
{
    uint8_t raw[2];
    store_le16(raw, value);
    image_write(image, position, raw, sizeof raw);
}

void
image_store32(Image *image, uint64_t position, uint32_t value)
{
    uint8_t raw[4];
    store_le32(raw, value);
    image_write(image, position, raw, sizeof raw);
}

void
image_store64(Image *image, uint64_t position, uint64_t value)
{
    uint8_t raw[8];
    store_le64(raw, value);
    image_write(image, position, raw, sizeof raw);
}

static void
mend(Image *image, uint64_t position, size_t length)
{
    g_autofree uint8_t *raw = g_malloc(length);
    image_store32(image, position + 4, 0);
    g_assert(vc_file_read(image->file, position, raw, length, NULL));
    image_store32(image, position + 4, vc_crc32c(0, raw, length));
}

void
image_mend(Image *image)
{
    mend(image, IMAGE_HEADER1, 4096);
    mend(image, IMAGE_HEADER2, 4096);
    mend(image, IMAGE_REGIONS1, 65536);
    mend(image, IMAGE_REGIONS2, 65536);
}

void
image_dirty(Image *image)
{
    image_write(image, IMAGE_HEADER1 + 48, image_log_guid, 16);
    image_write(image, IMAGE_HEADER2 + 48, image_log_guid, 16);
    image_mend(image);
}

static void
write_header(Image *image, uint64_t position, uint64_t sequence)
{
    image_write(image, position, "head", 4);
    image_store64(image, position + 8, sequence);
    image_fill(image, position + 16, 0xf1, 16);
    image_fill(image, position + 32, image->data_write, 16);
    image_store16(image, position + 66, 1);
    image_store32(image, position + 68, image->log_length);
    image_store64(image, position + 72, IMAGE_LOG);
}

static void
write_region(Image *image, uint64_t table, unsigned number, const uint8_t *id,
             uint64_t offset, uint64_t length)
{
    uint64_t at = table + 16 + number * 32;
    image_write(image, at, id, 16);
    image_store64(image, at + 16, offset);
    image_store32(image, at + 24, (uint32_t)length);
    image_store32(image, at + 28, 1);
}

static uint32_t
write_text(Image *image, uint64_t position, const char *text)
{
    glong units;
    g_autofree gunichar2 *utf16 = g_utf8_to_utf16(text, -1, NULL, &units, NULL);
    for (glong i = 0; i < units; i++)
        image_store16(image, position + (uint64_t)i * 2, utf16[i]);
    return (uint32_t)units * 2;
}

static uint32_t
write_locator(Image *image)
{
    uint64_t at = image->metadata + items[5].offset;
    uint32_t n = 0;
    while (image->locator[n * 2])
        n++;
    image_write(image, at, locator_type, 16);
    image_store16(image, at + 18, (uint16_t)n);

    uint32_t end = 20 + n * 12;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key = end,
                 value = key + write_text(image, at + key, image->locator[i * 2]);
        end = value + write_text(image, at + value, image->locator[i * 2 + 1]);
        image_store32(image, at + 20 + i * 12, key);
        image_store32(image, at + 20 + i * 12 + 4, value);
        image_store16(image, at + 20 + i * 12 + 8, (uint16_t)(value - key));
        image_store16(image, at + 20 + i * 12 + 10, (uint16_t)(end - value));
    }
    return end;
}

static void
write_metadata(Image *image)
{
    unsigned n = image->locator ? 6 : 5;
    image_write(image, image->metadata, "metadata", 8);
    image_store16(image, image->metadata + 10, (uint16_t)n);
    for (unsigned i = 0; i < n; i++) {
        uint64_t at = image_item_entry(image, i);
        uint32_t length = i == 5 ? write_locator(image) : items[i].length;
        image_write(image, at, items[i].id, 16);
        image_store32(image, at + 16, items[i].offset);
        image_store32(image, at + 20, length);
        image_store32(image, at + 24, items[i].flags);
    }
    image_store32(image, image_item(image, 0), image->block_size);
    image_store32(image, image_item(image, 0) + 4, image->flags);
    image_store64(image, image_item(image, 1), image->disk_size);
    image_fill(image, image_item(image, 2), 0xd1, 16);
    image_store32(image, image_item(image, 3), image->logical_sector);
    image_store32(image, image_item(image, 4), image->physical_sector);
}

uint64_t
image_item_entry(const Image *image, unsigned number)
{
    return image->metadata + 32 + number * 32;
}

uint64_t
image_item(const Image *image, unsigned number)
{
    return image->metadata + items[number].offset;
}

void
image_build(Image *image)
{
    image->file = vc_memory_file("image");
    image->disk_size = image->disk_size ? image->disk_size : 8 * MIB;
    image->block_size = image->block_size ? image->block_size : (uint32_t)MIB;
    image->logical_sector = image->logical_sector ? image->logical_sector : 512;
    image->physical_sector = image->physical_sector ? image->physical_sector : 4096;
    image->log_length = image->log_length ? image->log_length : (uint32_t)MIB;
    image->data_write = image->data_write ? image->data_write : 0xdd;
    image->ratio = (uint32_t)(((uint64_t)image->logical_sector << 23) /
                              image->block_size);

    uint64_t blocks = (image->disk_size + image->block_size - 1) / image->block_size;
    uint64_t chunks = (blocks + image->ratio - 1) / image->ratio;
    uint64_t bat = (blocks + chunks) * 8;
    if (image->flags & 2)
        bat = chunks * (image->ratio + 1) * 8;
    bat = MAX((bat + MIB - 1) / MIB, 1) * MIB;
    image->metadata = IMAGE_LOG + image->log_length;
    image->bat = image->metadata + MIB;
    image->payload = image->end = image->bat + bat;
    g_assert(vc_file_truncate(image->file, image->end, NULL));

    image_write(image, 0, "vhdxfile", 8);
    write_text(image, 8, "tests");
    write_header(image, IMAGE_HEADER1, 1);
    write_header(image, IMAGE_HEADER2, 2);
    for (uint64_t table = IMAGE_REGIONS1; table <= IMAGE_REGIONS2; table += 65536) {
        image_write(image, table, "regi", 4);
        image_store32(image, table + 8, 2);
        write_region(image, table, 0, bat_id, image->bat, bat);
        write_region(image, table, 1, metadata_id, image->metadata, MIB);
    }
    write_metadata(image);
    image_mend(image);
}

void
image_clear(Image *image)
{
    g_clear_pointer(&image->file, vc_file_free);
}

VcFile *
image_take(Image *image)
{
    return g_steal_pointer(&image->file);
}

void
image_block(Image *image, uint64_t block, unsigned state, uint64_t position)
{
    image_store64(image, image->bat + (block + block / image->ratio) * 8,
                  position | state);
}

void
image_bitmap(Image *image, uint64_t chunk, unsigned state, uint64_t position)
{
    image_store64(image, image->bat + ((chunk + 1) * image->ratio + chunk) * 8,
                  position | state);
}

uint64_t
image_add(Image *image, uint64_t block, unsigned state, uint8_t byte)
{
    uint64_t position = image->end;
    image_fill(image, position, byte, image->block_size);
    image->end += image->block_size;
    image_block(image, block, state, position);
    return position;
}

uint32_t
image_log(Image *image, const LogEntry *entry)
{
    unsigned tables = (entry->n + 2 + 127) / 128, data = 0;
    for (unsigned i = 0; i < entry->n; i++)
        data += entry->changes[i].zeros == 0;
    size_t length = (size_t)(tables + data + entry->slack) * SECTOR;
    g_autofree uint8_t *raw = g_malloc0(length);
    uint64_t size;
    g_assert(vc_file_size(image->file, &size, NULL));

    memcpy(raw, "loge", 4);
    store_le32(raw + 8, (uint32_t)length);
    store_le32(raw + 12, entry->tail);
    store_le64(raw + 16, entry->sequence);
    store_le32(raw + 24, entry->n);
    memcpy(raw + 32, image_log_guid, 16);
    store_le64(raw + 48, entry->flushed ? entry->flushed : size);
    store_le64(raw + 56, entry->last ? entry->last : size);

    uint8_t *page = raw + tables * SECTOR;
    for (unsigned i = 0; i < entry->n; i++) {
        const Change *change = &entry->changes[i];
        uint8_t *desc = raw + 64 + i * 32;
        memcpy(desc, change->zeros ? "zero" : "desc", 4);
        store_le64(desc + 16, change->position);
        store_le64(desc + 24, entry->sequence);
        if (change->zeros) {
            store_le64(desc + 8, change->zeros);
            continue;
        }
        memset(desc + 4, change->byte, 12);
        memset(page, change->byte, SECTOR);
        memcpy(page, "data", 4);
        store_le32(page + 4, (uint32_t)(entry->sequence >> 32));
        store_le32(page + SECTOR - 4, (uint32_t)entry->sequence);
        page += SECTOR;
    }
    store_le32(raw + 4, vc_crc32c(0, raw, length));

    uint32_t at = entry->at;
    for (size_t i = 0; i < length; i += SECTOR) {
        if (i / SECTOR < tables + data) /* slack stays the hole that it is */
            image_write(image, IMAGE_LOG + at, raw + i, SECTOR);
        at = (at + SECTOR) % image->log_length;
    }
    return at;
}
