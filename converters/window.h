/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A window: one aligned mebibyte of one disk on its way through the engine.
 *
 * Gathered from extents, filled, searched for zeros, placed, written: each step is a
 * function here, and the engine decides which thread calls it and when. Work is done in
 * cells of VC_CELL bytes. */
#ifndef VC_CONVERTERS_WINDOW_H
#define VC_CONVERTERS_WINDOW_H

#include "formats/sink.h"
#include "formats/source.h"

/* Large enough that a request costs little beside its bytes, small enough that a few
 * dozen stay within the memory that the engine promises. */
#define VC_WINDOW ((uint32_t)1 << 20)
#define VC_WINDOW_CELLS (VC_WINDOW / VC_CELL)

/* How zeros are treated on the way to one sink. */
typedef struct {
    uint64_t
        sparse; /* shortest run of zeros that is left out; 0: all zeros are written */
    bool write_zeros; /* what is left out must be zeroed explicitly: the target holds
                         something else */
} VcZeroPolicy;

typedef struct {
    VcSink *sink;
    unsigned disk;    /* of the sink */
    uint64_t offset;  /* of the disk; a multiple of VC_WINDOW */
    uint32_t length;  /* VC_WINDOW but at the disk's end */
    uint32_t touched; /* end of what extents spoke of */
    const VcZeroPolicy *policy;

    uint8_t *buffer; /* VC_WINDOW bytes, aligned to VC_ALIGNMENT; borrowed */
    uint8_t cells[VC_WINDOW_CELLS]; /* CELL_… in window.c */
    GArray *pieces;                 /* still to be read into the buffer */
    GArray *segments;               /* placed, to be written */

    bool busy;     /* the engine's: a worker has it; under the pool's lock */
    GError *error; /* the engine's: what the worker met */
} VcWindow;

/* BUFFER outlives the window. */
VcWindow *vc_window_new(uint8_t *buffer);
void vc_window_free(VcWindow *window);

/* Empties the window and puts it at OFFSET of DISK of SINK. */
void vc_window_open(VcWindow *window, VcSink *sink, unsigned disk, uint64_t offset,
                    const VcZeroPolicy *policy);

/* True when OFFSET of DISK of SINK lies in the window. */
bool vc_window_covers(const VcWindow *window, const VcSink *sink, unsigned disk,
                      uint64_t offset);

/* Takes the part of EXTENT (offsets of the sink's disk) that lies in the window. A
 * piece of a stream is read at once, others by vc_window_fill. */
bool vc_window_add(VcWindow *window, const VcExtent *extent, GError **error);

/* Ends the gathering: a disk of unknown size ends where its extents ended. */
void vc_window_close(VcWindow *window);

/* Reads what is still to be read, and finds the cells that are zero. Any thread. */
bool vc_window_fill(VcWindow *window, GError **error);

/* Asks the sink where the cells go. The conductor's thread, windows in the order made.
 */
bool vc_window_place(VcWindow *window, GError **error);

/* Writes what was placed, adds the bytes to *WRITTEN. Any thread for a seekable target.
 */
bool vc_window_write(VcWindow *window, uint64_t *written, GError **error);

/* Something of the window was placed. */
bool vc_window_is_placed(const VcWindow *window);

/* Where the last segment ends in the target, or FALLBACK without any. */
uint64_t vc_window_end(const VcWindow *window, uint64_t fallback);

#endif
