/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compressed streams, told by their magic and never by a file name. */
#ifndef VC_IO_COMPRESS_H
#define VC_IO_COMPRESS_H

#include "io/stream.h"

typedef enum {
    VC_COMPRESSION_NONE,
    VC_COMPRESSION_GZIP,
    VC_COMPRESSION_ZSTD,
    VC_COMPRESSION_LZO, /* the lzop container */
} VcCompression;

/* What `zstd -d` accepts without --long; enough for every archive of vzdump. */
#define VC_DECOMPRESS_MEMORY_DEFAULT ((uint64_t)128 << 20)

/* The compression whose magic begins HEAD (LENGTH bytes, 16 are enough; a zstd
 * skippable frame counts as zstd). */
VcCompression vc_compression_probe(const uint8_t *head, size_t length);

/* "gzip", "zstd", "lzo", "none". */
const char *vc_compression_name(VcCompression compression);

/* ".gz", ".zst", ".lzo", and nothing. */
const char *vc_compression_suffix(VcCompression compression);

/* Gives the decompressed bytes of STREAM (taken), which is compressed with COMPRESSION.
 *
 * Behind the last member, frame or part there may be zeros, as on a device.
 *
 * gzip: any number of members; CRC-32 and length checked.
 *
 * zstd: any number of frames, skippable frames, content checksums checked where
 * present; a frame whose window needs more than MEMORY bytes is VC_ERROR_LIMIT, and the
 * message names the window, the limit and --memory-limit.
 *
 * lzo: lzop container, header checksum and block checksums (Adler-32, CRC-32, of
 * compressed and uncompressed data, as flagged) checked. VC_ERROR_UNSUPPORTED when
 * built without liblzo2.
 *
 * Errors name the position in the compressed stream. A stream that ends inside a frame
 * or member is VC_ERROR_SHORT; other bytes behind the end VC_ERROR_CORRUPT. */
VcStream *vc_decompress(VcStream *stream, VcCompression compression, uint64_t memory,
                        GError **error);

/* "zstd", "zstd:19", "zstd:3,threads=4", "gzip:9", "lzo", "none". */
typedef struct {
    VcCompression compression;
    int level;        /* 0: the library's default */
    unsigned threads; /* zstd workers; output does not depend on their number */
} VcCompressOptions;

/* Parses the words above. VC_ERROR_USAGE names what is allowed. */
bool vc_compress_options_parse(const char *text, VcCompressOptions *options,
                               GError **error);

/* By suffix, in letters of either case: .zst, .gz, .lzo; anything else is
 * VC_COMPRESSION_NONE. */
VcCompression vc_compression_by_name(const char *path);

/* Gives an append-only VcFile that compresses into append-only or seekable FILE
 * (taken). vc_file_sync ends the compressed stream (frame, member, trailer), FILE
 * (vc_file_end) where it is seekable, and then syncs it; it is called once, last. zstd:
 * content checksum, window of at most 2^27 so that plain `zstd -d` takes it; bytes do
 * not depend on the number of threads. gzip: no name, mtime 0. */
VcFile *vc_compress_file(VcFile *file, const VcCompressOptions *options,
                         GError **error);

#endif
