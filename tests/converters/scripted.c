/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources and streams that say and fail what a test tells them to. */
#include "tests/converters/scripted.h"

#include "io/error.h"
#include "io/memory.h"

#include <string.h>

/* Beyond the end of every file here. */
#define UNREADABLE ((uint64_t)1 << 60)

typedef struct {
    VcSource base;
    GArray *runs; /* of VcExtent */
    unsigned next;
} Scripted;

static bool
map(const VcSource *source, unsigned disk G_GNUC_UNUSED, uint64_t offset,
    VcExtent *extent, GError **error)
{
    const Scripted *s = (const Scripted *)source;
    g_assert(extent->length > 0); /* what is wanted */
    for (unsigned i = 0; i < s->runs->len; i++) {
        const VcExtent *run = &g_array_index(s->runs, VcExtent, i);
        if (offset < run->offset || offset - run->offset >= run->length)
            continue;
        uint64_t skip = offset - run->offset;
        *extent = *run;
        extent->offset += skip;
        extent->length -= skip;
        extent->position += run->kind == VC_DATA ? skip : 0;
        return true;
    }
    vc_corrupt(error, offset, "nothing was scripted");
    return false;
}

static bool
next(VcSource *source, VcExtent *extent, GError **error G_GNUC_UNUSED)
{
    Scripted *s = (Scripted *)source;
    if (s->next < s->runs->len)
        *extent = g_array_index(s->runs, VcExtent, s->next++);
    return true;
}

static void
scripted_free(VcSource *source)
{
    g_array_unref(((Scripted *)source)->runs);
    vc_source_clear(source);
    g_free(source);
}

static const VcSourceOps map_ops = { .map = map, .free = scripted_free };
static const VcSourceOps stored_ops = { .next = next, .free = scripted_free };

VcSource *
scripted_source(const char *name, ScriptedKind kind, uint64_t size)
{
    Scripted *s = g_new0(Scripted, 1);
    vc_source_init(&s->base, kind == SCRIPTED_MAP ? &map_ops : &stored_ops,
                   vc_memory_file(name));
    vc_layout_add_disk(&s->base.layout, "", size);
    s->runs = g_array_new(FALSE, FALSE, sizeof(VcExtent));
    return &s->base;
}

static void
add(VcSource *source, VcExtent run)
{
    g_array_append_val(((Scripted *)source)->runs, run);
}

void
scripted_add_data(VcSource *source, uint64_t offset, uint64_t length, const void *data)
{
    g_autofree uint8_t *pattern = NULL;
    if (!data) {
        pattern = g_malloc(length);
        scripted_pattern(offset, pattern, length);
        data = pattern;
    }
    bool written = vc_file_write(source->file, offset + SCRIPTED_SHIFT, data, length,
                                 NULL);
    g_assert(written);
    add(source, (VcExtent){ .kind = VC_DATA,
                            .offset = offset,
                            .length = length,
                            .file = source->file,
                            .position = offset + SCRIPTED_SHIFT });
}

void
scripted_add_zero(VcSource *source, uint64_t offset, uint64_t length, bool absent)
{
    add(source,
        (VcExtent){
            .kind = VC_ZERO, .offset = offset, .length = length, .absent = absent });
}

void
scripted_add_unreadable(VcSource *source, uint64_t offset, uint64_t length)
{
    add(source, (VcExtent){ .kind = VC_DATA,
                            .offset = offset,
                            .length = length,
                            .file = source->file,
                            .position = UNREADABLE });
}

void
scripted_flip(VcSource *source, uint64_t offset)
{
    uint8_t byte;
    bool ok = vc_file_read(source->file, offset + SCRIPTED_SHIFT, &byte, 1, NULL);
    byte ^= 0x80;
    ok = ok && vc_file_write(source->file, offset + SCRIPTED_SHIFT, &byte, 1, NULL);
    g_assert(ok);
}

void
scripted_pattern(uint64_t offset, void *buffer, size_t length)
{
    uint8_t *at = buffer;
    for (size_t i = 0; i < length; i++) {
        uint64_t mixed = (offset + i) * 0x9e3779b97f4a7c15u;
        at[i] = (uint8_t)((mixed >> 56) | 1);
    }
}

typedef struct {
    VcStream base;
    uint64_t at, length;
    bool fails;
} ScriptedStream;

static bool
stream_pull(VcStream *stream, void *buffer, size_t length, size_t *got, GError **error)
{
    ScriptedStream *s = (ScriptedStream *)stream;
    *got = MIN(length, s->length - s->at);
    scripted_pattern(s->at, buffer, *got);
    s->at += *got;
    if (*got == length || !s->fails)
        return true;
    vc_corrupt(error, s->at, "this stream fails");
    return false;
}

static void
stream_free(VcStream *stream)
{
    g_free(stream);
}

VcStream *
scripted_stream(uint64_t length, bool fails)
{
    static const VcStreamOps ops = { .pull = stream_pull, .free = stream_free };
    ScriptedStream *s = g_new0(ScriptedStream, 1);
    *s = (ScriptedStream){ .base.ops = &ops, .length = length, .fails = fails };
    return &s->base;
}
