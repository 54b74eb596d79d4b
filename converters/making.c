/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A target while it is being made. */
#include "converters/making.h"

#include "io/gathered.h"
#include "io/lent.h"
#include "io/memory.h"
#include "io/ordered.h"

#include <string.h>
#include <sys/stat.h>

/* Puts the target's path before ERROR; false, to be returned. */
static bool
prefix_path(const VcMaking *making, GError **error)
{
    g_prefix_error(error, "%s: ", making->target->path);
    return false;
}

bool
vc_target_is_pipe(const VcTarget *target)
{
    struct stat status;
    if (target->compress.compression != VC_COMPRESSION_NONE ||
        strcmp(target->path, "-") == 0)
        return true;
    bool no_link = target->mode == VC_OUTPUT_NEW_NO_LINK ||
                   target->mode == VC_OUTPUT_FORCE_NO_LINK;
    return (no_link ? lstat(target->path, &status) : stat(target->path, &status)) ==
               0 &&
           !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode) &&
           !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode);
}

bool
vc_making_open(VcMaking *making, const VcConvertOptions *options, GError **error)
{
    const VcTarget *target = making->target;
    making->output = vc_output_open(target->path, target->mode, options->target_cache,
                                    options->sync, error);
    if (!making->output)
        return prefix_path(making, error);
    making->file = vc_output_file(making->output);
    return true;
}

/* What is stored front to back without fixed places lies as densely as it may, not
 * where direct I/O could write it. */
static bool
gather(VcMaking *making, GError **error)
{
    const VcSink *sink = making->sink;
    if (!sink->append_only || sink->identity || making->wrapper || making->metadata ||
        !vc_posix_is_direct(making->file))
        return true;
    making->wrapper = vc_gathered_file(vc_lent_file(making->file), error);
    if (!making->wrapper)
        return prefix_path(making, error);
    making->file = making->sink->file = making->wrapper;
    return true;
}

static bool
add_sink(VcMaking *making, const VcConvertOptions *options, GError **error)
{
    const VcTarget *target = making->target;
    if (target->compress.compression != VC_COMPRESSION_NONE) {
        making->wrapper = vc_compress_file(vc_lent_file(making->file),
                                           &target->compress, error);
        if (!making->wrapper)
            return prefix_path(making, error);
        making->file = making->wrapper;
    }
    if (!making->file->seekable) {
        VcFile *below = making->wrapper ? g_steal_pointer(&making->wrapper)
                                        : vc_lent_file(making->file);
        making->wrapper = vc_ordered_file(below);
        making->file = making->wrapper;
    }
    if (making->place_first)
        making->metadata = vc_memory_file(target->path);

    making->sink = vc_format_create(
        target->format, making->metadata ? making->metadata : making->file,
        &target->layout, target->options, &options->identity, error);
    return making->sink && gather(making, error);
}

/* What was in a target that is written in place must not shine through: a regular file
 * is emptied, before even a compressor writes to it; */
static bool
empty_file(VcMaking *making, GError **error)
{
    VcFile *file = making->file;
    struct stat status;
    if (making->target->mode != VC_OUTPUT_IN_PLACE || !file->seekable)
        return true;
    file->in_place = true;
    file->reads_zero = making->target->target_is_zero;
    if (fstat(file->fd, &status) != 0 || !S_ISREG(status.st_mode))
        return true;
    file->reads_zero = vc_file_truncate(file, 0, error);
    return file->reads_zero || prefix_path(making, error);
}

/* a device is zeroed, except where the engine writes the zeros itself, or all of it
 * from front to back with zeros behind. There the head goes first: metadata comes last,
 * and what an interruption leaves would be led by what was there. */
static bool
empty_device(VcMaking *making, GError **error)
{
    VcFile *file = making->file;
    const VcSink *sink = making->sink;
    uint64_t size;
    if (making->target->mode != VC_OUTPUT_IN_PLACE || !file->seekable ||
        file->reads_zero)
        return true;
    if (!vc_file_size(file, &size, error))
        return prefix_path(making, error);

    /* One that is too small is better told before it is written to. */
    uint64_t least = sink->identity ? sink->layout.disks[0].size : 0;
    if (least != VC_SIZE_UNKNOWN && least > size &&
        !vc_file_truncate(file, least, error))
        return prefix_path(making, error);
    if (sink->identity && sink->append_only)
        return true; /* nothing but the disk */
    if (sink->identity || sink->append_only)
        size = MIN(size, VC_ALIGNMENT);
    return vc_file_zero(file, 0, size, error) || prefix_path(making, error);
}

bool
vc_making_start(VcMaking *making, const VcConvertOptions *options, GError **error)
{
    return empty_file(making, error) && add_sink(making, options, error) &&
           empty_device(making, error);
}

bool
vc_making_make_metadata(VcMaking *making, GError **error)
{
    if (!vc_sink_finish(making->sink, error))
        return false;
    vc_ordered_preload(making->file, making->metadata);
    making->sink->file = making->file;
    return true;
}

bool
vc_making_sync(const VcMaking *making, GError **error)
{
    return vc_file_sync(vc_output_file(making->output), error) ||
           prefix_path(making, error);
}

bool
vc_making_finish(VcMaking *making, bool sync, GError **error)
{
    VcFile *file = making->file;

    /* In place there is no name to wait for: the payload lasts before the metadata that
     * points at it; what is still being gathered, too. */
    if (making->target->mode == VC_OUTPUT_IN_PLACE && sync) {
        if (making->wrapper && making->wrapper->seekable &&
            !vc_file_sync(making->wrapper, error))
            return prefix_path(making, error);
        if (!vc_making_sync(making, error))
            return false;
    }
    if (making->place_first) {
        uint64_t size;
        if (!vc_file_size(making->metadata, &size, error) ||
            !vc_file_end(file, size, error))
            return prefix_path(making, error);
    } else if (!vc_sink_finish(making->sink, error)) {
        return false;
    }
    /* Ends a compressed stream; the output itself is synced when it is committed. */
    return !making->wrapper || vc_file_sync(making->wrapper, error) ||
           prefix_path(making, error);
}

bool
vc_making_commit(VcMaking *making, GError **error)
{
    return vc_output_commit(making->output, error) || prefix_path(making, error);
}

void
vc_making_revert(VcMaking *making)
{
    vc_output_revert(making->output);
}

void
vc_making_clear(VcMaking *making)
{
    g_clear_pointer(&making->sink, vc_sink_free);
    g_clear_pointer(&making->wrapper, vc_file_free);
    g_clear_pointer(&making->metadata, vc_file_free);
    g_clear_pointer(&making->output, vc_output_free);
}
