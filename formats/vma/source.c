/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMA archives as a source: in stored order from any file, at random from a seekable
 * one. */
#include "formats/vma/vma.h"

#include "formats/vma/index.h"
#include "formats/vma/walk.h"
#include "io/error.h"

#include <uuid.h>

/* No two neighbouring blocks of an extent can give more runs than blocks, and each
 * vmstate that ends early gives one of zeros. */
#define RUNS_MAX (VMA_EXTENT_BLOCKS_MAX + VC_DISKS_MAX)

typedef struct {
    unsigned disk;
    bool data;
    uint64_t offset, length; /* bytes of the disk */
    uint64_t position;       /* when data */
} Run;

typedef struct {
    VcSource base;
    VmaHeader header; /* its layout is base.layout */
    VmaIndex index;
    bool warned[VMA_FAULTS]; /* of this kind */
    VmaWalk *walk;           /* of `next`; NULL before its first call */
    Run runs[RUNS_MAX];      /* of the present extent */
    unsigned n_runs, next_run;
    bool ended;
} VmaSource;

/* Each kind of warning is said once. */
static bool
wants(void *user, VmaFault fault)
{
    const VmaSource *s = user;
    return !s->warned[fault];
}

static bool
hear(void *user, VmaFault fault, const GError *what, GError **error)
{
    VmaSource *s = user;
    if (!vma_fault_is_warning(fault)) {
        g_propagate_error(error, g_error_copy(what));
        return false;
    }
    vc_warn(s->base.warnings, "%s", what->message);
    s->warned[fault] = true;
    return true;
}

static VmaWalk *
new_walk(VmaSource *s, GError **error)
{
    const VmaListener listener = { wants, hear, s };
    return vma_walk_new(s->base.file, &s->header, &s->base.layout, s->base.skip,
                        &listener, error);
}

/* Adds a run, or makes the last one longer where the new one continues it. */
static void
add_run(VmaSource *s, Run run)
{
    Run *last = s->n_runs > 0 ? &s->runs[s->n_runs - 1] : NULL;
    if (last && last->disk == run.disk && last->data == run.data &&
        last->offset + last->length == run.offset &&
        (!run.data || last->position + last->length == run.position)) {
        last->length += run.length;
        return;
    }
    g_assert(s->n_runs < RUNS_MAX);
    s->runs[s->n_runs++] = run;
}

static void
add_cluster(VmaSource *s, const VmaCluster *cluster)
{
    uint64_t size = s->base.layout.disks[cluster->disk].size,
             begin = (uint64_t)cluster->cluster * VMA_CLUSTER,
             position = cluster->position;

    for (unsigned from = 0, to; from < VMA_CLUSTER_BLOCKS; from = to) {
        to = vma_mask_run(cluster->mask, from);
        uint64_t offset = begin + (uint64_t)from * VMA_BLOCK,
                 length = (uint64_t)(to - from) * VMA_BLOCK;
        if (offset >= size)
            break;
        Run run = {
            .disk = cluster->disk,
            .data = cluster->mask >> from & 1,
            .offset = offset,
            .length = MIN(length, size - offset),
            .position = position,
        };
        add_run(s, run);
        if (run.data)
            position += length;
    }
}

/* What a vmstate stream did not say is zero. */
static void
add_vmstate_rest(VmaSource *s)
{
    for (unsigned i = 0; i < s->base.layout.n_disks; i++) {
        const VcDisk *disk = &s->base.layout.disks[i];
        uint64_t end = vma_walk_vmstate_end(s->walk, i);
        if (disk->vmstate && !s->base.skip[i] && end < disk->size)
            add_run(s, (Run){ .disk = i, .offset = end, .length = disk->size - end });
    }
}

static bool
read_runs(VmaSource *s, GError **error)
{
    bool more;
    s->n_runs = s->next_run = 0;
    if (!vma_walk_next(s->walk, &more, error))
        return false;

    const VmaWalkView *view = vma_walk_view(s->walk);
    for (unsigned i = 0; i < view->n_clusters; i++)
        add_cluster(s, &view->clusters[i]);
    s->ended = !more;
    if (s->ended)
        add_vmstate_rest(s);
    return true;
}

static bool
next(VcSource *source, VcExtent *extent, GError **error)
{
    VmaSource *s = (VmaSource *)source;
    if (!s->walk) {
        s->walk = new_walk(s, error);
        if (!s->walk)
            return false;
    }
    while (s->next_run == s->n_runs) {
        if (s->ended)
            return true;
        if (!read_runs(s, error))
            return false;
    }
    const Run *run = &s->runs[s->next_run++];
    *extent = (VcExtent){
        .disk = run->disk,
        .kind = run->data ? VC_DATA : VC_ZERO,
        .offset = run->offset,
        .length = run->length,
        .file = run->data ? source->file : NULL,
        .position = run->data ? run->position : 0,
    };
    if (run->data)
        vma_walk_was_read(s->walk, run->position + run->length);
    return true;
}

static bool
make_index(VcSource *source, GError **error)
{
    VmaSource *s = (VmaSource *)source;
    if (!source->file->seekable) {
        vc_fail(error, VC_ERROR_UNSUPPORTED,
                "an archive in a pipe or a compressed stream can be read in its stored "
                "order only; store it in a file first");
        return false;
    }
    g_autoptr(VmaWalk) walk = new_walk(s, error);
    if (!walk)
        return false;
    const VmaWalkView *view = vma_walk_view(walk);
    bool more = true;
    vma_index_clear(&s->index);
    while (more) {
        if (!vma_walk_next(walk, &more, error))
            return false;
        for (unsigned i = 0; i < view->n_clusters; i++)
            vma_index_add(&s->index, &view->clusters[i]);
    }
    vma_index_sort(&s->index);
    return true;
}

static bool
map(const VcSource *source, unsigned disk, uint64_t offset, VcExtent *extent,
    GError **error G_GNUC_UNUSED)
{
    const VmaSource *s = (const VmaSource *)source;
    uint64_t position;
    if (vma_index_find(&s->index, disk, offset, &position, &extent->length)) {
        extent->kind = VC_DATA;
        extent->file = source->file;
        extent->position = position;
    } else {
        extent->kind = VC_ZERO;
    }
    return true;
}

/* `vma list` wants the ids. */
static char *
device_ids(const VmaSource *s)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < s->base.layout.n_disks; i++)
        g_string_append_printf(text, "%s%u", i > 0 ? "," : "", s->header.device[i]);
    return g_string_free(text, FALSE);
}

static void
describe(const VcSource *source, VcFacts *facts)
{
    const VmaSource *s = (const VmaSource *)source;
    char uuid[37];
    uuid_unparse_lower(s->header.uuid, uuid);
    vc_facts_add_text(facts, "uuid", uuid);

    g_autoptr(GDateTime) created = g_date_time_new_from_unix_utc(s->header.ctime);
    g_autofree char *text = created ? g_date_time_format(created, "%Y-%m-%dT%H:%M:%SZ")
                                    : NULL;
    if (text)
        vc_facts_add_text(facts, "created", text);
    /* Two's complement: hostile archives are older than 1970. */
    vc_facts_add_number(facts, "ctime", (uint64_t)s->header.ctime);

    g_autofree char *ids = device_ids(s);
    vc_facts_add_text(facts, "device-ids", ids);
    vc_facts_add_number(facts, "configs", source->layout.n_blobs);
    vc_facts_add_number(facts, "header-size", s->header.size);
    vc_facts_add_number(facts, "blob-buffer-size", s->header.blobs_size);
    vc_facts_add_number(facts, "cluster-size", VMA_CLUSTER);
}

static void
vma_source_free(VcSource *source)
{
    VmaSource *s = (VmaSource *)source;
    vma_walk_free(s->walk);
    vma_index_clear(&s->index);
    vma_header_clear(&s->header);
    vc_source_clear(source);
    g_free(s);
}

static const VcSourceOps vma_source_ops = {
    .map = map,
    .next = next,
    .index = make_index,
    .describe = describe,
    .free = vma_source_free,
};

VcSource *
vma_open(VcFile *file, const VcOptions *options G_GNUC_UNUSED, GError **error)
{
    VmaSource *s = g_new0(VmaSource, 1);
    g_autoptr(VcSource) source = &s->base;
    vc_source_init(source, &vma_source_ops, file);
    if (!vma_header_read(&s->header, file, source->warnings, error))
        return NULL;
    source->layout = s->header.layout;
    s->header.layout = (VcLayout){ 0 };
    return g_steal_pointer(&source);
}
