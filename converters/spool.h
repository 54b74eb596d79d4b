/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A temporary copy of what can be read only once, so that it can be read at random. */
#ifndef VC_CONVERTERS_SPOOL_H
#define VC_CONVERTERS_SPOOL_H

#include "io/file.h"

/* Gives a seekable file with the bytes of FILE (taken; a stream), in a file in
 * DIRECTORY that has no name, so it goes when it is closed, however that happens. Zeros
 * become holes. Errors begin with FILE's name; those of writing name the directory. */
VcFile *vc_spool(VcFile *file, const char *directory, GError **error);

#endif
