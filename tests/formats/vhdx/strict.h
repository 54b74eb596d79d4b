/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A strict reader of VHDX files, written from the specification and without the
 * decoders of the project: it takes only what every other program is known to take
 * (VirtualBox above all, which is the strictest), and only files that hold nothing
 * else. */
#ifndef VC_TESTS_VHDX_STRICT_H
#define VC_TESTS_VHDX_STRICT_H

#include "io/bytes.h"
#include "io/checksum.h"
#include "io/file.h"

#include <stdlib.h>

typedef struct {
    VcFile *file;
    uint64_t file_size;
    uint64_t log, log_length, metadata, bat, bat_length;
    uint64_t size; /* of the disk */
    uint32_t block_size, logical_sector, physical_sector;
    bool fixed;
    uint8_t file_write[16], data_write[16], disk_id[16];
    uint64_t blocks, ratio;
    uint64_t allocated; /* blocks */
} Strict;

/* Every rule is a line: what must be true, or the rule's text is the answer. */
#define STRICT_RULE(truth)                                                             \
    do {                                                                               \
        if (!(truth))                                                                  \
            return #truth;                                                             \
    } while (0)

#define STRICT_MIB ((uint64_t)1 << 20)

static inline bool
strict_zero(VcFile *file, uint64_t from, uint64_t to)
{
    static uint8_t buffer[64 << 10];
    while (from < to) {
        bool data;
        uint64_t run;
        if (!vc_file_run(file, from, &data, &run, NULL))
            return false;
        run = MIN(run, to - from);
        if (data) {
            run = MIN(run, sizeof buffer);
            if (!vc_file_read(file, from, buffer, run, NULL) ||
                !vc_is_zero(buffer, run))
                return false;
        }
        from += run;
    }
    return true;
}

static inline bool
strict_checksum(uint8_t *raw, size_t length)
{
    uint32_t stored = load_le32(raw + 4);
    memset(raw + 4, 0, 4);
    return vc_crc32c(0, raw, length) == stored;
}

static inline const char *
strict_headers(Strict *s)
{
    static uint8_t first[4096], second[4096];
    STRICT_RULE(vc_file_read(s->file, 64 << 10, first, sizeof first, NULL));
    STRICT_RULE(vc_file_read(s->file, 128 << 10, second, sizeof second, NULL));
    STRICT_RULE(memcmp(first, "head", 4) == 0 && memcmp(second, "head", 4) == 0);
    STRICT_RULE(strict_checksum(first, 4096) && strict_checksum(second, 4096));
    STRICT_RULE(load_le64(first + 8) + 1 == load_le64(second + 8));
    STRICT_RULE(memcmp(first + 16, second + 16, 4096 - 16) == 0);
    STRICT_RULE(!vc_is_zero(first + 16, 16) && !vc_is_zero(first + 32, 16));
    STRICT_RULE(vc_is_zero(first + 48, 16)); /* the log is empty */
    STRICT_RULE(load_le16(first + 64) == 0 && load_le16(first + 66) == 1);
    STRICT_RULE(vc_is_zero(first + 80, 4096 - 80));
    memcpy(s->file_write, first + 16, 16);
    memcpy(s->data_write, first + 32, 16);
    s->log_length = load_le32(first + 68);
    s->log = load_le64(first + 72);
    STRICT_RULE(s->log_length > 0 && s->log_length % STRICT_MIB == 0);
    STRICT_RULE(s->log == STRICT_MIB);
    return NULL;
}

static inline const char *
strict_regions(Strict *s)
{
    static const uint8_t bat[16] = { 0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42,
                                     0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08 };
    static const uint8_t metadata[16] = { 0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47,
                                          0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f,
                                          0x05, 0x0f, 0x88, 0x6e };
    static uint8_t first[65536], second[65536];
    STRICT_RULE(vc_file_read(s->file, 192 << 10, first, sizeof first, NULL));
    STRICT_RULE(vc_file_read(s->file, 256 << 10, second, sizeof second, NULL));
    STRICT_RULE(memcmp(first, second, sizeof first) == 0);
    STRICT_RULE(memcmp(first, "regi", 4) == 0);
    STRICT_RULE(strict_checksum(first, sizeof first));
    STRICT_RULE(load_le64(first + 8) == 2);
    STRICT_RULE(memcmp(first + 16, bat, 16) == 0);
    STRICT_RULE(memcmp(first + 48, metadata, 16) == 0);
    STRICT_RULE(load_le32(first + 44) == 1 && load_le32(first + 76) == 1);
    STRICT_RULE(vc_is_zero(first + 80, sizeof first - 80));
    s->bat = load_le64(first + 32);
    s->bat_length = load_le32(first + 40);
    s->metadata = load_le64(first + 64);
    STRICT_RULE(load_le32(first + 72) == STRICT_MIB);
    STRICT_RULE(s->metadata == s->log + s->log_length);
    STRICT_RULE(s->bat == s->metadata + STRICT_MIB);
    STRICT_RULE(s->bat_length > 0 && s->bat_length % STRICT_MIB == 0);
    return NULL;
}

static inline const char *
strict_metadata(Strict *s)
{
    /* Where Windows puts the values; length and flags are those of the specification.
     */
    static const struct {
        uint32_t id, offset, length, flags;
    } items[] = {
        { 0xcaa16737, 0x10000, 8, 4 },  { 0x2fa54224, 0x10008, 8, 6 },
        { 0x8141bf1d, 0x10010, 4, 6 },  { 0xcda348c7, 0x10014, 4, 6 },
        { 0xbeca12ab, 0x10018, 16, 6 },
    };
    static uint8_t raw[0x10028];
    STRICT_RULE(vc_file_read(s->file, s->metadata, raw, sizeof raw, NULL));
    STRICT_RULE(memcmp(raw, "metadata\0\0\5\0", 12) == 0);
    STRICT_RULE(vc_is_zero(raw + 12, 20));
    for (size_t i = 0; i < G_N_ELEMENTS(items); i++) {
        const uint8_t *entry = raw + 32 + i * 32;
        STRICT_RULE(load_le32(entry) == items[i].id);
        STRICT_RULE(load_le32(entry + 16) == items[i].offset);
        STRICT_RULE(load_le32(entry + 20) == items[i].length);
        STRICT_RULE(load_le64(entry + 24) == items[i].flags);
    }
    STRICT_RULE(vc_is_zero(raw + 32 + 5 * 32, 0x10000 - 32 - 5 * 32));
    STRICT_RULE(strict_zero(s->file, s->metadata + sizeof raw, s->bat));

    const uint8_t *values = raw + 0x10000;
    s->block_size = load_le32(values);
    s->fixed = load_le32(values + 4) == 1;
    s->size = load_le64(values + 8);
    s->logical_sector = load_le32(values + 16);
    s->physical_sector = load_le32(values + 20);
    memcpy(s->disk_id, values + 24, 16);
    STRICT_RULE(load_le32(values + 4) <= 1);
    STRICT_RULE(s->block_size >= 1 << 20 && s->block_size <= 256 << 20);
    STRICT_RULE((s->block_size & (s->block_size - 1)) == 0);
    STRICT_RULE(s->logical_sector == 512 || s->logical_sector == 4096);
    STRICT_RULE(s->physical_sector == 512 || s->physical_sector == 4096);
    STRICT_RULE(s->size % s->logical_sector == 0);
    STRICT_RULE(s->size <= (uint64_t)64 << 40);
    STRICT_RULE(!vc_is_zero(s->disk_id, 16));
    s->blocks = (s->size + s->block_size - 1) / s->block_size;
    s->ratio = ((uint64_t)1 << 23) * s->logical_sector / s->block_size;
    return NULL;
}

/* How many bytes at POSITION of FILE, or behind its end, read as zero without looking;
 * at most LIMIT. */
static inline uint64_t
strict_hole(VcFile *file, uint64_t position, uint64_t limit)
{
    uint64_t size, run = 0;
    bool data = false, good = vc_file_size(file, &size, NULL);
    if (good && position < size)
        good = vc_file_run(file, position, &data, &run, NULL);
    g_assert(good);
    return data ? 0 : run > 0 ? MIN(run, limit) : limit;
}

static inline int
strict_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Every entry is NOT_PRESENT and empty, or a block; the blocks fill the file from the
 * end of the BAT without gaps. */
static inline const char *
strict_bat(Strict *s)
{
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    uint64_t last = s->blocks == 0 ? 0 : s->blocks + (s->blocks - 1) / s->ratio;
    STRICT_RULE(last <= s->bat_length / 8 &&
                s->bat_length / 8 < last + STRICT_MIB / 8 + 1);

    for (uint64_t at = 0; at < s->bat_length;) {
        static uint8_t page[4096];
        uint64_t hole = strict_hole(s->file, s->bat + at, s->bat_length - at);
        if (hole > 0) {
            at += hole;
            continue;
        }
        STRICT_RULE(at % sizeof page == 0);
        STRICT_RULE(vc_file_read(s->file, s->bat + at, page, sizeof page, NULL));
        at += sizeof page;
        for (size_t i = vc_is_zero(page, sizeof page) ? sizeof page : 0;
             i < sizeof page; i += 8) {
            uint64_t entry = load_le64(page + i), index = (at - sizeof page + i) / 8;
            if (entry == 0)
                continue;
            STRICT_RULE(index < last);
            STRICT_RULE(index % (s->ratio + 1) != s->ratio); /* a bitmap's entry */
            STRICT_RULE((entry & (STRICT_MIB - 1)) == 6);
            entry &= ~(STRICT_MIB - 1);
            g_array_append_val(places, entry);
        }
    }

    uint64_t next = s->bat + s->bat_length;
    bool ascending = true;
    for (unsigned i = 1; i < places->len; i++)
        ascending = ascending && g_array_index(places, uint64_t, i - 1) <
                                     g_array_index(places, uint64_t, i);
    g_array_sort(places, strict_compare);
    for (unsigned i = 0; i < places->len; i++) {
        STRICT_RULE(g_array_index(places, uint64_t, i) == next);
        next += s->block_size;
    }
    STRICT_RULE(next == s->file_size);
    s->allocated = places->len;
    STRICT_RULE(!s->fixed || (ascending && s->allocated == s->blocks));
    return NULL;
}

/* NULL when FILE keeps every rule, and S can be read; otherwise the rule. */
static inline const char *
strict_open(Strict *s, VcFile *file)
{
    uint8_t signature[8];
    const char *broken;

    *s = (Strict){ .file = file };
    STRICT_RULE(vc_file_size(file, &s->file_size, NULL));
    STRICT_RULE(s->file_size % STRICT_MIB == 0);
    STRICT_RULE(vc_file_read(file, 0, signature, 8, NULL));
    STRICT_RULE(memcmp(signature, "vhdxfile", 8) == 0);
    STRICT_RULE(strict_zero(file, 520, 64 << 10));
    STRICT_RULE(strict_zero(file, 68 << 10, 128 << 10));
    STRICT_RULE(strict_zero(file, 132 << 10, 192 << 10));
    STRICT_RULE(strict_zero(file, 320 << 10, 1 << 20));
    if ((broken = strict_headers(s)) || (broken = strict_regions(s)))
        return broken;
    STRICT_RULE(s->bat + s->bat_length <= s->file_size);
    STRICT_RULE(strict_zero(file, s->log, s->log + s->log_length));
    if ((broken = strict_metadata(s)))
        return broken;
    return strict_bat(s);
}

/* The BAT entry of payload block BLOCK. */
static inline uint64_t
strict_entry(const Strict *s, uint64_t block)
{
    uint8_t raw[8] = { 0 };
    bool good = vc_file_read(s->file, s->bat + (block + block / s->ratio) * 8, raw, 8,
                             NULL);
    g_assert(good);
    return load_le64(raw);
}

/* Reads LENGTH bytes at OFFSET of the disk; they must lie in one block. */
static inline void
strict_read(const Strict *s, uint64_t offset, void *buffer, size_t length)
{
    uint64_t entry = strict_entry(s, offset / s->block_size);
    if (entry == 0) {
        memset(buffer, 0, length);
        return;
    }
    bool good = vc_file_read(s->file, entry - 6 + offset % s->block_size, buffer,
                             length, NULL);
    g_assert(good);
}

/* The bytes at OFFSET of the disk that are known to be zero, at most to where a hole of
 * the file or a run of absent blocks ends; TABLE is the BAT. */
static inline uint64_t
strict_hole_of_disk(const Strict *s, const uint8_t *table, uint64_t offset)
{
    uint64_t block = offset / s->block_size, end = block;
    while (end < s->blocks && load_le64(table + (end + end / s->ratio) * 8) == 0)
        end++;
    if (end > block)
        return MIN(end * s->block_size, s->size) - offset;
    uint64_t inside = offset % s->block_size;
    uint64_t entry = load_le64(table + (block + block / s->ratio) * 8);
    return strict_hole(s->file, entry - 6 + inside,
                       MIN(s->size - offset, s->block_size - inside));
}

/* Whether the disk holds what FLAT does, and zeros behind that; otherwise *OFFSET is
 * where, to 64 KiB. */
static inline bool
strict_same(const Strict *s, VcFile *flat, uint64_t *offset)
{
    static uint8_t a[64 << 10], b[64 << 10];
    size_t entries = s->blocks + s->blocks / s->ratio;
    g_autofree uint8_t *table = g_malloc(entries * 8 + 1);
    bool good = vc_file_read(s->file, s->bat, table, entries * 8, NULL);
    g_assert(good);

    for (*offset = 0; *offset < s->size;) {
        uint64_t hole = strict_hole_of_disk(s, table, *offset);
        if (hole > 0)
            hole = strict_hole(flat, *offset, hole);
        if (hole > 0) {
            *offset += hole;
            continue;
        }
        uint64_t left = MIN(s->size, (*offset / s->block_size + 1) * s->block_size);
        size_t length = MIN(left - *offset, sizeof a), got;
        memset(b, 0, sizeof b);
        good = vc_file_read_some(flat, *offset, b, length, &got, NULL);
        g_assert(good);
        strict_read(s, *offset, a, length);
        if (memcmp(a, b, length) != 0)
            return false;
        *offset += length;
    }
    return true;
}

#endif
