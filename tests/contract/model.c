/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks as flat memory, and images made and read the same way. */
#include "tests/contract/model.h"

#include "io/error.h"

#include <string.h>

/* What is read at once. */
#define PIECE ((uint64_t)1 << 20)

/* Writes of one disk, at most: more make tests slow and find nothing. */
#define WRITES_MAX 48

/* Bytes that tell their place; OFFSET is a multiple of 8. */
static void
fill(uint8_t *at, unsigned disk, uint64_t offset, uint64_t length)
{
    for (uint64_t i = 0; i < length; i += 8) {
        uint64_t mixed = (offset + i + ((uint64_t)disk << 40)) * 0x9e3779b97f4a7c15u;
        mixed ^= mixed >> 29;
        memcpy(at + i, &mixed, MIN(8, length - i));
    }
}

static void
add_write(Model *model, unsigned disk, uint64_t offset, uint64_t end, GRand *random)
{
    ModelWrite write = { .disk = disk, .offset = offset, .length = end - offset };
    g_array_append_val(model->writes, write);
    /* Some of what is written is zero all the same. */
    if (g_rand_int_range(random, 0, 8) > 0)
        fill(model->disks[disk] + offset, disk, offset, write.length);
}

static void
add_random_writes(Model *model, unsigned disk, GRand *random)
{
    uint64_t size = model->layout.disks[disk].size;
    uint64_t stride = MAX(40, size / VC_CELL / WRITES_MAX);
    uint64_t offset = 0;
    for (;;) {
        offset += (uint64_t)(g_rand_double(random) * (double)stride) * VC_CELL;
        if (offset >= size)
            break;
        uint64_t cells = 1 + (uint64_t)(g_rand_double(random) * (double)stride);
        uint64_t end = MIN(size, offset + cells * VC_CELL);
        add_write(model, disk, offset, end, random);
        offset = end;
    }
    /* The end is where mistakes are. */
    const ModelWrite *last = model->writes->len > 0
                                 ? &g_array_index(model->writes, ModelWrite,
                                                  model->writes->len - 1)
                                 : NULL;
    uint64_t written = last && last->disk == disk ? last->offset + last->length : 0;
    uint64_t tail = size > 0 ? (size - 1) / VC_CELL * VC_CELL : 0;
    if (size > 0 && written <= tail)
        add_write(model, disk, tail, size, random);
}

static void
shuffle(GArray *writes, GRand *random)
{
    for (unsigned i = writes->len; i > 1; i--) {
        unsigned j = (unsigned)g_rand_int_range(random, 0, (gint32)i);
        ModelWrite *a = &g_array_index(writes, ModelWrite, i - 1);
        ModelWrite *b = &g_array_index(writes, ModelWrite, j);
        ModelWrite swap = *a;
        *a = *b;
        *b = swap;
    }
}

Model *
model_new(const VcSink *sink, ModelDensity density, const char *seed)
{
    Model *model = g_new0(Model, 1);
    g_autoptr(GRand) random = g_rand_new_with_seed(g_str_hash(seed));
    vc_layout_copy(&model->layout, &sink->layout);
    model->disks = g_new0(uint8_t *, MAX(1, model->layout.n_disks));
    model->writes = g_array_new(FALSE, FALSE, sizeof(ModelWrite));

    for (unsigned i = 0; i < model->layout.n_disks; i++) {
        uint64_t size = model->layout.disks[i].size;
        model->disks[i] = g_malloc0(size + 1);
        if (density == MODEL_FULL && size > 0)
            add_write(model, i, 0, size, random);
        else if (density == MODEL_RANDOM)
            add_random_writes(model, i, random);
    }
    if (sink->order == VC_ORDER_ANY)
        shuffle(model->writes, random);
    return model;
}

void
model_free(Model *model)
{
    if (!model)
        return;
    for (unsigned i = 0; i < model->layout.n_disks; i++)
        g_free(model->disks[i]);
    g_free(model->disks);
    vc_layout_clear(&model->layout);
    g_array_unref(model->writes);
    g_free(model);
}

bool
model_write(const Model *model, VcSink *sink, GError **error)
{
    for (unsigned i = 0; i < model->writes->len; i++) {
        ModelWrite write = g_array_index(model->writes, ModelWrite, i);
        while (write.length > 0) {
            uint64_t position, run;
            if (!vc_sink_place(sink, write.disk, write.offset, write.length, &position,
                               &run, error) ||
                !vc_file_write(sink->file, position,
                               model->disks[write.disk] + write.offset, run, error) ||
                !vc_file_settle(sink->file, vc_sink_settled(sink, position + run),
                                error))
                return false;
            write.offset += run;
            write.length -= run;
        }
    }
    return true;
}

bool
model_make(const Variant *variant, const VcLayout *layout, ModelDensity density,
           VcFile *file, Model **model, GError **error)
{
    VcIdentity identity = { .reproducible = true, .time = 1767225600 };
    *model = NULL;
    g_autoptr(VcSink) sink = vc_format_create(variant->format, file, layout,
                                              variant->options, &identity, error);
    if (!sink)
        return false;
    *model = model_new(sink, density, variant->text);
    return model_write(*model, sink, error) && vc_sink_finish(sink, error);
}

static bool
compare_layouts(const Model *model, const VcSource *source, char **fault)
{
    if (source->layout.n_disks != model->layout.n_disks) {
        *fault = g_strdup_printf("%u disks, not %u", source->layout.n_disks,
                                 model->layout.n_disks);
        return false;
    }
    for (unsigned i = 0; i < model->layout.n_disks; i++) {
        uint64_t found = source->layout.disks[i].size,
                 expected = model->layout.disks[i].size;
        if (found != expected && found != VC_SIZE_UNKNOWN) {
            *fault = g_strdup_printf("disk %u has %" G_GUINT64_FORMAT
                                     " bytes, not %" G_GUINT64_FORMAT,
                                     i, found, expected);
            return false;
        }
    }
    return true;
}

/* Compares the bytes of EXTENT, which lies within a disk of the model. */
static bool
compare_extent(const Model *model, const VcExtent *extent, char **fault, GError **error)
{
    g_autofree uint8_t *piece = g_malloc(PIECE);
    const uint8_t *expected = model->disks[extent->disk] + extent->offset;
    for (uint64_t at = 0; at < extent->length;) {
        size_t length = MIN(PIECE, extent->length - at);
        if (extent->kind == VC_ZERO)
            memset(piece, 0, length);
        else if (!vc_file_read(extent->file, extent->position + at, piece, length,
                               error))
            return false;
        if (memcmp(piece, expected + at, length) != 0) {
            size_t i = 0;
            while (piece[i] == expected[at + i])
                i++;
            *fault = g_strdup_printf(
                "disk %u at 0x%" G_GINT64_MODIFIER "x holds %02x, not %02x",
                extent->disk, extent->offset + at + i, piece[i], expected[at + i]);
            return true;
        }
        at += length;
    }
    return true;
}

bool
model_compare_map(const Model *model, VcSource *source, char **fault, GError **error)
{
    *fault = NULL;
    if (!compare_layouts(model, source, fault))
        return true;
    if (!vc_source_index(source, error))
        return false;
    for (unsigned i = 0; i < model->layout.n_disks; i++) {
        uint64_t size = model->layout.disks[i].size;
        for (uint64_t offset = 0; offset < size && !*fault;) {
            VcExtent extent;
            if (!vc_source_map(source, i, offset, &extent, error) ||
                !compare_extent(model, &extent, fault, error))
                return false;
            offset += extent.length;
        }
    }
    return true;
}

bool
model_compare_stored(const Model *model, VcSource *source, char **fault, GError **error)
{
    g_autofree uint64_t *covered = g_new0(uint64_t, MAX(1, model->layout.n_disks));
    *fault = NULL;
    if (!compare_layouts(model, source, fault))
        return true;
    for (;;) {
        VcExtent extent;
        if (!vc_source_next(source, &extent, error))
            return false;
        if (extent.kind == VC_END)
            break;
        uint64_t size = model->layout.disks[extent.disk].size;
        if (extent.offset > size || extent.length > size - extent.offset) {
            *fault = g_strdup_printf("a run of disk %u ends behind its end",
                                     extent.disk);
            return true;
        }
        if (!compare_extent(model, &extent, fault, error))
            return false;
        if (*fault)
            return true;
        covered[extent.disk] += extent.length;
    }
    for (unsigned i = 0; i < model->layout.n_disks; i++)
        if (covered[i] != model->layout.disks[i].size && !*fault)
            *fault = g_strdup_printf("%" G_GUINT64_FORMAT " bytes of disk %u came",
                                     covered[i], i);
    return true;
}
