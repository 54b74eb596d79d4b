/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `info` tells about one image, as JSON. */
#include "cli/about.h"

static void
json_disks(JsonBuilder *b, const VcLayout *layout)
{
    json_builder_set_member_name(b, "disks");
    json_builder_begin_array(b);
    for (unsigned i = 0; i < layout->n_disks; i++) {
        json_builder_begin_object(b);
        vc_json_text(b, "name", layout->disks[i].name);
        vc_json_number(b, "virtual-size", layout->disks[i].size);
        vc_json_bool(b, "vmstate", layout->disks[i].vmstate);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
}

static void
json_configs(JsonBuilder *b, const VcLayout *layout)
{
    json_builder_set_member_name(b, "configs");
    json_builder_begin_array(b);
    for (unsigned i = 0; i < layout->n_blobs; i++) {
        json_builder_begin_object(b);
        vc_json_text(b, "name", layout->blobs[i].name);
        vc_json_number(b, "size", layout->blobs[i].length);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
}

static void
json_archive(JsonBuilder *b, const VcAbout *about)
{
    static const char *const keys[] = { "uuid", "created" };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const VcFact *fact = vc_about_fact(about, keys[i]);
        if (fact)
            vc_json_text(b, keys[i], fact->text);
    }
    json_disks(b, &about->image->source->layout);
    json_configs(b, &about->image->source->layout);
}

static void
json_sentences(JsonBuilder *b, const char *key, const GPtrArray *sentences)
{
    if (!sentences || sentences->len == 0)
        return;
    json_builder_set_member_name(b, key);
    json_builder_begin_array(b);
    for (guint i = 0; i < sentences->len; i++) {
        g_autofree char *valid = g_utf8_make_valid(sentences->pdata[i], -1);
        json_builder_add_string_value(b, valid);
    }
    json_builder_end_array(b);
}

void
vc_about_json(const VcAbout *about, JsonBuilder *b)
{
    const VcImage *image = about->image;
    const VcSource *source = image->source;
    const VcDisk *disk = vc_about_disk(about);
    const VcFact *block = vc_about_fact(about, "block-size");

    json_builder_begin_object(b);
    if (disk && disk->size != VC_SIZE_UNKNOWN)
        vc_json_number(b, "virtual-size", disk->size);
    vc_json_text(b, "filename", image->path);
    if (block)
        vc_json_number(b, "cluster-size", block->number);
    vc_json_text(b, "format", source->format->name);
    if (about->has_actual)
        vc_json_number(b, "actual-size", about->actual_size);
    if (image->compression != VC_COMPRESSION_NONE)
        vc_json_text(b, "compression", vc_compression_name(image->compression));
    if (vc_about_stored_parent(about))
        vc_json_text(b, "backing-filename", vc_about_stored_parent(about));
    if (about->parent)
        vc_json_text(b, "full-backing-filename", about->parent);
    if (vc_about_is_archive(about))
        json_archive(b, about);
    if (about->facts.facts->len > 0) {
        json_builder_set_member_name(b, "format-specific");
        json_builder_begin_object(b);
        vc_json_text(b, "type", source->format->name);
        json_builder_set_member_name(b, "data");
        json_builder_begin_object(b);
        vc_json_facts(b, &about->facts);
        json_builder_end_object(b);
        json_builder_end_object(b);
    }
    json_sentences(b, "warnings", source->warnings);
    json_sentences(b, "hyper-v-obstacles", about->obstacles);
    const VcFact *dirty = vc_about_fact(about, "log-dirty");
    vc_json_bool(b, "dirty-flag", dirty && dirty->number != 0);
    json_builder_end_object(b);
}
