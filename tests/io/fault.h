/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file whose Nth operation goes wrong. */
#ifndef VC_TESTS_IO_FAULT_H
#define VC_TESTS_IO_FAULT_H

#include "io/file.h"

#include <stdatomic.h>

typedef enum {
    VC_FAULT_FAIL,    /* VC_ERROR_IO, and nothing is done */
    VC_FAULT_SHORT,   /* a read ends early as at the end of the file; half of a write is
                         done, then the disk is full; else as FAIL */
    VC_FAULT_GARBAGE, /* a read gives a wrong byte; else as FAIL */
    VC_FAULT_DELAY,   /* all is well, but late */
} VcFaultKind;

/* Operations that count; 0 is all. */
enum {
    VC_FAULT_READ = 1 << 0,
    VC_FAULT_WRITE = 1 << 1,
    VC_FAULT_SIZE = 1 << 2,
    VC_FAULT_RUN = 1 << 3,
    VC_FAULT_ZERO = 1 << 4,
    VC_FAULT_TRUNCATE = 1 << 5,
    VC_FAULT_SYNC = 1 << 6,
};

/* May be shared by several files and used from many threads. */
typedef struct {
    VcFaultKind kind;
    unsigned operations;
    unsigned nth;      /* the first is 1; 0: none, they are only counted */
    bool lasting;      /* all that follow, too: a device that was pulled out */
    unsigned delay_us; /* VC_FAULT_DELAY: microseconds */
    atomic_uint count; /* of the operations so far */
    atomic_bool happened;
} VcFaultPlan;

/* Gives a file over INNER (taken) on which PLAN (borrowed) happens. It has no
 * descriptor, so nothing goes past it. */
VcFile *vc_fault_file(VcFile *inner, VcFaultPlan *plan);

#endif
