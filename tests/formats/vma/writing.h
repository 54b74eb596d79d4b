/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole archives written through the sink, as the engine does it. */
#ifndef VC_TESTS_VMA_WRITING_H
#define VC_TESTS_VMA_WRITING_H

#include "formats/format.h"

#define UUID                                                                           \
    "a0010203-0405-0607-0809-0a0b0c0d0eaf" /* that of build.c, and its time            \
                                            */
#define OPTIONS "uuid=" UUID ",ctime=1700000000"

/* Gives a sink of the archive with LAYOUT, made with the options TEXT and a
 * reproducible identity at second 1234567890. */
VcSink *create(VcFile *file, const VcLayout *layout, const char *text, GError **error);
/* The same with OPTIONS, which must work. */
VcSink *create_well(VcFile *file, const VcLayout *layout);

/* Gives a layout of disk "drive-scsi0". */
VcLayout one_disk(uint64_t size);

/* Gives the whole archive of LAYOUT in which nothing is placed. */
GByteArray *empty_archive(const VcLayout *layout);

void assert_same(const GByteArray *a, const GByteArray *b);

/* Asks for the places of all blocks of CONTENTS (of each disk of SINK's layout) that
 * are not zero, in pieces of random length, and writes them: at once and settling where
 * FILE is append-only, else later and in any order. A NULL content is an empty disk.
 * SIZES are those of the contents, and may be below those of the layout. */
bool write_disks(VcSink *sink, GRand *rand, uint8_t *const *contents,
                 const uint64_t *sizes, GError **error);

/* Gives all the bytes of a memory file. */
GByteArray *bytes_of(VcFile *file);

/* Gives a file that takes bytes only at its end, and puts them into FILE (borrowed). */
VcFile *append_file(VcFile *file);

/* Gives a file that passes all on to FILE (borrowed), and fails from write number N on.
 */
VcFile *failing_file(VcFile *file, unsigned n);

#endif
