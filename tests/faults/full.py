#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Targets that cannot take it: a full file system, a read-only directory, a limit on the
size of files, an output that is closed: an error of one line, nothing left, the source as
it was."""

import contextlib
import os
import resource
import shutil
import subprocess
import sys

import bench
import cli
import tap
from cli import in_folder, left

FORMATS = [('raw', []), ('vpc', []), ('vpc', ['-o', 'subformat=fixed']), ('vhdx', []),
           ('vma', [])]


def refused(*args, **options):
    """Runs what must fail, and gives its one line."""
    done = subprocess.run([cli.VCONV, *args], stderr=subprocess.PIPE, timeout=120,
                          **{'stdout': subprocess.DEVNULL, **options})
    err = done.stderr.decode()
    what = f'{args}: status {done.returncode}: {err!r}'
    assert done.returncode == 1, what
    assert err.count('\n') == 1 and err.startswith('vconv: '), what
    return err


@contextlib.contextmanager
def source():
    path = bench.sparse('source.raw', 16 * bench.MIB, pieces=12)
    digest = bench.sha256(path)
    before = left()
    yield path
    assert bench.sha256(path) == digest, 'the source has changed'
    assert left() == before, left()


@contextlib.contextmanager
def mounted(make, size):
    if os.geteuid() != 0 or not shutil.which(make[0]):
        raise tap.Skip(f'needs root and {make[0]}')
    with open('image', 'wb') as file:
        file.truncate(size)
    os.mkdir('mnt')
    subprocess.run([*make, 'image'], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    if subprocess.run(['mount', '-o', 'loop', 'image', 'mnt'],
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise tap.Skip('cannot mount a loop device here')
    try:
        yield 'mnt'
    finally:
        subprocess.run(['umount', 'mnt'], check=True)


@in_folder
def test_a_full_file_system_is_an_error_and_is_left_as_it_was():
    with mounted(['mkfs.ext4', '-q'], 8 * bench.MIB) as where, source() as path:
        before = os.listdir(where)
        for name, options in FORMATS:
            err = refused('convert', '-q', '-f', 'raw', '-O', name, *options, path,
                          f'{where}/out')
            assert 'No space left' in err, err
            assert os.listdir(where) == before, os.listdir(where)


@in_folder
def test_a_limit_on_the_size_of_files_is_an_error():
    with source() as path:
        for name, options in FORMATS:
            refused('convert', '-q', '-f', 'raw', '-O', name, *options, path, 'out',
                    preexec_fn=bench.limited((resource.RLIMIT_FSIZE, 4 * bench.MIB)))


@in_folder
def test_a_read_only_directory_is_an_error():
    with mounted(['mkfs.ext4', '-q'], 8 * bench.MIB) as where, source() as path:
        subprocess.run(['mount', '-o', 'remount,ro', where], check=True)
        for name, options in FORMATS:
            refused('convert', '-q', '-f', 'raw', '-O', name, *options, path, f'{where}/out')


@in_folder
def test_a_device_that_is_full_is_an_error():
    with source() as path:
        for name in ['raw', 'vma']:
            refused('convert', '-q', '-f', 'raw', '-O', name, path, '/dev/full')
        with open('/dev/full', 'wb') as full:
            refused('info', '-f', 'raw', path, stdout=full)


@in_folder
def test_a_standard_output_that_is_closed_is_an_error():
    with source() as path:
        for args in [['info', '-f', 'raw', path], ['convert', '-q', '-f', 'raw', path, '-']]:
            refused(*args, preexec_fn=lambda: os.close(1))


@in_folder
def test_a_pipe_that_nobody_reads_is_an_error():
    with source() as path:
        reader, writer = os.pipe()
        os.close(reader)
        try:
            refused('convert', '-q', '-f', 'raw', path, '-', stdout=writer)
        finally:
            os.close(writer)


@in_folder
def test_the_source_by_another_name_is_refused_as_target():
    bench.sparse('source.raw', 16 * bench.MIB, pieces=12)
    os.link('source.raw', 'hard')
    os.symlink('source.raw', 'soft')
    with source() as path:
        for name in [path, 'hard', 'soft', './source.raw']:
            for mode in ['-n', '--force']:
                err = refused('convert', '-q', mode, '-f', 'raw', '-O', 'raw', path, name)
                assert 'is the source' in err, err


@in_folder
def test_a_directory_is_refused_as_target():
    os.mkdir('folder')
    with source() as path:
        for name, options in FORMATS:
            refused('convert', '-q', '-f', 'raw', '-O', name, *options, path, 'folder')
    assert os.listdir('folder') == []


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
