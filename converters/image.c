/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening an image as the user names it. */
#include "converters/image.h"

#include "converters/content.h"
#include "converters/names.h"
#include "converters/spool.h"
#include "formats/label.h"
#include "io/error.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many disks a message lists. */
#define LISTED_MAX 16u

static bool
exists(const char *path)
{
    struct stat status;
    return strcmp(path, "-") == 0 || stat(path, &status) == 0;
}

/* Splits NAME where "#disk" begins: both path and disk may have more of that character,
 * so the longest path wins that exists. *DISK is NULL when none is named. */
static void
split_name(const char *name, char **path, char **disk)
{
    *disk = NULL;
    if (!exists(name)) {
        const char *hash = strrchr(name, '#');
        for (const char *at = hash; at; at = g_strrstr_len(name, at - name, "#")) {
            g_autofree char *before = g_strndup(name, (gsize)(at - name));
            if (exists(before)) {
                *path = g_steal_pointer(&before);
                *disk = g_strdup(at + 1);
                return;
            }
        }
        /* Nothing of that name: then the path is what people mean by it. */
        if (hash) {
            *path = g_strndup(name, (gsize)(hash - name));
            *disk = g_strdup(hash + 1);
            return;
        }
    }
    *path = g_strdup(name);
}

/* What comes out of a file that nothing else says is compressed, and is no known image
 * either, is more likely a part of a disk. */
static bool
refuse_doubtful(const VcImage *image, const VcContent *content, GError **error)
{
    if (content->compression == VC_COMPRESSION_NONE || !image->guessed_raw ||
        content->said)
        return true;
    vc_fail(error, VC_ERROR_USAGE,
            "%s: begins as %s data does, and holds no image that is known: -f raw "
            "takes it as it is; with a name that ends in .gz, .zst or .lzo it is "
            "decompressed",
            image->path, vc_compression_name(content->compression));
    return false;
}

/* Opens FILE (taken) as the format that was given or that it has. */
static VcSource *
open_format(VcImage *image, VcFile *file, const VcImageOptions *options, GError **error)
{
    g_autoptr(VcFile) owned = file;
    const VcFormat *format = options->format;
    if (!format)
        format = vc_format_probe(file, error);
    if (!format)
        return NULL;
    image->guessed_raw = !options->format && !format->probe;
    if (!file->seekable && !format->from_stream) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "%s: a %s image cannot be read from a pipe or a compressed file, since "
                "its tables need random access; --spool DIR copies it to a temporary "
                "file first",
                file->name, format->name);
        return NULL;
    }
    VcSource *source = vc_format_open(format, g_steal_pointer(&owned), options->options,
                                      error);
    if (source)
        source->guessed = image->guessed_raw;
    return source;
}

/* "backup.vma#drive-scsi0, backup.vma#drive-efidisk0" */
static char *
list_disks(const VcImage *image)
{
    const VcLayout *layout = &image->source->layout;
    GString *list = g_string_new(NULL);
    for (unsigned i = 0; i < MIN(layout->n_disks, LISTED_MAX); i++) {
        g_autofree char *name = vc_label(layout->disks[i].name);
        g_string_append_printf(list, "%s%s#%s", i > 0 ? ", " : "", image->path, name);
    }
    if (layout->n_disks > LISTED_MAX)
        g_string_append_printf(list, " and %u more", layout->n_disks - LISTED_MAX);
    return g_string_free(list, FALSE);
}

/* One of several would be read in the place of the one that is meant. */
static bool
refuse_equal_names(const VcImage *image, const char *disk, GError **error)
{
    const VcLayout *layout = &image->source->layout;
    unsigned found = 0;
    for (unsigned i = 0; i < layout->n_disks; i++)
        found += strcmp(layout->disks[i].name, disk) == 0;
    if (found <= 1)
        return true;
    g_autofree char *name = vc_printable(disk);
    vc_fail(error, VC_ERROR_USAGE,
            "%s: %u disks are called '%s', which says of none that it is meant; "
            "%s-to-raw of the whole archive writes each of them",
            image->path, found, name, image->source->format->name);
    return false;
}

static bool
select_disk(VcImage *image, const char *disk, GError **error)
{
    VcSource *source = image->source;
    image->disk = vc_source_find_disk(source, disk);
    if (image->disk >= 0) {
        for (unsigned i = 0; i < source->layout.n_disks; i++)
            source->skip[i] = i != (unsigned)image->disk;
        return refuse_equal_names(image, disk, error);
    }
    g_autofree char *name = vc_printable(disk), *list = list_disks(image);
    if (source->format->max_disks == 1)
        vc_fail(error, VC_ERROR_USAGE,
                "%s: a %s image holds one disk without a name, not one called '%s'",
                image->path, source->format->name, name);
    else
        vc_fail(error, VC_ERROR_USAGE, "%s: no disk is called '%s'; there are %s",
                image->path, name, source->layout.n_disks > 0 ? list : "none");
    return false;
}

static bool
is_input(const char *path)
{
    return g_strcmp0(path, "-") == 0;
}

/* Whether A and B are one pipe, socket or terminal. */
static bool
is_same_stream(const char *a, const char *b)
{
    struct stat of_a, of_b;
    if ((is_input(a) ? fstat(STDIN_FILENO, &of_a) : stat(a, &of_a)) != 0 ||
        (is_input(b) ? fstat(STDIN_FILENO, &of_b) : stat(b, &of_b)) != 0)
        return false;
    return of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino &&
           !S_ISREG(of_a.st_mode) && !S_ISBLK(of_a.st_mode);
}

/* Each would get what the other has not read. Of a FIFO that was read to its end even
 * the opening would wait for ever. */
static bool
refuse_taken(const VcImage *image, const VcImageOptions *options, GError **error)
{
    for (guint i = 0; options->others && i < options->others->len; i++) {
        const VcImage *other = options->others->pdata[i];
        if (other == image || !other->path)
            continue;
        bool input = is_input(image->path);
        if (!(input && is_input(other->path)) &&
            !is_same_stream(image->path, other->path))
            continue;
        vc_fail(error, VC_ERROR_USAGE,
                "%s is one image already, it cannot be another one, too",
                input ? "standard input" : image->path);
        return false;
    }
    return true;
}

static bool
open_image(VcImage *image, const char *name, const VcImageOptions *options,
           GError **error)
{
    g_autofree char *disk = g_strdup(options->disk);
    if (disk)
        image->path = g_strdup(name); /* all of it: no file "NAME#DISK" goes before */
    else
        split_name(name, &image->path, &disk);
    if (!refuse_taken(image, options, error))
        return false;

    VcContent content;
    g_autoptr(VcFile) file = vc_content_open(image->path, options, &content, error);
    if (file && !file->seekable && options->spool)
        file = vc_spool(g_steal_pointer(&file), options->spool, error);
    if (!file)
        return false;
    image->compression = content.compression;
    image->source = open_format(image, g_steal_pointer(&file), options, error);
    if (!image->source || !refuse_doubtful(image, &content, error))
        return false;
    /* Somebody may have meant what would come out of it. */
    if (content.ignored != VC_COMPRESSION_NONE)
        vc_warn(image->source->warnings,
                "begins as %s data does, and is read as it is, since -f %s was given",
                vc_compression_name(content.ignored), options->format->name);
    if (image->source->parent && !options->no_parent &&
        !vc_chain_adopt(image->source, image->path, options, image->parents, error))
        return false;
    return !disk || select_disk(image, disk, error);
}

bool
vc_image_open(VcImage *image, const char *name, const VcImageOptions *options,
              GError **error)
{
    *image = (VcImage){ .disk = -1 };
    image->parents = vc_ancestors_new();
    if (open_image(image, name, options, error))
        return true;
    vc_image_clear(image);
    return false;
}

bool
vc_image_single_disk(const VcImage *image, unsigned *disk, GError **error)
{
    const VcLayout *layout = &image->source->layout;
    unsigned found = 0;

    if (image->disk >= 0) {
        *disk = (unsigned)image->disk;
        return true;
    }
    /* The RAM beside a disk is not meant by "the disk". */
    for (unsigned i = 0; i < layout->n_disks; i++) {
        if (layout->disks[i].vmstate && layout->n_disks > 1)
            continue;
        *disk = i;
        found++;
    }
    if (found == 1)
        return true;
    if (layout->n_disks == 0) {
        vc_fail(error, VC_ERROR_USAGE, "%s: holds no disk", image->path);
        return false;
    }
    g_autofree char *list = list_disks(image);
    vc_fail(error, VC_ERROR_USAGE, "%s: holds %u disks; name one of %s", image->path,
            layout->n_disks, list);
    return false;
}

void
vc_image_clear(VcImage *image)
{
    g_clear_pointer(&image->source, vc_source_free);
    g_clear_pointer(&image->path, g_free);
    g_clear_pointer(&image->parents, g_ptr_array_unref);
}
