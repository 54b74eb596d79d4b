#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a seed for the fuzz target vhdx-source of a VHDX image that is laid out as Windows
does it: vhdx_seed.py IMAGE SEED. Of the payload only its first bytes go in."""

import os
import re
import struct
import sys

MIB = 1 << 20
KIB = 1 << 10
WORD = 8
# Place, and how much from there.
PLACES = [(0, 520), (64 * KIB, 4096), (128 * KIB, 4096), (192 * KIB, 1024), (256 * KIB, 1024),
          (MIB, 512 * KIB), (MIB + 512 * KIB, 512 * KIB), (2 * MIB, 1024),
          (2 * MIB + 64 * KIB, 8192), (3 * MIB, 4096), (3 * MIB + 32 * KIB, 4096),
          (4 * MIB, 512), (5 * MIB, 512), (6 * MIB, 512), (7 * MIB, 512),
          (8 * MIB, 512)]
FILLED = re.compile(rb'(.)\1{31,}', re.S)


def record(place, at, data, fill=b''):
    """A record of DATA, which begins at byte AT (a multiple of WORD)."""
    data += bytes(-len(data) % WORD)
    return struct.pack('<BHH', place | (0x80 if fill else 0), at // WORD,
                       len(data) // WORD - 1) + (fill or data)


def records(place, data):
    data += bytes(-len(data) % WORD)
    at = 0
    while at < len(data):
        word = data[at:at + WORD]
        run = FILLED.match(data, at)
        if run:
            length = (run.end() - at) // WORD * WORD
            if run[1] != b'\0':
                yield record(place, at, data[at:at + length], run[1])
            at += length
        elif not any(word):
            at += WORD
        else:
            end = at + WORD
            while end < len(data) and any(data[end:end + WORD]) and not FILLED.match(data, end):
                end += WORD
            yield record(place, at, data[at:end])
            at = end


def seed(path):
    """The seed of the image at PATH."""
    pieces = os.path.getsize(path) // (64 * KIB)
    out = [struct.pack('<BH', 0, min(pieces, 0xffff))]
    with open(path, 'rb') as file:
        for place, (position, length) in enumerate(PLACES):
            file.seek(position)
            out += records(place, file.read(length))
    return b''.join(out)


if __name__ == '__main__':
    with open(sys.argv[2], 'wb') as target:
        target.write(seed(sys.argv[1]))
