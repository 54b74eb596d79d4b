/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the VHDX sink is asked for in its fuzz target: options good and bad, and what
 * must come of them. */
#ifndef VC_TESTS_FUZZ_VHDX_WISH_H
#define VC_TESTS_FUZZ_VHDX_WISH_H

#include "formats/layout.h"
#include "formats/options.h"

#define WISH_MIB ((uint64_t)1 << 20)
#define WISH_SIZE_MAX ((uint64_t)64 << 40)
/* Bytes of the input that may choose, beside byte 0. */
#define WISH_BYTES 4u

/* A value of an option, NULL for none, and what it means; 0: refused. */
typedef struct {
    const char *text;
    uint64_t value;
} Choice;

static const Choice log_sizes[] = {
    { NULL, WISH_MIB },  { "1M", WISH_MIB }, { "3M", 3 * WISH_MIB },
    { "1048577", 0 },    { "0", 0 },         { "4095M", 4095 * WISH_MIB },
    { "4294967296", 0 }, { "much", 0 },
};
static const Choice logical_sectors[] = {
    { NULL, 512 },
    { "512", 512 },
    { "4096", 4096 },
    { "1024", 0 },
};
static const Choice physical_sectors[] = {
    { NULL, 4096 },
    { "512", 512 },
    { "4096", 4096 },
    { "", 0 },
};
static const Choice block_sizes[] = {
    { NULL, 1 },        { "0", 32 * WISH_MIB },
    { "1M", WISH_MIB }, { "512k", 0 },
    { "3M", 0 },        { "2097152", 2 * WISH_MIB },
    { "512M", 0 },      { "1048577", 0 },
    { "-1M", 0 },       { "4294967296", 0 },
    { "8P", 0 },        { "256M", 256 * WISH_MIB },
};
static const Choice subformats[] = { { NULL, 1 }, { NULL, 1 }, { NULL, 1 }, { "", 0 } };
static const Choice zero_states[] = {
    { NULL, 1 },
    { "on", 1 },
    { "off", 1 },
    { "perhaps", 0 },
};
static const uint32_t source_sectors[] = { 0, 4096, 520, 1 };

typedef struct {
    VcOptions *options; /* borrowed */
    bool refused;       /* and then the rest does not count */
    bool fixed;
    uint64_t disk_size; /* of the source */
    uint64_t size;      /* that the image shall have, a multiple of its sectors */
    uint64_t block_size, log_size;
    uint32_t source_sector, logical_sector, physical_sector;
} Wish;

/* Sets KEY to number WHICH of the N CHOICES; gives what it means. */
static inline uint64_t
wish_choose(Wish *wish, const char *key, const Choice *choices, size_t n,
            unsigned which)
{
    const Choice *choice = &choices[which % n];
    if (choice->text)
        vc_options_set(wish->options, key, choice->text);
    wish->refused = wish->refused || choice->value == 0;
    return choice->value;
}
#define WISH_CHOOSE(wish, key, choices, which)                                         \
    wish_choose(wish, key, choices, G_N_ELEMENTS(choices), which)

static inline void
wish_blocks(Wish *wish, uint8_t first, const uint8_t more[static WISH_BYTES])
{
    wish->fixed = first & 0x10;
    wish->block_size = WISH_MIB << MIN(first & 15, 8);
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, wish->block_size);
    vc_options_set(wish->options, "block_size", text);
    vc_options_set(wish->options, "subformat", wish->fixed ? "fixed" : "dynamic");

    uint64_t other = WISH_CHOOSE(wish, "block_size", block_sizes, more[1] & 15);
    if (other >= WISH_MIB)
        wish->block_size = other;
    WISH_CHOOSE(wish, "subformat", subformats, more[2] >> 2);
    WISH_CHOOSE(wish, "block_state_zero", zero_states, more[2] >> 4);
}

static inline void
wish_sectors(Wish *wish, uint8_t first, const uint8_t more[static WISH_BYTES])
{
    unsigned which = more[0] >> 3 & 3;
    wish->source_sector = source_sectors[more[2] & 3];
    if ((more[2] & 3) == 0)
        wish->source_sector = first & 0x20 ? 4096 : 512;
    wish->logical_sector = (uint32_t)WISH_CHOOSE(wish, "logical_sector_size",
                                                 logical_sectors, which);
    if (which == 0 && wish->source_sector == 4096)
        wish->logical_sector = 4096;
    wish->physical_sector = (uint32_t)WISH_CHOOSE(wish, "physical_sector_size",
                                                  physical_sectors, more[0] >> 5 & 3);
}

/* The size of the image: as it is, a bit more or less, nothing, too much. */
static inline void
wish_size(Wish *wish, uint64_t disk_size, uint8_t which)
{
    static const int64_t steps[] = { 0, 0, 1, 512, 4095, -1 };
    wish->disk_size = wish->size = disk_size;
    if (which < G_N_ELEMENTS(steps))
        wish->size += (uint64_t)steps[which];
    else
        wish->size = which == 6 ? 0 : WISH_SIZE_MAX + 1;
    if (which != 0) {
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, wish->size);
        vc_options_set(wish->options, "size", text);
    }
    if (wish->size < disk_size || wish->size > WISH_SIZE_MAX)
        wish->refused = true;
    else if (wish->logical_sector > 0)
        wish->size = (wish->size + wish->logical_sector - 1) / wish->logical_sector *
                     wish->logical_sector;
}

/* What byte 0 of the input and MORE ask for, except the size. */
static inline void
wish_init(Wish *wish, VcOptions *options, uint8_t first,
          const uint8_t more[static WISH_BYTES])
{
    *wish = (Wish){ .options = options };
    wish_blocks(wish, first, more);
    wish_sectors(wish, first, more);
    wish->log_size = WISH_CHOOSE(wish, "log_size", log_sizes, more[0] & 7);
    if (more[3] & 0x80) {
        vc_options_set(options, "disk_id", "");
        wish->refused = true;
    }
}

#endif
