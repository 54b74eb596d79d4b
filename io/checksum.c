/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CRC-32C by table, and the zero test. */
#include "io/checksum.h"

#include "io/bytes.h"

#include <pthread.h>
#include <string.h>

/* Reflected polynomial 0x1EDC6F41. Slicing by four: one table per byte of a word. */
#define POLYNOMIAL 0x82f63b78u

static uint32_t table[4][256];

static void
make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 4; k++)
            table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t
vc_crc32c(uint32_t crc, const void *data, size_t length)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_table);

    const uint8_t *p = data;
    crc = ~crc;
    for (; length >= 4; p += 4, length -= 4) {
        crc ^= load_le32(p);
        crc = table[3][crc & 0xff] ^ table[2][(crc >> 8) & 0xff] ^
              table[1][(crc >> 16) & 0xff] ^ table[0][crc >> 24];
    }
    for (; length > 0; p++, length--)
        crc = (crc >> 8) ^ table[0][(crc ^ *p) & 0xff];
    return ~crc;
}

bool
vc_is_zero(const void *data, size_t length)
{
    const uint8_t *p = data;

    /* Most data fails within its first bytes; after those, blocks that the compiler
     * turns into vector code, and one branch per block. */
    size_t head = length < 16 ? length : 16;
    for (size_t i = 0; i < head; i++)
        if (p[i] != 0)
            return false;
    p += head;
    length -= head;

    for (; length >= 256; p += 256, length -= 256) {
        uint64_t any = 0;
        for (size_t i = 0; i < 256; i += 8) {
            uint64_t word;
            memcpy(&word, p + i, sizeof word);
            any |= word;
        }
        if (any != 0)
            return false;
    }
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++)
        any |= p[i];
    return any == 0;
}
