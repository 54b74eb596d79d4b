/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a file the page cache holds. */
#include "io/resident.h"

#include <sys/mman.h>

#define PAGE_MIN 4096u

bool
vc_resident(int fd, uint64_t position, size_t length)
{
    unsigned char pages[VC_RESIDENT_MAX / PAGE_MIN];
    if (length == 0 || length > VC_RESIDENT_MAX)
        return true;

    /* The map is only asked about: no page of it is ever touched, so a file that
     * shrinks meanwhile does no harm. */
    void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)position);
    if (map == MAP_FAILED)
        return true;
    size_t n = (length + PAGE_MIN - 1) / PAGE_MIN, i = 0;
    for (size_t k = 0; k < n; k++)
        pages[k] = 1; /* where pages are larger, fewer answers come */
    if (mincore(map, length, pages) == 0)
        while (i < n && (pages[i] & 1))
            i++;
    else
        i = n;
    munmap(map, length);
    return i == n;
}
