/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words to commands, and the exit status of what came of them. */
#include "cli/command.h"

#include "cli/migrate.h"
#include "cli/print.h"
#include "cli/signals.h"
#include "io/error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

VcManners vc_manners = VC_MANNERS_VCONV;

static const VcCommand *const commands[] = {
    &vc_command_convert, &vc_command_info,      &vc_command_check,  &vc_command_compare,
    &vc_command_map,     &vc_command_measure,   &vc_command_create, &vc_command_dd,
    &vc_command_repack,  &vc_command_roundtrip, &vc_command_vma,    NULL,
};

/* What qemu-img can and vconv does not. */
static const char *const not_ours[] = {
    "amend", "bench", "bitmap", "commit", "rebase", "resize", "snapshot", NULL,
};

static const VcCommand *
find_command(const VcCommand *const *among, const char *name)
{
    for (; *among; among++)
        if (strcmp((*among)->name, name) == 0)
            return *among;
    return NULL;
}

static void
print_commands(const VcCommand *const *among)
{
    for (; *among; among++)
        vc_print_line("  %-10s %s", (*among)->name, (*among)->summary);
}

static void
print_help(void)
{
    vc_print_line("Usage: vconv COMMAND [OPTION…] …");
    vc_print_text(
        "\nConverts disk images: VMA archives of Proxmox, VHD, VHDX and raw.\n");
    vc_print_text("\nCommands:\n");
    print_commands(commands);

    vc_print_text("\nFrom one format to another, archives as a whole:\n");
    g_autoptr(GPtrArray) pairs = vc_migrate_names();
    for (guint i = 0; i < pairs->len; i++)
        vc_print_line("  %s", (const char *)pairs->pdata[i]);

    vc_print_text(
        "\n'vconv COMMAND --help' tells about one of them. Through a symbolic\n"
        "link named 'qemu-img' or 'vma' vconv behaves as that tool does.\n");
}

/* qemu-img has none of the others. */
static bool
is_qemu_command(const VcCommand *command)
{
    return command != &vc_command_vma && command != &vc_command_repack &&
           command != &vc_command_roundtrip;
}

static const VcCommand *
choose_command(const char *name, GError **error)
{
    const VcCommand *command = find_command(commands, name);
    if (command && vc_manners == VC_MANNERS_QEMU_IMG && !is_qemu_command(command))
        command = NULL;
    if (!command && vc_manners == VC_MANNERS_VCONV)
        command = vc_migrate_find(name);
    if (command)
        return command;
    if (g_strv_contains(not_ours, name))
        vc_fail(error, VC_ERROR_UNSUPPORTED, "%s is not supported by vconv", name);
    else
        vc_fail(error, VC_ERROR_USAGE,
                "there is no command '%s'; 'vconv --help' lists them", name);
    return NULL;
}

static bool
is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static int
dispatch(int argc, char **argv, GError **error)
{
    if (vc_manners == VC_MANNERS_VMA)
        return vc_command_vma.run(&vc_command_vma, argc, argv, error);
    if (argc < 2) {
        vc_fail(error, VC_ERROR_USAGE, "what shall be done? 'vconv --help' tells");
        return 1;
    }
    if (is_one_of(argv[1], "--version", "-V")) {
        vc_print_line(vc_manners == VC_MANNERS_QEMU_IMG ? "qemu-img (vconv) %s"
                                                        : "vconv %s",
                      VCONV_VERSION);
        return 0;
    }
    if (is_one_of(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0) {
        print_help();
        return 0;
    }
    const VcCommand *command = choose_command(argv[1], error);
    return command ? command->run(command, argc - 1, argv + 1, error) : 1;
}

/* By the name we were called, as busybox does. */
static VcManners
find_manners(const char *name)
{
    g_autofree char *base = g_path_get_basename(name);
    if (strcmp(base, "qemu-img") == 0)
        return VC_MANNERS_QEMU_IMG;
    if (strcmp(base, "vma") == 0)
        return VC_MANNERS_VMA;
    return VC_MANNERS_VCONV;
}

/* A standard descriptor that came closed would be given to the next file that is
 * opened, and then an image get our messages. It is opened the wrong way round, so that
 * whoever uses it is told. */
static bool
occupy_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

int
main(int argc, char **argv)
{
    static const char *const programs[] = { "vconv", "qemu-img", "vma" };
    g_autoptr(GError) error = NULL;

    if (!occupy_descriptors())
        return 1; /* and nowhere to say why */
    vc_manners = find_manners(argc > 0 ? argv[0] : "vconv");
    vc_print_init(programs[vc_manners]);
    vc_signals_install();

    int status = dispatch(argc, argv, &error);
    if (!error) {
        vc_print_release();
        if (!vc_print_flush(&error))
            status = 1;
    }
    if (error) {
        vc_print_error(error);
        if (status == 0)
            status = 1;
        if (vc_signals_caught() != 0)
            status = 128 + vc_signals_caught();
    }
    return status;
}
