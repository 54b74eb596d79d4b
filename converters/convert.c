/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A conversion: plan everything, move the data, finish, give the names. */
#include "converters/convert.h"

#include "converters/copy.h"
#include "converters/making.h"
#include "converters/plan.h"
#include "converters/refuse.h"
#include "io/error.h"
#include "io/lock.h"
#include "io/null.h"
#include "io/watch.h"

#include <string.h>
#include <unistd.h>

static void
target_clear(gpointer target)
{
    vc_layout_clear(&((VcTarget *)target)->layout);
}

void
vc_conversion_init(VcConversion *conversion)
{
    *conversion = (VcConversion){
        .targets = g_array_new(FALSE, FALSE, sizeof(VcTarget)),
        .routes = g_array_new(FALSE, FALSE, sizeof(VcRoute)),
        .warnings = vc_warnings_new(),
    };
    g_array_set_clear_func(conversion->targets, target_clear);
}

void
vc_conversion_clear(VcConversion *conversion)
{
    g_clear_pointer(&conversion->targets, g_array_unref);
    g_clear_pointer(&conversion->routes, g_array_unref);
    g_clear_pointer(&conversion->warnings, g_ptr_array_unref);
}

unsigned
vc_conversion_add_target(VcConversion *conversion, const VcTarget *target)
{
    VcTarget copy = *target;
    vc_layout_copy(&copy.layout, &target->layout);
    g_array_append_val(conversion->targets, copy);
    return conversion->targets->len - 1;
}

void
vc_conversion_add_route(VcConversion *conversion, VcSource *source,
                        unsigned source_disk, unsigned target, unsigned target_disk)
{
    VcRoute route = { .source = source,
                      .source_disk = source_disk,
                      .target = target,
                      .target_disk = target_disk };
    g_array_append_val(conversion->routes, route);
}

static const VcRoute *
route_at(const VcConversion *conversion, unsigned i)
{
    return &g_array_index(conversion->routes, VcRoute, i);
}

/* The sources in the order of their first routes. */
static GPtrArray *
list_sources(const VcConversion *conversion)
{
    GPtrArray *sources = g_ptr_array_new();
    for (unsigned i = 0; i < conversion->routes->len; i++)
        if (!g_ptr_array_find(sources, route_at(conversion, i)->source, NULL))
            g_ptr_array_add(sources, route_at(conversion, i)->source);
    return sources;
}

/* --- planning: nothing is created here --- */

/* Answers for one source and one target; a sink over nothing tells what the format
 * wants. */
static bool
plan_pair(const VcSource *source, const VcTarget *target, const VcIdentity *identity,
          VcPlan *plan, GError **error)
{
    bool pipe = vc_target_is_pipe(target);
    g_autoptr(VcFile) nothing = vc_null_file(target->path);
    nothing->seekable = !pipe;
    g_autoptr(VcSink) sink = vc_format_create(target->format, nothing, &target->layout,
                                              target->options, identity, error);
    if (!sink)
        return false;

    VcPlanQuestion question = { .source_map = vc_source_has_map(source),
                                .source_next = source->ops->next != NULL,
                                .source_unaligned = source->unaligned,
                                .source_ascending = source->ascending,
                                .order = sink->order,
                                .append_only = sink->append_only,
                                .target_pipe = pipe };
    if (!vc_plan(&question, plan, error)) {
        g_prefix_error(error, "%s: ", target->path);
        return false;
    }
    return true;
}

/* Plans all routes of SOURCE; it is walked once, so the strictest target decides. */
static bool
plan_source(const VcConversion *conversion, VcSource *source,
            const VcIdentity *identity, VcWalk *walk, VcMaking *makings, GError **error)
{
    *walk = source->ops->next ? VC_WALK_STORED : VC_WALK_MAP;
    memset(source->skip, true, sizeof source->skip);
    for (unsigned i = 0; i < conversion->routes->len; i++) {
        const VcRoute *route = route_at(conversion, i);
        if (route->source != source)
            continue;
        source->skip[route->source_disk] = false;

        const VcTarget *target = &g_array_index(conversion->targets, VcTarget,
                                                route->target);
        VcPlan plan;
        if (!plan_pair(source, target, identity, &plan, error))
            return false;
        if (plan.walk == VC_WALK_MAP)
            *walk = VC_WALK_MAP;
        makings[route->target].place_first |= plan.place_first;
    }
    return true;
}

static bool
plan_all(const VcConversion *conversion, const GPtrArray *sources,
         const VcIdentity *identity, VcWalk *walks, GArray *makings, GError **error)
{
    for (unsigned i = 0; i < sources->len; i++)
        if (!plan_source(conversion, sources->pdata[i], identity, &walks[i],
                         (VcMaking *)makings->data, error))
            return false;

    /* A target without any route (an archive of nothing but configurations). */
    for (unsigned i = 0; i < makings->len; i++) {
        const VcTarget *target = &g_array_index(conversion->targets, VcTarget, i);
        g_autoptr(VcFile) nothing = vc_null_file(target->path);
        g_autoptr(VcSink) sink = vc_format_create(
            target->format, nothing, &target->layout, target->options, identity, error);
        if (!sink)
            return false;
    }
    return true;
}

/* --- moving --- */

static bool
copy_source(const VcConversion *conversion, VcSource *source, const GArray *makings,
            const VcConvertOptions *options, VcCopySettings *settings,
            VcConvertStats *stats, GError **error)
{
    g_autofree VcCopyRoute *routes = g_new0(VcCopyRoute, source->layout.n_disks);
    for (unsigned i = 0; i < conversion->routes->len; i++) {
        const VcRoute *route = route_at(conversion, i);
        const VcMaking *making = &g_array_index(makings, VcMaking, route->target);
        if (route->source != source || (settings->dry && !making->place_first))
            continue;
        routes[route->source_disk] = (VcCopyRoute){
            .sink = making->sink,
            .disk = route->target_disk,
            .zeros = { .sparse = options->sparse,
                       .write_zeros =
                           making->sink->identity && !making->file->reads_zero &&
                           making->file->seekable && !making->target->target_is_zero },
        };
    }
    return vc_copy(source, routes, settings, stats, error);
}

/* Where metadata lies in front: all places first, then the metadata, which then waits
 * in memory for the payload to come by. */
static bool
place_first(const VcConversion *conversion, const GPtrArray *sources,
            const GArray *makings, const VcConvertOptions *options, GError **error)
{
    bool any = false;
    for (unsigned i = 0; i < makings->len; i++)
        any |= g_array_index(makings, VcMaking, i).place_first;
    if (!any)
        return true;

    VcConvertOptions silent = *options;
    silent.progress = NULL;
    silent.rate = 0;
    VcPace pace;
    vc_pace_start(&pace, &silent, 0);
    VcCopySettings settings = { .walk = VC_WALK_MAP, .dry = true, .pace = &pace };
    VcConvertStats unused = { 0 };
    for (unsigned i = 0; i < sources->len; i++)
        if (!copy_source(conversion, sources->pdata[i], makings, options, &settings,
                         &unused, error))
            return false;

    for (unsigned i = 0; i < makings->len; i++) {
        VcMaking *making = &g_array_index(makings, VcMaking, i);
        if (!making->place_first)
            continue;
        if (!vc_making_make_metadata(making, error))
            return false;
    }
    return true;
}

/* One would replace or overwrite the other. */
static bool
refuse_shared_outputs(const GArray *makings, GError **error)
{
    for (unsigned i = 1; i < makings->len; i++) {
        const VcMaking *a = &g_array_index(makings, VcMaking, i);
        for (unsigned j = 0; j < i; j++) {
            const VcMaking *b = &g_array_index(makings, VcMaking, j);
            bool same;
            if (!vc_output_same(a->output, b->output, &same, error)) {
                g_prefix_error(error, "%s: ", a->target->path);
                return false;
            }
            if (!same)
                continue;
            vc_fail(error, VC_ERROR_USAGE, "%s and %s: two outputs cannot be one file",
                    b->target->path, a->target->path);
            return false;
        }
    }
    return true;
}

static uint64_t
total_size(const VcConversion *conversion)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < conversion->routes->len; i++) {
        const VcRoute *route = route_at(conversion, i);
        uint64_t size = route->source->layout.disks[route->source_disk].size;
        if (size != VC_SIZE_UNKNOWN && !g_uint64_checked_add(&total, total, size))
            return G_MAXUINT64;
    }
    return total;
}

static bool
check_watches(const VcConversion *conversion, GError **error)
{
    for (unsigned i = 0; conversion->watches && i < conversion->watches->len; i++)
        if (!vc_watch_check(conversion->watches->pdata[i], error))
            return false;
    return true;
}

static void
gather_warnings(VcConversion *conversion, const VcMaking *making)
{
    for (unsigned i = 0; i < making->sink->warnings->len; i++)
        vc_warn(conversion->warnings, "%s: %s", making->target->path,
                (const char *)making->sink->warnings->pdata[i]);
}

/* All outputs get their names, or none that is new does. */
static bool
commit_all(const GArray *makings, GError **error)
{
    for (unsigned i = 0; i < makings->len; i++) {
        if (vc_making_commit(&g_array_index(makings, VcMaking, i), error))
            continue;
        for (unsigned j = 0; j <= i; j++)
            vc_making_revert(&g_array_index(makings, VcMaking, j));
        return false;
    }
    return true;
}

/* Two runs that replace the same files leave those of one of them, not of both. */
static bool
commit_alone(const VcConversion *conversion, const GArray *makings, GError **error)
{
    int fd = -1;
    if (conversion->directory && !vc_lock_directory(conversion->directory, &fd, error))
        return false;
    bool well = commit_all(makings, error);
    if (fd >= 0)
        close(fd);
    return well;
}

bool
vc_conversion_run(VcConversion *conversion, const VcConvertOptions *options,
                  VcConvertStats *stats, GError **error)
{
    VcConvertStats counted = { 0 };
    g_autoptr(GPtrArray) sources = list_sources(conversion);
    g_autofree VcWalk *walks = g_new0(VcWalk, sources->len + 1);
    g_autoptr(GArray) makings = g_array_sized_new(FALSE, TRUE, sizeof(VcMaking),
                                                  conversion->targets->len);
    g_array_set_clear_func(makings, (GDestroyNotify)vc_making_clear);
    g_array_set_size(makings, conversion->targets->len);

    if (!vc_refuse_read(conversion, error) ||
        !plan_all(conversion, sources, &options->identity, walks, makings, error))
        return false;
    for (unsigned i = 0; i < makings->len; i++) {
        VcMaking *making = &g_array_index(makings, VcMaking, i);
        making->target = &g_array_index(conversion->targets, VcTarget, i);
        if (!vc_making_open(making, options, error))
            return false;
    }
    if (!refuse_shared_outputs(makings, error))
        return false;
    /* What is written in place is emptied only when all others are open. */
    for (unsigned i = 0; i < makings->len; i++)
        if (!vc_making_start(&g_array_index(makings, VcMaking, i), options, error))
            return false;
    if (!place_first(conversion, sources, makings, options, error))
        return false;

    VcPace pace;
    vc_pace_start(&pace, options, total_size(conversion));
    for (unsigned i = 0; i < sources->len; i++) {
        VcCopySettings settings = { .walk = walks[i],
                                    .workers = options->workers,
                                    .reflink = options->reflink,
                                    .pace = &pace };
        if (!copy_source(conversion, sources->pdata[i], makings, options, &settings,
                         &counted, error))
            return false;
    }
    if (!check_watches(conversion, error))
        return false;
    for (unsigned i = 0; i < makings->len; i++) {
        if (!vc_making_finish(&g_array_index(makings, VcMaking, i), options->sync,
                              error))
            return false;
        gather_warnings(conversion, &g_array_index(makings, VcMaking, i));
    }
    /* What can still fail, fails before the first output has its name. */
    for (unsigned i = 0; options->sync && i < makings->len; i++)
        if (!vc_making_sync(&g_array_index(makings, VcMaking, i), error))
            return false;
    if (!commit_alone(conversion, makings, error))
        return false;
    vc_pace_end(&pace);
    if (stats)
        *stats = counted;
    return true;
}
