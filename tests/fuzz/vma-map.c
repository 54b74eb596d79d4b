/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of the map of `vma extract -r`: what is taken means the same when it is written
 * out again. */
#include "tests/fuzz/fuzz.h"

#include "cli/vma-map.h"

#include <string.h>

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
    g_autofree char *cache = m->cache ? g_strdup_printf("cache=%s:", m->cache)
                                      : g_strdup("");
    return g_strdup_printf("%s%s%s%c:%s=%s", cache, rate, format,
                           m->write_zeros ? '1' : '0', m->device, m->path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *line = g_strndup((const char *)data, size);
    VcVmaMapping first, second;
    g_autoptr(GError) error = NULL;
    if (!vc_vma_mapping_parse(&first, line, &error)) {
        g_assert(error);
        return 0;
    }
    g_autofree char *again = write_out(&first);
    g_assert(vc_vma_mapping_parse(&second, again, NULL));
    g_autofree char *third = write_out(&second);
    g_assert_cmpstr(again, ==, third);
    vc_vma_mapping_clear(&first);
    vc_vma_mapping_clear(&second);
    return 0;
}
