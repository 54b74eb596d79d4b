/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of the command line: -o key=value lists, sizes, compression. */
#include "tests/fuzz/fuzz.h"

#include "formats/format.h"
#include "io/compress.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    GError *error = NULL;

    g_autoptr(VcOptions) options = vc_options_new();
    bool well = vc_options_parse(options, text, &error);
    g_assert(well == !error);
    g_clear_error(&error);
    for (size_t i = 0; vc_formats[i]; i++) {
        well = vc_options_check(options, vc_formats[i]->name,
                                vc_formats[i]->create_options, &error);
        g_assert(well == !error);
        g_clear_error(&error);
    }

    uint64_t bytes;
    if (vc_size_parse(text, &bytes))
        g_assert(bytes <= G_MAXINT64);

    VcCompressOptions compress = { 0 };
    well = vc_compress_options_parse(text, &compress, &error);
    g_assert(well == !error);
    g_clear_error(&error);
    return 0;
}
