/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The archives that real tools wrote, and the malformed ones. */
#include "tests/formats/vma/corpus.h"

#include <stdint.h>
#include <zstd.h>

char *
corpus_folder(const char *name)
{
    const char *corpus = g_getenv("VCONV_CORPUS");
    g_autofree char *folder = corpus ? g_build_filename(corpus, name, NULL)
                                     : g_build_filename(SOURCE_ROOT, "..", "shared",
                                                        "corpus", name, NULL);
    return g_file_test(folder, G_FILE_TEST_IS_DIR) ? g_steal_pointer(&folder) : NULL;
}

GPtrArray *
corpus_table(const char *path, bool head)
{
    GPtrArray *table = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        g_error("cannot read %s", path);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned i = head; lines[i]; i++)
        if (lines[i][0] != '\0' && lines[i][0] != '#')
            g_ptr_array_add(table, g_strsplit(lines[i], "\t", -1));
    return table;
}

static GByteArray *
decompress(const char *data, size_t length)
{
    GByteArray *bytes = g_byte_array_new();
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer in = { data, length, 0 };
    static uint8_t piece[128 << 10];
    size_t got = sizeof piece;
    while (in.pos < in.size || got == sizeof piece) {
        ZSTD_outBuffer out = { piece, sizeof piece, 0 };
        g_assert(!ZSTD_isError(ZSTD_decompressStream(context, &out, &in)));
        g_byte_array_append(bytes, piece, (guint)out.pos);
        got = out.pos;
    }
    ZSTD_freeDCtx(context);
    return bytes;
}

GByteArray *
corpus_archive(const char *folder, const char *name)
{
    g_autofree char *plain = g_build_filename(folder, name, NULL),
                    *packed = g_strconcat(plain, ".zst", NULL), *data = NULL;
    gsize length;
    if (g_file_get_contents(plain, &data, &length, NULL))
        return g_byte_array_new_take((guint8 *)g_steal_pointer(&data), length);
    if (!g_file_get_contents(packed, &data, &length, NULL))
        g_error("neither %s nor %s", plain, packed);
    return decompress(data, length);
}
