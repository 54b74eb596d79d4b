/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes over a file, in memory: pages that were written, and ranges that became zero.
 * Reading changes nothing here, so once the changes are made many threads may read. */
#include "io/overlay.h"

#include "io/error.h"

#include <string.h>

/* The sector of a VHDX log, so its descriptors never share a page. */
#define PAGE 4096u

typedef struct {
    VcFile base;
    VcFile *below; /* owned */
    GTree *pages;  /* position of a page to its bytes */
    GTree *zeros;  /* begin of a range to its end: whole pages, apart from each other.
                      Pages that were written later lie over them. */
    uint64_t size;
    uint64_t below_end; /* bytes of the file below that are still seen, then zeros */
    GError *failed;     /* the size below could not be found: nothing works */
} OverlayFile;

typedef enum { PAGE_RUN, ZERO_RUN, BELOW_RUN } RunKind;

static int
compare_numbers(gconstpointer a, gconstpointer b, gpointer unused G_GNUC_UNUSED)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static GTree *
tree_new(void)
{
    return g_tree_new_full(compare_numbers, NULL, g_free, g_free);
}

static uint64_t *
copy_number(uint64_t number)
{
    return g_memdup2(&number, sizeof number);
}

static uint64_t
key_of(GTreeNode *node)
{
    return *(const uint64_t *)g_tree_node_key(node);
}

static uint64_t
zero_end_of(GTreeNode *node)
{
    return *(const uint64_t *)g_tree_node_value(node);
}

/* The range of zeros with the highest begin at or below POSITION; or NULL. */
static GTreeNode *
zeros_before(const OverlayFile *o, uint64_t position)
{
    GTreeNode *above = g_tree_upper_bound(o->zeros, &position);
    return above ? g_tree_node_previous(above) : g_tree_node_last(o->zeros);
}

/* What lies at POSITION, which is below END, and how far it goes (END at most).
 * *PAGE_AT is the page's byte at POSITION. */
static RunKind
find_run(const OverlayFile *o, uint64_t position, uint64_t end, uint64_t *length,
         const uint8_t **page_at)
{
    uint64_t page = position - position % PAGE;
    GTreeNode *node = g_tree_lower_bound(o->pages, &page);
    if (node && key_of(node) == page) {
        *page_at = (const uint8_t *)g_tree_node_value(node) + position % PAGE;
        *length = MIN(end - position, PAGE - position % PAGE);
        return PAGE_RUN;
    }
    if (node)
        end = MIN(end, key_of(node));

    RunKind kind = BELOW_RUN;
    GTreeNode *zeros = zeros_before(o, position);
    if (zeros && zero_end_of(zeros) > position) {
        kind = ZERO_RUN;
        end = MIN(end, zero_end_of(zeros));
    } else if (position >= o->below_end) {
        kind = ZERO_RUN;
    } else {
        end = MIN(end, o->below_end);
        zeros = g_tree_upper_bound(o->zeros, &position);
        if (zeros)
            end = MIN(end, key_of(zeros));
    }
    *length = end - position;
    return kind;
}

static bool
is_usable(const OverlayFile *o, GError **error)
{
    if (!o->failed)
        return true;
    g_propagate_error(error, g_error_copy(o->failed));
    return false;
}

static bool
overlay_read(VcFile *file, uint64_t position, void *buffer, size_t length, size_t *got,
             GError **error)
{
    const OverlayFile *o = (const OverlayFile *)file;
    if (!is_usable(o, error))
        return false;
    uint8_t *to = buffer;
    size_t want = position < o->size ? MIN(length, o->size - position) : 0;

    for (*got = 0; *got < want;) {
        uint64_t at = position + *got, run;
        const uint8_t *page_at = NULL;
        RunKind kind = find_run(o, at, position + want, &run, &page_at);
        if (kind == PAGE_RUN)
            memcpy(to + *got, page_at, run);
        else if (kind == ZERO_RUN)
            memset(to + *got, 0, run);
        else if (!vc_file_read(o->below, at, to + *got, run, error))
            return false;
        *got += run;
    }
    return true;
}

static bool
overlay_size(VcFile *file, uint64_t *size, GError **error)
{
    const OverlayFile *o = (const OverlayFile *)file;
    *size = o->size;
    return is_usable(o, error);
}

static bool
overlay_run(VcFile *file, uint64_t position, bool *data, uint64_t *length,
            GError **error)
{
    const OverlayFile *o = (const OverlayFile *)file;
    const uint8_t *page_at;
    uint64_t run;
    if (!is_usable(o, error))
        return false;
    RunKind kind = find_run(o, position, o->size, &run, &page_at);
    if (kind == BELOW_RUN) {
        if (!vc_file_run(o->below, position, data, length, error))
            return false;
        *length = MIN(*length, run);
        return true;
    }
    *data = kind == PAGE_RUN;
    *length = run;
    return true;
}

/* The page at POSITION to write into. WHOLE: all of it will be written, so what it held
 * does not matter. */
static uint8_t *
make_page(OverlayFile *o, uint64_t position, bool whole, GError **error)
{
    uint8_t *found = g_tree_lookup(o->pages, &position);
    if (found)
        return found;

    g_autofree uint8_t *page = g_malloc0(PAGE);
    size_t got;
    if (!whole && !overlay_read(&o->base, position, page, PAGE, &got, error))
        return NULL;
    g_tree_insert(o->pages, copy_number(position), page);
    return g_steal_pointer(&page);
}

/* Puts LENGTH bytes of DATA, or zeros where it is NULL, at POSITION; the size stays. */
static bool
put(OverlayFile *o, uint64_t position, const uint8_t *data, uint64_t length,
    GError **error)
{
    while (length > 0) {
        size_t inside = position % PAGE, piece = MIN(length, PAGE - inside);
        uint8_t *page = make_page(o, position - inside, piece == PAGE, error);
        if (!page)
            return false;
        if (data)
            memcpy(page + inside, data, piece);
        else
            memset(page + inside, 0, piece);
        data = data ? data + piece : NULL;
        position += piece;
        length -= piece;
    }
    return true;
}

/* The end of what is to be changed, if that can be. */
static bool
end_of(const OverlayFile *o, uint64_t position, uint64_t length, uint64_t *end,
       GError **error)
{
    if (!is_usable(o, error))
        return false;
    /* A page more, so that no page reaches beyond 2^64. */
    if (g_uint64_checked_add(end, position, length) && *end <= UINT64_MAX - PAGE)
        return true;
    vc_fail(error, VC_ERROR_LIMIT, "writing beyond 2^64");
    return false;
}

static bool
overlay_write(VcFile *file, uint64_t position, const void *buffer, size_t length,
              GError **error)
{
    OverlayFile *o = (OverlayFile *)file;
    uint64_t end;
    if (!end_of(o, position, length, &end, error) ||
        !put(o, position, buffer, length, error))
        return false;
    if (length > 0)
        o->size = MAX(o->size, end);
    return true;
}

static void
drop_pages(OverlayFile *o, uint64_t begin, uint64_t end)
{
    GTreeNode *node = g_tree_lower_bound(o->pages, &begin);
    while (node && key_of(node) < end) {
        uint64_t page = key_of(node);
        g_tree_remove(o->pages, &page);
        node = g_tree_lower_bound(o->pages, &page);
    }
}

/* Whole pages from BEGIN to END become zero; ranges that they touch become one. */
static void
add_zeros(OverlayFile *o, uint64_t begin, uint64_t end)
{
    drop_pages(o, begin, end);

    GTreeNode *node = zeros_before(o, begin);
    if (!node || zero_end_of(node) < begin)
        node = g_tree_lower_bound(o->zeros, &begin);
    while (node && key_of(node) <= end) {
        uint64_t merged = key_of(node);
        begin = MIN(begin, merged);
        end = MAX(end, zero_end_of(node));
        g_tree_remove(o->zeros, &merged);
        node = g_tree_lower_bound(o->zeros, &merged);
    }
    g_tree_insert(o->zeros, copy_number(begin), copy_number(end));
}

static bool
overlay_zero(VcFile *file, uint64_t position, uint64_t length, GError **error)
{
    OverlayFile *o = (OverlayFile *)file;
    uint64_t end;
    if (length == 0)
        return true;
    if (!end_of(o, position, length, &end, error))
        return false;

    uint64_t first = position + (PAGE - position % PAGE) % PAGE,
             last = end - end % PAGE;
    if (first >= last) {
        if (!put(o, position, NULL, length, error))
            return false;
    } else {
        if (!put(o, position, NULL, first - position, error) ||
            !put(o, last, NULL, end - last, error))
            return false;
        add_zeros(o, first, last);
    }
    o->size = MAX(o->size, end);
    return true;
}

static bool
overlay_truncate(VcFile *file, uint64_t size, GError **error)
{
    OverlayFile *o = (OverlayFile *)file;
    uint64_t end;
    if (!end_of(o, size, 0, &end, error))
        return false;

    /* What is cut off must not come back when the file grows again. */
    if (size < o->size) {
        uint64_t page = size - size % PAGE;
        uint8_t *cut = g_tree_lookup(o->pages, &page);
        if (cut)
            memset(cut + size % PAGE, 0, PAGE - size % PAGE);
        drop_pages(o, cut ? page + PAGE : page, UINT64_MAX);
        o->below_end = MIN(o->below_end, size);
    }
    o->size = size;
    return true;
}

static void
overlay_free(VcFile *file)
{
    OverlayFile *o = (OverlayFile *)file;
    vc_file_free(o->below);
    g_clear_error(&o->failed);
    g_tree_unref(o->pages);
    g_tree_unref(o->zeros);
    vc_file_clear(file);
    g_free(o);
}

static const VcFileOps overlay_ops = {
    .read = overlay_read,
    .write = overlay_write,
    .size = overlay_size,
    .run = overlay_run,
    .zero = overlay_zero,
    .truncate = overlay_truncate,
    .free = overlay_free,
};

VcFile *
vc_overlay_file(VcFile *base)
{
    OverlayFile *o = g_new0(OverlayFile, 1);
    vc_file_init(&o->base, &overlay_ops, base->name, true);
    o->below = base;
    o->pages = tree_new();
    o->zeros = tree_new();
    if (vc_file_size(base, &o->size, &o->failed))
        o->below_end = o->size;
    return &o->base;
}

VcFile *
vc_overlay_base(VcFile *overlay)
{
    return ((OverlayFile *)overlay)->below;
}

bool
vc_overlay_untouched(VcFile *overlay, uint64_t position, uint64_t length)
{
    const OverlayFile *o = (const OverlayFile *)overlay;
    const uint8_t *page_at;
    uint64_t end, run;
    if (!g_uint64_checked_add(&end, position, length) || end > o->below_end)
        return false;
    return length == 0 ||
           (find_run(o, position, end, &run, &page_at) == BELOW_RUN && run == length);
}
