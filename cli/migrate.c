/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `<a>-to-<b>`: one command for each pair of formats that can work. */
#include "cli/migrate.h"

#include "cli/archive.h"
#include "cli/print.h"
#include "cli/unpack.h"
#include "io/error.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    VcArguments arguments;
    VcTransfer transfer;
    VcArchive archive;
    const VcFormat *from, *to;
} Migrate;

static void
migrate_clear(Migrate *m)
{
    vc_arguments_clear(&m->arguments);
    vc_transfer_clear(&m->transfer);
    vc_archive_clear(&m->archive);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Migrate, migrate_clear)

static const VcFormat *
find_format(const char *name)
{
    for (size_t i = 0; vc_formats[i]; i++)
        if (strcmp(vc_formats[i]->name, name) == 0 ||
            g_strcmp0(vc_formats[i]->alias, name) == 0)
            return vc_formats[i];
    return NULL;
}

static bool
find_pair(const char *name, const VcFormat **from, const VcFormat **to)
{
    const char *middle = strstr(name, "-to-");
    if (!middle)
        return false;
    g_autofree char *first = g_strndup(name, (size_t)(middle - name));
    *from = find_format(first);
    *to = find_format(middle + strlen("-to-"));
    return *from && *to && *from != *to && (*from)->open && (*to)->create;
}

static void
add_options(Migrate *m)
{
    const GOptionEntry size[] = {
        { "size", 0, 0, G_OPTION_ARG_FILENAME, &m->transfer.reading.size,
          "Size of a source that comes from a pipe", "SIZE" },
        { NULL },
    };
    const GOptionEntry disk[] = {
        { "disk", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &m->transfer.disks,
          "Only the disk of this name; may be repeated", "NAME" },
        { NULL },
    };
    const GOptionEntry device[] = {
        { "disk", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &m->transfer.disks,
          "FILE as this device: scsi0, efidisk0, tpmstate0; may be repeated",
          "DEVICE=FILE" },
        { NULL },
    };
    if (strcmp(m->from->name, "raw") == 0)
        vc_arguments_add(&m->arguments, size);
    if (m->to->max_disks > 1) {
        vc_arguments_add(&m->arguments, device);
        vc_archive_add(&m->archive, &m->arguments);
    } else if (m->from->max_disks > 1) {
        vc_arguments_add(&m->arguments, disk);
    }
    vc_transfer_add(&m->transfer, &m->arguments);
}

static bool
unpack(Migrate *m, GError **error)
{
    char **files = m->arguments.files;
    g_auto(VcUnpack) u = { 0 };
    vc_unpack_init(&u, &m->transfer);
    u.directory = files[1];
    u.format = m->to;

    const VcImage *image = vc_transfer_open(&m->transfer, u.images, files[0], m->from,
                                            error);
    bool chosen[VC_DISKS_MAX] = { false };
    if (!image || !vc_unpack_choose(image, m->transfer.disks, chosen, error))
        return false;
    for (unsigned i = 0; i < image->source->layout.n_disks; i++)
        if (chosen[i])
            vc_unpack_disk(&u, image, i, NULL);
    return vc_unpack_configs(&u, image, error) && vc_unpack_run(&u, error);
}

/* DST, or in DST when that is a directory: the name of SRC with the target's suffix. */
static char *
target_path(const Migrate *m, const char *src, const char *dst)
{
    if (strcmp(dst, "-") == 0 ||
        !(g_str_has_suffix(dst, "/") || g_file_test(dst, G_FILE_TEST_IS_DIR)))
        return g_strdup(dst);
    g_autofree char *name = strcmp(src, "-") == 0 ? g_strdup("disk")
                                                  : g_path_get_basename(src);
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
    g_autofree char *file = g_strconcat(name, m->to->suffix, NULL);
    return g_build_filename(dst, file, NULL);
}

static bool
convert_one(Migrate *m, GError **error)
{
    g_autofree char *path = target_path(m, m->arguments.files[0],
                                        m->arguments.files[1]);
    g_autoptr(GPtrArray) images = vc_transfer_images_new();
    g_auto(VcConversion) conversion = { 0 };
    vc_conversion_init(&conversion);

    const VcImage *image = vc_transfer_open(&m->transfer, images, m->arguments.files[0],
                                            m->from, error);
    if (!image)
        return false;
    const VcDisk *disk = &image->source->layout.disks[0];
    VcTarget target = vc_transfer_target(&m->transfer, path, m->to);
    vc_transfer_add_disk(&m->transfer, &target, disk, disk->name);
    unsigned index = vc_transfer_add_target(&conversion, &target);
    vc_conversion_add_route(&conversion, image->source, 0, index, 0);
    return vc_transfer_run(&m->transfer, &conversion, images, error);
}

static bool
migrate(Migrate *m, GError **error)
{
    guint n = m->arguments.n_files;
    char **files = m->arguments.files;

    if (m->to->max_disks > 1) {
        guint least = m->transfer.disks ? 1 : 2;
        if (!vc_arguments_count(&m->arguments, least, G_MAXUINT, "disks and an archive",
                                error))
            return false;
        return vc_archive_write(&m->archive, &m->transfer, m->from, files, n - 1,
                                files[n - 1], m->to, error);
    }
    if (m->from->max_disks > 1)
        return vc_arguments_count(&m->arguments, 2, 2, "an archive and a directory",
                                  error) &&
               unpack(m, error);
    return vc_arguments_count(&m->arguments, 2, 2, "a source and a target", error) &&
           convert_one(m, error);
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Migrate) m = { 0 };
    if (!find_pair(command->name, &m.from, &m.to))
        g_assert_not_reached();
    vc_arguments_init(&m.arguments, command);
    add_options(&m);
    if (!vc_arguments_parse(&m.arguments, argc, argv, error))
        return m.arguments.status;
    if (vc_transfer_help(&m.transfer, m.to))
        return 0;
    if (!vc_transfer_prepare(&m.transfer, error))
        return 1;
    if (m.transfer.style == VC_PROGRESS_NONE && !m.transfer.quiet &&
        isatty(STDERR_FILENO))
        m.transfer.style = VC_PROGRESS_LINE;
    return migrate(&m, error) ? 0 : 1;
}

const VcCommand *
vc_migrate_find(const char *name)
{
    static VcCommand command;
    static char summary[200];

    const VcFormat *from, *to;
    if (!find_pair(name, &from, &to))
        return NULL;
    const char *usage = "SRC DST";
    if (to->max_disks > 1)
        usage = "DISK… ARCHIVE";
    else if (from->max_disks > 1)
        usage = "ARCHIVE DIRECTORY";
    g_snprintf(summary, sizeof summary, "%s  to  %s", from->description,
               to->description);
    command =
        (VcCommand){ .name = name, .usage = usage, .summary = summary, .run = run };
    return &command;
}

static const char *
spoken_name(const VcFormat *format)
{
    return format->alias ? format->alias : format->name;
}

GPtrArray *
vc_migrate_names(void)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; vc_formats[i]; i++) {
        for (size_t j = 0; vc_formats[j]; j++) {
            char *name = g_strdup_printf("%s-to-%s", spoken_name(vc_formats[i]),
                                         spoken_name(vc_formats[j]));
            if (vc_migrate_find(name))
                g_ptr_array_add(names, name);
            else
                g_free(name);
        }
    }
    return names;
}
