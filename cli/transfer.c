/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a command moves data into outputs. */
#include "cli/transfer.h"

#include "cli/print.h"
#include "io/bytes.h"
#include "io/error.h"

#include <string.h>
#include <unistd.h>

/* A hostile file may have a fault in each of its blocks. */
#define WARNINGS_MAX 20u

static void
free_image(gpointer image)
{
    vc_image_clear(image);
    g_free(image);
}

GPtrArray *
vc_transfer_images_new(void)
{
    return g_ptr_array_new_with_free_func(free_image);
}

VcImage *
vc_transfer_open(const VcTransfer *t, GPtrArray *images, const char *name,
                 const VcFormat *format, GError **error)
{
    VcReading reading = t->reading;
    reading.image.watches = t->watches;
    reading.image.others = images;
    VcImage *image = g_new0(VcImage, 1);
    g_ptr_array_add(images, image);
    return vc_reading_open(&reading, name, format, image, error) ? image : NULL;
}

const VcFormat *
vc_transfer_format_by_name(const char *path)
{
    g_autofree char *name = g_ascii_strdown(path, -1);
    const char *compressed = vc_compression_suffix(vc_compression_by_name(path));
    name[strlen(name) - strlen(compressed)] = '\0';
    size_t n = 0;
    while (vc_formats[n + 1] && !g_str_has_suffix(name, vc_formats[n]->suffix))
        n++;
    return vc_formats[n]; /* raw is the last */
}

static bool
has_option(const VcFormat *format, const char *key)
{
    for (const VcOptionSpec *s = format->create_options; s && s->key; s++)
        if (strcmp(s->key, key) == 0)
            return true;
    return false;
}

/* Who calls us qemu-img goes on with QEMU, which before 10.0 takes the size of a VHD
 * from its geometry unless the name of its creator is one that it knows. */
static void
please_qemu(const VcTransfer *t, const VcFormat *format)
{
    if (vc_manners == VC_MANNERS_QEMU_IMG && has_option(format, "creator") &&
        !vc_options_text(t->create, "creator", NULL))
        vc_options_set(t->create, "creator", "win");
}

/* Else nobody would look for them: their names begin with a dot. */
void
vc_transfer_say_leftovers(const char *path)
{
    if (strcmp(path, "-") == 0)
        return;
    g_autoptr(GPtrArray) names = vc_output_leftovers(path);
    for (guint i = 0; i < names->len; i++) {
        if (i == WARNINGS_MAX) {
            vc_print_note("%u more files of the kind", names->len - i);
            break;
        }
        vc_print_note("%s was left by a run that did not end; nothing uses it",
                      (const char *)names->pdata[i]);
    }
}

VcTarget
vc_transfer_target(const VcTransfer *t, const char *path, const VcFormat *format)
{
    please_qemu(t, format);
    VcTarget target = { .path = path,
                        .format = format,
                        .options = t->create,
                        .mode = t->mode,
                        .target_is_zero = t->target_is_zero,
                        .compress = t->compression };
    /* Its name says what a file holds. Who calls us qemu-img means a disk as it is. */
    bool told = format->max_disks > 1 || vc_manners != VC_MANNERS_QEMU_IMG;
    if (!t->compress && told && strcmp(path, "-") != 0)
        target.compress.compression = vc_compression_by_name(path);
    vc_transfer_say_leftovers(path);
    return target;
}

unsigned
vc_transfer_add_target(VcConversion *conversion, VcTarget *target)
{
    unsigned index = vc_conversion_add_target(conversion, target);
    vc_layout_clear(&target->layout);
    return index;
}

VcDisk *
vc_transfer_add_disk(const VcTransfer *t, VcTarget *target, const VcDisk *disk,
                     const char *name)
{
    uint64_t size = disk->size;
    if (t->size_align > 1 && size != VC_SIZE_UNKNOWN &&
        vc_round_up(disk->size, t->size_align, &size) && size != disk->size)
        vc_print_note("%s: size %" G_GUINT64_FORMAT " rounded up to %" G_GUINT64_FORMAT,
                      target->path, disk->size, size);

    VcDisk *added = vc_layout_add_disk(&target->layout, name, size);
    added->logical_sector = disk->logical_sector;
    added->physical_sector = disk->physical_sector;
    added->vmstate = disk->vmstate;
    return added;
}

void
vc_transfer_say(const GPtrArray *warnings, const char *path)
{
    for (guint i = 0; i < warnings->len; i++) {
        if (i == WARNINGS_MAX) {
            vc_print_warning("%s%s%u more of the kind", path ? path : "",
                             path ? ": " : "", warnings->len - i);
            break;
        }
        vc_print_warning("%s%s%s", path ? path : "", path ? ": " : "",
                         (const char *)warnings->pdata[i]);
    }
}

void
vc_transfer_say_guess(const VcImage *image)
{
    if (image->guessed_raw && vc_manners == VC_MANNERS_VCONV)
        vc_print_note("reading %s as raw", image->source->file->name);
}

static bool
refuse_unaligned(const VcTransfer *t, const VcConversion *conversion, GError **error)
{
    for (guint i = 0; t->size_align > 1 && i < conversion->targets->len; i++) {
        const VcTarget *target = &g_array_index(conversion->targets, VcTarget, i);
        for (unsigned disk = 0; disk < target->layout.n_disks; disk++) {
            if (target->layout.disks[disk].size != VC_SIZE_UNKNOWN)
                continue;
            vc_fail(error, VC_ERROR_USAGE,
                    "%s: --size-align needs to know the size of the source; give it "
                    "with --size",
                    target->path);
            return false;
        }
    }
    return true;
}

/* What is said on FD must not get into the image at PATH. */
static bool
refuse_into(const char *path, int fd, GError **error)
{
    if (!vc_output_is(path, fd))
        return true;
    g_autofree char *name = fd == STDERR_FILENO ? g_strdup("standard error")
                                                : g_strdup_printf("descriptor %d", fd);
    vc_fail(
        error, VC_ERROR_USAGE,
        "%s: %s leads there as well, and what is said on it would become part of the "
        "image; lead it elsewhere",
        strcmp(path, "-") == 0 ? "standard output" : path, name);
    return false;
}

static bool
refuse_messages(const VcTransfer *t, const VcConversion *conversion,
                const GPtrArray *images, GError **error)
{
    bool progress = t->style != VC_PROGRESS_NONE;
    for (guint i = 0; i < images->len && progress; i++) {
        const VcImage *image = images->pdata[i];
        if (strcmp(image->path, "-") != 0 && !refuse_into(image->path, t->fd, error))
            return false;
    }
    for (guint i = 0; i < conversion->targets->len; i++) {
        const char *path = g_array_index(conversion->targets, VcTarget, i).path;
        if (t->quiet && vc_output_is(path, STDERR_FILENO))
            vc_progress_hush();
        if ((!t->quiet && !refuse_into(path, STDERR_FILENO, error)) ||
            (progress && !refuse_into(path, t->fd, error)))
            return false;
    }
    return true;
}

/* Whoever counts on a copy of its own must know that it is none. */
static void
say_shared(const VcConvertStats *stats)
{
    if (stats->cloned == 0 || vc_manners != VC_MANNERS_VCONV)
        return;
    g_autofree char *shared = vc_print_size(stats->cloned),
                    *copied = vc_print_size(stats->written);
    vc_print_note("%s share their place on the disk with the source, %s were copied; "
                  "--reflink=never copies all",
                  shared, copied);
}

bool
vc_transfer_run(VcTransfer *t, VcConversion *conversion, const GPtrArray *images,
                GError **error)
{
    if (!refuse_unaligned(t, conversion, error) ||
        !refuse_messages(t, conversion, images, error))
        return false;
    vc_progress_start(t->style, t->fd, "copy");
    conversion->watches = t->watches;
    conversion->images = images;
    conversion->inputs = t->inputs;
    VcConvertStats stats = { 0 };
    bool well = vc_conversion_run(conversion, &t->convert, &stats, error);
    vc_progress_end(well);
    g_ptr_array_set_size(t->watches, 0);
    if (!well)
        return false;
    for (guint i = 0; i < images->len; i++) {
        const VcImage *image = images->pdata[i];
        vc_transfer_say(vc_source_warnings(image->source), image->path);
    }
    vc_transfer_say(conversion->warnings, NULL);
    say_shared(&stats);
    return true;
}
