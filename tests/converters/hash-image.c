/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens an image as users name it and prints what it holds, for tests written in
 * Python: lines "parent PATH", "warning TEXT", "disk SIZE SHA256 NAME", or "error CODE
 * TEXT". Called as: hash-image [chain] [ahead] [spool=DIR] [workers=N] IMAGE. */
#include "converters/image.h"
#include "io/error.h"
#include "tests/converters/hash.h"

#include <stdio.h>
#include <string.h>

static bool
parse(const char *word, VcImageOptions *options, VcConvertOptions *convert)
{
    if (strcmp(word, "chain") == 0)
        options->follow_chain = true;
    else if (strcmp(word, "ahead") == 0)
        options->readahead = 1;
    else if (g_str_has_prefix(word, "spool="))
        options->spool = word + strlen("spool=");
    else if (g_str_has_prefix(word, "workers="))
        convert->workers = (unsigned)g_ascii_strtoull(word + strlen("workers="), NULL,
                                                      10);
    else
        return false;
    return true;
}

static bool
print_image(const VcImage *image, const VcConvertOptions *options, GError **error)
{
    const VcLayout *layout = &image->source->layout;
    for (unsigned i = 0; i < image->parents->len; i++)
        printf("parent %s\n", ((const VcAncestor *)image->parents->pdata[i])->path);
    for (unsigned i = 0; i < layout->n_disks; i++) {
        if (image->disk >= 0 && (unsigned)image->disk != i)
            continue;
        g_autofree char *hash = vc_hash_disk(image->source, i, options, error);
        if (!hash)
            return false;
        printf("disk %" G_GUINT64_FORMAT " %s %s\n", layout->disks[i].size, hash,
               layout->disks[i].name);
    }
    for (unsigned i = 0; i < image->source->warnings->len; i++)
        printf("warning %s\n", (const char *)image->source->warnings->pdata[i]);
    return true;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    VcImageOptions options = { 0 };
    VcConvertOptions convert = { 0 };
    VcImage image;
    int i = 1;

    while (i < argc - 1 && parse(argv[i], &options, &convert))
        i++;
    if (i != argc - 1)
        return 2;
    bool ok = vc_image_open(&image, argv[i], &options, &error);
    if (ok) {
        ok = print_image(&image, &convert, &error);
        vc_image_clear(&image);
    }
    if (!ok)
        printf("error %d %s\n", error->code, error->message);
    return ok ? 0 : 1;
}
