/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Targets that are read. */
#include "converters/refuse.h"

#include "io/error.h"

/* False, and the error, when SAME: the target at PATH is WHAT. */
static bool
refuse_if(bool same, const char *path, const char *what, GError **error)
{
    if (!same)
        return true;
    vc_fail(error, VC_ERROR_USAGE,
            "%s: is %s; a source is never written, give another name", path, what);
    return false;
}

static bool
refuse_source(const VcSource *source, const char *path, GError **error)
{
    bool same;
    return vc_posix_is_source(source->file, path, &same, error) &&
           refuse_if(same, path, "the source as well", error);
}

static bool
refuse_path(const char *read, const char *path, const char *what, GError **error)
{
    bool same;
    return vc_posix_is_target(read, path, &same, error) &&
           refuse_if(same, path, what, error);
}

/* Replacing a parent would be the end of all its children. */
static bool
refuse_image(const VcImage *image, const char *path, GError **error)
{
    const GPtrArray *parents = image->parents;
    if (!refuse_source(image->source, path, error))
        return false;
    for (guint i = 0; parents && i < parents->len; i++) {
        const VcAncestor *parent = parents->pdata[i];
        if (!refuse_path(parent->path, path, "the parent of the source", error))
            return false;
    }
    return true;
}

static bool
refuse_target(const VcConversion *conversion, const char *path, GError **error)
{
    const VcSource *last = NULL; /* routes are in the order of sources */
    for (guint i = 0; i < conversion->routes->len; i++) {
        const VcSource *source = g_array_index(conversion->routes, VcRoute, i).source;
        if (source != last && !refuse_source(source, path, error))
            return false;
        last = source;
    }
    for (guint i = 0; conversion->images && i < conversion->images->len; i++)
        if (!refuse_image(conversion->images->pdata[i], path, error))
            return false;
    for (guint i = 0; conversion->inputs && i < conversion->inputs->len; i++)
        if (!refuse_path(conversion->inputs->pdata[i], path, "read as well", error))
            return false;
    return true;
}

bool
vc_refuse_read(const VcConversion *conversion, GError **error)
{
    for (guint i = 0; i < conversion->targets->len; i++) {
        const char *path = g_array_index(conversion->targets, VcTarget, i).path;
        if (!refuse_target(conversion, path, error))
            return false;
    }
    return true;
}
