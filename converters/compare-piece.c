/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pieces of a comparison. */
#include "converters/compare-piece.h"

#include "converters/extent.h"
#include "io/allocate.h"
#include "io/checksum.h"

#include <stdlib.h>
#include <string.h>

/* Sees to it that side->extent holds OFFSET. */
static bool
find_extent(VcSide *side, uint64_t offset, GError **error)
{
    VcExtent *extent = &side->extent;
    if (offset >= extent->offset && offset - extent->offset < extent->length)
        return true;
    if (offset >= side->size) {
        *extent = (VcExtent){ .kind = VC_ZERO,
                              .offset = offset,
                              .length = UINT64_MAX - offset,
                              .absent = true };
        return true;
    }
    return vc_source_map(side->source, side->disk, offset, extent, error);
}

bool
vc_piece_find(VcSide *a, VcSide *b, uint64_t offset, uint64_t end, VcPiece *piece,
              GError **error)
{
    if (!find_extent(a, offset, error) || !find_extent(b, offset, error))
        return false;

    uint64_t length = end - offset;
    length = MIN(length, a->extent.offset + a->extent.length - offset);
    length = MIN(length, b->extent.offset + b->extent.length - offset);
    *piece = (VcPiece){ .offset = offset, .a = a->extent, .b = b->extent };
    /* Cut at multiples, so that direct I/O stays aligned. */
    piece->length = vc_piece_is_zero(piece)
                        ? length
                        : MIN(length, VC_PIECE_MAX - offset % VC_PIECE_MAX);
    return true;
}

bool
vc_piece_is_zero(const VcPiece *piece)
{
    return piece->a.kind == VC_ZERO && piece->b.kind == VC_ZERO;
}

bool
vc_piece_allocation_differs(const VcPiece *piece)
{
    return piece->a.kind != piece->b.kind || piece->a.absent != piece->b.absent;
}

/* The number of bytes at the beginning that are equal; B NULL: that are zero. */
static size_t
equal_bytes(const uint8_t *a, const uint8_t *b, size_t length)
{
    size_t i = 0;
    while (i < length && a[i] == (b ? b[i] : 0))
        i++;
    return i;
}

static void
compare_with_zero(const VcPiece *piece, const VcExtent *extent, uint8_t *buffer,
                  VcVerdict *verdict)
{
    GError *error = NULL;
    if (!vc_extent_read(extent, piece->offset, buffer, piece->length, &error))
        vc_verdict_error(verdict, piece->offset, error);
    else if (!vc_is_zero(buffer, piece->length))
        vc_verdict_difference(
            verdict, piece->offset + equal_bytes(buffer, NULL, piece->length), false);
}

static void
compare_data(const VcPiece *piece, const VcBuffers *buffers, VcVerdict *verdict)
{
    GError *error = NULL;
    if (!vc_extent_read(&piece->a, piece->offset, buffers->a, piece->length, &error) ||
        !vc_extent_read(&piece->b, piece->offset, buffers->b, piece->length, &error))
        vc_verdict_error(verdict, piece->offset, error);
    else if (memcmp(buffers->a, buffers->b, piece->length) != 0)
        vc_verdict_difference(
            verdict, piece->offset + equal_bytes(buffers->a, buffers->b, piece->length),
            false);
}

void
vc_piece_compare(const VcPiece *piece, const VcBuffers *buffers, VcVerdict *verdict)
{
    if (vc_piece_is_zero(piece))
        return;
    if (piece->a.kind == VC_ZERO)
        compare_with_zero(piece, &piece->b, buffers->b, verdict);
    else if (piece->b.kind == VC_ZERO)
        compare_with_zero(piece, &piece->a, buffers->a, verdict);
    else
        compare_data(piece, buffers, verdict);
}

bool
vc_buffers_init(VcBuffers *buffers, GError **error)
{
    *buffers = (VcBuffers){ .a = vc_allocate_aligned(VC_PIECE_MAX, error) };
    if (buffers->a)
        buffers->b = vc_allocate_aligned(VC_PIECE_MAX, error);
    if (!buffers->b)
        vc_buffers_clear(buffers);
    return buffers->b != NULL;
}

void
vc_buffers_clear(VcBuffers *buffers)
{
    free(buffers->a);
    free(buffers->b);
    *buffers = (VcBuffers){ 0 };
}

void
vc_verdict_difference(VcVerdict *verdict, uint64_t offset, bool in_map)
{
    VcVerdict difference = { .set = true, .offset = offset, .in_map = in_map };
    vc_verdict_merge(verdict, &difference);
}

void
vc_verdict_error(VcVerdict *verdict, uint64_t offset, GError *error)
{
    VcVerdict failure = { .set = true, .offset = offset, .error = error };
    vc_verdict_merge(verdict, &failure);
}

void
vc_verdict_merge(VcVerdict *verdict, VcVerdict *other)
{
    if (other->set && (!verdict->set || other->offset < verdict->offset)) {
        VcVerdict lower = *other;
        *other = *verdict;
        *verdict = lower;
    }
    g_clear_error(&other->error);
    *other = (VcVerdict){ 0 };
}
