/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `<a>-to-<b>`: one command for each pair of formats that can work. */
#ifndef VC_CLI_MIGRATE_H
#define VC_CLI_MIGRATE_H

#include "cli/command.h"

/* The command NAME when it is such a pair (names and aliases count), else NULL. Lives
 * until the next call, and no longer than NAME. */
const VcCommand *vc_migrate_find(const char *name);

/* The names of all pairs, by alias where a format has one; owned by the caller. */
GPtrArray *vc_migrate_names(void);

#endif
