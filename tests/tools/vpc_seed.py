#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a seed for the fuzz target vpc-source of a small VHD image:
vpc_seed.py IMAGE SEED [OPTIONS]. OPTIONS is the number of the options it is read with."""

import re
import struct
import sys

WORD = 8
STEP = 512 << 10
STEPS = 18
FAR = [128 * STEP, 129 * STEP, 143 * STEP]
COOKIE = re.compile(b'conectix|cxsparse|tdbatmap')
# Longer runs of one byte are filled, or left out when they are zeros.
FILLED = re.compile(rb'(.)\1{39,}', re.S)


def place(position):
    """The number of the place that reaches POSITION, and the words from there."""
    if position < STEPS * STEP:
        return position // STEP, position % STEP // WORD
    number = max(i for i, at in enumerate(FAR) if at <= position)
    return STEPS + number, (position - FAR[number]) // WORD


def record(position, data, fill=b''):
    number, words = place(position)
    return struct.pack('<BHH', number | (0x80 if fill else 0), words,
                       len(data) // WORD - 1) + (fill or data)


def runs(data):
    """Where DATA changes between what is filled and what is not, and has structures."""
    edges = {0, len(data)} | {m.start() // WORD * WORD for m in COOKIE.finditer(data)}
    for run in FILLED.finditer(data):
        edges |= {-(-run.start() // WORD) * WORD, run.end() // WORD * WORD}
    edges |= set(range(0, len(data), STEP))
    edges = sorted(edges)
    return zip(edges, edges[1:])


def seed(data, options):
    out = struct.pack('<BI', options, len(data))
    data += bytes(-len(data) % WORD)
    for start, end in runs(data):
        piece = data[start:end]
        if piece.count(piece[0]) < len(piece):
            out += record(start, piece)
        elif piece[0]:
            out += record(start, piece, piece[:1])
    return out


if __name__ == '__main__':
    with open(sys.argv[1], 'rb') as image, open(sys.argv[2], 'wb') as target:
        target.write(seed(image.read(), int(sys.argv[3]) if len(sys.argv) > 3 else 0))
