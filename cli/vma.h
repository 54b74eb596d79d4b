/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands of the tool of the name `vma` share. */
#ifndef VC_CLI_VMA_H
#define VC_CLI_VMA_H

#include "cli/reading.h"

/* The format of which the tool is. */
const VcFormat *vc_vma_format(void);

/* Opens the archive NAME ("-": standard input) and reads its header. */
bool vc_vma_open(const VcReading *reading, const char *name, VcImage *image,
                 GError **error);

/* Prints the lines of `vma list`, which scripts and qmrestore parse. */
void vc_vma_print_list(const VcSource *archive);

#endif
