#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What we write is read by qemu-img and libvhdi, and what qemu-img writes is read by us."""

import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

import libvhdi
import tap
import vhd

MIB = 1 << 20
SIZES = [512, 4096, 69632, MIB, 2 * MIB + 512, 10 * MIB, 33 * MIB + 1536]
OPTIONS = ['', 'creator=win', 'subformat=fixed', 'block_size=512k', 'block_size=4k']


def run(*command):
    if not shutil.which(command[0]):
        raise tap.Skip(f'{command[0]} is not installed')
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, f'{command}: {done.returncode} {done.stdout} {done.stderr}'
    return done.stdout


def make_raw(path, size, seed):
    chance = random.Random(seed)
    with open(path, 'wb') as file:
        file.truncate(size)
        for _ in range(12):
            at = chance.randrange(0, size, 512)
            file.seek(at)
            file.write(chance.randbytes(min(chance.choice([512, 5000, 70000]), size - at)))
    return path


def image(path):
    """PATH for QEMU; before 10.0 it takes the size from the geometry unless told otherwise."""
    return 'json:' + json.dumps({'driver': 'vpc', 'force_size_calc': 'current_size',
                                 'file': {'driver': 'file', 'filename': path}})


def same(raw, path, where):
    text = run('qemu-img', 'compare', 'json:' + json.dumps(
        {'driver': 'raw', 'file': {'driver': 'file', 'filename': raw}}), where)
    assert 'identical' in text
    assert os.path.getsize(raw) == json.loads(
        run('qemu-img', 'info', '--output=json', where))['virtual-size'], path


def test_ours(folder, size, options):
    raw = make_raw(os.path.join(folder, 'raw'), size, size)
    path = os.path.join(folder, 'ours.vhd')
    vhd.write(raw, path, options)
    same(raw, path, image(path))
    if 'creator=win' in options:
        # No option is needed then.
        same(raw, path, path if 'fixed' not in options else image(path))
    assert vhd.check(path).lines == []
    with open(raw, 'rb') as file:
        content = file.read()
    if libvhdi.LIBRARY:
        with libvhdi.Image(path) as image_of_theirs:
            assert image_of_theirs.size == size
            assert image_of_theirs.read(0, size) == content


def test_theirs(folder, size, options):
    raw = make_raw(os.path.join(folder, 'raw'), size, size + 1)
    path, back = os.path.join(folder, 'theirs.vhd'), os.path.join(folder, 'back')
    run('qemu-img', 'convert', '-f', 'raw', '-O', 'vpc', '-o', options, raw, path)
    run('qemu-img', 'convert', '-f', 'vpc', '-O', 'raw', path, back)
    answer = vhd.read(path)
    assert answer.good and not answer.all('warning'), answer.lines
    assert int(answer.one('size')) == os.path.getsize(back)
    digest = run('sha256sum', back).split()[0]
    assert answer.one('sha256') == digest
    assert vhd.check(path).lines == []


def test_geometry_is_what_qemu_calculates(folder):
    path = os.path.join(folder, 'geometry.vhd')
    raw = os.path.join(folder, 'raw')
    for size in (1, 40, 130, 150, 200, 255, 270, 400, 520, 2000, 40000, 130000):
        run('qemu-img', 'create', '-q', '-f', 'vpc', path, f'{size}M')
        with open(path, 'rb') as file:
            file.seek(-512, os.SEEK_END)
            theirs = file.read(512)
        if size > 1000:
            continue  # would need a raw file of that size to be walked
        with open(raw, 'wb') as file:
            file.truncate(struct.unpack('>Q', theirs[48:56])[0])
        vhd.write(raw, path, 'subformat=dynamic')
        with open(path, 'rb') as file:
            assert file.read(60)[56:] == theirs[56:60], size


def test_qemu_can_go_on_writing(folder):
    raw = make_raw(os.path.join(folder, 'raw'), 10 * MIB, 5)
    path = os.path.join(folder, 'ours.vhd')
    vhd.write(raw, path, 'creator=win')
    run('qemu-io', '-f', 'vpc', '-c', 'write -P 17 3M 5M', path)
    with open(raw, 'r+b') as file:
        file.seek(3 * MIB)
        file.write(b'\x11' * (5 * MIB))
    answer = vhd.read(path)
    assert answer.one('sha256') == run('sha256sum', raw).split()[0]
    assert not vhd.check(path).all('corrupt')


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = [(f'a disk of {size} bytes written with "{options}" is read by others',
                  lambda size=size, options=options: test_ours(folder, size, options))
                 for size in SIZES for options in OPTIONS]
        tests += [(f'a disk of {size} bytes that QEMU wrote with "{options}" is read',
                   lambda size=size, options=options: test_theirs(folder, size, options))
                  for size in SIZES for options in
                  ('subformat=dynamic,force_size=on', 'subformat=fixed,force_size=on',
                   'subformat=dynamic')]
        tests += [(test.__name__[5:].replace('_', ' '), lambda test=test: test(folder))
                  for test in (test_geometry_is_what_qemu_calculates,
                               test_qemu_can_go_on_writing)]
        return tap.run(tests)


if __name__ == '__main__':
    sys.exit(main())
