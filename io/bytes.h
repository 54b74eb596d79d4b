/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Integers in files: fixed width, big or little endian, at any alignment. */
#ifndef VC_IO_BYTES_H
#define VC_IO_BYTES_H

#include <glib.h>
#include <stdbool.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* load_be32(p) reads, store_be32(p, v) writes; the same for 16, 64 and le. */
#define VC_DEFINE_BYTES(bits, order, ORDER)                                            \
    static inline uint##bits##_t load_##order##bits(const void *from)                  \
    {                                                                                  \
        uint##bits##_t value;                                                          \
        memcpy(&value, from, sizeof value);                                            \
        return GUINT##bits##_FROM_##ORDER(value);                                      \
    }                                                                                  \
    static inline void store_##order##bits(void *to, uint##bits##_t value)             \
    {                                                                                  \
        value = GUINT##bits##_TO_##ORDER(value);                                       \
        memcpy(to, &value, sizeof value);                                              \
    }

VC_DEFINE_BYTES(16, be, BE)
VC_DEFINE_BYTES(32, be, BE)
VC_DEFINE_BYTES(64, be, BE)
VC_DEFINE_BYTES(16, le, LE)
VC_DEFINE_BYTES(32, le, LE)
VC_DEFINE_BYTES(64, le, LE)

#undef VC_DEFINE_BYTES

/* Rounds up to a multiple of UNIT (a power of two not needed). False on overflow. */
static inline bool
vc_round_up(uint64_t value, uint64_t unit, uint64_t *rounded)
{
    uint64_t rest = value % unit;
    if (rest == 0) {
        *rounded = value;
        return true;
    }
    return g_uint64_checked_add(rounded, value, unit - rest);
}

#endif
