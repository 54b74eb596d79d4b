/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which file is a VHD, and which of its two footers counts. */
#ifndef VC_FORMATS_VPC_FOOTERS_H
#define VC_FORMATS_VPC_FOOTERS_H

#include "formats/vpc/wire.h"
#include "io/file.h"

/* Zeros behind the trailing footer that are taken for padding by a storage system. */
#define VPC_PADDING_MAX ((uint64_t)1 << 20)
/* What such systems pad to, at least. */
#define VPC_PADDING_UNIT 4096u

typedef struct {
    VpcFooter footer; /* the copy that counts */
    uint64_t at;      /* where it lies */
    uint64_t end; /* payload ends here at the latest: the trailing footer, or, without
                     one, the end of the file */
    uint64_t file_size;
    bool trailing;    /* a good footer at the end, or behind the last block */
    uint64_t padding; /* zeros behind it */
    uint64_t surplus; /* bytes behind that behind the last block */
    enum {
        VPC_MIRROR_NONE, /* fixed disks have none */
        VPC_MIRROR_SAME,
        VPC_MIRROR_DIFFERS, /* good, but not the same as the trailing one */
        VPC_MIRROR_BAD,
    } mirror;
} VpcFooters;

/* Looks for footers in seekable FILE: its last 512 bytes; its last 511 (Virtual PC
 * before 2004 left the last zero out); before zeros at its end; the copy at 0, which
 * counts only with a good dynamic disk header. VC_ERROR_CORRUPT or VC_ERROR_UNSUPPORTED
 * says what is wrong with the best candidate. */
bool vpc_footers_find(VcFile *file, VpcFooters *found, GError **error);

/* Reads the header that FOOTER points to; it must lie before END. */
bool vpc_header_read(VcFile *file, const VpcFooter *footer, uint64_t end,
                     VpcHeader *header, GError **error);

/* What is wrong when there is no trailing footer: that of a dynamic disk, since others
 * are not opened then. */
#define VPC_FOOTER_LOST                                                                \
    "the footer at the end is missing or damaged, the copy at the beginning is used: " \
    "was the file cut, or not wholly downloaded?"

/* Adds what is odd about the footers that are there, but does not hinder. */
void vpc_footers_warn(const VpcFooters *found, GPtrArray *warnings);

/* Whether a good header stands where FOOTER says. That it could not be read is no
 * answer but an error. */
bool vpc_header_look(VcFile *file, const VpcFooter *footer, uint64_t end, bool *there,
                     GError **error);

/* Whether a fixed disk of SIZE bytes is what FILE holds: VC_ERROR_CORRUPT if not. */
bool vpc_footers_check_fixed(VcFile *file, const VpcFooters *found, uint64_t size,
                             GPtrArray *warnings, GError **error);

/* The row's probe. Claims also what is a VHD beyond doubt but too damaged to open, lest
 * it be read as raw. */
bool vpc_probe(VcFile *file, bool *match, GError **error);

/* The row's probe_end: a fixed disk. */
bool vpc_probe_end(const uint8_t raw[static VPC_FOOTER_SIZE], uint64_t at);

#endif
