#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a source can be, and what happens to it while it is read: cut, grown, written to,
replaced, removed. The output is a whole image of the source as it was, or there is none.

FAULTS_RUNS=392 tests/faults/sources.py goes through all of it once."""

import itertools
import os
import random
import shutil
import socket
import subprocess
import sys
import time

import bench
import cli
import disks
from bench import refused
from cli import equal, fails, in_folder, left, ok, read, write

SIZE = (64 if 'FAULTS_RUNS' in os.environ else 16) * bench.MIB
RATE = 4 * SIZE  # bytes a second

# Name, and how vconv is to make it.
KINDS = [('raw', ['-O', 'raw']), ('vpc', ['-O', 'vpc']),
         ('fixed', ['-O', 'vpc', '-o', 'subformat=fixed']), ('vhdx', ['-O', 'vhdx']),
         ('vma', ['-O', 'vma']), ('gz', ['-O', 'raw', '--compress', 'gzip:1']),
         ('zst', ['-O', 'vma', '--compress', 'zstd'])]
TARGETS = ['raw', 'vhdx', 'vma', '-']


def cut(path, size):
    os.truncate(path, size // 2 + 1000)


def empty(path, size):
    os.truncate(path, 0)


def grow(path, size):
    with open(path, 'ab') as file:
        file.write(os.urandom(bench.MIB))


def cut_and_restore(path, size):
    os.truncate(path, 0)
    os.truncate(path, size)


def overwrite(path, size):
    with open(path, 'r+b') as file:
        file.seek(size - size // 8)
        file.write(os.urandom(size // 8))


def replace(path, size):
    write('new', os.urandom(size))
    os.rename('new', path)


def remove(path, size):
    os.unlink(path)


# What keeps the file that was opened as it was, and what does not.
HARMLESS, HARMFUL = [replace, remove], [cut, empty, grow, cut_and_restore, overwrite]


def await_open(child, name):
    """Until CHILD has NAME open, or has ended."""
    path, end = os.path.abspath(name), time.monotonic() + 60
    while child.poll() is None and time.monotonic() < end:
        folder = f'/proc/{child.pid}/fd'
        try:
            if path in [os.readlink(f'{folder}/{fd}') for fd in os.listdir(folder)]:
                return
        except OSError:  # closed or ended in between
            pass
        time.sleep(0.001)


def while_read(kind, target, happens, wait, workers):
    """Makes HAPPENS befall a source while it is converted; gives whether it was in time, and
    whether the run was refused."""
    # Of a raw image a name must say that it is compressed.
    source = 'source.gz' if kind == 'gz' else 'source'
    shutil.copyfile('base.' + kind, source)
    size = os.path.getsize(source)
    command = [cli.VCONV, 'convert', '-q', '-m', str(workers), '-r', str(RATE),
               *(['-f', 'raw'] if kind in ('raw', 'gz') else []),
               *(['--size', str(SIZE)] if kind == 'gz' else []),
               '-O', 'raw' if target == '-' else target, source,
               '-' if target == '-' else 'out']
    with open('piped', 'wb') as piped:
        child = subprocess.Popen(command, stderr=subprocess.PIPE,
                                 stdout=subprocess.PIPE if target == '-' else None)
        if target == '-':
            drain = subprocess.Popen(['cat'], stdin=child.stdout, stdout=piped)
            child.stdout.close()
        await_open(child, source)
        time.sleep(wait)
        running = child.poll() is None
        happens(source, size)
        err = child.communicate()[1].decode()
        if target == '-':
            drain.wait()
    what = f'{happens.__name__} {kind} to {target}, {workers} workers: ' \
           f'status {child.returncode}: {err!r}'
    out = 'piped' if target == '-' else 'out'
    if child.returncode == 0:
        name = out + ('#drive-scsi0' if target == 'vma' else '')
        options = ['-F', 'raw'] if target in ('raw', '-') else []
        done = cli.run('compare', '-q', '-f', 'raw', *options, 'base.raw', name)
        equal((what, done.status), (what, 0))
    else:
        assert child.returncode == 1, what
        assert err.count('\n') == 1 and err.startswith(f'vconv: {source}: '), what
        assert not os.path.exists('out'), what
    assert bench.leftovers() == [], what
    # What does harm may come when all has been read.
    assert happens in HARMFUL or child.returncode == 0, what
    for path in [source, 'out', 'piped']:
        if os.path.exists(path):
            os.unlink(path)
    return running, child.returncode != 0


@in_folder
def test_a_source_that_changes_is_never_half_of_one_and_half_of_the_other():
    dice = random.Random(bench.SEED)
    bench.said(f'seed {bench.SEED}')
    bench.sparse('base.raw', SIZE, pieces=SIZE // bench.MIB // 2)
    for kind, options in KINDS[1:]:
        ok('convert', '-q', '-f', 'raw', *options, 'base.raw', 'base.' + kind)
    count, given_up = {True: 0, False: 0}, 0
    cases = list(itertools.product([kind for kind, _ in KINDS], HARMFUL + HARMLESS, TARGETS,
                                   [8, 0]))
    for kind, happens, target, workers in dice.sample(cases, bench.runs(7)):
        if kind == 'zst' and target in ('-', 'vma'):
            target = 'vhdx'  # what takes blocks in order takes none of a stream
        running, failed = while_read(kind, target, happens, dice.uniform(0.03, 0.15), workers)
        count[running] += 1
        given_up += failed
    bench.said(f'{count[True]} while they were read, {count[False]} after; {given_up} refused')
    bench.demand(bench.runs(7), in_time=count[True], refused=given_up,
                 taken=bench.runs(7) - given_up)


@in_folder
def test_a_source_that_changes_may_be_read_when_that_is_asked_for():
    bench.sparse('source.raw', SIZE, pieces=SIZE // bench.MIB // 2)
    child = subprocess.Popen([cli.VCONV, 'convert', '-q', '-U', '-r', str(RATE), '-f', 'raw',
                              'source.raw', 'out.raw'], stderr=subprocess.PIPE)
    await_open(child, 'source.raw')
    time.sleep(0.05)
    grow('source.raw', SIZE)
    equal((child.communicate()[1], child.returncode), (b'', 0))
    equal(read('out.raw'), read('source.raw')[:SIZE])


@in_folder
def test_sources_that_are_no_files():
    write('a.raw', os.urandom(bench.MIB))
    os.mkfifo('fifo')
    os.mkdir('folder')
    with subprocess.Popen(['cp', 'a.raw', 'fifo']):
        ok('convert', '-q', '-f', 'raw', 'fifo', 'out.raw')
    equal(read('out.raw'), read('a.raw'))
    with open('a.raw', 'rb') as file:
        ok('convert', '-q', '--force', '-f', 'raw', '/dev/stdin', 'out.raw', stdin=file)
    equal(read('out.raw'), read('a.raw'))
    ok('convert', '-q', '--force', '-f', 'raw', '/dev/stdin', 'out.raw', stdin=read('a.raw'))
    equal(read('out.raw'), read('a.raw'))
    os.unlink('out.raw')
    with socket.socket(socket.AF_UNIX) as server:
        server.bind('socket')
        for path, says in [('folder', 'directory'), ('socket', 'No such device'),
                           ('absent', 'No such file'), ('n' * 256, 'too long')]:
            fails('convert', '-f', 'raw', path, 'out.raw', says=says)
            fails('convert', path, 'out.raw', says=says)
    equal(left(), ['a.raw', 'fifo', 'folder', 'socket'])


@in_folder
def test_a_source_without_a_byte():
    write('empty', b'')
    for path in ['empty', '/dev/null']:
        for name in ['vpc', 'vhdx', 'vma']:
            refused('convert', '-q', '-f', name, '-O', 'raw', path, 'out')
        ok('convert', '-q', '-f', 'raw', '-O', 'raw', path, 'out')
        equal(os.path.getsize('out'), 0)
        os.unlink('out')
    equal(left(), ['empty'])


@in_folder
def test_a_block_device_is_a_source_of_every_format():
    bench.sparse('a.raw', 4 * bench.MIB, pieces=2)
    for kind, options in KINDS:
        if kind != 'raw':
            ok('convert', '-q', '-f', 'raw', *options, 'a.raw', 'a.' + kind)
        with open('a.' + kind, 'rb+') as file:
            file.truncate(-(-os.path.getsize('a.' + kind) // 4096) * 4096)
        if kind == 'fixed':
            continue  # its footer is what ends the file, not the device
        if kind == 'gz':
            continue  # no name says that it is compressed
        with disks.loop('a.' + kind) as device:
            ok('convert', '-q', *(['-f', 'raw'] if kind == 'raw' else []), '-O', 'raw',
               device, 'out')
        equal(read('out'), read('a.raw'))
        os.unlink('out')


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
