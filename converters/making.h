/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A target while it is being made: output, what lies between it and the sink, sink. */
#ifndef VC_CONVERTERS_MAKING_H
#define VC_CONVERTERS_MAKING_H

#include "converters/convert.h"

/* Freed from the last member to the first: each borrows from those before it. */
typedef struct {
    const VcTarget *target;
    VcOutput *output;
    VcFile *wrapper;  /* over the output's file: ordering, compression; NULL: none */
    VcFile *metadata; /* place_first: what finish wrote before the payload moved */
    VcFile *file;     /* borrowed: what the payload is written to */
    VcSink *sink;
    bool place_first;
} VcMaking;

/* TARGET takes bytes only at its end: a pipe, or a compressed file. */
bool vc_target_is_pipe(const VcTarget *target);

/* Opens the output, and changes nothing in it. */
bool vc_making_open(VcMaking *making, const VcConvertOptions *options, GError **error);

/* Opens the sink. A target that is written in place is emptied. */
bool vc_making_start(VcMaking *making, const VcConvertOptions *options, GError **error);

/* place_first: all places are given; the metadata is made now and waits in memory for
 * the payload to come by. */
bool vc_making_make_metadata(VcMaking *making, GError **error);

/* Makes the output valid, though not yet named. */
bool vc_making_finish(VcMaking *making, bool sync, GError **error);

bool vc_making_sync(const VcMaking *making, GError **error);
bool vc_making_commit(VcMaking *making, GError **error);

/* After another output could not be committed. */
void vc_making_revert(VcMaking *making);

/* Removes what was not committed. */
void vc_making_clear(VcMaking *making);

#endif
