/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file in memory, sparse, in pages. */
#include "io/memory.h"

#include "io/error.h"

#include <pthread.h>
#include <string.h>

#define PAGE ((size_t)4 << 10)

typedef struct {
    unsigned refs;
    uint8_t data[PAGE];
} Page;

typedef struct {
    VcFile base;
    pthread_mutex_t lock; /* outputs are written by many threads */
    GTree *pages;         /* page number to Page; zero outside what was written */
    Page *last; /* the last that was written whole: metadata repeats itself, such as the
                   bitmap before each block of a VHD, and is then kept once */
    uint64_t size;
} MemoryFile;

static int
compare_numbers(gconstpointer a, gconstpointer b, gpointer unused G_GNUC_UNUSED)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static Page *
page_ref(Page *page)
{
    page->refs++;
    return page;
}

static void
page_unref(gpointer data)
{
    Page *page = data;
    if (page && --page->refs == 0)
        g_free(page);
}

static const Page *
find_page(const MemoryFile *m, uint64_t number)
{
    return g_tree_lookup(m->pages, &number);
}

/* PAGE is taken. */
static void
insert_page(MemoryFile *m, uint64_t number, Page *page)
{
    g_tree_insert(m->pages, g_memdup2(&number, sizeof number), page);
}

/* The bytes of page NUMBER, which no other shares, to be written. */
static uint8_t *
make_page(MemoryFile *m, uint64_t number)
{
    Page *page = g_tree_lookup(m->pages, &number);
    if (page && page == m->last)
        g_clear_pointer(&m->last, page_unref);
    if (!page || page->refs > 1) {
        Page *copy = g_new0(Page, 1);
        copy->refs = 1;
        if (page)
            memcpy(copy->data, page->data, PAGE);
        insert_page(m, number, copy);
        page = copy;
    }
    return page->data;
}

static void
write_whole_page(MemoryFile *m, uint64_t number, const uint8_t *data)
{
    if (!m->last || memcmp(m->last->data, data, PAGE) != 0) {
        g_clear_pointer(&m->last, page_unref);
        m->last = g_new(Page, 1);
        m->last->refs = 1;
        memcpy(m->last->data, data, PAGE);
    }
    insert_page(m, number, page_ref(m->last));
}

static bool
memory_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
            GError **error G_GNUC_UNUSED)
{
    MemoryFile *m = (MemoryFile *)file;
    pthread_mutex_lock(&m->lock);
    *got = position < m->size ? MIN(length, m->size - position) : 0;

    uint8_t *at = buffer;
    for (size_t left = *got; left > 0;) {
        size_t inside = position % PAGE, piece = MIN(left, PAGE - inside);
        const Page *page = find_page(m, position / PAGE);
        if (page)
            memcpy(at, page->data + inside, piece);
        else
            memset(at, 0, piece);
        at += piece;
        position += piece;
        left -= piece;
    }
    pthread_mutex_unlock(&m->lock);
    return true;
}

static bool
memory_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
             GError **error)
{
    MemoryFile *m = (MemoryFile *)file;
    uint64_t end;
    if (!g_uint64_checked_add(&end, position, length)) {
        vc_fail(error, VC_ERROR_LIMIT, "writing beyond 2^64");
        return false;
    }
    if (length == 0) /* as in a real file, this makes it no longer */
        return true;
    pthread_mutex_lock(&m->lock);
    m->size = MAX(m->size, end);

    const uint8_t *at = buffer;
    while (length > 0) {
        size_t inside = position % PAGE, piece = MIN(length, PAGE - inside);
        if (piece == PAGE)
            write_whole_page(m, position / PAGE, at);
        else
            memcpy(make_page(m, position / PAGE) + inside, at, piece);
        at += piece;
        position += piece;
        length -= piece;
    }
    pthread_mutex_unlock(&m->lock);
    return true;
}

static bool
memory_size(VcFile *file, uint64_t *size, GError **error G_GNUC_UNUSED)
{
    *size = ((MemoryFile *)file)->size;
    return true;
}

static bool
memory_run(VcFile *file, uint64_t position, bool *data, uint64_t *length,
           GError **error G_GNUC_UNUSED)
{
    const MemoryFile *m = (const MemoryFile *)file;
    uint64_t first = position / PAGE;
    GTreeNode *node = g_tree_lookup_node(m->pages, &first);
    *data = node != NULL;

    uint64_t end;
    if (*data) {
        uint64_t page = first;
        while (node && *(const uint64_t *)g_tree_node_key(node) == page) {
            node = g_tree_node_next(node);
            page++;
        }
        end = page * PAGE;
    } else {
        node = g_tree_upper_bound(m->pages, &first);
        end = node ? *(const uint64_t *)g_tree_node_key(node) * PAGE : m->size;
    }
    *length = MIN(end, m->size) - position;
    return true;
}

static bool
memory_zero(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    MemoryFile *m = (MemoryFile *)file;
    uint64_t end;
    if (!g_uint64_checked_add(&end, position, length)) {
        vc_fail(error, VC_ERROR_LIMIT, "zeroing beyond 2^64");
        return false;
    }
    if (length == 0)
        return true;
    pthread_mutex_lock(&m->lock);
    m->size = MAX(m->size, end);

    uint64_t first = position / PAGE;
    GTreeNode *node = g_tree_lower_bound(m->pages, &first);
    while (node) {
        uint64_t page = *(const uint64_t *)g_tree_node_key(node);
        if (end == 0 || page > (end - 1) / PAGE)
            break;
        uint64_t from = MAX(position, page * PAGE), to = MIN(end, page * PAGE + PAGE);
        memset(make_page(m, page) + from % PAGE, 0, to - from);
        node = g_tree_node_next(node);
    }
    pthread_mutex_unlock(&m->lock);
    return true;
}

static bool
memory_truncate(VcFile *file, uint64_t size, GError **error)
{
    MemoryFile *m = (MemoryFile *)file;
    if (size < m->size && !memory_zero(file, size, m->size - size, error))
        return false;
    m->size = size;
    return true;
}

static void
memory_free(VcFile *file)
{
    MemoryFile *m = (MemoryFile *)file;
    g_tree_unref(m->pages);
    page_unref(m->last);
    pthread_mutex_destroy(&m->lock);
    vc_file_clear(file);
    g_free(m);
}

static const VcFileOps memory_ops = {
    .read = memory_read,
    .write = memory_write,
    .size = memory_size,
    .run = memory_run,
    .zero = memory_zero,
    .truncate = memory_truncate,
    .free = memory_free,
};

VcFile *
vc_memory_file(const char *name)
{
    MemoryFile *m = g_new0(MemoryFile, 1);
    vc_file_init(&m->base, &memory_ops, name, true);
    m->base.reads_zero = true;
    pthread_mutex_init(&m->lock, NULL);
    m->pages = g_tree_new_full(compare_numbers, NULL, g_free, page_unref);
    return &m->base;
}

VcFile *
vc_memory_file_from(const char *name, const void *data, size_t length)
{
    VcFile *file = vc_memory_file(name);
    memory_write(file, 0, data, length, NULL);
    return file;
}

bool
vc_memory_file_visit(VcFile *file, VcMemoryVisit visit, void *user, GError **error)
{
    MemoryFile *m = (MemoryFile *)file;
    for (GTreeNode *node = g_tree_node_first(m->pages); node;
         node = g_tree_node_next(node)) {
        uint64_t position = *(const uint64_t *)g_tree_node_key(node) * PAGE;
        if (position >= m->size)
            break;
        const Page *page = g_tree_node_value(node);
        if (!visit(user, position, page->data, MIN(PAGE, m->size - position), error))
            return false;
    }
    return true;
}
