/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of sources share: opening images, and asking what lies where. */
#ifndef VC_TESTS_VHDX_READING_H
#define VC_TESTS_VHDX_READING_H

#include "formats/format.h"
#include "formats/vhdx/source.h"
#include "io/error.h"
#include "io/memory.h"
#include "tests/check-main.h"
#include "tests/formats/vhdx/image.h"

#include <string.h>

/* Opens IMAGE, whose file goes to the source. */
static inline VcSource *
opens(Image *image)
{
    g_autoptr(GError) error = NULL;
    VcSource *source = vhdx_open(image_take(image), NULL, &error);
    assert_no_error(error);
    return source;
}

/* The same, ready for `map`. */
static inline VcSource *
opens_indexed(Image *image)
{
    g_autoptr(GError) error = NULL;
    VcSource *source = opens(image);
    ck_assert_msg(vc_source_index(source, &error), "%s", error ? error->message : "");
    return source;
}

static inline void
refuses_to_open(Image *image, VcError code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = vhdx_open(image_take(image), NULL, &error);
    ck_assert_ptr_null(source);
    assert_error(error, (int)code);
}

static inline void
refuses_to_index(Image *image, VcError code)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VcSource) source = opens(image);
    ck_assert(!vc_source_index(source, &error));
    assert_error(error, (int)code);
}

static inline VcExtent
map_at(const VcSource *source, uint64_t offset)
{
    g_autoptr(GError) error = NULL;
    VcExtent extent;
    bool ok = vc_source_map(source, 0, offset, &extent, &error);
    assert_no_error(error);
    ck_assert(ok);
    ck_assert_uint_eq(extent.offset, offset);
    return extent;
}

/* Bytes that map_counted read of the image, by whose own operations. */
static size_t counted;
static const VcFileOps *image_ops;

static inline bool
count_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
           GError **error)
{
    counted += length;
    return image_ops->read(file, position, buffer, length, got, error);
}

static inline VcExtent
map_counted(const VcSource *source, uint64_t offset)
{
    image_ops = source->file->ops;
    VcFileOps ops = *image_ops;
    ops.read = count_read;
    source->file->ops = &ops;
    counted = 0;
    VcExtent extent = map_at(source, offset);
    source->file->ops = image_ops;
    return extent;
}

static inline void
assert_data(const VcSource *source, uint64_t offset, uint64_t length, uint64_t position)
{
    VcExtent extent = map_at(source, offset);
    ck_assert_int_eq(extent.kind, VC_DATA);
    ck_assert_uint_eq(extent.length, length);
    ck_assert_uint_eq(extent.position, position);
}

static inline void
assert_zero(const VcSource *source, uint64_t offset, uint64_t length, bool absent)
{
    VcExtent extent = map_at(source, offset);
    ck_assert_int_eq(extent.kind, VC_ZERO);
    ck_assert_uint_eq(extent.length, length);
    ck_assert(extent.absent == absent);
}

/* The byte that fills LENGTH bytes at OFFSET of the disk; fails when they differ. */
static inline unsigned
filled_with(const VcSource *source, uint64_t offset, size_t length)
{
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *data = g_malloc(length);
    bool ok = vc_source_read(source, 0, offset, data, length, &error);
    assert_no_error(error);
    ck_assert(ok);
    ck_assert_int_eq(memcmp(data, data + 1, length - 1), 0);
    return data[0];
}

static struct {
    uint64_t most; /* that one of the answers of what lies below had to have */
    uint64_t run;  /* at which multiples it changes */
} below;

static inline bool
map_below(const VcSource *source G_GNUC_UNUSED, unsigned disk G_GNUC_UNUSED,
          uint64_t offset, VcExtent *extent, GError **error G_GNUC_UNUSED)
{
    below.most = MAX(below.most, extent->length);
    extent->kind = VC_ZERO;
    extent->length = below.run - offset % below.run;
    return true;
}

static inline void
free_below(VcSource *source)
{
    vc_source_clear(source);
    g_free(source);
}

/* Gives a disk of 8 GiB that changes after each RUN bytes, to be a parent. */
static inline VcSource *
changing(uint64_t run, const char *identity)
{
    static const VcSourceOps ops = { .map = map_below, .free = free_below };
    VcSource *source = g_new0(VcSource, 1);
    vc_source_init(source, &ops, vc_memory_file("below"));
    source->identity = g_strdup(identity);
    vc_layout_add_disk(&source->layout, "", 8192 * MIB);
    below.run = run;
    below.most = 0;
    return source;
}

#endif
