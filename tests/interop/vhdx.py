#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""VHDX images that the sink wrote, as qemu-img and libvhdi see them.

vhdx.py WRITE-IMAGE, the program that makes them.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

import libvhdi
import tap

WRITE_IMAGE = sys.argv[1]
MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40
PIECE = MIB
CHUNK = 4 * GIB  # of sectors of 512 bytes
COMPARE_MAX = 256 * MIB  # qemu-img compare reads every byte, also those that are not there

# Options, size, logical sector of the source, runs of data.
IMAGES = [
    ('', 512, 512, 1),
    ('', 540672, 512, 3),
    ('', 33 * MIB + 512, 512, 20),
    ('', 64 * GIB, 512, 64),
    ('block_size=1M', 70 * MIB - 512, 512, 40),
    ('block_size=1M', 5 * GIB + 512, 512, 60),
    ('block_size=256M', GIB, 512, 8),
    ('block_size=8M,log_size=4M', 100 * MIB, 512, 0),
    ('subformat=fixed', 65 * MIB, 512, 20),
    ('subformat=fixed,block_size=1M', 5 * MIB + 512, 512, 20),
    ('subformat=fixed,block_size=1M', CHUNK + 3 * MIB, 512, 20),
    ('physical_sector_size=512', 10 * MIB, 512, 4),
    ('', 64 * MIB, 4096, 10),
    ('block_size=1M', 33 * GIB, 4096, 10),
]
# Too large for a flat copy; qemu-img would walk through all of it.
LARGE = [
    ('', 64 * TIB, 512, 10),
    ('block_size=1M', 64 * TIB, 512, 10),
    ('block_size=256M', 64 * TIB - 512, 512, 10),
]


class Made:
    """An image and its flat copy, gone at the end."""

    def __init__(self, options, size, sector, runs, flat=True):
        self.folder = tempfile.TemporaryDirectory(prefix='vconv-interop-')
        self.image = os.path.join(self.folder.name, 'x.vhdx')
        self.flat = os.path.join(self.folder.name, 'flat')
        subprocess.run([WRITE_IMAGE, 'vhdx', options, str(size), str(sector), str(runs), '7',
                        self.image] + [self.flat] * flat, check=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.folder.cleanup()


def need(program):
    if not shutil.which(program):
        raise tap.Skip(f'no {program} here')


def qemu_img(*arguments):
    done = subprocess.run(['qemu-img', *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f'{arguments}: {done.returncode}: {done.stdout}'
    return done.stdout


def window(driver, path, offset, length):
    """A part of an image as qemu-img names it."""
    image = {'driver': driver, 'file': {'driver': 'file', 'filename': path}}
    return 'json:' + json.dumps({'driver': 'raw', 'offset': offset, 'size': length,
                                 'file': image})


def qemu_img_opens(made, size):
    need('qemu-img')
    info = json.loads(qemu_img('info', '--output=json', made.image))
    assert (info['format'], info['virtual-size']) == ('vhdx', size), info
    qemu_img('check', '-q', '-f', 'vhdx', made.image)


def qemu_img_agrees(made, size):
    qemu_img_opens(made, size)
    if size <= COMPARE_MAX:
        qemu_img('compare', '-f', 'vhdx', '-F', 'raw', made.image, made.flat)
        return
    for middle in (0, CHUNK, size // 2, size):
        start = max(0, min(middle, size - size % PIECE) - 4 * PIECE)
        length = min(8 * PIECE, size - start)
        qemu_img('compare', window('vhdx', made.image, start, length),
                 window('raw', made.flat, start, length))


def qemu_img_refuses_its_sectors(made):
    need('qemu-img')
    done = subprocess.run(['qemu-img', 'info', '-f', 'vhdx', made.image],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    # QEMU has no logical sectors of 4096 bytes; not to be taken for damage.
    assert done.returncode == 1 and 'not supported' in done.stdout, done.stdout


def data_of(path):
    """(offset, end) of the parts of a sparse file that hold data."""
    with open(path, 'rb') as file:
        size = os.fstat(file.fileno()).st_size
        end = 0
        while end < size:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            yield start, end


def pieces_to_compare(path, size):
    """Offsets of the pieces with data, those beside them, and some more."""
    pieces = set()
    for start, end in data_of(path):
        pieces.update(range(start // PIECE, -(-end // PIECE) + 1))
    pieces.update(size // PIECE * i // 50 for i in range(50))
    return [piece * PIECE for piece in sorted(pieces) if piece * PIECE < size]


def libvhdi_agrees(made, size, fixed):
    if libvhdi.LIBRARY is None:
        raise tap.Skip('no libvhdi here')
    # In a fixed image it takes no account of the entries of bitmap blocks, so that it reads
    # other blocks behind the first chunk; in those that qemu-img made, too.
    end = min(size, CHUNK) if fixed else size
    with libvhdi.Image(made.image) as image, open(made.flat, 'rb') as flat:
        assert image.size == size, image.size
        for offset in pieces_to_compare(made.flat, end):
            flat.seek(offset)
            wanted = flat.read(PIECE)
            assert image.read(offset, len(wanted)) == wanted, f'differs from {offset} on'


def vhdiinfo_agrees(made, size, fixed):
    need('vhdiinfo')
    text = subprocess.run(['vhdiinfo', made.image], stdout=subprocess.PIPE, check=True,
                          text=True).stdout
    assert f'({size} bytes)' in text or f': {size} bytes' in text, text
    assert ('Fixed' if fixed else 'Dynamic') in text, text


def tests():
    def test(image, check, *more, flat=True):
        def run():
            with Made(*image, flat=flat) as made:
                check(made, *more)
        return run

    for image in IMAGES:
        options, size, sector, _ = image
        fixed = 'fixed' in options
        name = f'a disk of {size} bytes with {options or "defaults"}, sectors of {sector}'
        if sector == 512:
            yield f'qemu-img reads {name}', test(image, qemu_img_agrees, size)
        else:
            yield (f'qemu-img understands but cannot do {name}',
                   test(image, qemu_img_refuses_its_sectors))
        yield f'libvhdi reads {name}', test(image, libvhdi_agrees, size, fixed)
        yield f'vhdiinfo describes {name}', test(image, vhdiinfo_agrees, size, fixed)
    for image in LARGE:
        options, size, _, _ = image
        name = f'a disk of {size} bytes with {options or "defaults"}'
        yield f'qemu-img opens {name}', test(image, qemu_img_opens, size, flat=False)
        yield (f'vhdiinfo describes {name}',
               test(image, vhdiinfo_agrees, size, False, flat=False))


if __name__ == '__main__':
    sys.exit(tap.run(tests()))
