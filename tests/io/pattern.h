/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes that tests can tell apart by position. */
#ifndef VC_TESTS_IO_PATTERN_H
#define VC_TESTS_IO_PATTERN_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* Fills BUFFER with bytes that do not repeat soon and do not compress; SEED tells two
 * patterns apart. */
static inline void
pattern_fill(void *buffer, size_t length, uint32_t seed)
{
    uint8_t *to = buffer;
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < length; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        to[i] = (uint8_t)(x >> 8);
    }
}

/* Gives such bytes. */
static inline uint8_t *
pattern_new(size_t length, uint32_t seed)
{
    uint8_t *buffer = g_malloc(length + 1);
    pattern_fill(buffer, length, seed);
    return buffer;
}

/* Gives bytes that compress: words, runs of zeros and a little noise. */
static inline uint8_t *
pattern_text(size_t length, uint32_t seed)
{
    static const uint8_t words[][8] = { "machine", "of the ", "disk is", "a \n \n \n",
                                        { 0 },     { 0 },     "0000000", "virtual" };
    uint8_t *buffer = g_malloc(length + 1);
    uint32_t x = seed + 1;
    for (size_t i = 0; i < length;) {
        x = x * 1664525u + 1013904223u;
        const uint8_t *word = words[(x >> 16) % G_N_ELEMENTS(words)];
        size_t n = (x >> 8) % 9 + 1; /* the ninth is noise */
        for (size_t k = 0; k < n && i < length; k++)
            buffer[i++] = k < 8 ? word[k] : (uint8_t)(x >> 24);
    }
    return buffer;
}

#endif
