/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file whose Nth operation fails. */
#ifndef VC_TESTS_FAULTY_H
#define VC_TESTS_FAULTY_H

#include "io/file.h"

/* Gives a file that passes everything on to FILE (borrowed), but fails operation number
 * NTH (from 1) and all that follow, as a device does that was pulled out. */
VcFile *faulty_file(VcFile *file, unsigned nth);

/* True when an operation was failed. */
bool faulty_file_failed(const VcFile *file);

#endif
