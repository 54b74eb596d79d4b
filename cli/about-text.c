/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `info` tells about one image, for people. */
#include "cli/about.h"

#include "cli/print.h"

static void
print_size_line(const char *label, const char *name, uint64_t size)
{
    g_autofree char *rounded = vc_print_size(size);
    vc_print_line("%s%s: %s (%" G_GUINT64_FORMAT " bytes)", label, name, rounded, size);
}

static void
print_archive(const VcAbout *about)
{
    const VcLayout *layout = &about->image->source->layout;
    vc_print_line("disks:");
    for (unsigned i = 0; i < layout->n_disks; i++)
        print_size_line("    ", layout->disks[i].name, layout->disks[i].size);
    vc_print_line("configs:");
    for (unsigned i = 0; i < layout->n_blobs; i++)
        vc_print_line("    %s: %" G_GSIZE_FORMAT " bytes", layout->blobs[i].name,
                      layout->blobs[i].length);
}

static void
print_facts(const VcFacts *facts)
{
    if (facts->facts->len > 0)
        vc_print_line("Format specific information:");
    for (guint i = 0; i < facts->facts->len; i++) {
        const VcFact *fact = &g_array_index(facts->facts, VcFact, i);
        if (fact->type == VC_FACT_TEXT)
            vc_print_line("    %s: %s", fact->key, fact->text);
        else if (fact->type == VC_FACT_BOOL)
            vc_print_line("    %s: %s", fact->key, fact->number ? "true" : "false");
        else
            vc_print_line("    %s: %" G_GINT64_FORMAT, fact->key, (gint64)fact->number);
    }
}

void
vc_about_print(const VcAbout *about)
{
    const VcImage *image = about->image;
    const VcSource *source = image->source;
    const VcDisk *disk = vc_about_disk(about);
    const VcFact *block = vc_about_fact(about, "block-size");

    vc_print_line("image: %s", image->path);
    vc_print_line("file format: %s", source->format->name);
    if (image->compression != VC_COMPRESSION_NONE)
        vc_print_line("compression: %s", vc_compression_name(image->compression));
    if (disk && disk->size != VC_SIZE_UNKNOWN)
        print_size_line("virtual size", "", disk->size);
    if (about->has_actual) {
        g_autofree char *rounded = vc_print_size(about->actual_size);
        vc_print_line("disk size: %s", rounded);
    }
    if (block)
        vc_print_line("cluster_size: %" G_GUINT64_FORMAT, block->number);
    if (vc_about_stored_parent(about))
        vc_print_line("backing file: %s%s%s%s", vc_about_stored_parent(about),
                      about->parent ? " (actual path: " : "",
                      about->parent ? about->parent : "", about->parent ? ")" : "");
    if (vc_about_is_archive(about))
        print_archive(about);
    print_facts(&about->facts);
    for (guint i = 0; about->obstacles && i < about->obstacles->len; i++)
        vc_print_line("Hyper-V: %s", (const char *)about->obstacles->pdata[i]);
}
