#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Archives as targets: what qmrestore wants, vma create, repack, and the way there and back.
Each archive is read by a checker of its own, which shares no code with vconv."""

import json
import os
import shutil
import subprocess
import sys

import cli
import vma_check
from cli import CONFIG, archive, equal, fails, in_folder, ok, pattern, read, write

SIZE = 300 << 10
NAME = 'vzdump-qemu-100-2026_01_31-03_00_00.vma'


def look(name_or_bytes, *asking):
    """Has an archive judged by the independent checker, as a writer's."""
    raw = name_or_bytes if isinstance(name_or_bytes, bytes) else read(name_or_bytes)
    done = subprocess.run([sys.executable, vma_check.__file__, '--writer', *asking, '-'], input=raw,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()


def content(name):
    """Disks and configurations of an archive, through vconv."""
    shutil.rmtree('content', ignore_errors=True)
    ok('vma', 'extract', name, 'content')
    got = {file: read(f'content/{file}') for file in os.listdir('content')}
    shutil.rmtree('content')
    return got


@in_folder
def test_disks_of_any_format_become_an_archive_with_a_configuration():
    write('a.raw', pattern(SIZE))
    ok('convert', '-q', '-O', 'vpc', 'a.raw', 'b.vhd')
    ok('convert', '-q', '-O', 'vhdx', 'a.raw', 'c.vhdx')
    done = ok('vhdx-to-vma', '--vmid', '123', '--name', 'web01', '--memory', '4096', '--cores',
              '4', 'c.vhdx', '--disk', 'efidisk0=c.vhdx', NAME)
    equal(done.err, '')
    look(NAME, '--qmrestore')
    got = content(NAME)
    equal(got['disk-drive-scsi0.raw'], pattern(SIZE))
    equal(got['disk-drive-efidisk0.raw'], pattern(SIZE))
    conf = got['qemu-server.conf'].decode()
    for line in ['name: web01', 'memory: 4096', 'cores: 4', 'boot: order=scsi0',
                 'scsi0: local:123/vm-123-disk-0.raw,size=300K',
                 '#qmdump#map:scsi0:drive-scsi0::raw:',
                 '#qmdump#map:efidisk0:drive-efidisk0::raw:']:
        assert f'{line}\n' in conf, (line, conf)


@in_folder
def test_several_sources_are_numbered_in_order():
    for number in range(3):
        write(f'{number}.raw', pattern(4096, number + 1))
    ok('convert', '-q', '-O', 'vma', '0.raw', '1.raw', '2.raw', NAME)
    got = content(NAME)
    for number in range(3):
        equal(got[f'disk-drive-scsi{number}.raw'], pattern(4096, number + 1))
    ok('raw-to-vma', '--force', '--disk', 'scsi0=2.raw', '--disk', 'tpmstate0=1.raw', '0.raw', NAME)
    got = content(NAME)
    equal(sorted(got), ['disk-drive-scsi0.raw', 'disk-drive-scsi1.raw',
                        'disk-drive-tpmstate0-backup.raw', 'qemu-server.conf'])
    equal(got['disk-drive-scsi1.raw'], pattern(4096))
    equal(got['disk-drive-scsi0.raw'], pattern(4096, 3))


@in_folder
def test_an_archive_goes_down_a_pipe_and_its_name_compresses_it():
    write('a.raw', pattern(SIZE))
    piped = ok('raw-to-vma', '--reproducible', 'a.raw', '-').raw_out
    ok('raw-to-vma', '--reproducible', 'a.raw', NAME)
    assert piped == read(NAME)
    look(piped)
    for suffix, tool in [('.gz', ['gzip', '-dc']), ('.zst', ['zstd', '-dcq']),
                         ('.lzo', ['lzop', '-dc'])]:
        if not shutil.which(tool[0]) or (tool[0] == 'lzop' and not cli.HAS_LZO):
            continue
        ok('raw-to-vma', '--reproducible', 'a.raw', NAME + suffix)
        done = subprocess.run([*tool, NAME + suffix], stdout=subprocess.PIPE, check=True)
        assert done.stdout == piped, suffix
        equal(content(NAME + suffix)['disk-drive-scsi0.raw'], pattern(SIZE))


@in_folder
def test_compression_can_be_chosen():
    write('a.raw', pattern(SIZE))
    for how, magic in [('zstd:1', b'\x28\xb5\x2f\xfd'), ('gzip:9', b'\x1f\x8b'), ('none', b'VMA')]:
        ok('raw-to-vma', '--force', '--compress', how, 'a.raw', 'vzdump-qemu-1.vma.zst')
        assert read('vzdump-qemu-1.vma.zst').startswith(magic), how
    assert ok('raw-to-vma', '--compress', 'zstd', 'a.raw', '-').raw_out[:4] == b'\x28\xb5\x2f\xfd'


@in_folder
def test_a_configuration_that_is_given_is_checked_and_kept():
    write('a.raw', pattern(SIZE))
    write('conf', CONFIG)
    write('fw', b'[OPTIONS]\n')
    ok('raw-to-vma', '--config', 'conf', '--firewall', 'fw', 'a.raw', NAME)
    got = content(NAME)
    equal(got['qemu-server.conf'], CONFIG)
    equal(got['qemu-server.fw'], b'[OPTIONS]\n')
    for text in [b'scsi0: x\n', b'']:
        write('conf', text)
        fails('raw-to-vma', '--config', 'conf', 'a.raw', 'b.vma',
              says="conf: qemu-server.conf: has no line for disk 'drive-scsi0'")
    says = 'vconv: no-such: cannot open: No such file or directory\n'
    equal(fails('raw-to-vma', '--config', 'no-such', 'a.raw', 'b.vma').err, says)
    equal(fails('vma', 'create', '-c', 'no-such', 'b.vma', 'a.raw').err, says)
    fails('vma', 'create', '-c', '.', 'b.vma', 'a.raw', says='.: cannot open: Is a directory')
    fails('vma', 'create', '-c', '/dev/zero', 'b.vma', 'a.raw', says='/dev/zero: is longer than')
    equal(sorted(cli.left()), ['a.raw', 'conf', 'fw', NAME])


@in_folder
def test_a_configuration_that_does_not_fit_the_disks_any_more_is_told():
    write('a.raw', pattern(SIZE))
    write('b.raw', pattern(SIZE, 2))
    ok('raw-to-vma', '--disk', 'scsi1=b.raw', 'a.raw', 'vzdump-qemu-1.vma')
    fits = ok('convert', '-O', 'vma', 'vzdump-qemu-1.vma', NAME)
    equal(fits.err, '')
    for sources, says in [(['vzdump-qemu-1.vma', 'b.raw'], 'drive-scsi2'),
                          (['vzdump-qemu-1.vma#drive-scsi1'], 'drive-scsi0')]:
        told = ok('convert', '--force', '-O', 'vma', *sources, NAME)
        warnings = [line for line in told.err.splitlines() if 'warning' in line]
        equal(len(warnings), 1)
        assert says in warnings[0] and '--config' in warnings[0], warnings
        shown = cli.on_terminal('convert', '--force', '-O', 'vma', *sources, NAME)
        assert 'qmrestore ' + NAME not in shown, shown


@in_folder
def test_a_name_that_qmrestore_would_not_take_is_told():
    write('a.raw', pattern(SIZE))
    done = ok('raw-to-vma', '--vmid', '123', 'a.raw', 'backup.vma',
              env={'SOURCE_DATE_EPOCH': '1769828400', 'TZ': 'UTC'})
    equal(done.err, 'vconv: warning: backup.vma: qmrestore takes archives by their names only: '
                    'vzdump-qemu-123-2026_01_31-03_00_00.vma\n')


@in_folder
def test_the_name_that_is_told_says_how_the_archive_is_compressed():
    write('a.raw', pattern(SIZE))
    for name, options, suffix in [
            ('vzdump-qemu-100-q.vma.bz2', [], '.vma'), ('VZ.VMA.ZST', [], '.vma.zst'),
            ('vzdump-qemu-100-q.vma', ['--compress', 'zstd'], '.vma.zst'),
            ('vzdump-qemu-100-q.vma.zst', ['--compress', 'none'], '.vma'),
            ('backup.vma.old', ['--compress', 'gzip'], '.vma.gz'), ('vzdump-qemu-.vma', [], '.vma')]:
        shown = cli.on_terminal('raw-to-vma', '--force', *options, 'a.raw', name)
        said = [line for line in shown.splitlines() if 'by their names only: ' in line]
        assert len(said) == 1, shown
        told = said[0].rsplit(' ', 1)[1]
        equal(told[len('vzdump-qemu-100-1970_01_01-00_00_00'):], suffix)
        assert 'qmrestore vzdump' not in shown and 'qmrestore VZ' not in shown, shown
    for name, options in [('vzdump-qemu-100-q.vma.zst', []),
                          ('vzdump-qemu-100-r.vma', ['--compress', 'none'])]:
        shown = cli.on_terminal('raw-to-vma', '--force', *options, 'a.raw', name)
        assert f'qmrestore {name} 100 ' in shown and 'only' not in shown, shown


@in_folder
def test_a_terminal_is_told_how_to_restore():
    write('a.raw', pattern(SIZE))
    shown = cli.on_terminal('raw-to-vma', '--vmid', '123', 'a.raw', NAME)
    assert shown.endswith(f'qmrestore {NAME} 123 --storage local-lvm\r\n'), shown


@in_folder
def test_an_option_of_the_machine_that_would_be_lost_is_refused():
    write('a.raw', pattern(SIZE))
    write('conf', CONFIG)
    archive('a.vma', [('drive-scsi0', pattern(SIZE))])
    machine = [(f'--{word}', value) for word, value in [
        ('name', 'web'), ('memory', '4096'), ('cores', '4'), ('bios', 'ovmf'), ('machine', 'q35'),
        ('ostype', 'l26'), ('scsihw', 'lsi'), ('net0', 'virtio'), ('boot', 'order=scsi0'),
        ('memory', 'nonsense')]]
    for option in machine:
        fails('raw-to-vma', '--config', 'conf', *option, 'a.raw', 'b.vma',
              says=f'{option[0]}: the file of --config says what the machine is')
        fails('convert', '-O', 'vma', *option, 'a.vma', 'b.vma', says=option[0])
    fails('convert', '-O', 'vma', '--cores', '4', 'a.vma', 'b.vma',
          says='--cores: the configuration that comes with the archive stays')
    whole = [('--config', 'no-such'), ('--firewall', 'no-such'), ('--vmid', '123'), *machine]
    for option in whole:
        for command in [['convert', 'a.raw', 'o.raw'], ['measure', '-O', 'vhdx', 'a.raw'],
                        ['measure', '--size', '1G', '-O', 'vma']]:
            fails(*command, *option, says=option[0])
    fails('convert', '--config', 'no-such', 'a.raw', 'o.raw',
          says='--config: only an archive holds a configuration (-O vma)')
    equal(cli.left(), ['a.raw', 'a.vma', 'conf'])
    # The number of the machine is no line of a configuration, but where it is restored to.
    ok('raw-to-vma', '--config', 'conf', '--vmid', '123', 'a.raw', NAME)
    ok('measure', '-O', 'vma', '--name', 'web', 'a.raw')


@in_folder
def test_what_makes_no_machine_is_refused():
    write('a.raw', pattern(SIZE))
    for options, says in [
            (['--vmid', '99'], '--vmid'), (['--vmid', 'x'], '--vmid'), (['--name', 'a b'], '--name'),
            (['--bios', 'uefi'], '--bios'), (['--net0', 'a\nb'], '--net0'),
            (['--disk', 'a.raw'], 'DEVICE=FILE'), (['--disk', '=a.raw'], 'DEVICE=FILE'),
            (['--disk', 'floppy0=a.raw'], 'no drive of Proxmox'),
            (['--disk', 'scsi1=a.raw', '--disk', 'scsi1=a.raw'], 'given twice')]:
        fails('raw-to-vma', *options, 'a.raw', 'b.vma', says=says)
    equal(cli.left(), ['a.raw'])


@in_folder
def test_sizes_are_rounded_up_to_sectors_and_that_is_said():
    write('a.raw', pattern(1000))
    done = ok('raw-to-vma', 'a.raw', NAME)
    assert '1024' in done.err, done.err
    equal(content(NAME)['disk-drive-scsi0.raw'], pattern(1000) + bytes(24))


@in_folder
def test_all_sizes_around_the_boundaries_come_back():
    for unit in [512, 4096, 65536, 58 * 65536]:
        for size in [unit - 512, unit, unit + 512]:
            if size == 0:
                continue
            write('a.raw', pattern(size))
            ok('raw-to-vma', '--force', 'a.raw', NAME)
            look(NAME)
            equal(content(NAME)['disk-drive-scsi0.raw'], pattern(size))


# --- vma create

@in_folder
def test_vma_create_stores_what_it_is_given():
    write('a.raw', pattern(SIZE))
    ok('convert', '-q', '-O', 'vpc', 'a.raw', 'b.vhd')
    write('qemu-server.conf', b'anything')
    ok('vma', 'create', 'a.vma', '-c', './qemu-server.conf', '-d', 'format=raw:drive-scsi0=a.raw',
       '-d', 'format=vpc:b.vhd')
    look('a.vma')
    got = content('a.vma')
    equal(got, {'qemu-server.conf': b'anything', 'disk-drive-scsi0.raw': pattern(SIZE),
                'disk-disk0.raw': pattern(SIZE)})
    ok('create', 'b.vma', 'a.raw', 'x=b.vhd', program=cli.link('vma'))
    equal(sorted(content('b.vma')), ['disk-disk0.raw', 'disk-x.raw'])


@in_folder
def test_vma_create_refuses_what_makes_no_sense():
    write('a.raw', pattern(SIZE))
    write('there.vma', b'precious')
    for args, says in [
            (['there.vma', 'a.raw'], 'exists already'), (['exec:cat', 'a.raw'], 'pipe'),
            (['a.vma', '-d', 'a.raw'], 'format='), (['a.vma', '-d', 'format=qcow2:a.raw'], 'qcow2'),
            (['a.vma', '-d', 'format=raw:a.raw', 'a.raw'], 'not both'),
            (['a.vma', 'x=a.raw', 'x=a.raw'], "disk 'x' already"),
            (['a.vma', '-c', 'no-such'], 'no-such')]:
        fails('vma', 'create', *args, says=says)
    equal(cli.left(), ['a.raw', 'there.vma'])


# --- repack

@in_folder
def test_repack_puts_an_archive_in_order():
    disks = [('drive-scsi0', pattern(SIZE)), ('drive-scsi1', pattern(540672, 5))]
    packed = set()
    for order in ['ascending', 'interleaved', 'reversed', 'shuffled']:
        archive('a.vma', disks, order=order, seed=7)
        ok('repack', '--force', '--reproducible', 'a.vma', 'b.vma')
        packed.add(read('b.vma'))
    equal(len(packed), 1)
    look('b.vma')
    got = content('b.vma')
    equal(got['disk-drive-scsi0.raw'], disks[0][1])
    equal(got['disk-drive-scsi1.raw'], disks[1][1])
    equal(got['qemu-server.conf'], CONFIG)


@in_folder
def test_repack_of_a_stream_wants_order_or_a_place():
    disks = [('drive-scsi0', pattern(SIZE)), ('drive-scsi1', pattern(540672, 5))]
    archive('in-order.vma', disks)
    archive('out-of-order.vma', disks, order='shuffled')
    ok('repack', '--reproducible', 'in-order.vma', 'a.vma')
    ok('repack', '--reproducible', '-', 'b.vma', stdin=read('in-order.vma'))
    equal(read('a.vma'), read('b.vma'))
    fails('repack', '-', 'c.vma', stdin=read('out-of-order.vma'), says='--spool')
    ok('repack', '--reproducible', '--spool', '.', '-', 'c.vma', stdin=read('out-of-order.vma'))
    equal(read('a.vma'), read('c.vma'))
    equal(cli.left(), ['a.vma', 'b.vma', 'c.vma', 'in-order.vma', 'out-of-order.vma'])


@in_folder
def test_repack_takes_identity_from_the_user():
    archive('a.vma', [('d', pattern(SIZE))])
    uuid = '01234567-89ab-4cde-8f01-23456789abcd'
    ok('repack', '--uuid', uuid, '--ctime', '1769828400', 'a.vma', 'b.vma')
    got = json.loads(ok('info', '--output=json', 'b.vma').out)
    equal((got['uuid'], got['created']), (uuid, '2026-01-31T03:00:00Z'))
    fails('repack', '--uuid', 'x', 'a.vma', 'c.vma', says='uuid')
    fails('repack', '--ctime', 'x', 'a.vma', 'c.vma', says='--ctime')
    fails('repack', 'a.vma', 'b.vma', says='exists already')


# --- roundtrip

@in_folder
def test_roundtrip_goes_through_every_format():
    write('a.raw', pattern(SIZE))
    equal(ok('roundtrip', 'a.raw').out,
          'via vma: identical\nvia vhdx: identical\nvia vpc: identical\nvia raw: identical\n')
    got = json.loads(ok('roundtrip', '--via', 'vhdx,vma', '--output=json', 'a.raw').out)
    equal(got['identical'], True)
    equal([step['via'] for step in got['steps']], ['vhdx', 'vma'])
    fails('roundtrip', '--via', 'qcow2', 'a.raw', says='qcow2')
    fails('roundtrip', '--via', '', 'a.raw', says='names no format')
    fails('roundtrip', '--compress', 'zstd', 'a.raw', says='--compress')
    equal(cli.left(), ['a.raw'])


@in_folder
def test_roundtrip_takes_what_says_no_size_and_what_is_no_plain_path():
    write('a.raw', pattern(SIZE))
    ok('convert', 'a.raw', 'a.raw.gz')
    equal(ok('roundtrip', '--via', 'raw,vpc', 'a.raw.gz').out,
          'via raw: identical\nvia vpc: identical\n')
    equal(ok('roundtrip', '--via', 'vpc,raw', '--image-opts',
             'driver=raw,file.filename=a.raw').out,
          'via vpc: identical\nvia raw: identical\n')


@in_folder
def test_roundtrip_of_an_archive_goes_disk_by_disk():
    archive('a.vma', [('drive-scsi0', pattern(SIZE)), ('drive-scsi1', pattern(4096, 3))],
            order='shuffled')
    equal(ok('roundtrip', '--via', 'vpc', 'a.vma').out,
          'drive-scsi0 via vpc: identical\ndrive-scsi1 via vpc: identical\n')
    equal(ok('roundtrip', '--spool', '.', '--via', 'vpc', 'a.vma#drive-scsi1').out,
          'drive-scsi1 via vpc: identical\n')
    equal(cli.left(), ['a.vma'])


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
