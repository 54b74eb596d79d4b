/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A block allocation table in the making. */
#include "formats/vhdx/pages.h"

#include "formats/vhdx/geometry.h"
#include "io/allocate.h"
#include "io/bytes.h"

/* Small, because a sparse disk of many small blocks touches most pages only once. */
#define PAGE 4096u
#define PAGE_ENTRIES (PAGE / VHDX_BAT_ENTRY_SIZE)

struct VhdxPages {
    uint64_t entries, count;
    uint8_t **pages; /* 1 MiB of pointers for the largest table; NULL: all zero */
};

VhdxPages *
vhdx_pages_new(uint64_t entries, GError **error)
{
    VhdxPages *p = g_new0(VhdxPages, 1);
    p->entries = entries;
    p->count = entries / PAGE_ENTRIES + (entries % PAGE_ENTRIES != 0);
    p->pages = vc_allocate(MAX(p->count, 1), sizeof *p->pages, error);
    if (p->pages)
        return p;
    g_free(p);
    return NULL;
}

void
vhdx_pages_free(VhdxPages *pages)
{
    if (!pages)
        return;
    for (uint64_t i = 0; i < pages->count; i++)
        g_free(pages->pages[i]);
    g_free(pages->pages);
    g_free(pages);
}

uint64_t
vhdx_pages_get(const VhdxPages *pages, uint64_t index)
{
    g_assert(index < pages->entries);
    const uint8_t *page = pages->pages[index / PAGE_ENTRIES];
    return page ? load_le64(page + index % PAGE_ENTRIES * VHDX_BAT_ENTRY_SIZE) : 0;
}

bool
vhdx_pages_set(VhdxPages *pages, uint64_t index, uint64_t entry, GError **error)
{
    g_assert(index < pages->entries);
    uint8_t **page = &pages->pages[index / PAGE_ENTRIES];
    if (!*page)
        *page = vc_allocate(1, PAGE, error);
    if (!*page)
        return false;
    store_le64(*page + index % PAGE_ENTRIES * VHDX_BAT_ENTRY_SIZE, entry);
    return true;
}

bool
vhdx_pages_write(const VhdxPages *pages, VcFile *file, uint64_t position,
                 GError **error)
{
    for (uint64_t i = 0; i < pages->count; i++)
        if (pages->pages[i] &&
            !vc_file_write(file, position + i * PAGE, pages->pages[i], PAGE, error))
            return false;
    return true;
}
