/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `info` tells about one image. */
#include "cli/about.h"

#include "cli/hyperv.h"

#include <string.h>
#include <sys/stat.h>

void
vc_about_init(VcAbout *about, const VcImage *image, const char *parent)
{
    struct stat st;
    *about = (VcAbout){ .image = image,
                        .parent = parent,
                        .obstacles = vc_hyperv_obstacles(image) };
    vc_facts_init(&about->facts);
    if (image->source->ops->describe)
        image->source->ops->describe(image->source, &about->facts);
    if (strcmp(image->path, "-") != 0 && stat(image->path, &st) == 0) {
        about->has_actual = true;
        about->actual_size = (uint64_t)st.st_blocks * 512;
    }
}

void
vc_about_clear(VcAbout *about)
{
    vc_facts_clear(&about->facts);
    g_clear_pointer(&about->obstacles, g_ptr_array_unref);
}
const VcFact *
vc_about_fact(const VcAbout *about, const char *key)
{
    for (guint i = 0; i < about->facts.facts->len; i++) {
        const VcFact *fact = &g_array_index(about->facts.facts, VcFact, i);
        if (strcmp(fact->key, key) == 0)
            return fact;
    }
    return NULL;
}

bool
vc_about_is_archive(const VcAbout *about)
{
    return about->image->source->format->max_disks > 1;
}

const VcDisk *
vc_about_disk(const VcAbout *about)
{
    const VcLayout *layout = &about->image->source->layout;
    if (about->image->disk >= 0)
        return &layout->disks[about->image->disk];
    return vc_about_is_archive(about) ? NULL : &layout->disks[0];
}

const char *
vc_about_stored_parent(const VcAbout *about)
{
    const VcSource *source = about->image->source;
    return source->parent && source->parent->paths ? source->parent->paths[0] : NULL;
}
