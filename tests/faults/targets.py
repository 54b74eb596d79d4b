#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a target can be: the source by another name, a directory, a link, a FIFO, a device,
a name that cannot be. What is taken is written as a whole, what is refused is refused with
one line and nothing has changed."""

import os
import subprocess
import sys

import bench
import cli
import disks
import tap
from bench import FORMATS, convert, refused, source
from cli import equal, fails, in_folder, left, ok, read, write

SIZE = 4 * bench.MIB
LARGER = (64 if bench.LONG else 24) * bench.MIB


def same(path, other, *options, **more):
    ok('compare', '-q', '-f', 'raw', *options, path, other, **more)


def same_on(path, where, name):
    """A compressed disk is piped, for no name says that it is compressed."""
    if name != 'raw':
        same(path, where + '#drive-scsi0' * (name == 'vma'))
        return
    with open(where, 'rb') as file:
        same(path, '-', stdin=file)


@in_folder
def test_the_source_by_another_name_is_refused_as_target():
    bench.sparse('source.raw', 16 * bench.MIB, pieces=12)
    os.link('source.raw', 'hard')
    os.symlink('source.raw', 'soft')
    with source() as path:
        for name in [path, 'hard', 'soft', './source.raw']:
            for mode in ['-n', '--force']:
                err = refused(*convert(path, 'raw', []), mode, name)
                assert 'is the source' in err, err


@in_folder
def test_the_source_by_a_descriptor_is_refused_as_target():
    with source() as path:
        for name, _ in FORMATS:
            for flags in [os.O_RDWR, os.O_WRONLY | os.O_APPEND]:
                fd = os.open(path, flags)
                err = refused(*convert(path, name, []), '-', stdout=fd)
                assert 'is the source' in err, err
                with open(path, 'rb') as stdin:
                    err = refused(*convert('-', name, []), '-', stdin=stdin, stdout=fd)
                assert 'is the source' in err, err
                os.close(fd)
        ok(*convert(path, 'raw', []), '/dev/null')
        with open('other', 'wb') as out:
            subprocess.run([cli.VCONV, *convert(path, 'raw', []), '-'], stdout=out, check=True)
        same(path, 'other', '-F', 'raw')
        os.unlink('other')


@in_folder
def test_the_source_below_a_loop_device_or_above_it_is_refused_as_target():
    with source() as path:
        os.link(path, 'hard')
        with disks.loop(path) as device, disks.loop(device) as above:
            for name, options in FORMATS:
                for one, other in [(path, device), (device, path), (device, 'hard'),
                                   (above, path), (path, above), (above, device)]:
                    err = refused(*convert(one, name, options), '-n', other)
                    assert 'is the source' in err, err
                with open(device, 'r+b') as out:
                    err = refused(*convert(path, name, options), '-', stdout=out)
                assert 'is the source' in err, err
            # Without a name the file is found all the same.
            os.unlink(path)
            err = refused(*convert(device, 'raw', []), '-n', 'hard')
            assert 'is the source' in err, err
            os.link('hard', path)
        os.unlink('hard')


@in_folder
def test_what_cannot_be_a_target_is_refused():
    os.mkdir('folder')
    os.symlink('nowhere/out', 'dangling')
    os.symlink('loop', 'loop')
    write('there', b'there')
    with source() as path:
        for name, options in FORMATS:
            command = convert(path, name, options)
            for target, says in [('folder', 'directory'), ('folder/', 'directory'),
                                 ('dangling', 'No such file'), ('loop', 'symbolic links'),
                                 ('no/such/folder', 'No such file'), ('there/out', 'Not a dir'),
                                 ('n' * 256, 'too long'), ('there', '--force'), ('', '')]:
                err = refused(*command, target)
                assert says in err, err
            err = refused(*command, '-n', 'absent')
            assert 'No such file' in err, err
    equal(read('there'), b'there')
    equal(os.listdir('folder'), [])


@in_folder
def test_a_directory_without_the_right_to_write_is_refused():
    if os.geteuid() == 0:
        user = {'user': 65534, 'group': 65534, 'extra_groups': []}
        os.chmod('.', 0o755)
    else:
        user = {}
    os.mkdir('folder', 0o555)
    with source() as path:
        os.chmod(path, 0o644)
        if user and subprocess.run([cli.VCONV, '--version'], **user,
                                   **disks.QUIET).returncode != 0:
            raise tap.Skip('the program cannot be run by another user')
        for name, options in FORMATS:
            err = refused(*convert(path, name, options), 'folder/out', **user)
            assert 'Permission denied' in err, err
    equal(os.listdir('folder'), [])


@in_folder
def test_links_and_the_longest_names_are_targets():
    os.mkdir('folder')
    os.symlink('folder/out', 'link')
    with source() as path:
        for target, made in [('link', 'folder/out'), ('n' * 255, 'n' * 255)]:
            ok(*convert(path, 'raw', []), target)
            same(path, made, '-F', 'raw')
            os.unlink(made)
    assert os.path.islink('link')


@in_folder
def test_a_fifo_is_a_target_of_every_format():
    with source() as path:
        os.mkfifo('fifo')
        for name, options in FORMATS:
            with open('got', 'wb') as got, \
                    subprocess.Popen(['cat', 'fifo'], stdout=got) as reader:
                ok(*convert(path, name, options), 'fifo')
                equal(reader.wait(60), 0)
            same(path, 'got#drive-scsi0' if name == 'vma' else 'got',
                 *(['-F', name] if name == 'raw' else []))
        os.unlink('fifo')
        os.unlink('got')


def device_of(size):
    """A file of SIZE bytes with something on it: what must not shine through."""
    with open('disk', 'wb') as disk:
        disk.write(os.urandom(size))
    return disks.loop('disk')


@in_folder
def test_a_block_device_is_written_only_in_place():
    with source() as path, device_of(SIZE) as device:
        before = bench.sha256('disk')
        for name, options in FORMATS:
            for mode in [[], ['--force']]:
                err = refused(*convert(path, name, options), *mode, device)
                assert "'vconv convert -n' writes to it" in err, err
        # Too small: a disk that has its place is not even begun.
        for name, options in [('raw', []), ('vpc', ['-o', 'subformat=fixed'])]:
            err = refused(*convert(path, name, options), '-n', device)
            assert f'{SIZE} bytes' in err, err
        equal(bench.sha256(device), before)
        os.unlink('disk')


@in_folder
def test_on_a_larger_block_device_nothing_of_before_shines_through():
    packed = [('raw', ['--compress', how]) for how in ['gzip', 'zstd', 'lzo']] + \
             [('vma', ['--compress', how]) for how in ['gzip', 'zstd', 'lzo']]
    with source() as path:
        kinds = [('vma', []), ('vpc', []), ('vhdx', []), *packed]
        for name, options in kinds if bench.LONG else [kinds[0], kinds[4], kinds[8]]:
            with device_of(LARGER) as device:
                ok(*convert(path, name, options), '-n', device)
                same_on(path, device, name)
                if name == 'vma':
                    ok('check', '-q', device)
                equal(read(device)[-bench.MIB:], bytes(bench.MIB))
        # A raw image is so long as its disk: what lies behind is not its own.
        with device_of(LARGER) as device:
            behind = read(device)[16 * bench.MIB:]
            ok(*convert(path, 'raw', []), '-n', device)
            whole = read(device)
            equal(whole[:16 * bench.MIB], read(path))
            equal(whole[16 * bench.MIB:], behind)
        os.unlink('disk')


@in_folder
def test_behind_standard_output_nothing_of_before_is_left():
    kinds = [('vma', []), ('vma', ['--compress', 'zstd']), ('vpc', []),
             ('raw', ['--compress', 'gzip']), ('vpc', ['-o', 'subformat=fixed']), ('vhdx', [])]
    with source() as path:
        for name, options in kinds if bench.LONG else kinds[:5]:
            command = [cli.VCONV, *convert(path, name, options), '-']
            with device_of(LARGER) as device:
                with open(device, 'r+b', buffering=0) as out:
                    subprocess.run(command, stdout=out, check=True)
                equal(read(device)[-bench.MIB:], bytes(bench.MIB))
                # So far behind its footer a fixed VHD is none.
                if 'subformat=fixed' not in options:
                    same_on(path, device, name)
            write('old', os.urandom(LARGER))
            with open('old', 'r+b', buffering=0) as out:
                subprocess.run(command, stdout=out, check=True)
                os.write(out.fileno(), b'next')
            whole = read('old')
            equal(whole[-4:], b'next')
            write('old', whole[:-4])
            same_on(path, 'old', name)
        write('old', os.urandom(LARGER))
        behind = read('old')[16 * bench.MIB:]
        with open('old', 'r+b', buffering=0) as out:
            subprocess.run([cli.VCONV, *convert(path, 'raw', []), '-'], stdout=out, check=True)
        equal(read('old'), read(path) + behind)
        os.unlink('disk')
        os.unlink('old')


@in_folder
def test_an_archive_that_is_shorter_than_the_one_before_is_not_led_by_it():
    # Both have the same UUID, so only zeros keep the extents apart.
    bench.sparse('long.raw', 16 * bench.MIB, pieces=12)
    write('short.raw', read('long.raw')[:2 * bench.MIB] + bytes(14 * bench.MIB))
    with device_of(LARGER) as device:
        for path in ['long.raw', 'short.raw']:
            ok('convert', '-q', '-n', '--reproducible', '-f', 'raw', '-O', 'vma', path, device)
            same(path, f'{device}#drive-scsi0')
            ok('check', '-q', device)


@in_folder
def test_an_archive_that_does_not_fit_is_not_led_by_the_one_before():
    bench.sparse('small.raw', bench.MIB, pieces=1, piece=65536)
    write('large.raw', os.urandom(8 * bench.MIB))
    command = ['convert', '-q', '-n', '-f', 'raw', '-O', 'vma']
    with device_of(SIZE) as device:
        ok(*command, 'small.raw', device)
        ok('check', '-q', device)
        fails(*command, 'large.raw', device, says='No space left')
        equal(read(device)[:4096], bytes(4096))


@in_folder
def test_a_compressed_name_is_a_compressed_file():
    write('a.raw', bytes(range(256)) * 8192)
    suffixes = [('.gz', b'\x1f\x8b'), ('.zst', b'\x28\xb5'), ('.lzo', b'\x89L')]
    for n, name in enumerate(['b.raw', 'b.vhd', 'b.vhdx', 'b.vma']):
        for suffix, magic in suffixes if bench.LONG else [suffixes[n % 3]]:
            target = name + suffix
            ok('convert', '-q', 'a.raw', target)
            assert read(target).startswith(magic), target
            ok('compare', '-q', '--spool', '.', 'a.raw',
               target + ('#drive-scsi0' if 'vma' in name else ''))
            ok('convert', '-q', '--force', '--compress', 'none', 'a.raw', target)
            assert not read(target).startswith(magic), target
    # Who calls us qemu-img wants what it does.
    ok('convert', '-f', 'raw', '-O', 'raw', 'a.raw', 'c.gz', program=cli.link('qemu-img'))
    equal(read('c.gz'), read('a.raw'))


@in_folder
def test_what_is_no_disk_is_refused_as_target():
    write('a.raw', bytes(SIZE))
    fails('convert', '-q', 'a.raw', '/dev/full', '-O', 'raw', says='No space')
    equal(left(), ['a.raw'])


def share(where):
    """Every pair of formats with shared extents in the folder WHERE."""
    raw, qemu_img = f'{where}/source.raw', cli.link('qemu-img')
    bench.sparse(raw, 64 * bench.MIB, pieces=12)
    targets = [('out.raw', ['-O', 'raw']), ('out.vhdx', ['-O', 'vhdx']),
               ('out.vhd', ['-O', 'vpc', '-o', 'subformat=fixed'])]
    for name, options in targets:
        target = f'{where}/{name}'
        done = ok('convert', '-f', 'raw', '--reflink', 'always', *options, raw, target)
        assert 'share their place' in done.err, done.err
        same(raw, target, '-F', options[1])
        # Who calls us qemu-img waits for no notes.
        for how in [{}, {'program': qemu_img}]:
            never = [] if how else ['--force', '--reflink', 'never']
            done = ok('convert', '-f', 'raw', *never, *options, raw, target, **how)
            assert 'share their place' not in done.err, done.err
            same(raw, target, '-F', options[1])
    ok('convert', '-q', '--reflink', 'always', '-O', 'raw', f'{where}/out.vhdx', f'{where}/back.raw')
    same(raw, f'{where}/back.raw', '-F', 'raw')


@in_folder
def test_extents_are_shared_where_a_file_system_can_and_that_is_said():
    with disks.mounted(disks.XFS, disks.XFS_SIZE) as where:
        share(where)


@in_folder
def test_btrfs_shares_extents_too():
    with disks.mounted(disks.BTRFS, 320 * bench.MIB) as where:
        share(where)


@in_folder
def test_reproducible_bytes_are_those_of_a_file_system_that_shares_nothing():
    """Zeros that the source stores would come with what is shared."""
    how = ['-q', '-f', 'raw', '--reproducible', '-O', 'vhdx', '-o', 'block_size=1M']
    write('a.raw', os.urandom(SIZE) + bytes(3 * SIZE) + os.urandom(SIZE))
    ok('convert', *how, '--reflink', 'never', 'a.raw', 'b.vhdx')
    with disks.mounted(disks.XFS, disks.XFS_SIZE) as where:
        write(f'{where}/a.raw', read('a.raw'))
        ok('convert', *how, f'{where}/a.raw', f'{where}/b.vhdx')
        equal(read(f'{where}/b.vhdx'), read('b.vhdx'))


@in_folder
def test_where_nothing_can_be_shared_always_is_refused():
    bench.sparse('a.raw', SIZE)
    with disks.mounted(disks.EXT4, 64 * bench.MIB) as where:
        fails('convert', '-q', '-f', 'raw', '-O', 'vhdx', '--reflink', 'always', 'a.raw',
              f'{where}/b.vhdx', says='cannot share extents')
        equal(os.listdir(where), ['lost+found'])


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
