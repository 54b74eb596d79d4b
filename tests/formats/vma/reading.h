/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading whole disks through the two questions that a source answers. */
#ifndef VC_TESTS_VMA_READING_H
#define VC_TESTS_VMA_READING_H

#include "formats/source.h"

/* Bytes of each disk; NULL for those skipped. */
typedef struct {
    uint8_t *disks[VC_DISKS_MAX];
} Contents;

/* By `next`; asserts that each byte of each disk comes once. */
bool read_stored(VcSource *source, Contents *contents, GError **error);
/* By `map`, in pieces whose ends are nowhere special. */
bool read_mapped(VcSource *source, Contents *contents, GError **error);
void contents_clear(Contents *contents);

#endif
