/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parents of a differencing image, found as far as the user allows. */
#ifndef VC_CONVERTERS_CHAIN_H
#define VC_CONVERTERS_CHAIN_H

#include "converters/image-options.h"

/* Parents above one image. Hyper-V warns at 50 checkpoints; a longer chain is a mistake
 * or an attack. */
#define VC_CHAIN_MAX 64u

/* A parent that was adopted. */
typedef struct {
    char *path;       /* owned: where it was found */
    VcSource *source; /* borrowed: its child owns it */
} VcAncestor;

/* Gives an empty array of VcAncestor *. */
GPtrArray *vc_ancestors_new(void);

/* Opens and adopts the parents of SOURCE, the image at PATH ("-": without a directory
 * of its own), up to the one that has none. What an image says about its parent is
 * hostile:
 *  - a relative path is taken from the directory where the image really lies, and an
 *    absolute one only if it is of POSIX; where neither leads to the right image, the
 *    base name of each (a Windows path has only that) is looked for in that directory;
 *  - without options->follow_chain only a file that really lies in that directory is
 *    taken, whatever the path and symbolic links on it say;
 *  - a parent that the child has no id of is a raw image, whatever it looks like, and
 *    without options->follow_chain no file is taken for it;
 *  - a parent is a regular file, and not one of the chain so far.
 * PARENTS receives each parent (VcAncestor *), the nearest first. The warnings of
 * parents are added to SOURCE's, with the path before. Errors, most of them
 * VC_ERROR_PARENT, begin with the name of the child, and name the option that would
 * help. */
bool vc_chain_adopt(VcSource *source, const char *path, const VcImageOptions *options,
                    GPtrArray *parents, GError **error);

#endif
