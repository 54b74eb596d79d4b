/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Data of a dynamic disk that its bitmaps hide. */
#include "formats/vpc/hidden.h"

#include "formats/vpc/bitmap.h"
#include "formats/vpc/vpc.h"

#include <stdatomic.h>

struct VpcHidden {
    _Atomic uint8_t *looked;         /* owned: a bit for each block */
    _Atomic uint32_t n_found, first; /* not told yet */
    bool told;
};

VpcHidden *
vpc_hidden_new(uint32_t n_blocks)
{
    VpcHidden *hidden = g_new0(VpcHidden, 1);
    hidden->looked = g_new0(_Atomic uint8_t, n_blocks / 8 + 1);
    hidden->first = UINT32_MAX;
    return hidden;
}

void
vpc_hidden_free(VpcHidden *hidden)
{
    if (!hidden)
        return;
    g_free(hidden->looked);
    g_free(hidden);
}

/* The lowest number, lest what is said depend on which thread came first. */
static void
note(VpcHidden *hidden, uint32_t block)
{
    uint32_t first = hidden->first;
    while (block < first &&
           !atomic_compare_exchange_weak(&hidden->first, &first, block))
        ;
    hidden->n_found++;
}

void
vpc_hidden_look(VpcHidden *hidden, const VpcBat *bat, VcFile *file, uint32_t block,
                uint64_t *budget)
{
    _Atomic uint8_t *looked = &hidden->looked[block / 8];
    uint8_t bit = (uint8_t)(1u << block % 8);
    uint32_t sector;

    if (atomic_fetch_or(looked, bit) & bit)
        return;
    /* What cannot be read here reads as zero all the same, and so is no error. */
    if (!vpc_bitmap_find_hidden(bat, file, block, budget, &sector, NULL))
        return;
    if (sector < bat->block_size / VPC_SECTOR)
        note(hidden, block);
    else if (*budget == 0)
        atomic_fetch_and(looked, (uint8_t)~bit);
}

char *
vpc_hidden_tell(VpcHidden *hidden, bool remedy)
{
    uint32_t n = hidden->n_found;
    if (n == 0)
        return NULL;
    char *text = g_strdup_printf(
        "data in %u%s block%s (the first is block %u) lies in sectors that bitmaps "
        "mark as never written, and reads as zeros%s",
        n, hidden->told ? " more" : "", n > 1 ? "s" : "", hidden->first,
        remedy ? "; " VPC_IGNORE_BITMAPS " reads it as it is" : "");
    hidden->n_found = 0;
    hidden->first = UINT32_MAX;
    hidden->told = true;
    return text;
}
