#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An independent writer of VMA archives, for tests and for the example.

    vma_make.py [OPTIONS] OUT [-c [NAME=]FILE]... [-d NAME=FILE]...

OUT may be - . Disks are raw files; their holes cost nothing. With the defaults the bytes are
those that Proxmox's own writer makes of one disk, but for UUID and time; --order and --slots
make archives that only a reader of the whole format takes.
"""

import argparse
import errno
import hashlib
import os
import random
import struct
import sys
import uuid

BLOCK = 4096
CLUSTER = 65536
ZERO = bytes(CLUSTER)
ORDERS = ('ascending', 'interleaved', 'reversed', 'shuffled')


class Disk:
    """A named raw file, or bytes. The size is rounded up to 512, as the reference does."""

    def __init__(self, name, source):
        self.name, self.source = name, source
        if isinstance(source, bytes):
            self.file, size = None, len(source)
        else:
            self.file = open(source, 'rb')
            size = os.fstat(self.file.fileno()).st_size
        self.size = -(-size // 512) * 512
        self.clusters = -(-self.size // CLUSTER)
        self.hole = (0, 0)

    def read(self, cluster):
        """The bytes of CLUSTER as far as the source goes; b'' for a hole."""
        start = cluster * CLUSTER
        if not self.file:
            return self.source[start:start + CLUSTER]
        if self.hole[0] <= start and start + CLUSTER <= self.hole[1]:
            return b''
        try:
            data = os.lseek(self.file.fileno(), start, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            data = self.clusters * CLUSTER
        self.hole = (start, data)
        if data >= start + CLUSTER:
            return b''
        return os.pread(self.file.fileno(), CLUSTER, start)


def header(disks, configs, identity, ctime):
    """The header; disks are numbered from 1, sizes grow as the reference's do."""
    blobs = bytearray(1)
    room = 0

    def add(data):
        nonlocal room
        if room < len(blobs) + len(data) + 2:
            room += -(-(len(data) + 2) // 512) * 512
        at = len(blobs)
        blobs.extend(struct.pack('<H', len(data)) + data)
        return at

    names, datas = [], []
    for name, data in configs:
        names.append(add(name.encode() + b'\0'))
        datas.append(add(data))
    pointers = [add(disk.name.encode() + b'\0') for disk in disks]
    room = max(room, -(-len(blobs) // 512) * 512)
    raw = bytearray(12288 + room)
    struct.pack_into('>4sI16sq16xIII', raw, 0, b'VMA\0', 1, identity, ctime, 12288, len(blobs),
                     len(raw))
    for slot, (name, data) in enumerate(zip(names, datas)):
        struct.pack_into('>I', raw, 2044 + 4 * slot, name)
        struct.pack_into('>I', raw, 3068 + 4 * slot, data)
    for number, (disk, pointer) in enumerate(zip(disks, pointers), 1):
        struct.pack_into('>IIQ', raw, 4096 + 32 * number, pointer, 0, disk.size)
    raw[12288:12288 + len(blobs)] = blobs
    raw[32:48] = hashlib.md5(raw).digest()
    return bytes(raw)


def in_order(disks, order, seed):
    """(number, cluster) of all clusters of all disks."""
    if order == 'interleaved':
        for cluster in range(max((disk.clusters for disk in disks), default=0)):
            for number, disk in enumerate(disks, 1):
                if cluster < disk.clusters:
                    yield number, cluster
        return
    pairs = ((number, cluster) for number, disk in enumerate(disks, 1)
             for cluster in range(disk.clusters))
    if order != 'ascending':
        pairs = list(pairs)
        if order == 'reversed':
            pairs.reverse()
        else:
            random.Random(seed).shuffle(pairs)
    yield from pairs


def extent(identity, slots, blocks, payload):
    head = bytearray(512)
    struct.pack_into('>4sHH16s', head, 0, b'VMAE', 0, blocks, identity)
    for index, slot in enumerate(slots):
        struct.pack_into('>HBBI', head, 40 + 8 * index, *slot)
    head[24:40] = hashlib.md5(head).digest()
    return bytes(head) + b''.join(payload)


def extents(disks, identity, order, seed, per_extent, store_zeros, old_tail):
    slots, payload, blocks = [], [], 0
    some = False
    for number, cluster in in_order(disks, order, seed):
        disk = disks[number - 1]
        data = disk.read(cluster)
        valid = min(CLUSTER, disk.size - cluster * CLUSTER)
        if store_zeros:
            data = data.ljust(valid, b'\0')
        if old_tail and data:
            data = data.ljust(CLUSTER, b'\xee')
        mask = 0
        if store_zeros or data != ZERO[:len(data)]:
            for at in range(0, len(data), BLOCK):
                block = data[at:at + BLOCK]
                if store_zeros or block != ZERO[:len(block)]:
                    mask |= 1 << at // BLOCK
                    payload.append(block.ljust(BLOCK, b'\0'))
                    blocks += 1
        slots.append((mask, 0, number, cluster))
        if len(slots) == per_extent:
            yield extent(identity, slots, blocks, payload)
            slots, payload, blocks, some = [], [], 0, True
    if slots or not some:
        yield extent(identity, slots, blocks, payload)


def make(out, disks, configs=(), identity=None, ctime=0, order='ascending', seed=0,
         per_extent=58, store_zeros=False, old_tail=False):
    """Writes to OUT an archive of DISKS and CONFIGS, of (name, bytes). OLD_TAIL: as writers
    before June 2020 with what lies behind a disk's end in its last cluster."""
    identity = identity or uuid.uuid5(uuid.NAMESPACE_OID, str(seed)).bytes
    out.write(header(disks, configs, identity, ctime))
    for raw in extents(disks, identity, order, seed, per_extent, store_zeros, old_tail):
        out.write(raw)


def main():
    parser = argparse.ArgumentParser(description='makes a VMA archive of raw disks')
    parser.add_argument('out')
    parser.add_argument('-c', '--config', action='append', default=[], metavar='[NAME=]FILE')
    parser.add_argument('-d', '--disk', action='append', default=[], metavar='NAME=FILE')
    parser.add_argument('--uuid', type=uuid.UUID)
    parser.add_argument('--ctime', type=int, default=0, metavar='SECONDS')
    parser.add_argument('--order', choices=ORDERS, default='ascending')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--slots', type=int, default=58, choices=range(1, 60), metavar='1-59')
    parser.add_argument('--store-zeros', action='store_true')
    given = parser.parse_args()

    configs = []
    for text in given.config:
        name, _, path = text.rpartition('=')
        with open(path, 'rb') as file:
            configs.append((name or os.path.basename(path), file.read()))
    disks = [Disk(*text.split('=', 1)) for text in given.disk]
    out = sys.stdout.buffer if given.out == '-' else open(given.out, 'xb')
    with out:
        make(out, disks, configs, given.uuid and given.uuid.bytes, given.ctime, given.order,
             given.seed, given.slots, given.store_zeros)
    return 0


if __name__ == '__main__':
    sys.exit(main())
