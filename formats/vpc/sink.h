/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VHD sink from the inside: what is common to fixed and dynamic disks. */
#ifndef VC_FORMATS_VPC_SINK_H
#define VC_FORMATS_VPC_SINK_H

#include "formats/options.h"
#include "formats/sink.h"
#include "formats/vpc/wire.h"

typedef struct {
    VcSink base;
    VpcFooter footer;
    bool begun;   /* something was placed */
    uint64_t end; /* fixed: of the highest run placed */
    /* dynamic: */
    uint32_t block_size, bitmap_size;
    uint32_t lead; /* bytes from the end of a block to the next one's data; the last of
                      them are its bitmap */
    /* Of each block its number in the file, from 1; 0: it has none, so that only the
     * pages are touched whose blocks have some. */
    uint32_t *slots;
    uint32_t n_blocks, n_slots;
    uint64_t first; /* where the first lead begins */
    bool finished;
} VpcSink;

/* Make S, whose size and footer are set, a disk of that kind. To be called once. */
void vpc_sink_make_fixed(VpcSink *s);
bool vpc_sink_make_dynamic(VpcSink *s, const VcOptions *options, GError **error);

/* Stores GIVEN bytes, rounded up to sectors, as the size of the disk, in the footer,
 * too; and warns of the rounding and of what programs will make of the geometry. */
void vpc_sink_set_size(VpcSink *s, uint64_t given);

/* To be called by `place`. A file written in place may hold an old image: from the
 * first payload on, nothing at its ends may look like a footer before `finish`. */
bool vpc_sink_begin(VpcSink *s, GError **error);

void vpc_sink_free(VcSink *sink);

#endif
