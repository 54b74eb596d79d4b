/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CRC-32C, which no library that we depend on has, and bytes that are all zero. MD5 and
 * SHA-256 are GLib's GChecksum, CRC-32 and Adler-32 are zlib's. */
#ifndef VC_IO_CHECKSUM_H
#define VC_IO_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli) of LENGTH bytes, continuing CRC (0 to begin). */
uint32_t vc_crc32c(uint32_t crc, const void *data, size_t length);

/* True when all LENGTH bytes are zero. Runs at memory bandwidth. */
bool vc_is_zero(const void *data, size_t length);

#endif
