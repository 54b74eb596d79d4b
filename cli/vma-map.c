/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map that `vma extract -r` reads. */
#include "cli/vma-map.h"

#include "io/error.h"
#include "io/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* As Proxmox's tool has it. */
#define LINE_MAX_BYTES 8191u

/* 254 disks, each mapped once. */
#define LINES_MAX 1024u

void
vc_vma_mapping_clear(VcVmaMapping *mapping)
{
    g_clear_pointer(&mapping->device, g_free);
    g_clear_pointer(&mapping->path, g_free);
    g_clear_pointer(&mapping->format, g_free);
}

/* Takes "KEY=VALUE:" from the beginning of *LINE; false when another thing stands
 * there. */
static bool
take_option(const char **line, const char *key, char **value)
{
    if (*value || !g_str_has_prefix(*line, key))
        return false;
    const char *text = *line + strlen(key);
    const char *colon = strchr(text, ':');
    if (!colon)
        return false;
    *value = g_strndup(text, (gsize)(colon - text));
    *line = colon + 1;
    return true;
}

static bool
parse_target(VcVmaMapping *mapping, const char *line)
{
    if ((line[0] != '0' && line[0] != '1') || line[1] != ':')
        return false;
    mapping->write_zeros = line[0] == '1';
    const char *name = line + 2, *equals = strchr(name, '=');
    if (!equals || equals == name || equals[1] == '\0')
        return false;
    mapping->device = g_strndup(name, (gsize)(equals - name));
    /* "-" is a file's name here: standard output has the list. */
    mapping->path = g_strdup(strcmp(equals + 1, "-") == 0 ? "./-" : equals + 1);
    return true;
}

static bool
parse(VcVmaMapping *mapping, const char *line)
{
    if (g_str_has_prefix(line, "skip=")) {
        mapping->skip = true;
        mapping->device = g_strdup(line + strlen("skip="));
        return mapping->device[0] != '\0';
    }
    g_autofree char *rate = NULL, *group = NULL, *cache = NULL;
    while (take_option(&line, "format=", &mapping->format) ||
           take_option(&line, "throttling.bps=", &rate) ||
           take_option(&line, "throttling.group=", &group) ||
           take_option(&line, "cache=", &cache))
        continue;
    guint64 bytes = 0;
    if (rate && !g_ascii_string_to_unsigned(rate, 10, 0, G_MAXINT64, &bytes, NULL))
        return false;
    mapping->rate = bytes;
    return parse_target(mapping, line);
}

bool
vc_vma_mapping_parse(VcVmaMapping *mapping, const char *line, GError **error)
{
    *mapping = (VcVmaMapping){ 0 };
    if (parse(mapping, line))
        return true;
    vc_vma_mapping_clear(mapping);
    vc_fail(error, VC_ERROR_USAGE,
            "'%s' is neither skip=NAME nor [format=F:][throttling.bps=N:]"
            "[throttling.group=G:][cache=MODE:]0|1:NAME=PATH",
            line);
    return false;
}

static void
clear_mapping(gpointer mapping)
{
    vc_vma_mapping_clear(mapping);
}

static bool
add_line(GArray *map, const char *line, GError **error)
{
    VcVmaMapping mapping;
    if (!vc_vma_mapping_parse(&mapping, line, error))
        return false;
    if (map->len == LINES_MAX || vc_vma_map_find(map, mapping.device)) {
        vc_fail(error, VC_ERROR_USAGE, "device '%s' is mapped twice", mapping.device);
        vc_vma_mapping_clear(&mapping);
        return false;
    }
    g_array_append_val(map, mapping);
    return true;
}

/* One byte: what stands behind "done" is not ours, and its writer not waited for. */
static bool
read_byte(int fd, char *byte, bool *end, GError **error)
{
    for (;;) {
        if (!vc_interrupt_poll(fd, POLLIN, error))
            return false;
        ssize_t got = read(fd, byte, 1);
        *end = got == 0;
        if (got >= 0)
            return true;
        if (errno != EINTR && errno != EAGAIN) {
            vc_fail_errno(error, errno, "reading");
            return false;
        }
    }
}

static bool
read_line(int fd, GString *line, bool *end, GError **error)
{
    g_string_truncate(line, 0);
    for (;;) {
        char c;
        if (!read_byte(fd, &c, end, error))
            return false;
        if (*end || c == '\n')
            return true;
        if (line->len == LINE_MAX_BYTES || c == '\0') {
            vc_fail(error, VC_ERROR_USAGE, "a line is longer than %u bytes, or no text",
                    LINE_MAX_BYTES);
            return false;
        }
        g_string_append_c(line, c);
    }
}

static bool
read_lines(int fd, GArray *map, GError **error)
{
    g_autoptr(GString) line = g_string_new(NULL);
    for (bool end = false; !end;) {
        if (!read_line(fd, line, &end, error))
            return false;
        if (line->len == 0 || strcmp(line->str, "done") == 0)
            return true;
        if (!add_line(map, line->str, error))
            return false;
    }
    return true;
}

/* Opening a FIFO waits for its writer; a signal ends the waiting. */
static int
open_map(const char *path, GError **error)
{
    for (;;) {
        if (!vc_interrupt_check(error))
            return -1;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        if (errno != EINTR) {
            vc_fail_errno(error, errno, "cannot open");
            return -1;
        }
    }
}

GArray *
vc_vma_map_read(const char *path, GError **error)
{
    g_autoptr(GArray) map = g_array_new(FALSE, FALSE, sizeof(VcVmaMapping));
    g_array_set_clear_func(map, clear_mapping);
    int fd = open_map(path, error);
    bool well = fd >= 0 && read_lines(fd, map, error);
    if (fd >= 0)
        close(fd);
    if (!well) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    return g_steal_pointer(&map);
}

const VcVmaMapping *
vc_vma_map_find(const GArray *map, const char *device)
{
    for (guint i = 0; i < map->len; i++) {
        const VcVmaMapping *mapping = &g_array_index(map, VcVmaMapping, i);
        if (strcmp(mapping->device, device) == 0)
            return mapping;
    }
    return NULL;
}
