#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that cannot take it, or give it: full, out of quota, read-only, failing; a limit on
the size of files, an output that is closed: an error of one line, nothing left, the source
as it was."""

import os
import resource
import subprocess
import sys

import bench
import cli
import disks
import tap
from bench import FORMATS, KINDS, convert, refused, source
from cli import in_folder, ok

# By itself the program writes past the page cache. Through it, space is only sought when
# the system writes back, and only fsync can tell.
CACHES = [[], ['-t', 'writeback']]


def filled(where, path, says, kinds=KINDS):
    """KINDS of output into WHERE, which cannot hold them."""
    before = os.listdir(where)
    for name, options in kinds:
        for cache in CACHES:
            err = refused(*convert(path, name, options, *cache), f'{where}/out')
            assert any(word in err for word in says), err
            assert os.listdir(where) == before, os.listdir(where)
        with open(f'{where}/stdout', 'wb') as out:
            err = refused(*convert(path, name, options), '-', stdout=out)
            assert any(word in err for word in says), err
        os.unlink(f'{where}/stdout')


@in_folder
def test_a_full_file_system_is_an_error_and_is_left_as_it_was():
    with disks.mounted(disks.EXT4, 8 * bench.MIB) as where, source() as path:
        filled(where, path, ['No space left'])


@in_folder
def test_a_full_xfs_is_an_error_and_is_left_as_it_was():
    bench.long_only()
    with disks.mounted(disks.XFS, disks.XFS_SIZE) as where, source() as path:
        disks.leave(where, 6 * bench.MIB)
        filled(where, path, ['No space left'])


@in_folder
def test_a_full_btrfs_is_an_error_and_is_left_as_it_was():
    bench.long_only()
    with disks.mounted(disks.BTRFS, 40 * bench.MIB) as where, source() as path:
        disks.leave(where, 6 * bench.MIB)
        filled(where, path, ['No space left'])


@in_folder
def test_a_quota_that_runs_out_is_an_error_and_leaves_nothing():
    disks.needs('btrfs')
    with disks.mounted(disks.BTRFS, 64 * bench.MIB) as where, source() as path:
        room = f'{where}/room'
        for command in [['quota', 'enable', where], ['subvolume', 'create', room],
                        ['qgroup', 'limit', '6M', room]]:
            if subprocess.run(['btrfs', *command], **disks.QUIET).returncode != 0:
                raise tap.Skip('no quotas on this btrfs')
        filled(room, path, ['quota exceeded'], FORMATS)


@in_folder
def test_a_disk_that_fails_when_it_is_written_back_is_an_error():
    # A file system that believes in space which the disk below does not have: by several
    # requests, since loop devices of Linux 6.18 call one a success that is cut short by it.
    with disks.memory(8 * bench.MIB) as below, source() as path:
        with disks.mounted(disks.EXT4, 64 * bench.MIB, f'{below}/image') as where:
            for name, options in FORMATS:
                for cache in CACHES:
                    refused(*convert(path, name, options, *cache), f'{where}/out')
                    assert 'out' not in os.listdir(where), os.listdir(where)
                    assert bench.leftovers(where) == []
        os.rmdir('mnt')


@in_folder
def test_a_device_that_fails_is_an_error_whether_read_or_written():
    with source() as path:
        with open('disk', 'wb') as disk:
            disk.truncate(32 * bench.MIB)
        with disks.loop('disk') as device:
            ok(*convert(path, 'raw', []), '-n', device)
            os.truncate('disk', 8 * bench.MIB)  # and what lay behind is lost
            for cache in [[], ['-T', 'none']]:
                for name, options in FORMATS:
                    err = refused(*convert(device, name, options, *cache), 'out')
                    assert 'Input/output error' in err, err
                    assert not os.path.exists('out')
        os.unlink('disk')
        with disks.memory(4 * bench.MIB) as below:
            with open(f'{below}/disk', 'wb') as disk:
                disk.truncate(32 * bench.MIB)
            with disks.loop(f'{below}/disk') as device:
                for cache in CACHES:
                    for name, options in FORMATS:
                        refused(*convert(path, name, options, *cache), '-n', device)
        os.rmdir('memory')


@in_folder
def test_a_limit_on_the_size_of_files_is_an_error():
    with source() as path:
        for name, options in KINDS:
            refused(*convert(path, name, options), 'out',
                    preexec_fn=bench.limited((resource.RLIMIT_FSIZE, 4 * bench.MIB)))


@in_folder
def test_a_read_only_file_system_is_an_error():
    with disks.mounted(disks.EXT4, 8 * bench.MIB) as where, source() as path:
        subprocess.run(['mount', '-o', 'remount,ro', where], check=True)
        for name, options in FORMATS:
            refused(*convert(path, name, options), f'{where}/out')


@in_folder
def test_a_device_that_is_full_is_an_error():
    with source() as path:
        for name in ['raw', 'vma']:
            refused(*convert(path, name, []), '/dev/full')
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


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
