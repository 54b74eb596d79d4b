/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Data of a dynamic disk that its bitmaps hide. */
#ifndef VC_FORMATS_VPC_HIDDEN_H
#define VC_FORMATS_VPC_HIDDEN_H

#include "formats/vpc/bat.h"

/* What was found so far. By the specification a sector whose bit is clear reads as
 * zero, but QEMU and others read what lies there, so that who loses it must be told. */
typedef struct VpcHidden VpcHidden;

VpcHidden *vpc_hidden_new(uint32_t n_blocks);

/* Looks whether allocated BLOCK, of which some bits are clear, holds data there; once
 * for each block, whoever asks how often. At most *BUDGET bytes are read, and taken off
 * it; a block for which they do not suffice is not known. From many threads at once. */
void vpc_hidden_look(VpcHidden *hidden, const VpcBat *bat, VcFile *file, uint32_t block,
                     uint64_t *budget);

/* Gives the sentence about what was found since the last call, with the REMEDY where
 * there is one; NULL: nothing was. Not while others look. */
char *vpc_hidden_tell(VpcHidden *hidden, bool remedy);

void vpc_hidden_free(VpcHidden *hidden);

#endif
