/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole archives written through the sink, as the engine does it. */
#include "tests/formats/vma/writing.h"

#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"

#include <string.h>

extern const VcFormat vc_format_vma;

VcSink *
create(VcFile *file, const VcLayout *layout, const char *text, GError **error)
{
    static const VcIdentity identity = { .reproducible = true, .time = 1234567890 };
    g_autoptr(VcOptions) options = vc_options_new();
    ck_assert(vc_options_parse(options, text, NULL));
    return vc_format_create(&vc_format_vma, file, layout, options, &identity, error);
}

VcSink *
create_well(VcFile *file, const VcLayout *layout)
{
    g_autoptr(GError) error = NULL;
    VcSink *sink = create(file, layout, OPTIONS, &error);
    assert_no_error(error);
    return sink;
}

GByteArray *
empty_archive(const VcLayout *layout)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcFile) file = vc_memory_file("m");
    g_autoptr(VcSink) sink = create_well(file, layout);
    bool ok = vc_sink_finish(sink, &error);
    assert_no_error(error);
    ck_assert(ok);
    return bytes_of(file);
}

VcLayout
one_disk(uint64_t size)
{
    VcLayout layout = { 0 };
    vc_layout_add_disk(&layout, "drive-scsi0", size);
    return layout;
}

void
assert_same(const GByteArray *a, const GByteArray *b)
{
    ck_assert_uint_eq(a->len, b->len);
    ck_assert(memcmp(a->data, b->data, a->len) == 0);
}

/* --- blocks on their way ---------------------------------------------------------- */

/* A run whose place is known. */
typedef struct {
    uint64_t position;
    const uint8_t *data;
    size_t length;
} Piece;

static bool
write_piece(VcSink *sink, const Piece *piece, GError **error)
{
    return vc_file_write(sink->file, piece->position, piece->data, piece->length,
                         error);
}

static bool
is_zero(const uint8_t *block, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (block[i] != 0)
            return false;
    return true;
}

/* The end of the run of blocks from AT on that are not zero, or all zero, as BLOCK is.
 */
static uint64_t
run_end(const uint8_t *content, uint64_t at, uint64_t size)
{
    bool zero = is_zero(content + at, MIN(4096, size - at));
    while (at < size && is_zero(content + at, MIN(4096, size - at)) == zero)
        at = MIN(at + 4096, size);
    return at;
}

static bool
place_run(VcSink *sink, unsigned disk, const uint8_t *content, uint64_t from,
          uint64_t to, GArray *pieces, GError **error)
{
    while (from < to) {
        uint64_t position, run;
        if (!vc_sink_place(sink, disk, from, to - from, &position, &run, error))
            return false;
        g_assert(run == to - from || run % 4096 == 0);
        Piece piece = { position, content + from, run };
        g_array_append_val(pieces, piece);
        if (!sink->file->seekable &&
            (!write_piece(sink, &piece, error) ||
             !vc_file_settle(sink->file, vc_sink_settled(sink, position + run), error)))
            return false;
        from += run;
    }
    return true;
}

static bool
place_disk(VcSink *sink, GRand *rand, unsigned disk, const uint8_t *content,
           uint64_t size, GArray *pieces, GError **error)
{
    for (uint64_t at = 0, end; at < size; at = end) {
        end = run_end(content, at, size);
        bool data = !is_zero(content + at, MIN(4096, size - at));
        uint64_t most = at + 4096 * (uint64_t)g_rand_int_range(rand, 1, 400);
        end = MIN(end, most);
        if (data && !place_run(sink, disk, content, at, end, pieces, error))
            return false;
    }
    return true;
}

bool
write_disks(VcSink *sink, GRand *rand, uint8_t *const *contents, const uint64_t *sizes,
            GError **error)
{
    g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
    for (unsigned i = 0; i < sink->layout.n_disks; i++)
        if (contents[i] &&
            !place_disk(sink, rand, i, contents[i], sizes[i], pieces, error))
            return false;
    while (sink->file->seekable && pieces->len > 0) {
        guint i = (guint)g_rand_int_range(rand, 0, (gint32)pieces->len);
        if (!write_piece(sink, &g_array_index(pieces, Piece, i), error))
            return false;
        g_array_remove_index_fast(pieces, i);
    }
    return vc_sink_finish(sink, error);
}

GByteArray *
bytes_of(VcFile *file)
{
    uint64_t size;
    g_assert(vc_file_size(file, &size, NULL));
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_set_size(bytes, (guint)size);
    g_assert(vc_file_read(file, 0, bytes->data, size, NULL));
    return bytes;
}

/* --- files over a file ------------------------------------------------------------ */

typedef struct {
    VcFile base;
    VcFile *below;
    bool append;
    uint64_t end;
    unsigned left; /* writes that succeed */
} Layer;

static bool
layer_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
            GError **error)
{
    Layer *layer = (Layer *)file;
    g_assert(!layer->append || position == layer->end);
    if (layer->left == 0) {
        vc_fail(error, VC_ERROR_IO, "no space left");
        return false;
    }
    layer->left--;
    layer->end = position + length;
    return vc_file_write(layer->below, position, buffer, length, error);
}

static bool
layer_truncate(VcFile *file, uint64_t size, GError **error)
{
    Layer *layer = (Layer *)file;
    if (layer->left == 0) {
        vc_fail(error, VC_ERROR_IO, "no space left");
        return false;
    }
    layer->left--;
    return vc_file_truncate(layer->below, size, error);
}

static void
layer_free(VcFile *file)
{
    vc_file_clear(file);
    g_free(file);
}

static VcFile *
new_layer(VcFile *below, bool append, unsigned left)
{
    static const VcFileOps ops = { .write = layer_write,
                                   .truncate = layer_truncate,
                                   .free = layer_free };
    Layer *layer = g_new0(Layer, 1);
    vc_file_init(&layer->base, &ops, "layer", !append);
    layer->base.reads_zero = true;
    layer->below = below;
    layer->append = append;
    layer->left = left;
    return &layer->base;
}

VcFile *
append_file(VcFile *file)
{
    return new_layer(file, true, UINT_MAX);
}

VcFile *
failing_file(VcFile *file, unsigned n)
{
    return new_layer(file, false, n);
}
