/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How large an output would be: the same walk and the same sink, over nothing. */
#include "converters/convert.h"

#include "converters/copy.h"
#include "io/error.h"
#include "io/interrupt.h"
#include "io/null.h"

/* Gives a sink over a file that keeps only its size. */
static VcSink *
sink_over_nothing(const VcTarget *target, const VcIdentity *identity, VcFile **nothing,
                  GError **error)
{
    *nothing = vc_null_file(target->path);
    (*nothing)->only_size = true;
    return vc_format_create(target->format, *nothing, &target->layout, target->options,
                            identity, error);
}

static bool
finished_size(VcSink *sink, VcFile *file, uint64_t *size, GError **error)
{
    return vc_sink_finish(sink, error) && vc_file_size(file, size, error);
}

/* Places every byte of every disk: of a format with blocks one cell allocates the
 * whole. */
static bool
place_all(VcSink *sink, GError **error)
{
    for (unsigned disk = 0; disk < sink->layout.n_disks; disk++) {
        uint64_t size = sink->layout.disks[disk].size;
        for (uint64_t offset = 0; offset < size;) {
            uint64_t position, run, want = size - offset;
            if (sink->unit != 0)
                want = MIN(want, VC_CELL);
            if (!vc_interrupt_check(error) ||
                !vc_sink_place(sink, disk, offset, want, &position, &run, error))
                return false;
            offset += sink->unit != 0 ? MIN(sink->unit, size - offset) : run;
        }
    }
    return true;
}

static bool
measure_full(const VcTarget *target, const VcIdentity *identity, uint64_t *size,
             GError **error)
{
    g_autoptr(VcFile) nothing = NULL;
    g_autoptr(VcSink) sink = sink_over_nothing(target, identity, &nothing, error);
    return sink && place_all(sink, error) && finished_size(sink, nothing, size, error);
}

static bool
place_source(const VcConversion *conversion, VcSource *source, unsigned target,
             VcSink *sink, const VcConvertOptions *options, GError **error)
{
    g_autofree VcCopyRoute *routes = g_new0(VcCopyRoute, source->layout.n_disks);
    for (unsigned i = 0; i < conversion->routes->len; i++) {
        const VcRoute *route = &g_array_index(conversion->routes, VcRoute, i);
        if (route->source == source && route->target == target)
            routes[route->source_disk] =
                (VcCopyRoute){ .sink = sink,
                               .disk = route->target_disk,
                               .zeros = { .sparse = options->sparse } };
    }
    if (!vc_source_has_map(source)) {
        vc_fail(
            error, VC_ERROR_UNSUPPORTED,
            "%s: measuring reads where it likes, which a stream does not allow; give "
            "an uncompressed file, or let --spool DIR store it first",
            source->file->name);
        return false;
    }
    VcPace pace;
    VcConvertStats unused = { 0 };
    vc_pace_start(&pace, options, 0);
    VcCopySettings settings = { .walk = VC_WALK_MAP, .dry = true, .pace = &pace };
    return vc_copy(source, routes, &settings, &unused, error);
}

bool
vc_conversion_measure(VcConversion *conversion, unsigned number,
                      const VcConvertOptions *options, uint64_t *required,
                      uint64_t *fully_allocated, GError **error)
{
    const VcTarget *target = &g_array_index(conversion->targets, VcTarget, number);
    g_autoptr(VcFile) nothing = NULL;
    g_autoptr(VcSink)
        sink = sink_over_nothing(target, &options->identity, &nothing, error);
    if (!sink)
        return false;

    g_autoptr(GPtrArray) walked = g_ptr_array_new();
    for (unsigned i = 0; i < conversion->routes->len; i++) {
        VcSource *source = g_array_index(conversion->routes, VcRoute, i).source;
        if (g_ptr_array_find(walked, source, NULL))
            continue;
        g_ptr_array_add(walked, source);
        if (!place_source(conversion, source, number, sink, options, error))
            return false;
    }
    return finished_size(sink, nothing, required, error) &&
           measure_full(target, &options->identity, fully_allocated, error);
}
