#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An independent reader of VMA archives, written from the facts of the format alone.

    vma_check.py [--writer] [--qmrestore] [--extract DIR] ARCHIVE|-

It accepts what Proxmox's own reader accepts in `verify` and `extract`, and names what that
reader would refuse, or crash at. --writer also asks for what a writer must keep to although
no reader checks it: at most 58 clusters per extent, ascending clusters, nothing set or
stored behind the end of a disk, no zero block stored, safe names. --qmrestore also asks for
what a restore needs: a configuration with a map line for each device and a device for each
map line. --extract writes each disk to DIR/NAME.raw.

The archive must be uncompressed. Status 0: accepted; 1: refused, one problem per line.
"""

import argparse
import hashlib
import os
import re
import struct
import sys

FIXED = 12288
BLOCK = 4096
CLUSTER = 65536
EXTENT_HEADER = 512
SLOTS = 59
SLOTS_WRITTEN = 58

# A file name of a config is first written with seven bytes more.
CONFIG_NAME_MAX = 248
DEVICE_NAME_MAX = 255 - len('tmp-disk-.raw')


class Refused(Exception):
    """The archive cannot be read any further."""


class Device:
    def __init__(self, number, name, size):
        self.number, self.name, self.size = number, name, size
        self.clusters = -(-size // CLUSTER)
        self.vmstate = name == b'vmstate'
        self.seen = bytearray()
        self.found = 0
        self.last = -1
        self.file = None

    def text(self):
        return self.name.decode('utf-8', 'backslashreplace')


def file_name(device):
    """Where --extract writes it."""
    return (re.sub(r'[^\w.:+-]', '_', device.text()) or 'unnamed') + '.raw'


class Archive:
    """What an archive holds. `problems` are a reader's, `complaints` a writer's."""

    def __init__(self, stream, folder=None):
        self.stream, self.folder = stream, folder
        self.position = 0
        self.problems, self.complaints = [], []
        self.devices, self.configs = {}, []
        self.extents = 0
        try:
            self.read_header()
            self.check_names()
            while self.read_extent():
                self.extents += 1
            self.check_complete()
        except Refused as problem:
            self.problems.append(str(problem))
        finally:
            for device in self.devices.values():
                if device.file:
                    device.file.truncate(device.size)
                    device.file.close()

    def refuse(self, text):
        raise Refused(f'{text}, at {self.position:#x}')

    def read(self, length):
        """Up to LENGTH bytes, in pieces: the length may be absurd."""
        pieces = []
        while length > 0:
            piece = self.stream.read(min(length, 1 << 20))
            if not piece:
                break
            pieces.append(piece)
            length -= len(piece)
        data = b''.join(pieces)
        self.position += len(data)
        return data

    # --- header ----------------------------------------------------------------------

    def read_header(self):
        raw = self.read(FIXED)
        if len(raw) < FIXED:
            self.refuse('the file ends in the header')
        if raw[:4] != b'VMA\0':
            self.refuse('not an archive')
        blobs_at, blobs_size, header_size = struct.unpack('>III', raw[48:60])
        if not FIXED < header_size < 0x80003000:
            self.refuse(f'header size is {header_size:#x}')
        raw += self.read(header_size - FIXED)
        if len(raw) < header_size:
            self.refuse('the file ends in the header')
        if hashlib.md5(raw[:32] + bytes(16) + raw[48:]).digest() != raw[32:48]:
            self.refuse('the checksum of the header is wrong')
        version, = struct.unpack('>I', raw[4:8])
        if version != 1:
            self.refuse(f'version is {version}')
        if blobs_at < FIXED or blobs_at + blobs_size > header_size:
            self.refuse(f'blob buffer at {blobs_at:#x}, {blobs_size:#x} bytes, '
                        f'in a header of {header_size:#x}')
        self.uuid = raw[8:24]
        self.ctime, = struct.unpack('>q', raw[24:32])
        self.read_blobs(raw[blobs_at:blobs_at + blobs_size])
        self.read_devices(raw)
        self.read_configs(raw)
        if header_size % 512 or any(raw[60:2044]) or any(raw[4092:4096]) or \
                any(raw[blobs_at + blobs_size:]) or blobs_at != FIXED or \
                any(any(raw[4100 + 32 * i:4104 + 32 * i]) or any(raw[4112 + 32 * i:4128 + 32 * i])
                    for i in range(256)):
            self.complaints.append('a reserved or unused part of the header is not zero, or '
                                   'a size is not as the reference writer has it')

    def read_blobs(self, buffer):
        self.blobs = {}
        at = 1
        while at + 2 <= len(buffer):
            length, = struct.unpack('<H', buffer[at:at + 2])
            if at + 2 + length > len(buffer):
                break
            self.blobs[at] = buffer[at + 2:at + 2 + length]
            at += 2 + length

    def name_at(self, pointer):
        """The name, or None when the pointer does not hit one."""
        blob = self.blobs.get(pointer)
        if blob is None:
            return None
        if not blob:
            self.refuse('a name is a blob of length 0')
        return blob[:blob.index(0)] if blob[-1] == 0 else None

    def read_devices(self, raw):
        for number in range(256):
            pointer, _, size = struct.unpack('>IIQ', raw[4096 + 32 * number:][:16])
            if pointer == 0 and size == 0:
                continue
            name = self.name_at(pointer) if number and pointer else None
            if size == 0 or name is None or number == 255:
                self.complaints.append(f'device {number} is declared and cannot be used')
                continue
            if not 512 <= size <= CLUSTER << 32:
                self.refuse(f'device {number} has {size} bytes')
            if size % 512:
                self.complaints.append(f'device {number} has {size} bytes')
            self.devices[number] = Device(number, name, size)

    def read_configs(self, raw):
        for slot in range(256):
            name, = struct.unpack('>I', raw[2044 + 4 * slot:][:4])
            data, = struct.unpack('>I', raw[3068 + 4 * slot:][:4])
            if name == 0 or data == 0:
                continue
            text = self.name_at(name)
            if text is None or data not in self.blobs:
                self.refuse(f'config {slot} has invalid pointers {name:#x} and {data:#x}')
            self.configs.append((text, self.blobs[data]))

    def check_names(self):
        names = [device.name for device in self.devices.values()]
        for device in self.devices.values():
            if b'/' in device.name or len(device.name) > DEVICE_NAME_MAX:
                self.problems.append(f'device {device.number} cannot be a file: {device.text()!r}')
            if names.count(device.name) > 1:
                self.problems.append(f'several devices are named {device.text()!r}')
            if not re.fullmatch(rb'[\w.:+-]+', device.name):
                self.complaints.append(f'device {device.number} has an odd name')
        for name, _ in self.configs:
            if name in (b'', b'.', b'..') or len(name) > CONFIG_NAME_MAX:
                self.problems.append(f'a config cannot be a file: {name!r}')
            if not re.fullmatch(rb'[\w.+-]+', name) or name.startswith(b'.'):
                self.complaints.append(f'a config has an odd name: {name!r}')
        if len({name for name, _ in self.configs}) < len(self.configs):
            self.complaints.append('several configs have one name')

    # --- extents ---------------------------------------------------------------------

    def read_extent(self):
        head = self.read(EXTENT_HEADER)
        if not head:
            return False
        if len(head) < EXTENT_HEADER:
            self.refuse(f'short extent of {len(head)} bytes')
        if hashlib.md5(head[:24] + bytes(16) + head[40:]).digest() != head[24:40]:
            self.refuse('the checksum of the extent is wrong')
        if head[8:24] != self.uuid:
            self.refuse('the extent belongs to another archive')
        if head[:4] != b'VMAE' or head[4:6] != b'\0\0':
            self.refuse('no extent')
        blocks, = struct.unpack('>H', head[6:8])
        payload = self.read(blocks * BLOCK)
        if len(payload) < blocks * BLOCK:
            self.refuse('the file ends in an extent')
        at = used = 0
        for slot in struct.iter_unpack('>HBBI', head[40:]):
            if slot[2]:
                used += 1
                at = self.read_cluster(*slot, payload, at)
        if at != len(payload):
            self.refuse(f'the masks ask for {at // BLOCK} blocks, the extent has {blocks}')
        if used > SLOTS_WRITTEN:
            self.complaints.append(f'extent {self.extents} has {used} clusters')
        return True

    def read_cluster(self, mask, reserved, number, cluster, payload, at):
        device = self.devices.get(number)
        if not device:
            self.refuse(f'cluster of device {number}, which is not there')
        if device.vmstate:
            if cluster != device.last + 1:
                self.refuse(f'cluster {cluster} of the memory, out of order')
        else:
            self.take(device, mask, cluster)
        if reserved or cluster <= device.last:
            self.complaints.append(f'cluster {cluster} of device {number}: out of order, or '
                                   'its reserved byte is set')
        device.last = cluster
        for bit in range(16):
            if mask >> bit & 1:
                block = payload[at:at + BLOCK]
                if len(block) < BLOCK:
                    self.refuse('the masks ask for more blocks than the extent has')
                self.store(device, cluster * CLUSTER + bit * BLOCK, block)
                at += BLOCK
        return at

    def take(self, device, mask, cluster):
        """Notes that CLUSTER is there; within the device, and once."""
        if cluster >= -(-device.clusters // 64) * 64:
            self.refuse(f'cluster {cluster} of device {device.number}, far behind the end')
        # Proxmox's reader cuts a full mask at the end; any other must fit.
        start, end = cluster * CLUSTER, device.size
        beyond = mask and start >= end
        if not beyond and mask != 0xffff:
            beyond = any(mask >> bit & 1 and start + bit * BLOCK >= end for bit in range(16))
        if beyond:
            self.refuse(f'cluster {cluster} of device {device.number} has data behind the end')
        if start + CLUSTER > end and (start >= end or any(
                mask >> bit & 1 and start + bit * BLOCK >= end for bit in range(16))):
            self.complaints.append(f'cluster {cluster} of device {device.number} is, or has '
                                   'bits, behind the end')
        byte, bit = divmod(cluster, 8)
        if byte >= len(device.seen):
            device.seen.extend(bytes(byte + 4096 - len(device.seen)))
        if device.seen[byte] >> bit & 1:
            self.refuse(f'cluster {cluster} of device {device.number} is there twice')
        device.seen[byte] |= 1 << bit
        device.found += cluster < device.clusters

    def store(self, device, offset, block):
        keep = max(0, min(BLOCK, device.size - offset))
        if not any(block):
            self.complaints.append(f'a zero block is stored, device {device.number}, '
                                   f'offset {offset:#x}')
        if any(block[keep:]):
            self.complaints.append(f'bytes behind the end of device {device.number}')
        if self.folder is not None and keep:
            if not device.file:
                device.file = self.open_disk(device)
            device.file.seek(offset)
            device.file.write(block[:keep])

    def open_disk(self, device):
        try:
            return open(os.path.join(self.folder, file_name(device)), 'xb')
        except FileExistsError:
            return self.refuse(f'{file_name(device)} is there already')

    def check_complete(self):
        for device in self.devices.values():
            if self.folder is not None and not device.file:
                device.file = self.open_disk(device)
            if not device.vmstate and device.found < device.clusters:
                self.problems.append(f'device {device.number} ({device.text()}) lacks '
                                     f'{device.clusters - device.found} clusters')
        if self.extents == 0:
            self.complaints.append('no extent')

    # --- restore ---------------------------------------------------------------------

    def restore_problems(self):
        """What stops `qmrestore`: the configuration and the devices must match."""
        found = [data for name, data in self.configs if name == b'qemu-server.conf']
        if len(found) != 1:
            yield f'{len(found)} configurations named qemu-server.conf'
            return
        lines = found[0].decode('utf-8', 'replace').split('\n')
        mapped = {}
        for line in lines:
            if not line.startswith('#qmdump#map:'):
                continue
            match = re.fullmatch(r'#qmdump#map:(\S+):(\S+):(\S*):(\S*):', line)
            if not match:
                yield f'not a map line: {line!r}'
            elif match[2] in mapped:
                yield f'two map lines for {match[2]}'
            else:
                mapped[match[2]] = match[1]
        devices = {device.text() for device in self.devices.values() if not device.vmstate}
        for name in sorted(devices - mapped.keys()):
            yield f'no map line for device {name}'
        for name in sorted(mapped.keys() - devices):
            yield f'a map line for {name}, which is no device'
        for name, drive in mapped.items():
            if not any(line.startswith(f'{drive}: ') for line in lines):
                yield f'no line "{drive}: ..." for {name}'
        for device in self.devices.values():
            if not re.fullmatch(r'\S+', device.text()):
                yield f'white space in the name of device {device.number}'


def accept(path, writer=False, restore=False, folder=None):
    """The list of problems of the archive at PATH, empty for a good one."""
    with open(path, 'rb') if path != '-' else sys.stdin.buffer as stream:
        archive = Archive(stream, folder)
    return (archive.problems + (archive.complaints if writer else []) +
            (list(archive.restore_problems()) if restore else []))


def main():
    parser = argparse.ArgumentParser(description='checks a VMA archive')
    parser.add_argument('--writer', action='store_true', help='also what a writer must keep')
    parser.add_argument('--qmrestore', action='store_true', help='also what a restore needs')
    parser.add_argument('--extract', metavar='DIR', help='write the disks there')
    parser.add_argument('archive')
    given = parser.parse_args()
    problems = accept(given.archive, given.writer, given.qmrestore, given.extract)
    for problem in problems:
        print(f'{given.archive}: {problem}')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
