/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One row per command: its help, and the function behind it. */
#ifndef VC_CLI_COMMAND_H
#define VC_CLI_COMMAND_H

#include <glib.h>

typedef struct VcCommand {
    const char *name;  /* "convert" */
    const char *usage; /* what stands behind the name: "SRC… DST" */
    const char
        *summary; /* one line for the list of commands, one sentence for its help */
    const char *details; /* further paragraphs of its help, or NULL */
    /* ARGV[0] is the command's name. Gives the exit status; 0 unless ERROR was set, or
     * the command has codes of its own. */
    int (*run)(const struct VcCommand *command, int argc, char **argv, GError **error);
} VcCommand;

extern const VcCommand vc_command_check, vc_command_compare, vc_command_convert,
    vc_command_create, vc_command_dd, vc_command_info, vc_command_map,
    vc_command_measure, vc_command_repack, vc_command_roundtrip, vc_command_vma;
extern const VcCommand vc_command_vma_config, vc_command_vma_create,
    vc_command_vma_extract, vc_command_vma_list, vc_command_vma_verify;

/* Whose manners vconv has: its own, or those of a tool by whose name it was called. */
typedef enum { VC_MANNERS_VCONV, VC_MANNERS_QEMU_IMG, VC_MANNERS_VMA } VcManners;
extern VcManners vc_manners;

#endif
