/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A window: one aligned mebibyte of one disk on its way through the engine. */
#include "converters/window.h"

#include "io/checksum.h"

#include <string.h>

/* What is known of a cell. */
enum {
    CELL_UNTOUCHED, /* no extent spoke of it */
    CELL_ZERO,      /* zero; the buffer is not filled */
    CELL_DATA,      /* the buffer holds it, or will after the pieces were read */
    CELL_BLANK,     /* was data, and turned out to be zero: the buffer holds zeros */
};

typedef struct {
    VcFile *file;
    uint64_t position;
    uint32_t at, length;
} Piece;

typedef struct {
    uint64_t position;
    uint32_t at, length;
    bool zero; /* make it read as zero instead of writing the buffer */
} Segment;

VcWindow *
vc_window_new(uint8_t *buffer)
{
    VcWindow *window = g_new0(VcWindow, 1);
    window->buffer = buffer;
    window->pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
    window->segments = g_array_new(FALSE, FALSE, sizeof(Segment));
    return window;
}

void
vc_window_free(VcWindow *window)
{
    if (!window)
        return;
    g_array_unref(window->pieces);
    g_array_unref(window->segments);
    g_clear_error(&window->error);
    g_free(window);
}

void
vc_window_open(VcWindow *window, VcSink *sink, unsigned disk, uint64_t offset,
               const VcZeroPolicy *policy)
{
    window->sink = sink;
    window->disk = disk;
    window->offset = offset;
    window->length = MIN(VC_WINDOW, sink->layout.disks[disk].size - offset);
    window->touched = 0;
    window->policy = policy;
    memset(window->cells, CELL_UNTOUCHED, sizeof window->cells);
    g_array_set_size(window->pieces, 0);
    g_array_set_size(window->segments, 0);
    g_clear_error(&window->error);
}

bool
vc_window_covers(const VcWindow *window, const VcSink *sink, unsigned disk,
                 uint64_t offset)
{
    return window->sink == sink && window->disk == disk &&
           offset - window->offset < window->length;
}

/* The bytes of cell CELL: all but the last of a disk are whole. */
static uint32_t
cell_length(const VcWindow *window, unsigned cell)
{
    return MIN(VC_CELL, window->length - cell * VC_CELL);
}

/* Marks the cells of [at, at + length) as data. A cell that is not covered whole gets
 * zeros first, for what no extent will fill. */
static void
mark_data(VcWindow *window, uint32_t at, uint32_t length)
{
    for (unsigned cell = at / VC_CELL; cell * VC_CELL < at + length; cell++) {
        uint32_t from = cell * VC_CELL;
        bool whole = at <= from && at + length >= from + cell_length(window, cell);
        if (!whole && window->cells[cell] != CELL_DATA)
            memset(window->buffer + from, 0, VC_CELL);
        window->cells[cell] = CELL_DATA;
    }
}

static void
mark_zero(VcWindow *window, uint32_t at, uint32_t length)
{
    for (unsigned cell = at / VC_CELL; cell * VC_CELL < at + length; cell++)
        if (window->cells[cell] == CELL_UNTOUCHED)
            window->cells[cell] = CELL_ZERO;
}

bool
vc_window_add(VcWindow *window, const VcExtent *extent, GError **error)
{
    uint64_t from = MAX(extent->offset, window->offset);
    uint64_t to = MIN(extent->offset + extent->length, window->offset + window->length);
    uint32_t at = (uint32_t)(from - window->offset), length = (uint32_t)(to - from);

    window->touched = MAX(window->touched, at + length);
    if (extent->kind == VC_ZERO) {
        mark_zero(window, at, length);
        return true;
    }
    mark_data(window, at, length);

    Piece piece = { .file = extent->file,
                    .position = extent->position + (from - extent->offset),
                    .at = at,
                    .length = length };
    if (extent->file->seekable) {
        g_array_append_val(window->pieces, piece);
        return true;
    }
    if (!vc_file_read(piece.file, piece.position, window->buffer + at, length, error)) {
        g_prefix_error(error, "%s: ", piece.file->name);
        return false;
    }
    return true;
}

void
vc_window_close(VcWindow *window)
{
    if (window->sink->layout.disks[window->disk].size == VC_SIZE_UNKNOWN)
        window->length = window->touched;
}

bool
vc_window_fill(VcWindow *window, GError **error)
{
    for (unsigned i = 0; i < window->pieces->len; i++) {
        const Piece *piece = &g_array_index(window->pieces, Piece, i);
        if (!vc_file_read(piece->file, piece->position, window->buffer + piece->at,
                          piece->length, error)) {
            g_prefix_error(error, "%s: ", piece->file->name);
            return false;
        }
    }
    if (window->policy->sparse == 0)
        return true;

    for (unsigned cell = 0; cell * VC_CELL < window->length; cell++)
        if (window->cells[cell] == CELL_DATA &&
            vc_is_zero(window->buffer + (size_t)cell * VC_CELL,
                       cell_length(window, cell)))
            window->cells[cell] = CELL_BLANK;
    return true;
}

static void
make_data(VcWindow *window, unsigned from, unsigned to)
{
    for (unsigned cell = from; cell < to; cell++) {
        if (window->cells[cell] == CELL_ZERO)
            memset(window->buffer + (size_t)cell * VC_CELL, 0, VC_CELL);
        window->cells[cell] = CELL_DATA;
    }
}

static bool
is_zero_cell(const VcWindow *window, unsigned cell)
{
    return window->cells[cell] == CELL_ZERO || window->cells[cell] == CELL_BLANK;
}

/* Turns zeros back into data where the policy wants them written: all of them, or runs
 * between data that are shorter than the shortest hole. */
static void
keep_short_zeros(VcWindow *window, unsigned n_cells)
{
    uint64_t shortest = window->policy->sparse;
    for (unsigned cell = 0; cell < n_cells;) {
        unsigned from = cell;
        while (cell < n_cells && is_zero_cell(window, cell))
            cell++;
        if (cell == from) {
            cell++;
            continue;
        }
        bool between = from > 0 && window->cells[from - 1] == CELL_DATA &&
                       cell < n_cells && window->cells[cell] == CELL_DATA;
        if (shortest == 0 || (between && (uint64_t)(cell - from) * VC_CELL < shortest))
            make_data(window, from, cell);
    }
}

static bool
place_run(VcWindow *window, uint32_t at, uint32_t length, bool zero, GError **error)
{
    while (length > 0) {
        uint64_t position, run;
        if (!vc_sink_place(window->sink, window->disk, window->offset + at, length,
                           &position, &run, error))
            return false;
        Segment segment = {
            .position = position, .at = at, .length = (uint32_t)run, .zero = zero
        };
        g_array_append_val(window->segments, segment);
        at += (uint32_t)run;
        length -= (uint32_t)run;
    }
    return true;
}

bool
vc_window_place(VcWindow *window, GError **error)
{
    unsigned n_cells = (window->length + VC_CELL - 1) / VC_CELL;
    if (window->policy->sparse != VC_CELL)
        keep_short_zeros(window, n_cells);

    for (unsigned cell = 0; cell < n_cells;) {
        unsigned from = cell;
        bool data = window->cells[cell] == CELL_DATA, zero = is_zero_cell(window, cell);
        while (cell < n_cells && (window->cells[cell] == CELL_DATA) == data &&
               is_zero_cell(window, cell) == zero)
            cell++;
        if (!data && !(zero && window->policy->write_zeros))
            continue;
        uint32_t at = from * VC_CELL;
        uint32_t length = MIN(cell * VC_CELL, window->length) - at;
        if (!place_run(window, at, length, zero, error))
            return false;
    }
    return true;
}

bool
vc_window_write(VcWindow *window, uint64_t *written, GError **error)
{
    VcFile *file = window->sink->file;
    for (unsigned i = 0; i < window->segments->len; i++) {
        const Segment *segment = &g_array_index(window->segments, Segment, i);
        bool ok = segment->zero
                      ? vc_file_zero(file, segment->position, segment->length, error)
                      : vc_file_write(file, segment->position,
                                      window->buffer + segment->at, segment->length,
                                      error);
        if (!ok) {
            g_prefix_error(error, "%s: ", file->name);
            return false;
        }
        if (!segment->zero)
            *written += segment->length;
    }
    return true;
}

bool
vc_window_is_placed(const VcWindow *window)
{
    return window->segments->len > 0;
}

uint64_t
vc_window_end(const VcWindow *window, uint64_t fallback)
{
    if (window->segments->len == 0)
        return fallback;
    const Segment *last = &g_array_index(window->segments, Segment,
                                         window->segments->len - 1);
    return last->position + last->length;
}
