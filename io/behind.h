/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buffered writes on their way to the disk, and out of the page cache behind them.
 *
 * Left to the end, all would wait for the disk there. And a large image would take the
 * page cache from everybody else, and ever new pages from the machine: where it is a
 * virtual one, each costs its host a fault, and writing into them is several times
 * slower than into pages that come back. So each write starts on its way at once, and a
 * bounded number of bytes later it is waited for and its pages are given back. */
#ifndef VC_IO_BEHIND_H
#define VC_IO_BEHIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct VcBehind VcBehind;

/* Gives one for the file open at FD, borrowed: the descriptor that is later synced, for
 * an error of writing back is told once to each. */
VcBehind *vc_behind_new(int fd);

/* LENGTH bytes at POSITION were written buffered. Any thread. Gives 0, or the errno of
 * what could not be written back, which no later fsync tells again. */
int vc_behind_wrote(VcBehind *behind, uint64_t position, size_t length);

void vc_behind_free(VcBehind *behind);

#endif
