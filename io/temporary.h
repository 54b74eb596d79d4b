/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names for what is not ready, and the step to its own: what io/output.c is made of. */
#ifndef VC_IO_TEMPORARY_H
#define VC_IO_TEMPORARY_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Gives the path that PATH leads to: symbolic links in its last component are followed,
 * also those to nowhere. */
char *vc_temporary_target(const char *path, GError **error);

/* Creates a file with a new name in TARGET's directory and gives its path in *TEMPORARY
 * and a descriptor for reading and writing; -1 with an error. */
int vc_temporary_open(const char *target, mode_t mode, char **temporary,
                      GError **error);

/* Makes a directory for ourselves with a new name in TARGET's and gives its path; NULL
 * with an error. */
char *vc_temporary_folder(const char *target, GError **error);

/* Gives the paths of the files and folders in TARGET's directory that processes made
 * for TARGET which run no more, asked before this one makes its own; empty when there
 * are none or the directory cannot be read. */
GPtrArray *vc_temporary_leftovers(const char *target);

/* Renames TEMPORARY to TARGET. Unless REPLACE, VC_ERROR_EXISTS when there is a file of
 * that name by now, whoever made it. */
bool vc_temporary_rename(const char *temporary, const char *target, bool replace,
                         GError **error);

/* Makes the names in TARGET's directory last. */
bool vc_temporary_sync_directory(const char *target, GError **error);

#endif
