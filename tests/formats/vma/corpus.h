/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The archives that real tools wrote, and the malformed ones, where they are at hand.
 */
#ifndef VC_TESTS_VMA_CORPUS_H
#define VC_TESTS_VMA_CORPUS_H

#include <glib.h>
#include <stdbool.h>

/* Gives the folder NAME of the corpus, or NULL where there is none. */
char *corpus_folder(const char *name);

/* Gives the lines of a table, each split at its tabs; those that begin with '#' and the
 * first one when HEAD are left out. */
GPtrArray *corpus_table(const char *path, bool head);

/* Gives the bytes of an archive, plain or else from its .zst. */
GByteArray *corpus_archive(const char *folder, const char *name);

#endif
