/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Archives for tests, made from the specification. */
#include "tests/formats/vma/build.h"

#include "io/error.h"
#include "io/memory.h"

#include <string.h>

static const uint8_t archive_uuid[16] = { 0xa0, 1, 2,  3,  4,  5,  6,  7,
                                          8,    9, 10, 11, 12, 13, 14, 0xaf };

static void
put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static void
sum(uint8_t *raw, size_t size, size_t at)
{
    g_autoptr(GChecksum) md5 = g_checksum_new(G_CHECKSUM_MD5);
    gsize length = 16;
    memset(raw + at, 0, 16);
    g_checksum_update(md5, raw, (gssize)size);
    g_checksum_get_digest(md5, raw + at, &length);
}

void
build_mend_header(uint8_t *raw, size_t size)
{
    sum(raw, size, 32);
}

void
build_mend_extent(uint8_t *raw)
{
    sum(raw, 512, 24);
}

static uint8_t *
grow(GByteArray *array, size_t length)
{
    guint at = array->len;
    g_byte_array_set_size(array, at + (guint)length);
    memset(array->data + at, 0, length);
    return array->data + at;
}

void
build_init(Build *b)
{
    *b = (Build){ .header = g_byte_array_new(), .extents = g_byte_array_new() };
    uint8_t *raw = grow(b->header, BUILD_FIXED + 1);
    memcpy(raw, "VMA", 4);
    put(raw + 4, 1, 4);
    memcpy(raw + 8, archive_uuid, 16);
    put(raw + 24, 1700000000, 8);
    put(raw + 48, BUILD_FIXED, 4);
}

void
build_clear(Build *b)
{
    g_byte_array_unref(b->header);
    g_byte_array_unref(b->extents);
}

uint32_t
build_blob(Build *b, const void *data, size_t length)
{
    uint32_t pointer = b->header->len - BUILD_FIXED;
    uint8_t *raw = grow(b->header, 2 + length);
    raw[0] = (uint8_t)length;
    raw[1] = (uint8_t)(length >> 8);
    if (length > 0)
        memcpy(raw + 2, data, length);
    return pointer;
}

void
build_config(Build *b, const char *name, const void *data, size_t length)
{
    uint32_t at = build_blob(b, name, strlen(name) + 1);
    put(b->header->data + 2044 + 4 * b->configs, at, 4);
    at = build_blob(b, data, length);
    put(b->header->data + 3068 + 4 * b->configs++, at, 4);
}

void
build_raw_device(Build *b, unsigned id, uint32_t name, uint64_t size)
{
    put(b->header->data + 4096 + 32 * id, name, 4);
    put(b->header->data + 4096 + 32 * id + 8, size, 8);
}

void
build_device(Build *b, unsigned id, const char *name, uint64_t size)
{
    build_raw_device(b, id, build_blob(b, name, strlen(name) + 1), size);
}

void
build_begin(Build *b)
{
    b->extent = b->extents->len;
    b->slot = 0;
    uint8_t *raw = grow(b->extents, 512);
    memcpy(raw, "VMAE", 4);
    memcpy(raw + 8, archive_uuid, 16);
}

static void
put_slot(Build *b, unsigned device, uint32_t cluster, uint16_t mask)
{
    uint8_t *at = b->extents->data + b->extent + 40 + 8 * b->slot++;
    put(at, mask, 2);
    at[3] = (uint8_t)device;
    put(at + 4, cluster, 4);
}

void
build_slot(Build *b, unsigned device, uint32_t cluster, uint16_t mask,
           const uint8_t *data)
{
    put_slot(b, device, cluster, mask);
    for (unsigned j = 0; j < 16; j++) {
        if (!(mask >> j & 1))
            continue;
        uint8_t *block = grow(b->extents, 4096);
        if (data)
            memcpy(block, data + 4096 * j, 4096);
        else
            memset(block, (int)(16 * cluster + j) | 1, 4096);
        uint8_t *count = b->extents->data + b->extent + 6;
        put(count, (unsigned)(count[0] << 8 | count[1]) + 1, 2);
    }
}

void
build_unused_slot(Build *b, uint16_t mask, uint32_t cluster)
{
    put_slot(b, 0, cluster, mask);
}

void
build_end(Build *b)
{
    build_mend_extent(b->extents->data + b->extent);
}

GByteArray *
build_archive(Build *b)
{
    GByteArray *archive = g_byte_array_new();
    g_byte_array_append(archive, b->header->data, b->header->len);
    size_t blobs = b->header->len - BUILD_FIXED;
    grow(archive, (512 - blobs % 512) % 512);
    put(archive->data + 52, blobs, 4);
    put(archive->data + 56, archive->len, 4);
    build_mend_header(archive->data, archive->len);
    g_byte_array_append(archive, b->extents->data, b->extents->len);
    return archive;
}

uint8_t *
build_content(GRand *rand, uint64_t size)
{
    /* A whole last cluster, so that build_slot may read it all. */
    uint64_t room = (size + 65535) / 65536 * 65536;
    uint8_t *content = g_malloc0(room);
    for (uint64_t at = 0; at < size; at += 4096) {
        if (g_rand_int_range(rand, 0, 3) == 0)
            continue;
        for (uint64_t i = at; i < MIN(at + 4096, size); i++)
            content[i] = (uint8_t)g_rand_int(rand);
        content[at] |= 1;
    }
    return content;
}

/* The mask of a cluster; sometimes with zero blocks stored. */
static uint16_t
mask_of(GRand *rand, const BuildDisk *disk, uint32_t cluster)
{
    static const uint8_t zeros[4096];
    bool generous = g_rand_int_range(rand, 0, 8) == 0;
    uint16_t mask = 0;
    for (unsigned j = 0; j < 16; j++) {
        uint64_t at = (uint64_t)cluster * 65536 + 4096 * j;
        if (at < disk->size &&
            (generous || memcmp(disk->content + at, zeros, 4096) != 0))
            mask |= (uint16_t)(1u << j);
    }
    return mask;
}

typedef struct {
    const BuildDisk *disk;
    uint32_t cluster;
} Item;

void
build_random(Build *b, GRand *rand, const BuildDisk *disks, unsigned n, bool shuffled)
{
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(Item));
    for (unsigned i = 0; i < n; i++)
        for (uint64_t at = 0; at < disks[i].size; at += 65536) {
            Item item = { &disks[i], (uint32_t)(at / 65536) };
            g_array_append_val(items, item);
        }
    for (guint i = items->len; shuffled && i > 1; i--) {
        guint j = (guint)g_rand_int_range(rand, 0, (gint32)i);
        Item item = g_array_index(items, Item, i - 1);
        g_array_index(items, Item, i - 1) = g_array_index(items, Item, j);
        g_array_index(items, Item, j) = item;
    }
    for (guint done = 0; done < items->len;) {
        unsigned room = (unsigned)g_rand_int_range(rand, 0, 60);
        build_begin(b);
        for (; room > 0; room--) {
            if (g_rand_int_range(rand, 0, 10) == 0) {
                build_unused_slot(b, (uint16_t)g_rand_int(rand), g_rand_int(rand));
            } else if (done < items->len) {
                const Item *item = &g_array_index(items, Item, done++);
                build_slot(b, item->disk->device, item->cluster,
                           mask_of(rand, item->disk, item->cluster),
                           item->disk->content + (uint64_t)item->cluster * 65536);
            }
        }
        build_end(b);
    }
}

/* --- a strict stream -------------------------------------------------------------- */

typedef struct {
    VcFile base;
    uint8_t *data;
    size_t length;
    uint64_t done; /* bytes read */
} Stream;

static bool
stream_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
            GError **error)
{
    Stream *s = (Stream *)file;
    if (position < s->done && (position != 0 || s->done > VC_STREAM_LOOKBACK)) {
        vc_fail(error, VC_ERROR_USAGE, "reading a stream backwards");
        return false;
    }
    *got = position < s->length ? MIN(length, s->length - position) : 0;
    if (*got > 0)
        memcpy(buffer, s->data + position, *got);
    s->done = MAX(s->done, position + *got);
    return true;
}

static void
stream_free(VcFile *file)
{
    Stream *s = (Stream *)file;
    g_free(s->data);
    vc_file_clear(file);
    g_free(s);
}

VcFile *
build_stream(const void *data, size_t length)
{
    static const VcFileOps ops = { .read = stream_read, .free = stream_free };
    Stream *s = g_new0(Stream, 1);
    vc_file_init(&s->base, &ops, "stream", false);
    s->data = g_malloc(length + 1); /* never NULL */
    if (length > 0)
        memcpy(s->data, data, length);
    s->length = length;
    return &s->base;
}

VcFile *
build_file(Build *b)
{
    g_autoptr(GByteArray) archive = build_archive(b);
    return vc_memory_file_from("archive", archive->data, archive->len);
}
