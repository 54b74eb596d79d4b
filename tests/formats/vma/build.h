/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Archives for tests, made from the specification and not by the code under test, in
 * any order and with any fault that a test wants. */
#ifndef VC_TESTS_VMA_BUILD_H
#define VC_TESTS_VMA_BUILD_H

#include "io/file.h"

#define BUILD_FIXED 12288u

typedef struct {
    GByteArray *header;  /* fixed part and blob buffer */
    GByteArray *extents; /* all that follows */
    size_t extent;       /* offset in `extents` of the open one */
    unsigned slot;       /* the next of it */
    unsigned configs;
} Build;

void build_init(Build *b);
void build_clear(Build *b);

/* Appends a blob and gives the pointer to it. */
uint32_t build_blob(Build *b, const void *data, size_t length);
void build_config(Build *b, const char *name, const void *data, size_t length);
void build_device(Build *b, unsigned id, const char *name, uint64_t size);
/* Points device ID at any blob. */
void build_raw_device(Build *b, unsigned id, uint32_t name, uint64_t size);

void build_begin(Build *b); /* an extent */
/* A slot and the blocks that MASK says: of DATA (a cluster), or some pattern for NULL.
 */
void build_slot(Build *b, unsigned device, uint32_t cluster, uint16_t mask,
                const uint8_t *data);
void build_unused_slot(Build *b, uint16_t mask, uint32_t cluster);
void build_end(Build *b);

/* The whole archive, header mended; owned by the caller. */
GByteArray *build_archive(Build *b);
VcFile *build_file(Build *b);

/* Mends the sum of a header, of SIZE bytes in all, or of an extent header. */
void build_mend_header(uint8_t *raw, size_t size);
void build_mend_extent(uint8_t *raw);

/* Gives a file that is a stream, and strict: each byte (but for the first ones, which
 * may be read twice for probing) is read once, at rising positions. */
VcFile *build_stream(const void *data, size_t length);

/* What disk DEVICE of a made-up archive holds: SIZE bytes, some blocks of them zero. */
uint8_t *build_content(GRand *rand, uint64_t size);

/* One disk to be put into an archive by build_random. */
typedef struct {
    unsigned device;
    uint64_t size;
    const uint8_t *content;
} BuildDisk;

/* Adds all clusters of N disks: in order or SHUFFLED, with extents of random length,
 * empty extents, unused slots, and some zero blocks stored. */
void build_random(Build *b, GRand *rand, const BuildDisk *disks, unsigned n,
                  bool shuffled);

#endif
