# SPDX-License-Identifier: LGPL-2.1-or-later
"""Leaves a change in the log of a VHDX, as a machine does that lost its power."""

import os
import struct

GUID = bytes(range(16))
HEADERS = (64 << 10, 128 << 10)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def mended(block):
    """BLOCK with its checksum, which both headers and log entries have at 4."""
    block = block[:4] + bytes(4) + block[8:]
    return block[:4] + struct.pack('<I', crc32c(block)) + block[8:]


def entry(position, page, size):
    """A log entry that writes PAGE at POSITION of a file of SIZE bytes (MS-VHDX 2.3.1)."""
    head = struct.pack('<4sIIIQII16sQQ', b'loge', 0, 8192, 0, 1, 1, 0, GUID, size, size)
    descriptor = struct.pack('<4s4s8sQQ', b'desc', page[-4:], page[:8], position, 1)
    data = struct.pack('<4sI4084sI', b'data', 0, page[8:-4], 1)
    return mended((head + descriptor).ljust(4096, b'\0') + data)


def leave(path, position, page):
    """Of the VHDX at PATH, PAGE (4096 bytes) at POSITION is in the log only."""
    with open(path, 'r+b') as file:
        for at in HEADERS:
            file.seek(at)
            header = file.read(4096)
            file.seek(at)
            file.write(mended(header[:48] + GUID + header[64:]))
        log, = struct.unpack_from('<Q', header, 72)
        file.seek(log)
        file.write(entry(position, page, os.path.getsize(path)))
