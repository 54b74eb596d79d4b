/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `vma extract`: the content of an archive into a directory, or where a map says. */
#include "cli/command.h"

#include "cli/print.h"
#include "cli/unpack.h"
#include "cli/vma-map.h"
#include "cli/vma.h"
#include "formats/label.h"
#include "io/error.h"
#include "io/output.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How much larger than its disk a restored volume may be: what storages round up to. */
#define SURPLUS_MAX ((uint64_t)4 << 20)

typedef struct {
    VcArguments arguments;
    VcTransfer transfer;
    char *names, *map_path;
    gboolean verbose;
    /* Under way. */
    GArray *map;      /* of VcVmaMapping, or NULL */
    unsigned percent; /* said last */
    gint64 begun;     /* microseconds */
} Extract;

static void
extract_clear(Extract *e)
{
    vc_arguments_clear(&e->arguments);
    vc_transfer_clear(&e->transfer);
    g_clear_pointer(&e->names, g_free);
    g_clear_pointer(&e->map_path, g_free);
    g_clear_pointer(&e->map, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Extract, extract_clear)

/* The line of Proxmox's tool with -v, at each percent. */
static void
report(void *user, uint64_t done, uint64_t total)
{
    Extract *e = user;
    unsigned percent = total > 0 ? (unsigned)((unsigned __int128)done * 100 / total)
                                 : 100;
    vc_progress_report(NULL, done, total);
    if (percent == e->percent)
        return;
    e->percent = percent;
    vc_print_line("progress %u%% (read %" G_GUINT64_FORMAT
                  " bytes, duration %" G_GINT64_FORMAT " sec)",
                  percent, done, (g_get_monotonic_time() - e->begun) / G_USEC_PER_SEC);
    vc_print_flush(NULL);
}

/* qmrestore gives volumes that exist; their size must be about that of the disk. */
static bool
check_volume(const char *path, const VcDisk *disk, uint64_t *size, GError **error)
{
    g_autoptr(VcFile) file = vc_posix_open(path, VC_CACHE_WRITEBACK, error);
    if (!file || !vc_file_size(file, size, error)) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    if (*size >= disk->size && *size - disk->size <= SURPLUS_MAX)
        return true;
    g_autofree char *label = vc_label(disk->name);
    vc_fail(error, VC_ERROR_USAGE,
            "%s: unexpected size %" G_GUINT64_FORMAT
            " for disk '%s' of %" G_GUINT64_FORMAT " bytes",
            path, *size, label, disk->size);
    return false;
}

/* As the tool does: what is said, what the path says, what stands there. */
static const VcFormat *
choose_format(const VcVmaMapping *mapping, bool volume, GError **error)
{
    if (mapping->format)
        return vc_format_find(mapping->format, error);
    if (!volume || g_str_has_suffix(mapping->path, ".raw") ||
        g_str_has_prefix(mapping->path, "/dev/"))
        return vc_format_find("raw", error);
    g_autoptr(VcFile) file = vc_posix_open(mapping->path, VC_CACHE_WRITEBACK, error);
    if (!file)
        g_prefix_error(error, "%s: ", mapping->path);
    return file ? vc_format_probe(file, error) : NULL;
}

static bool
add_mapped(Extract *e, VcUnpack *unpack, const VcImage *image, unsigned i,
           const VcVmaMapping *mapping, GError **error)
{
    const VcDisk *disk = &image->source->layout.disks[i];
    struct stat st;
    if (vc_output_is(mapping->path, STDOUT_FILENO)) {
        vc_fail(
            error, VC_ERROR_USAGE,
            "%s: standard output leads there as well, and the list would become part "
            "of the disk",
            mapping->path);
        return false;
    }
    bool exists = stat(mapping->path, &st) == 0;
    if (!exists && errno != ENOENT) {
        vc_fail_errno(error, errno, "%s: cannot see what is there", mapping->path);
        return false;
    }
    /* What else there is (a FIFO) takes what it is given, and cannot be looked at. */
    bool volume = exists && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
    const VcFormat *format = choose_format(mapping, volume, error);
    if (!format)
        return false;

    VcTarget target = { .path = mapping->path,
                        .format = format,
                        .mode = exists ? VC_OUTPUT_IN_PLACE : VC_OUTPUT_NEW,
                        .target_is_zero = exists && !mapping->write_zeros };
    vc_transfer_say_leftovers(mapping->path);
    VcDisk *added = vc_transfer_add_disk(&e->transfer, &target, disk, disk->name);
    /* A volume that is larger stays so. */
    if (volume && !format->probe &&
        !check_volume(mapping->path, disk, &added->size, error)) {
        vc_layout_clear(&target.layout);
        return false;
    }
    if (mapping->rate > 0 &&
        (e->transfer.convert.rate == 0 || mapping->rate < e->transfer.convert.rate))
        e->transfer.convert.rate = mapping->rate;
    unsigned index = vc_transfer_add_target(&unpack->conversion, &target);
    vc_conversion_add_route(&unpack->conversion, image->source, i, index, 0);
    return true;
}

static bool
is_unique(const VcLayout *layout, unsigned i)
{
    for (unsigned j = 0; j < layout->n_disks; j++)
        if (j != i && strcmp(layout->disks[i].name, layout->disks[j].name) == 0)
            return false;
    return true;
}

static bool
add_disk(Extract *e, VcUnpack *unpack, const VcImage *image, unsigned i, GError **error)
{
    const VcLayout *layout = &image->source->layout;
    const char *name = layout->disks[i].name;
    if (layout->disks[i].vmstate) {
        vc_unpack_disk(unpack, image, i, "vmstate.bin");
        return true;
    }
    if (!e->map) {
        vc_unpack_disk(unpack, image, i, NULL);
        return true;
    }
    const VcVmaMapping *mapping = vc_vma_map_find(e->map, name);
    g_autofree char *label = vc_label(name);
    if (!mapping) {
        vc_fail(error, VC_ERROR_USAGE, "%s: no device name mapping for %s", e->map_path,
                label);
        return false;
    }
    if (mapping->skip)
        return true;
    if (!is_unique(layout, i)) {
        vc_fail(error, VC_ERROR_USAGE,
                "%s: two disks are called '%s': a map cannot tell them apart",
                image->path, label);
        return false;
    }
    return add_mapped(e, unpack, image, i, mapping, error);
}

/* What -r wants: the list first, for the writer of the map reads it. */
static bool
read_map(Extract *e, const VcSource *archive, GError **error)
{
    if (!e->map_path)
        return true;
    vc_vma_print_list(archive);
    if (!vc_print_flush(error))
        return false;
    e->map = vc_vma_map_read(e->map_path, error);
    return e->map != NULL;
}

static bool
extract(Extract *e, GError **error)
{
    g_auto(VcUnpack) unpack = { 0 };
    vc_unpack_init(&unpack, &e->transfer);
    unpack.directory = e->arguments.files[1];
    unpack.format = vc_format_find("raw", error);
    unpack.prefix = "disk-";

    g_auto(GStrv) names = e->names ? g_strsplit(e->names, ",", -1) : NULL;
    bool chosen[VC_DISKS_MAX] = { false };
    const VcImage *image = vc_transfer_open(
        &e->transfer, unpack.images, e->arguments.files[0], vc_vma_format(), error);
    if (!image || !vc_unpack_choose(image, names, chosen, error) ||
        !read_map(e, image->source, error))
        return false;
    for (unsigned i = 0; i < image->source->layout.n_disks; i++)
        if (chosen[i] && !add_disk(e, &unpack, image, i, error))
            return false;
    return vc_unpack_configs(&unpack, image, error) && vc_unpack_run(&unpack, error);
}

static int
run(const VcCommand *command, int argc, char **argv, GError **error)
{
    g_auto(Extract) e = { .percent = UINT_MAX, .begun = g_get_monotonic_time() };
    const GOptionEntry entries[] = {
        { "drives", 'd', 0, G_OPTION_ARG_FILENAME, &e.names,
          "Only the disks of these names", "NAME,…" },
        { "map", 'r', 0, G_OPTION_ARG_FILENAME, &e.map_path,
          "Read from FILE, which may be a FIFO, where each disk goes", "FILE" },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &e.verbose, "Show progress", NULL },
        { "force", 0, 0, G_OPTION_ARG_NONE, &e.transfer.force, "Replace existing files",
          NULL },
        { "no-sync", 0, 0, G_OPTION_ARG_NONE, &e.transfer.no_sync,
          "Do not wait until the files are safe from a power cut", NULL },
        { "workers", 'm', 0, G_OPTION_ARG_FILENAME, &e.transfer.workers,
          "Number of threads that move data (16)", "N" },
        { NULL },
    };
    vc_arguments_init(&e.arguments, command);
    vc_arguments_add(&e.arguments, entries);
    vc_reading_add(&e.transfer.reading, &e.arguments);
    if (!vc_arguments_parse(&e.arguments, argc, argv, error))
        return e.arguments.status;
    if (!vc_arguments_count(&e.arguments, 2, 2, "an archive and a directory", error) ||
        !vc_transfer_prepare(&e.transfer, error))
        return 1;
    if (e.verbose) {
        e.transfer.convert.progress = report;
        e.transfer.convert.user = &e;
    }
    return extract(&e, error) ? 0 : 1;
}

const VcCommand vc_command_vma_extract = {
    .name = "vma extract",
    .usage = "ARCHIVE DIRECTORY",
    .summary = "Extract configurations and disks, as raw images.",
    .details =
        "A line of the map is skip=NAME, or [format=F:][throttling.bps=N:]\n"
        "[throttling.group=G:][cache=MODE:]W:NAME=PATH with W 0 (the target reads\n"
        "as zero) or 1. An empty line, \"done\" or the end of the file ends it.",
    .run = run,
};
