/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file to give away that is only lent. */
#ifndef VC_IO_LENT_H
#define VC_IO_LENT_H

#include "io/file.h"

/* Gives a file that passes everything on to FILE (borrowed: it must live longer), but
 * neither frees nor syncs it: for what takes a file that somebody else owns, such as
 * that of a VcOutput, who syncs it too. FILE is none that reorders: what reorders lies
 * over what is lent, and there is nothing to settle. */
VcFile *vc_lent_file(VcFile *file);

#endif
