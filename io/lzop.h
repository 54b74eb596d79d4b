/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to io/unlzop.c and io/lzop.c: the lzop container, as lzop 1.04 writes it. All
 * numbers are big endian.
 *
 *   9  magic
 *   2  version of the writer          2  version of its liblzo
 *   2  version needed to read it      1  method     1  level
 *   4  flags                          4  mode       4  mtime, low     4  mtime, high
 *   1  length of the name, the name
 *   4  checksum of all between magic and here: Adler-32, or CRC-32 (LZOP_HEADER_CRC32)
 *      with LZOP_EXTRA: 4 length, the extra field, 4 checksum of both
 *
 * Blocks follow: 4 length, 4 length as stored, the checksums of the data that the flags
 * name (Adler-32 first), those of the data as stored unless it is stored as it is, the
 * data. A length of zero ends them. Another magic may follow. */
#ifndef VC_IO_LZOP_H
#define VC_IO_LZOP_H

#define LZOP_MAGIC "\x89LZO\x00\r\n\x1a\n"
#define LZOP_MAGIC_SIZE 9
#define LZOP_VERSION 0x1040u /* 1.04 */
#define LZOP_VERSION_NEEDED                                                            \
    0x0940u /* 0.94: the header has a level and a time of 64 bits */
#define LZOP_VERSION_FIRST 0x0900u

/* lzop's own limit. It writes blocks of 256 KiB. */
#define LZOP_BLOCK_MAX ((uint32_t)64 << 20)
#define LZOP_BLOCK ((size_t)256 << 10)

/* Nobody is known to write one; gzip's has so much at most. */
#define LZOP_EXTRA_MAX ((uint32_t)64 << 10)

/* Methods, all of LZO1X: one decompressor reads them all. */
#define LZOP_LZO1X_1 1
#define LZOP_LZO1X_1_15 2
#define LZOP_LZO1X_999 3

/* Flags: checksums of the data (D) and of the data as stored (C). */
#define LZOP_ADLER32_D 0x0001u
#define LZOP_ADLER32_C 0x0002u
#define LZOP_EXTRA 0x0040u
#define LZOP_CRC32_D 0x0100u
#define LZOP_CRC32_C 0x0200u
#define LZOP_FILTER 0x0800u
#define LZOP_HEADER_CRC32 0x1000u
#define LZOP_OS_UNIX 0x03000000u
/* Those whose meaning is known; the low ones tell of names and times, the high ones of
 * the operating system and its character set. */
#define LZOP_FLAGS_KNOWN 0xfff03fffu

#endif
