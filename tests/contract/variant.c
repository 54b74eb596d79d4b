/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every way in which a registered format can be written. */
#include "tests/contract/variant.h"

#include "io/null.h"

static GArray *variants; /* of Variant */

static void
add_variant(const VcFormat *format, const char *key, const char *value)
{
    Variant variant = { .format = format };
    if (key) {
        variant.options = vc_options_new();
        vc_options_set(variant.options, key, value);
        variant.text = g_strdup_printf("%s %s=%s", format->name, key, value);
    } else {
        variant.text = g_strdup(format->name);
    }
    g_array_append_val(variants, variant);
}

static void
add_variants(const VcFormat *format)
{
    add_variant(format, NULL, NULL);
    const VcOptionSpec *spec = format->create_options;
    for (; spec && spec->key; spec++) {
        if (spec->type != VC_OPTION_CHOICE)
            continue;
        g_auto(GStrv) choices = g_strsplit(spec->choices, "|", -1);
        for (char **choice = choices; *choice; choice++)
            add_variant(format, spec->key, *choice);
    }
}

static void
find_variants(void)
{
    if (variants)
        return;
    variants = g_array_new(FALSE, FALSE, sizeof(Variant));
    for (size_t i = 0; vc_formats[i]; i++)
        if (vc_formats[i]->create && vc_formats[i]->open)
            add_variants(vc_formats[i]);
}

unsigned
variant_count(void)
{
    find_variants();
    return variants->len;
}

const Variant *
variant_get(int index)
{
    find_variants();
    return &g_array_index(variants, Variant, index);
}

bool
variant_layout(const Variant *variant, unsigned n, uint64_t size, VcLayout *layout)
{
    *layout = (VcLayout){ 0 };
    if (n > variant->format->max_disks)
        return false;
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("drive-scsi%u", i);
        vc_layout_add_disk(layout, name, size + i * (uint64_t)VC_CELL);
    }
    return true;
}

uint64_t
variant_unit(const Variant *variant)
{
    VcIdentity identity = { .reproducible = true };
    g_autoptr(VcFile) nothing = vc_null_file("nothing");
    VcLayout layout;
    variant_layout(variant, 1, 1 << 20, &layout);
    g_autoptr(VcSink) sink = vc_format_create(variant->format, nothing, &layout,
                                              variant->options, &identity, NULL);
    vc_layout_clear(&layout);
    return sink ? sink->unit : 0;
}
