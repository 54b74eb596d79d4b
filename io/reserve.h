/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Space of a new file, reserved ahead of the writes that will need it.
 *
 * ext4 lets a direct write into a hole run alone, so that workers would write one after
 * the other; into space that is allocated already they write together. Where writes
 * follow one another, space is reserved ahead of them, in proportion to what was
 * written there; what has not been written in the end is given back, and the file is as
 * sparse as without. Other file systems do not need this, and it does nothing there. */
#ifndef VC_IO_RESERVE_H
#define VC_IO_RESERVE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct VcReserve VcReserve;

/* At most this much is reserved ahead at once, and a small part of what is free. */
#define VC_RESERVE_STEP ((uint64_t)256 << 20)

/* For regular file FD, which is open for writing and stays the caller's. NULL where the
 * file system does not profit; the other functions take that. */
VcReserve *vc_reserve_new(int fd);

/* Whoever writes to the file is between these two while he does; zeros need not be.
 * Gives what vc_reserve_retry wants to know. Threads may be inside together. */
unsigned vc_reserve_enter(VcReserve *reserve);
void vc_reserve_leave(VcReserve *reserve);

/* LENGTH bytes will be written direct at POSITION: reserves ahead of them. Not between
 * the two above. */
void vc_reserve_expect(VcReserve *reserve, uint64_t position, uint64_t length);

/* Gives back what was reserved below END and not written. Waits until nobody is between
 * enter and leave. */
void vc_reserve_give_back(VcReserve *reserve, uint64_t end);

/* After a write that found no space: gives back, and reserves no more. True when space
 * has come back since the write's vc_reserve_enter returned ENTERED, so that it is
 * worth another try. */
bool vc_reserve_retry(unsigned entered);

void vc_reserve_free(VcReserve *reserve);

#endif
