/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small and unaligned writes, gathered into whole blocks. */
#include "io/gathered.h"

#include "io/error.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* As the engine's windows: memory of huge pages is one segment for the disk. */
#define HUGE_PAGE ((size_t)2 << 20)

typedef struct {
    uint32_t from, to;
} Range;

typedef struct {
    uint64_t number; /* of the block in the file */
    uint8_t *bytes;  /* VC_GATHERED_BLOCK; borrowed */
    GArray *filled;  /* of Range: what was copied into it, in no order */
    uint32_t count;  /* of bytes filled */
    unsigned users;  /* threads that copy into it now */
    bool used;
} Block;

typedef struct {
    VcFile base;
    VcFile *inner; /* owned */
    uint8_t *bytes;
    pthread_mutex_t mutex; /* over what follows */
    pthread_cond_t
        freed; /* a block was given back, or nobody copies into it any more */
    Block blocks[VC_GATHERED_BLOCKS_MAX];
} Gathered;

static Block *
find(Gathered *g, uint64_t number)
{
    for (unsigned i = 0; i < VC_GATHERED_BLOCKS_MAX; i++)
        if (g->blocks[i].used && g->blocks[i].number == number)
            return &g->blocks[i];
    return NULL;
}

static void
give_back(Gathered *g, Block *block)
{
    g_array_set_size(block->filled, 0);
    block->count = 0;
    block->used = false;
    pthread_cond_broadcast(&g->freed);
}

static gint
compare_ranges(gconstpointer a, gconstpointer b)
{
    const Range *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Writes what a block has, neighbours together. Nobody else may touch the block. */
static bool
write_block(Gathered *g, Block *block, GError **error)
{
    uint64_t position = block->number * VC_GATHERED_BLOCK;
    g_array_sort(block->filled, compare_ranges);
    for (guint i = 0; i < block->filled->len;) {
        Range run = g_array_index(block->filled, Range, i);
        for (i++; i < block->filled->len; i++) {
            const Range *next = &g_array_index(block->filled, Range, i);
            if (next->from != run.to)
                break;
            run.to = next->to;
        }
        if (!vc_file_write(g->inner, position + run.from, block->bytes + run.from,
                           run.to - run.from, error))
            return false;
    }
    return true;
}

/* Writes BLOCK, which is out of sight of all others meanwhile, and frees it. */
static bool
evict(Gathered *g, Block *block, GError **error)
{
    uint64_t number = block->number;
    block->number = UINT64_MAX;
    pthread_mutex_unlock(&g->mutex);
    Block hidden = *block;
    hidden.number = number;
    bool ok = write_block(g, &hidden, error);
    pthread_mutex_lock(&g->mutex);
    give_back(g, block);
    return ok;
}

/* The block that was begun first of those that nobody copies into. */
static Block *
find_idle(Gathered *g)
{
    Block *found = NULL;
    for (unsigned i = 0; i < VC_GATHERED_BLOCKS_MAX; i++) {
        Block *block = &g->blocks[i];
        if (block->used && block->users == 0 && block->number != UINT64_MAX &&
            (!found || block->number < found->number))
            found = block;
    }
    return found;
}

/* The block NUMBER, made if need be. */
static bool
take(Gathered *g, uint64_t number, Block **taken, GError **error)
{
    for (;;) {
        Block *block = find(g, number);
        for (unsigned i = 0; !block && i < VC_GATHERED_BLOCKS_MAX; i++)
            if (!g->blocks[i].used)
                block = &g->blocks[i];
        if (block) {
            block->used = true;
            block->number = number;
            block->users++;
            *taken = block;
            return true;
        }
        /* Order decides nothing but the speed: the pieces of a block that was written
         * too early go the slow way. */
        block = find_idle(g);
        if (!block)
            pthread_cond_wait(&g->freed, &g->mutex);
        else if (!evict(g, block, error))
            return false;
    }
}

static bool
fill(Gathered *g, uint64_t number, uint32_t at, const uint8_t *from, uint32_t length,
     GError **error)
{
    Block *block;
    bool ok = true;
    pthread_mutex_lock(&g->mutex);
    if (take(g, number, &block, error)) {
        pthread_mutex_unlock(&g->mutex);
        memcpy(block->bytes + at, from, length);
        pthread_mutex_lock(&g->mutex);
        Range range = { at, at + length };
        g_array_append_val(block->filled, range);
        block->count += length;
        block->users--;
        if (block->count >= VC_GATHERED_BLOCK && block->users == 0)
            ok = evict(g, block, error);
        else
            pthread_cond_broadcast(&g->freed);
    } else {
        ok = false;
    }
    pthread_mutex_unlock(&g->mutex);
    return ok;
}

static bool
gathered_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
               GError **error)
{
    Gathered *g = (Gathered *)file;
    const uint8_t *from = buffer;
    while (length > 0) {
        uint32_t at = (uint32_t)(position % VC_GATHERED_BLOCK);
        uint32_t piece = (uint32_t)MIN(length, VC_GATHERED_BLOCK - at);
        uint64_t number = position / VC_GATHERED_BLOCK;
        bool ok = piece == VC_GATHERED_BLOCK
                      ? vc_file_write(g->inner, position, from, piece, error)
                      : fill(g, number, at, from, piece, error);
        if (!ok)
            return false;
        from += piece;
        position += piece;
        length -= piece;
    }
    return true;
}

/* Only when no thread writes. */
static bool
flush(Gathered *g, GError **error)
{
    bool ok = true;
    pthread_mutex_lock(&g->mutex);
    for (Block *block; ok && (block = find_idle(g)) != NULL;)
        ok = evict(g, block, error);
    pthread_mutex_unlock(&g->mutex);
    return ok;
}

static bool
gathered_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
              GError **error)
{
    Gathered *g = (Gathered *)file;
    return flush(g, error) &&
           vc_file_read_some(g->inner, position, buffer, length, got, error);
}

static bool
gathered_size(VcFile *file, uint64_t *size, GError **error)
{
    Gathered *g = (Gathered *)file;
    return flush(g, error) && vc_file_size(g->inner, size, error);
}

static bool
gathered_zero(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    Gathered *g = (Gathered *)file;
    return flush(g, error) && vc_file_zero(g->inner, position, length, error);
}

static bool
gathered_truncate(VcFile *file, uint64_t size, GError **error)
{
    Gathered *g = (Gathered *)file;
    return flush(g, error) && vc_file_truncate(g->inner, size, error);
}

static bool
gathered_sync(VcFile *file, GError **error)
{
    return flush((Gathered *)file, error);
}

static void
gathered_free(VcFile *file)
{
    Gathered *g = (Gathered *)file;
    for (unsigned i = 0; i < VC_GATHERED_BLOCKS_MAX; i++)
        g_array_unref(g->blocks[i].filled);
    free(g->bytes);
    pthread_mutex_destroy(&g->mutex);
    pthread_cond_destroy(&g->freed);
    vc_file_free(g->inner);
    vc_file_clear(file);
    g_free(g);
}

static const VcFileOps gathered_ops = {
    .read = gathered_read,
    .write = gathered_write,
    .size = gathered_size,
    .zero = gathered_zero,
    .truncate = gathered_truncate,
    .sync = gathered_sync,
    .free = gathered_free,
};

VcFile *
vc_gathered_file(VcFile *inner, GError **error)
{
    uint8_t *bytes = aligned_alloc(HUGE_PAGE,
                                   (size_t)VC_GATHERED_BLOCKS_MAX * VC_GATHERED_BLOCK);
    if (!bytes) {
        vc_fail_errno(error, ENOMEM, "buffers to write from");
        vc_file_free(inner);
        return NULL;
    }
    madvise(bytes, (size_t)VC_GATHERED_BLOCKS_MAX * VC_GATHERED_BLOCK, MADV_HUGEPAGE);
    Gathered *g = g_new0(Gathered, 1);
    vc_file_init(&g->base, &gathered_ops, inner->name, true);
    g->base.reads_zero = inner->reads_zero;
    g->inner = inner;
    g->bytes = bytes;
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->freed, NULL);
    for (unsigned i = 0; i < VC_GATHERED_BLOCKS_MAX; i++) {
        g->blocks[i].bytes = bytes + (size_t)i * VC_GATHERED_BLOCK;
        g->blocks[i].filled = g_array_new(FALSE, FALSE, sizeof(Range));
    }
    return &g->base;
}
