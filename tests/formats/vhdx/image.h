/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small VHDX images in memory, made byte by byte from MS-VHDX and not with the code
 * under test, so that both must agree. Laid out as Windows does: log at 1 MiB,
 * metadata, BAT, payload. A test changes what it wants and calls image_mend. */
#ifndef VC_TESTS_VHDX_IMAGE_H
#define VC_TESTS_VHDX_IMAGE_H

#include "io/file.h"

#define MIB ((uint64_t)1 << 20)
#define IMAGE_HEADER1 ((uint64_t)64 << 10)
#define IMAGE_HEADER2 ((uint64_t)128 << 10)
#define IMAGE_REGIONS1 ((uint64_t)192 << 10)
#define IMAGE_REGIONS2 ((uint64_t)256 << 10)
#define IMAGE_LOG MIB

/* Block states. */
enum { ABSENT, UNDEFINED, ZERO, UNMAPPED, PRESENT = 6, PARTIAL = 7 };

typedef struct {
    /* Set by the test; 0 for the value behind. */
    uint64_t disk_size;         /* 8 MiB */
    uint32_t block_size;        /* 1 MiB */
    uint32_t logical_sector;    /* 512 */
    uint32_t physical_sector;   /* 4096 */
    uint32_t log_length;        /* 1 MiB */
    uint32_t flags;             /* 1 fixed, 2 has a parent */
    const char *const *locator; /* key, value, ..., NULL; NULL for none */
    uint8_t data_write;         /* all bytes of the DataWriteGuid */

    /* Set by image_build. */
    VcFile *file; /* owned until image_take */
    uint64_t metadata, bat, payload;
    uint32_t ratio;
    uint64_t end; /* where the next block goes */
} Image;

void image_build(Image *image);
void image_clear(Image *image);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Image, image_clear)
/* Gives the file. */
VcFile *image_take(Image *image);

void image_write(Image *image, uint64_t position, const void *data, size_t length);
void image_fill(Image *image, uint64_t position, uint8_t byte, size_t length);
void image_store16(Image *image, uint64_t position, uint16_t value);
void image_store32(Image *image, uint64_t position, uint32_t value);
void image_store64(Image *image, uint64_t position, uint64_t value);

/* Sets the log's GUID in both headers, so that it must be replayed. */
void image_dirty(Image *image);
/* Computes the checksums of both headers and both region tables. */
void image_mend(Image *image);

/* Sets the BAT entry of a block; POSITION in bytes. */
void image_block(Image *image, uint64_t block, unsigned state, uint64_t position);
/* Sets the BAT entry of the bitmap block of a chunk. */
void image_bitmap(Image *image, uint64_t chunk, unsigned state, uint64_t position);
/* Allocates a block at the end, and fills it with BYTE; gives its position. */
uint64_t image_add(Image *image, uint64_t block, unsigned state, uint8_t byte);

/* The metadata table's entry NUMBER: 0 file parameters, 1 size, 2 disk id, 3 logical,
 * 4 physical sector, 5 locator. */
uint64_t image_item_entry(const Image *image, unsigned number);
/* Where its data lies. */
uint64_t image_item(const Image *image, unsigned number);

/* --- the log ------------------------------------------------------------------------
 */

typedef struct {
    uint64_t position;
    uint64_t zeros; /* a zero descriptor of so many bytes; 0: a page of BYTE */
    uint8_t byte;
} Change;

typedef struct {
    uint32_t at, tail;
    uint64_t sequence;
    uint64_t flushed, last; /* 0: the file's size */
    const Change *changes;
    unsigned n;
    unsigned slack; /* sectors behind the data that nothing asks for */
} LogEntry;

/* Writes it into the ring; gives the place where the next entry goes. */
uint32_t image_log(Image *image, const LogEntry *entry);

extern const uint8_t image_log_guid[16];

#endif
