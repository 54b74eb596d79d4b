/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An archive whose disks come one after the other, offsets rising, whatever the order
 * in which it stores them. */
#ifndef VC_CONVERTERS_ORDERED_H
#define VC_CONVERTERS_ORDERED_H

#include "formats/source.h"

/* Gives a source of all disks of STORED (borrowed, to be read through this one only).
 * With random access they are read in order. A stream is passed on as it comes, and is
 * an error where it is out of order: what to do about that is in the message. */
VcSource *vc_ordered(VcSource *stored);

#endif
