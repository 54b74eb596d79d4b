#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole archive into a directory: what appears, under which names, and what never does."""

import json
import os
import shutil
import stat
import struct
import subprocess
import sys

import cli
import tap
from cli import CONFIG, archive, equal, fails, in_folder, ok, pattern, read, run, write

SIZE = 300 << 10
DISKS = [('drive-scsi0', pattern(SIZE)), ('drive-efidisk0', pattern(540672, 5))]


@in_folder
def test_each_disk_and_config_gets_a_file():
    archive('a.vma', DISKS, [('qemu-server.conf', CONFIG), ('qemu-server.fw', b'[RULES]\n')])
    done = ok('vma-to-raw', 'a.vma', 'out')
    equal((done.out, done.err), ('', ''))
    equal(sorted(os.listdir('out')), ['drive-efidisk0.raw', 'drive-scsi0.raw', 'qemu-server.conf',
                                      'qemu-server.fw'])
    equal(read('out/drive-scsi0.raw'), DISKS[0][1])
    equal(read('out/drive-efidisk0.raw'), DISKS[1][1])
    equal(read('out/qemu-server.conf'), CONFIG)
    equal(read('out/qemu-server.fw'), b'[RULES]\n')


@in_folder
def test_files_have_the_suffix_of_their_format():
    archive('a.vma', DISKS)
    for pair, suffix in [('vma-to-vhd', 'vhd'), ('vma-to-vhdx', 'vhdx'), ('vma-to-vpc', 'vhd')]:
        ok(pair, '--force', 'a.vma', 'out/')
        ok('convert', '--force', '-O', 'raw', f'out/drive-scsi0.{suffix}', 'back.raw')
        equal(read('back.raw'), DISKS[0][1])


@in_folder
def test_an_archive_may_come_from_a_pipe_in_any_order():
    for order in ['ascending', 'interleaved', 'reversed', 'shuffled']:
        archive('a.vma', DISKS, order=order)
        for workers in ['0', '4']:
            ok('vma-to-raw', '--force', '-m', workers, '-', 'out', stdin=read('a.vma'))
            equal(read('out/drive-scsi0.raw'), DISKS[0][1])
            equal(read('out/drive-efidisk0.raw'), DISKS[1][1])


@in_folder
def test_only_the_disks_that_are_wanted_are_written():
    archive('a.vma', DISKS + [('drive-scsi1', pattern(4096))])
    ok('vma-to-raw', '--disk', 'drive-scsi0', '--disk', 'drive-scsi1', 'a.vma', 'out')
    equal(sorted(os.listdir('out')), ['drive-scsi0.raw', 'drive-scsi1.raw', 'qemu-server.conf'])
    ok('vma-to-raw', 'a.vma#drive-efidisk0', 'one')
    equal(sorted(os.listdir('one')), ['drive-efidisk0.raw', 'qemu-server.conf'])
    fails('vma-to-raw', '--disk', 'drive-scsi9', 'a.vma', 'none',
          says="no disk 'drive-scsi9'; its disks are: drive-scsi0, drive-efidisk0, drive-scsi1")
    equal(cli.left(), ['a.vma', 'one', 'out'])


@in_folder
def test_hostile_names_stay_in_the_directory():
    archive('a.vma', [('../../disk', pattern(4096)), ('/etc/disk', pattern(4096)),
                      ('..', pattern(4096)), ('-rf', pattern(4096))],
            [('../../evil', b'1'), ('/absolute', b'2'), ('.hidden', b'3')])
    os.makedirs('deep/er')
    done = ok('vma-to-raw', 'a.vma', 'deep/er/out')
    equal(sorted(os.listdir('deep/er/out')),
          ['_..raw', '_._.._disk.raw', '_._.._evil', '_absolute', '_etc_disk.raw', '_hidden',
           '_rf.raw'])
    equal(sorted(os.listdir('deep')), ['er'])
    assert "vconv: config '../../evil' is written as '_._.._evil'\n" in done.err, done.err
    assert "vconv: disk '-rf' is written as '_rf.raw'\n" in done.err, done.err


@in_folder
def test_a_name_of_any_length_is_cut_in_messages():
    long = 'n' * 60000
    archive('a.vma', [(long + '1', pattern(4096)), (long + '2', pattern(4096))],
            [(long + '3', b'1')])
    for command in [['vma-to-raw'], ['vma', 'extract']]:
        done = ok(*command, 'a.vma', 'out')
        equal(len(done.err.split('\n')), 3 + 1)
        for line in done.err.split('\n')[:3]:
            assert "'" + 'n' * 100 + "...' is written as" in line and len(line) < 500, line
        shutil.rmtree('out')
    for words in [['vma-to-raw', '--disk', 'x', 'a.vma', 'out'], ['map', 'a.vma'],
                  ['repack', 'a.vma', 'a.vma', 'b.vma']]:
        assert len(fails(*words).err) < 500, words
    write('map', b'format=raw:0:x=y\n')
    done = run('vma', 'extract', '-r', 'map', 'a.vma', 'out')
    assert done.status == 1 and len(done.err) < 500, done.err


@in_folder
def test_a_link_does_not_lead_files_out_of_the_directory():
    archive('a.vma', [('disk', pattern(4096))])
    names = {'vma-to-raw': 'disk.raw', 'vma extract': 'disk-disk.raw'}
    write('there', b'old')
    for command, disk in names.items():
        for name in [disk, 'qemu-server.conf']:
            for target in ['../new', '../there', '/dev/null']:
                os.mkdir('out')
                os.symlink(target, f'out/{name}')
                fails(*command.split(), 'a.vma', 'out', says=f'out/{name}: exists already, --force')
                equal(sorted(os.listdir('out')), [name])
                with cli.umask(0o022):
                    ok(*command.split(), '--force', 'a.vma', 'out')
                equal(sorted(os.listdir('out')), [disk, 'qemu-server.conf'])
                assert not os.path.islink(f'out/{name}')
                equal(stat.S_IMODE(os.stat(f'out/{name}').st_mode) & 0o022, 0)
                equal((read(f'out/{disk}'), read('out/qemu-server.conf')), (pattern(4096), CONFIG))
                shutil.rmtree('out')
    equal((cli.left(), read('there')), (['a.vma', 'there'], b'old'))
    # A path that the user wrote is meant as it is.
    os.symlink('there', 'link')
    ok('convert', 'a.vma', 'link', '-O', 'raw', '--force')
    equal(read('there'), pattern(4096))
    assert os.path.islink('link')


@in_folder
def test_hostile_names_do_not_reach_the_terminal():
    archive('a.vma', [('a\x1b[2J\nDEV: dev_id=9 size: 1 devname: b', pattern(4096))],
            [('c\x1b]0;title\x07', b'1')])
    for done in [ok('vma-to-raw', 'a.vma', 'out'), ok('info', 'a.vma'),
                 ok('vma', 'list', 'a.vma')]:
        for text in [done.out, done.err]:
            assert all(c.isprintable() or c == '\n' for c in text), repr(text)
    equal(sum(line.startswith('DEV:') for line in ok('vma', 'list', 'a.vma').out.split('\n')), 1)
    equal(json.loads(ok('info', '--output=json', 'a.vma').out)['configs'][0]['name'],
          'c\x1b]0;title\x07')


@in_folder
def test_hostile_names_do_not_reach_the_terminal_as_json():
    name = 'a\x9b31m\u202e\U000e0041\U0001f600'
    archive('a.vma', [(name, pattern(4096)), (name, pattern(4096))])
    shown = [run(*words, '--output=json', 'a.vma') for words in [['info'], ['check'], ['map']]]
    equal([done.status for done in shown], [0, 0, 1])
    for done in shown:
        for text in [done.out, done.err]:
            assert all(c.isprintable() or c == '\n' for c in text), repr(text)
        json.loads(done.out or done.err)
    equal(json.loads(shown[0].out)['disks'][0]['name'], name)


@in_folder
def test_equal_names_do_not_replace_one_another():
    archive('a.vma', [('disk', pattern(4096)), ('disk', pattern(4096, 3)), ('DISK', b'\1' * 512)],
            [('disk.raw', b'config'), ('same', b'1'), ('same', b'2')])
    ok('vma-to-raw', 'a.vma', 'out')
    got = {name: read(f'out/{name}') for name in os.listdir('out')}
    equal(got, {'disk.raw': pattern(4096), 'disk-2.raw': pattern(4096, 3),
                'DISK-3.raw': b'\1' * 512, 'disk.raw-2': b'config', 'same': b'1', 'same-2': b'2'})


@in_folder
def test_an_existing_output_stops_all_before_it_begins():
    archive('a.vma', DISKS)
    for name in ['drive-efidisk0.raw', 'qemu-server.conf']:
        os.mkdir('out')
        write(f'out/{name}', b'precious')
        fails('vma-to-raw', 'a.vma', 'out', says=f'out/{name}: exists already')
        equal(os.listdir('out'), [name])
        equal(read(f'out/{name}'), b'precious')
        os.unlink(f'out/{name}')
        os.rmdir('out')


@in_folder
def test_force_replaces_all():
    archive('a.vma', DISKS)
    os.mkdir('out')
    for name in ['drive-scsi0.raw', 'qemu-server.conf']:
        write(f'out/{name}', b'old')
    ok('vma-to-raw', '--force', 'a.vma', 'out')
    equal(read('out/drive-scsi0.raw'), DISKS[0][1])
    equal(read('out/qemu-server.conf'), CONFIG)


@in_folder
def test_after_an_error_nothing_is_left_not_even_the_directory():
    archive('a.vma', DISKS)
    whole = read('a.vma')
    for cut in [100, 12288, 12800, 13000, len(whole) // 2, len(whole) - 1]:
        write('cut.vma', whole[:cut])
        fails('vma-to-raw', 'cut.vma', 'out', says='cut.vma: ')
        fails('vma-to-vhdx', '-', 'out', stdin=whole[:cut], says='standard input: ')
        equal(cli.left(), ['a.vma', 'cut.vma'])


@in_folder
def test_after_an_error_an_existing_directory_is_as_it_was():
    archive('a.vma', DISKS)
    write('cut.vma', read('a.vma')[:-1])
    os.mkdir('out')
    write('out/other', b'x')
    fails('vma-to-raw', 'cut.vma', 'out')
    equal(os.listdir('out'), ['other'])


@in_folder
def test_a_missing_cluster_is_an_error():
    archive('a.vma', [('drive-scsi0', pattern(1 << 20))], per_extent=1)
    raw = read('a.vma')
    size = struct.unpack_from('>I', raw, 56)[0]
    # Sixteen extents of one cluster each, so that one can be taken out.
    blocks = struct.unpack_from('>H', raw, size + 6)[0]
    write('gap.vma', raw[:size] + raw[size + 512 + 4096 * blocks:])
    fails('vma-to-raw', 'gap.vma', 'out')
    fails('vma', 'verify', 'gap.vma')
    equal(cli.left(), ['a.vma', 'gap.vma'])


@in_folder
def test_an_archive_without_disks_is_its_configs():
    archive('a.vma', [])
    ok('vma-to-vhdx', 'a.vma', 'out')
    equal(os.listdir('out'), ['qemu-server.conf'])


@in_folder
def test_odd_sizes_are_exact_in_raw():
    for size in [512, 4096, 65536, 65536 + 512, 540672, 58 * 65536 + 512]:
        archive('a.vma', [('d', pattern(size))])
        ok('vma-to-raw', '--force', 'a.vma', 'out')
        equal(read('out/d.raw'), pattern(size))


@in_folder
def test_the_target_must_be_a_directory():
    archive('a.vma', DISKS)
    write('file', b'x')
    fails('vma-to-raw', 'a.vma', 'file', says='file: Not a directory')
    fails('vma-to-raw', 'a.vma', 'no/such', says='no/such: No such file or directory')


@in_folder
def test_compressed_archives_are_known_by_their_first_bytes():
    archive('a.vma', DISKS)
    for tool in [['gzip', '-c'], ['zstd', '-qc'], ['lzop', '-c']]:
        if tool[0] == 'lzop' and not cli.HAS_LZO:
            continue
        try:
            done = subprocess.run([*tool, 'a.vma'], stdout=subprocess.PIPE, check=True)
        except FileNotFoundError:
            continue
        write('archive', done.stdout)
        ok('vma-to-raw', '--force', 'archive', 'out')
        equal(read('out/drive-efidisk0.raw'), DISKS[1][1])
        ok('vma-to-raw', '--force', '-', 'out', stdin=done.stdout)
        equal(read('out/drive-scsi0.raw'), DISKS[0][1])
        write('cut', done.stdout[:-5])
        fails('vma-to-raw', 'cut', 'none', says='cut: ')
        equal(sorted(os.listdir('.')), ['a.vma', 'archive', 'cut', 'out'])


@in_folder
def test_the_frames_of_pzstd_are_read():
    if not shutil.which('pzstd'):
        raise tap.Skip('no pzstd')
    data = pattern(7 << 20)
    write('a.raw', data)
    subprocess.run(['pzstd', '-q', '-1', '-p', '4', 'a.raw'], check=True)
    packed = read('a.raw.zst')
    assert packed.count(b'\x28\xb5\x2f\xfd') >= 4, 'one frame only'
    ok('convert', '-q', 'a.raw.zst', 'b.raw')
    equal(read('b.raw'), data)
    equal(ok('convert', '-q', '-O', 'raw', '-', '-', stdin=packed).raw_out, data)
    write('cut.zst', packed[:-5])
    fails('convert', '-q', 'cut.zst', 'c.raw',
          says=f'zstd stream ends inside a frame at {len(packed) - 5:#x}')
    assert not os.path.exists('c.raw')


@in_folder
def test_options_of_the_format_hold_for_all_disks():
    archive('a.vma', DISKS)
    ok('vma-to-vhd', '-o', 'subformat=fixed', '--size-align', '1M', 'a.vma', 'out')
    for name in ['drive-scsi0.vhd', 'drive-efidisk0.vhd']:
        equal(os.path.getsize(f'out/{name}'), (1 << 20) + 512)


@in_folder
def test_progress_is_a_line_that_ends_at_a_hundred():
    archive('a.vma', DISKS)
    done = ok('vma-to-raw', '-p', 'a.vma', 'out')
    equal(done.out, '')
    assert done.err.endswith('\033[K\n') and '100.0 %' in done.err, done.err
    done = ok('vma-to-raw', '--force', '--progress=json', 'a.vma', 'out')
    last = json.loads(done.err.splitlines()[-1])
    assert last['bytes-done'] == last['bytes-total'] >= SIZE


@in_folder
def test_a_terminal_gets_progress_unasked_and_others_do_not():
    archive('a.vma', DISKS)
    shown = cli.on_terminal('vma-to-raw', 'a.vma', 'out')
    assert shown.endswith('\033[K\r\n') and '100.0 %' in shown, shown
    equal(cli.on_terminal('vma-to-raw', '-q', '--force', 'a.vma', 'out'), '')
    equal(cli.on_terminal('convert', '-q', 'a.vma#drive-scsi0', 'b.raw'), '')


@in_folder
def test_files_get_the_usual_permissions():
    archive('a.vma', DISKS)
    with cli.umask(0o027):
        ok('vma-to-raw', 'a.vma', 'out')
    equal(stat.S_IMODE(os.stat('out').st_mode), 0o750)
    for name in os.listdir('out'):
        equal(stat.S_IMODE(os.stat(f'out/{name}').st_mode), 0o640)


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
