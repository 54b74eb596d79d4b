/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compressions by magic, name and words. */
#include "io/compress.h"

#include "io/bytes.h"
#include "io/decompress.h"
#include "io/error.h"
#include "io/lzop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static const struct {
    VcCompression compression;
    const char *name, *suffix;
    int level_max;
} rows[] = {
    { VC_COMPRESSION_NONE, "none", "", 0 },
    { VC_COMPRESSION_GZIP, "gzip", ".gz", 9 },
    { VC_COMPRESSION_ZSTD, "zstd", ".zst", 22 },
    { VC_COMPRESSION_LZO, "lzo", ".lzo", 9 },
};

VcCompression
vc_compression_probe(const uint8_t *head, size_t length)
{
    if (length >= 3 && memcmp(head, "\x1f\x8b\x08", 3) == 0)
        return VC_COMPRESSION_GZIP;
    if (length >= 4 &&
        (load_le32(head) == ZSTD_MAGICNUMBER ||
         (load_le32(head) & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START))
        return VC_COMPRESSION_ZSTD;
    if (length >= LZOP_MAGIC_SIZE && memcmp(head, LZOP_MAGIC, LZOP_MAGIC_SIZE) == 0)
        return VC_COMPRESSION_LZO;
    return VC_COMPRESSION_NONE;
}

const char *
vc_compression_name(VcCompression compression)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].compression == compression)
            return rows[i].name;
    g_assert_not_reached();
}

const char *
vc_compression_suffix(VcCompression compression)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].compression == compression)
            return rows[i].suffix;
    g_assert_not_reached();
}

VcCompression
vc_compression_by_name(const char *path)
{
    g_autofree char *name = g_ascii_strdown(path, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].suffix[0] != '\0' && g_str_has_suffix(name, rows[i].suffix))
            return rows[i].compression;
    return VC_COMPRESSION_NONE;
}

VcStream *
vc_decompress(VcStream *stream, VcCompression compression, uint64_t memory,
              GError **error)
{
    switch (compression) {
    case VC_COMPRESSION_GZIP:
        return vc_gunzip(stream, error);
    case VC_COMPRESSION_ZSTD:
        return vc_unzstd(stream, memory, error);
    case VC_COMPRESSION_LZO:
        return vc_unlzop(stream, error);
    default:
        return stream;
    }
}

/* A number from 1 to MAX that ends at END. */
static bool
parse_number(const char *text, const char *end, long max, long *number)
{
    char *stop;
    errno = 0;
    *number = strtol(text, &stop, 10);
    return g_ascii_isdigit(*text) && stop == end && errno == 0 && *number >= 1 &&
           *number <= max;
}

static bool
parse(const char *text, VcCompressOptions *options)
{
    const char *end = text + strlen(text), *comma = strchr(text, ',');
    const char *first_end = comma ? comma : end, *colon = strchr(text, ':');
    const char *name_end = colon && colon < first_end ? colon : first_end;
    size_t row = 0, length = (size_t)(name_end - text);
    long number;

    while (row < G_N_ELEMENTS(rows) && (strlen(rows[row].name) != length ||
                                        strncmp(rows[row].name, text, length) != 0))
        row++;
    if (row == G_N_ELEMENTS(rows))
        return false;
    *options = (VcCompressOptions){ .compression = rows[row].compression };

    if (name_end < first_end) {
        if (!parse_number(name_end + 1, first_end, rows[row].level_max, &number))
            return false;
        options->level = (int)number;
    }
    if (comma) {
        if (options->compression != VC_COMPRESSION_ZSTD ||
            !g_str_has_prefix(comma, ",threads=") ||
            !parse_number(comma + strlen(",threads="), end, 256, &number))
            return false;
        options->threads = (unsigned)number;
    }
    return true;
}

bool
vc_compress_options_parse(const char *text, VcCompressOptions *options, GError **error)
{
    VcCompressOptions parsed;
    if (!parse(text, &parsed)) {
        vc_fail(
            error, VC_ERROR_USAGE,
            "compression '%s' is not one of zstd[:1-22][,threads=1-256], gzip[:1-9], "
            "lzo[:1-9], none",
            text);
        return false;
    }
    *options = parsed;
    return true;
}
