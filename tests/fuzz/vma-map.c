/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map of `vma extract -r`, read from a file, and a line of it: what is taken means
 * the same when it is written out again. */
#include "tests/fuzz/fuzz.h"

#include "cli/vma-map.h"
#include "io/error.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *
write_out(const VcVmaMapping *m)
{
    if (m->skip)
        return g_strdup_printf("skip=%s", m->device);
    g_autofree char *rate =
        m->rate > 0 ? g_strdup_printf("throttling.bps=%" G_GUINT64_FORMAT ":", m->rate)
                    : g_strdup("");
    g_autofree char *format = m->format ? g_strdup_printf("format=%s:", m->format)
                                        : g_strdup("");
    return g_strdup_printf("%s%s%c:%s=%s", rate, format, m->write_zeros ? '1' : '0',
                           m->device, m->path);
}

static void
check_line(const char *line)
{
    VcVmaMapping first, second;
    g_autoptr(GError) error = NULL;
    if (!vc_vma_mapping_parse(&first, line, &error)) {
        g_assert(error);
        return;
    }
    g_autofree char *again = write_out(&first);
    g_assert(vc_vma_mapping_parse(&second, again, NULL));
    g_autofree char *third = write_out(&second);
    g_assert_cmpstr(again, ==, third);
    vc_vma_mapping_clear(&first);
    vc_vma_mapping_clear(&second);
}

/* Writes BYTES into FD, a file in memory, and reads them as a map. */
static GArray *
read_map(int fd, const void *bytes, size_t length)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_assert(ftruncate(fd, 0) == 0);
    g_assert(pwrite(fd, bytes, length, 0) == (ssize_t)length);
    GArray *map = vc_vma_map_read(path, &error);
    g_assert(map ? !error : error && error->domain == VC_ERROR);
    return map;
}

static char *
write_map(const GArray *map)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < map->len; i++) {
        const VcVmaMapping *mapping = &g_array_index(map, VcVmaMapping, i);
        g_autofree char *line = write_out(mapping);
        g_assert(vc_vma_map_find(map, mapping->device) == mapping);
        g_string_append_printf(text, "%s\n", line);
    }
    return g_string_free(text, FALSE);
}

static void
check_map(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("map", MFD_CLOEXEC);
    g_assert(fd >= 0);

    g_autoptr(GArray) first = read_map(fd, data, size);
    if (!first)
        return;
    g_autofree char *again = write_map(first);
    g_autoptr(GArray) second = read_map(fd, again, strlen(again));
    g_assert(second && second->len == first->len);
    g_autofree char *third = write_map(second);
    g_assert_cmpstr(again, ==, third);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *line = g_strndup((const char *)data, size);
    check_line(line);
    check_map(data, size);
    return 0;
}
