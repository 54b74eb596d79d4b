#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""VHDX files of many writers, and damaged ones: sizes and contents as an independent reader
found them, and the verdict that each malformed file deserves."""

import os
import subprocess
import sys
import tempfile

import tap
import unpack

GOOD = [row for row in unpack.rows('vhd-vhdx/MANIFEST.tsv') if row['type'].startswith('vhdx-')]
BAD = [row for row in unpack.rows('vhd-vhdx-bad/BAD.tsv') if row['file'].startswith('x-')]

# Disks above this are hashed only when VCONV_CORPUS_WHOLE is set: GiB of zeros take minutes.
# Otherwise the hash of what is not zero stands for it, taken when the whole one was right.
WHOLE_MAX = 300 << 20
PRINTS = {
    'iotest-dirtylog-10G-4M.vhdx':
        'f9228739104ca2cbda0d99c68e84297b3e9a3aedfc3baef2890772d2bba13c48',
    'iotest-dynamic-1G.vhdx':
        'e1e4382e712c84e7630916aea38ba1001597f2c0765dac1ec32a7d7a3f3b2691',
    'qemu-vhdx-chunk-10G-b256M.vhdx':
        '732b0c3f4a33d6ffee4e7ca4d05e40365e3a8ec4604b71203eab99539c8df98b',
    'swap.vhdx':
        '8aab81ac4945247ad213c1a5d9c30a2320a46f319da33093ca9e30020a68ae24',
    'xfs.vhdx':
        '13884bc5ff1e086d7ef8454f4cc790c4fb99594e69347c1b6f2a87ed396c29cd',
}

# Writers that leave space behind which nothing refers to: qemu up to 2.0, and its fixed
# images, whose blocks it allocates a second time at the end.
LEAKS = ('iotest-dirtylog', 'qemu-vhdx-fixed-b256M-zeroon', 'qemu-vhdx-fixed-b2M-zeroon',
         'qemu-vhdx-fixed-b8M-zeroon', 'qemu-vhdx-fixed-default')

# The parents of malformed children, where there is one to find.
PARENTS = {
    'x-diff-base.vhdx': [],
    'x-diff-cycle-a.vhdx': ['x-diff-cycle-b.vhdx', 'x-diff-cycle-a.vhdx'],
    'x-diff-cycle-b.vhdx': ['x-diff-cycle-a.vhdx', 'x-diff-cycle-b.vhdx'],
    'x-diff-noparent.vhdx': [],
    'x-diff-traversal.vhdx': [],
}


class Walk:
    """What the program tells of an image and its parents: words by their first one."""

    def __init__(self, *args):
        done = subprocess.run([os.environ['VHDX_WALK'], *args], capture_output=True,
                              text=True, timeout=300)
        assert done.returncode in (0, 1), done
        self.lines = done.stdout.splitlines()
        self.good = done.returncode == 0

    def all(self, word):
        return [line.split(' ', 1)[1] for line in self.lines if line.startswith(word + ' ')]

    def one(self, word):
        found = self.all(word)
        assert len(found) == 1, self.lines
        return found[0]


def find(name):
    return next(row for row in GOOD if unpack.plain_name(row['file']) == name)


def chain(row, folder):
    paths = [unpack.unpack(unpack.corpus('vhd-vhdx', row['file']), folder)]
    return paths + chain(find(row['parent']), folder) if row['parent'] else paths


def test_good(row, folder):
    name = unpack.plain_name(row['file'])
    ranges = [f'--range={text}' for text in row['ranges'].split(';') if text]
    whole = not ranges and (name not in PRINTS or 'VCONV_CORPUS_WHOLE' in os.environ)
    walk = Walk('--check', *['--sha256'][:whole], *ranges, *chain(row, folder))
    assert walk.good, walk.lines
    assert walk.one('size') == row['virtual_size']
    assert ranges or whole or int(row['virtual_size']) > WHOLE_MAX
    if ranges:
        assert walk.one('ranges') == row['sha256_raw']
    elif whole:
        assert walk.one('sha256') == row['sha256_raw']
    if name in PRINTS:
        assert walk.one('fingerprint') == PRINTS[name]
    assert not walk.all('check-corrupt')
    assert bool(walk.all('check-leak')) == name.startswith(LEAKS), walk.lines
    assert bool(walk.all('warning')) == (row['virtual_size'] == '0')
    # Not even the BAT of 513 MiB was read at once. (The bitmap of space is the most.)
    assert int(walk.one('memory')) < 64 << 20


def bad(name, folder):
    return unpack.unpack(unpack.corpus('vhd-vhdx-bad', name + '.xz'), folder)


def test_bad(row, folder):
    verdict = row['expect (R=refuse A=accept W=accept+warn/offer repair)']
    name = unpack.plain_name(row['file'])
    differencing = name.startswith('x-diff-')
    parents = PARENTS.get(name, ['x-diff-base.vhdx'] if differencing else [])
    beginning = f'--range=0+{40 << 20}'
    walk = Walk('--check', beginning, bad(name, folder),
                *[bad(parent, folder) for parent in parents])
    if verdict == 'R':
        assert not walk.good
        assert len(walk.all('refused')) == 1
        return
    assert walk.good, walk.lines
    assert bool(walk.all('warning')) == (verdict == 'W'), walk.lines
    assert not walk.all('check-corrupt')
    readers = [value for title, value in row.items() if title.startswith('vhdref') or
               # It replays no log, and knows less of parents.
               (title.startswith('libvhdi') and not name.startswith(('x-log', 'x-diff')))]
    assert f'{walk.one("size")} {walk.one("ranges")[:10]}' in readers


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = [(f'{row["file"]}: {row["notes"]}', lambda row=row: test_good(row, folder))
                 for row in GOOD]
        tests += [(f'{row["file"]}: {row["violates"]}', lambda row=row: test_bad(row, folder))
                  for row in BAD]
        return tap.run((name.replace('#', ''), test) for name, test in tests)


if __name__ == '__main__':
    sys.exit(main())
