#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real and malformed images through the whole program: archives by both ways into two
formats, disks through every format and back, and for each bad archive the verdict."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import cli
import tap
import unpack
from cli import equal, fails, ok

MEMORY = ['--memory-limit', '2G']  # one archive has a window of that size

# Of the malformed archives, those that are read all the same; W: with a warning, N: with a
# note about names.
ACCEPTED = {
    '00-good': '', 'beyond-end-max-zero': 'W', 'beyond-end-zero': 'W', 'cfg-name-bs': 'N',
    'cfg-name-dd': 'N', 'cfg-name-dotdot': 'N', 'cfg-name-dotdot1': 'N', 'cfg-name-esc': 'N',
    'cfg-name-inner-nul': 'W', 'cfg-name-like-disk': '', 'cfg-name-long': 'N',
    'cfg-name-newline': 'N', 'dev-255-unused': '', 'devname-dotdot': 'N', 'devname-empty': 'N',
    'devname-newline': 'N', 'devname-same': 'N', 'devsize-100': 'W', 'gzipped': '',
    'payload-bitflip': '', 'tail-mask-7fff': 'W', 'trailing-zeros-64k': 'W', 'vmstate-gap': 'W',
    'vmstate-longer': 'W', 'vmstate-two': 'N',
}

# Its footer has a wrong checksum, in both copies; QEMU refuses it, too.
DAMAGED = 'image.vhd'

# Larger ones take too long to walk four times.
ROUNDTRIP_MAX = 16 << 30


def sha256(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def disks(folder, suffix):
    """(size, sha256) of each disk that lies in FOLDER as raw or something else."""
    found = []
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if not name.endswith(suffix):
            continue
        if suffix != '.raw':
            ok('convert', '-q', '--no-sync', '-O', 'raw', path, path + '.raw')
            path += '.raw'
        found.append((os.path.getsize(path), sha256(path)))
    return sorted(found)


def expected(archive):
    """What the table says about the disks of an archive, whatever compresses it."""
    stem = archive.split('.')[0]
    return {(int(row['size']), row['sha256_raw']) for row in unpack.rows('vma/MANIFEST.tsv')
            if row['archive'] == stem + '.vma'}


def test_archive(name):
    path = unpack.corpus('vma', name)
    wanted = expected(name)
    with cli.folder():
        ok('vma-to-raw', '--no-sync', '-m4', *MEMORY, path, 'a')
        with open(path, 'rb') as pipe:
            cat = subprocess.Popen(['cat'], stdin=pipe, stdout=subprocess.PIPE)
            ok('vma-to-vhdx', '--no-sync', '--reproducible', '-m0', *MEMORY, '-', 'b',
               stdin=cat.stdout)
            cat.stdout.close()
            cat.wait()
        ok('vma-to-vhdx', '--no-sync', '--reproducible', '-m4', *MEMORY, path, 'c')
        for file in os.listdir('b'):
            assert cli.read(f'b/{file}') == cli.read(f'c/{file}'), f'{file} differs'
        raw, vhdx = disks('a', '.raw'), disks('c', '.vhdx')
    equal(vhdx, raw)
    # Of two disks with one name the table has one.
    assert wanted <= set(raw), (wanted - set(raw), raw)


def test_bad_archive(name):
    path = unpack.corpus('vma-bad', name)
    stem = name.rsplit('.', 1)[0]
    with cli.folder():
        if stem not in ACCEPTED:
            fails('vma-to-vhdx', '--no-sync', path, 'out')
            equal(cli.left(), [])
            fails('vma', 'verify', path)
            return
        done = ok('vma-to-vhdx', '--no-sync', path, 'out')
        lines = done.err.splitlines()
        # Writing formats in sectors has a note of its own.
        lines = [line for line in lines if 'rounded up' not in line]
        equal(len(lines), 0 if ACCEPTED[stem] == '' else 1)
        equal('warning: ' in done.err.replace('rounded', ''), 'W' in ACCEPTED[stem])
        ok('vma', 'verify', path)


def test_disk(row, folder):
    path = unpack.unpack(unpack.corpus('vhd-vhdx', row['file']), folder)
    try:
        if os.path.basename(path) == DAMAGED:
            fails('roundtrip', path, says='checksum')
            return
        ok('roundtrip', '--spool', folder, '--via', 'vma,vhdx,vpc,raw', path)
    finally:
        os.unlink(path)


def test_chain():
    """Three images, each the parent of the one before; and one with a log to replay."""
    names = ['own-vhd-diff2.vhd', 'own-vhd-diff.vhd', 'own-vhd-dynamic-align4k.vhd']
    with cli.folder() as here:
        for name in names + ['own-vhdx-dirty-one.vhdx']:
            unpack.unpack(unpack.corpus('vhd-vhdx', 'generated', name + '.xz'), here)
        chain = json.loads(ok('info', '--backing-chain', '--output=json', names[0]).out)
        equal([one['filename'] for one in chain], names)
        equal([one.get('full-backing-filename') for one in chain], [*names[1:], None])
        text = ok('info', '--backing-chain', names[0]).out
        equal([line[7:] for line in text.splitlines() if line.startswith('image: ')], names)
        dirty = json.loads(ok('info', '--output=json', 'own-vhdx-dirty-one.vhdx').out)
        equal((dirty['dirty-flag'], chain[0]['dirty-flag']), (True, False))
        os.unlink(names[2])
        fails('info', '--backing-chain', names[0], says=names[2])
        ok('info', names[0])


def fits(row):
    return row['virtual_size'].isdigit() and 0 < int(row['virtual_size']) <= ROUNDTRIP_MAX and \
        not row['type'].endswith('-diff') and '-fuzz' not in row['type']


def main():
    folder = None
    tests = []
    for name in sorted({row['archive'] for row in unpack.rows('vma/MANIFEST.tsv')}):
        stem = name.split('.')[0]
        for file in sorted(os.listdir(unpack.corpus('vma'))):
            if file.startswith(stem + '.'):
                tests.append((f'{file} by two ways', lambda file=file: test_archive(file)))
    for row in unpack.rows('vma-bad/BAD.tsv'):
        name = row['archive']
        tests.append((f'{name}: {row["defect"]}', lambda name=name: test_bad_archive(name)))
    rows = [row for row in unpack.rows('vhd-vhdx/MANIFEST.tsv') if fits(row)]
    if rows:
        folder = tempfile.mkdtemp(prefix='vconv-corpus-')
        tests.append(('a chain is told link by link', test_chain))
    for row in rows:
        tests.append((f'{row["file"]} through every format and back',
                      lambda row=row: test_disk(row, folder)))
    if not tests:
        def nothing():
            raise tap.Skip('no corpus')
        tests.append(('the corpus', nothing))
    try:
        return tap.run(tests)
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    cli.VCONV = os.path.abspath(cli.VCONV)
    sys.exit(main())
