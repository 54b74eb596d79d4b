/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a file the page cache holds. */
#include "io/resident.h"

#include <sys/mman.h>
#include <unistd.h>

#define PAGE_MIN 4096u /* of all systems */

bool
vc_resident(int fd, uint64_t position, size_t length)
{
    unsigned char pages[VC_RESIDENT_MAX / PAGE_MIN + 1];
    if (length == 0 || length > VC_RESIDENT_MAX)
        return true;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), lead = position % page;
    position -= lead;
    length += lead;

    /* The map is only asked about: no page of it is ever touched, so a file that
     * shrinks meanwhile does no harm. */
    void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)position);
    if (map == MAP_FAILED)
        return true;
    size_t n = (length + page - 1) / page, i = 0;
    if (mincore(map, length, pages) == 0)
        while (i < n && (pages[i] & 1))
            i++;
    else
        i = n;
    munmap(map, length);
    return i == n;
}
