/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `vma`: the commands of Proxmox's tool of that name. */
#include "cli/vma.h"

#include "cli/command.h"
#include "cli/print.h"
#include "io/error.h"

#include <string.h>
#include <time.h>

static const VcCommand *const commands[] = {
    &vc_command_vma_list,   &vc_command_vma_config, &vc_command_vma_extract,
    &vc_command_vma_verify, &vc_command_vma_create, NULL,
};

const VcFormat *
vc_vma_format(void)
{
    const VcFormat *format = vc_format_find("vma", NULL);
    g_assert(format);
    return format;
}

bool
vc_vma_open(const VcReading *reading, const char *name, VcImage *image, GError **error)
{
    return vc_reading_open(reading, name, vc_vma_format(), image, error);
}

static const char *
find_fact(const VcFacts *facts, const char *key)
{
    for (guint i = 0; i < facts->facts->len; i++) {
        const VcFact *fact = &g_array_index(facts->facts, VcFact, i);
        if (fact->type == VC_FACT_TEXT && strcmp(fact->key, key) == 0)
            return fact->text;
    }
    return NULL;
}

static int64_t
find_time(const VcFacts *facts)
{
    for (guint i = 0; i < facts->facts->len; i++) {
        const VcFact *fact = &g_array_index(facts->facts, VcFact, i);
        if (fact->type == VC_FACT_NUMBER && strcmp(fact->key, "ctime") == 0)
            return (int64_t)fact->number;
    }
    return 0;
}

void
vc_vma_print_list(const VcSource *archive)
{
    VcFacts facts;
    vc_facts_init(&facts);
    archive->ops->describe(archive, &facts);
    const char *text = find_fact(&facts, "device-ids");
    g_auto(GStrv) ids = g_strsplit(text ? text : "", ",", -1);
    g_assert(g_strv_length(ids) == archive->layout.n_disks);

    for (unsigned i = 0; i < archive->layout.n_blobs; i++)
        vc_print_line("CFG: size: %" G_GSIZE_FORMAT " name: %s",
                      archive->layout.blobs[i].length, archive->layout.blobs[i].name);
    for (unsigned i = 0; i < archive->layout.n_disks; i++) {
        const VcDisk *disk = &archive->layout.disks[i];
        if (disk->vmstate)
            vc_print_line("VMSTATE: dev_id=%s memory: %" G_GUINT64_FORMAT, ids[i],
                          disk->size);
        else
            vc_print_line("DEV: dev_id=%s size: %" G_GUINT64_FORMAT " devname: %s",
                          ids[i], disk->size, disk->name);
    }
    /* As ctime(3) prints it: in local time. A year that it cannot print gives NULL. */
    time_t time_s = (time_t)find_time(&facts);
    char buffer[64] = "(null)";
    struct tm tm;
    if (localtime_r(&time_s, &tm))
        strftime(buffer, sizeof buffer, "%a %b %e %H:%M:%S %Y", &tm);
    vc_print_line("CTIME: %s", buffer);
    vc_facts_clear(&facts);
}

static void
print_help(void)
{
    vc_print_line(vc_manners == VC_MANNERS_VMA
                      ? "Usage: vma COMMAND [OPTION…] …"
                      : "Usage: vconv vma COMMAND [OPTION…] …");
    vc_print_text("\nWhat Proxmox's tool of the name vma does.\n\nCommands:\n");
    for (size_t i = 0; commands[i]; i++)
        vc_print_line("  %-8s %s", strchr(commands[i]->name, ' ') + 1,
                      commands[i]->summary);
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    (void)command;
    if (argc < 2) {
        vc_fail(error, VC_ERROR_USAGE,
                "vma wants a command: list, config, extract, "
                "verify or create");
        return 1;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help();
        return 0;
    }
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(strchr(commands[i]->name, ' ') + 1, argv[1]) == 0)
            return commands[i]->run(commands[i], argc - 1, argv + 1, error);
    vc_fail(error, VC_ERROR_USAGE,
            "vma has no command '%s'; it has list, config, extract, verify and create",
            argv[1]);
    return 1;
}

const VcCommand vc_command_vma = {
    .name = "vma",
    .usage = "COMMAND …",
    .summary = "What Proxmox's tool vma does: list, config, extract, verify, create.",
    .run = run,
};
