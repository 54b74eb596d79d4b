#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looking at images: info, map, check, compare, measure; and making them: create, dd."""

import gzip
import json
import os
import random
import shutil
import subprocess
import sys

import cli
import tap
import vhdx_dirty
from cli import archive, equal, fails, in_folder, ok, pattern, read, run, write

SIZE = 1 << 20


def json_of(*args):
    return json.loads(ok(*args).out)


def make(data=None):
    """The same disk as raw, VHD and VHDX."""
    write('a.raw', data or pattern(SIZE))
    ok('convert', '-q', '-O', 'vpc', 'a.raw', 'a.vhd')
    ok('convert', '-q', '-O', 'vhdx', 'a.raw', 'a.vhdx')


# --- info

@in_folder
def test_info_has_the_keys_of_qemu_img():
    make()
    for name, format_, cluster in [('a.vhd', 'vpc', 2 << 20), ('a.vhdx', 'vhdx', 32 << 20)]:
        got = json_of('info', '--output=json', name)
        equal(got['filename'], name)
        equal(got['format'], format_)
        equal(got['virtual-size'], SIZE)
        equal(got['actual-size'], os.stat(name).st_blocks * 512)
        equal(got['cluster-size'], cluster)
        equal(got['dirty-flag'], False)
        equal(got['format-specific']['type'], format_)
        equal(got['format-specific']['data']['subformat'], 'dynamic')


@in_folder
def test_info_of_raw_is_what_the_file_system_says():
    write('a.raw', pattern(1000))
    equal(json_of('info', '--output=json', 'a.raw'),
          {'filename': 'a.raw', 'format': 'raw', 'virtual-size': 1000,
           'actual-size': os.stat('a.raw').st_blocks * 512, 'dirty-flag': False})


@in_folder
def test_info_for_people_begins_as_that_of_qemu_img():
    make()
    lines = ok('info', 'a.vhd').out.splitlines()
    equal(lines[:3], ['image: a.vhd', 'file format: vpc', 'virtual size: 1 MiB (1048576 bytes)'])
    assert lines[3].startswith('disk size: ')
    equal(lines[4], 'cluster_size: 2097152')


@in_folder
def test_sizes_are_rounded_as_qemu_img_does():
    for size, text in [(511, '511 B'), (999, '999 B'), (1000, '0.977 KiB'), (1024, '1 KiB'),
                       (1536, '1.5 KiB'), (1000448, '977 KiB'), (1048576, '1 MiB'),
                       (99999999999, '93.1 GiB')]:
        with open('a.raw', 'wb') as file:
            file.truncate(size)
        equal(ok('info', 'a.raw').out.splitlines()[2], f'virtual size: {text} ({size} bytes)')


@in_folder
def test_info_of_an_archive_lists_what_it_holds():
    archive('a.vma', [('drive-scsi0', pattern(SIZE)), ('vmstate', pattern(4096))],
            ctime=1769828400)
    got = json_of('info', '--output=json', 'a.vma')
    equal(got['format'], 'vma')
    equal(got['disks'], [{'name': 'drive-scsi0', 'virtual-size': SIZE, 'vmstate': False},
                         {'name': 'vmstate', 'virtual-size': 4096, 'vmstate': True}])
    equal(got['configs'], [{'name': 'qemu-server.conf', 'size': len(cli.CONFIG)}])
    equal(got['created'], '2026-01-31T03:00:00Z')
    assert len(got['uuid']) == 36
    assert 'virtual-size' not in got
    text = ok('info', 'a.vma').out
    assert '    drive-scsi0: 1 MiB (1048576 bytes)\n' in text
    assert f'    qemu-server.conf: {len(cli.CONFIG)} bytes\n' in text


@in_folder
def test_info_of_a_disk_in_an_archive_has_its_size():
    archive('a.vma', [('drive-scsi0', pattern(SIZE)), ('drive-scsi1', pattern(4096))])
    equal(json_of('info', '--output=json', 'a.vma#drive-scsi1')['virtual-size'], 4096)


@in_folder
def test_info_of_an_archive_needs_its_header_only():
    archive('a.vma', [('drive-scsi0', pattern(SIZE))])
    equal(json.loads(ok('info', '--output=json', '-', stdin=read('a.vma')[:13000]).out)['disks'],
          [{'name': 'drive-scsi0', 'virtual-size': SIZE, 'vmstate': False}])


def failure(*args, status=1):
    """The error of a run whose errors are JSON."""
    done = run(*args)
    equal((done.status, done.out), (status, ''))
    equal(done.err.count('\n'), 1)
    return json.loads(done.err)['error']


@in_folder
def test_failures_are_json_where_results_are():
    got = failure('info', '--output=json', 'no-such')
    assert got.pop('message').startswith('no-such: cannot open')
    equal(got, {'code': 'io', 'file': 'no-such'})
    equal(failure('info', '--output=json', 'a', 'b')['code'], 'usage')
    equal(failure('compare', '--output=json', 'a', 'b', status=2)['file'], 'a')
    archive('a.vma', [('d', pattern(4096))])
    raw = bytearray(read('a.vma'))
    raw[33] ^= 1
    write('a.vma', bytes(raw))
    got = failure('map', '--output=json', 'a.vma#d')
    equal((got['code'], got['file'], got['offset']), ('corrupt', 'a.vma#d', 32))
    fails('info', '--output=xml', 'no-such', says='human or json')
    fails('info', '--output=json', 'no-such', program=cli.link('qemu-img'), prefix='qemu-img: ')


# --- map

@in_folder
def test_map_covers_the_disk_from_end_to_end():
    make(bytes(SIZE) + pattern(SIZE) + bytes(SIZE))
    for name in ['a.raw', 'a.vhd', 'a.vhdx']:
        runs = json_of('map', '--output=json', name)
        at = 0
        for run_ in runs:
            equal(run_['start'], at)
            assert set(run_) >= {'start', 'length', 'depth', 'present', 'zero', 'data'}
            assert run_['zero'] != run_['data']
            equal('offset' in run_, run_['data'])
            at += run_['length']
        equal(at, 3 * SIZE)


@in_folder
def test_map_tells_where_the_bytes_are():
    make(bytes(SIZE) + pattern(SIZE))
    whole = bytes(SIZE) + pattern(SIZE)
    for name in ['a.vhd', 'a.vhdx']:
        raw = read(name)
        for run_ in json_of('map', '--output=json', name):
            if run_['data']:
                at, length = run_['offset'], run_['length']
                equal(raw[at:at + length], whole[run_['start']:run_['start'] + length])


@in_folder
def test_map_tells_no_place_for_what_is_only_in_the_log():
    make()
    whole = json_of('map', '--output=json', 'a.vhdx')[0]
    equal((whole['start'], whole['data']), (0, True))
    page = b'new!' * 1024
    vhdx_dirty.leave('a.vhdx', whole['offset'] + 8192, page)
    ok('convert', '-q', '-O', 'raw', 'a.vhdx', 'b.raw')
    content, raw = read('b.raw'), read('a.vhdx')
    equal(content[8192:12288], page)

    runs = [r for r in json_of('map', '--output=json', 'a.vhdx') if r['data']]
    equal([(r['start'], r['length']) for r in runs if 'offset' not in r], [(8192, 4096)])
    for run_ in runs:
        if 'offset' in run_:
            at, start, length = run_['offset'], run_['start'], run_['length']
            equal(raw[at:at + length], content[start:start + length])
    equal([line.split()[2] for line in ok('map', 'a.vhdx').out.splitlines()[1:4]][1], 'log')


@in_folder
def test_map_for_people_has_the_columns_of_qemu_img():
    write('a.raw', pattern(4096))
    equal(ok('map', 'a.raw').out,
          'Offset          Length          Mapped to       File\n'
          '0               0x1000          0               a.raw\n')


@in_folder
def test_map_shows_a_part():
    write('a.raw', pattern(4096) * 4)
    equal([(r['start'], r['length']) for r in
           json_of('map', '--output=json', '-s', '4k', '--max-length', '8k', 'a.raw')],
          [(4096, 8192)])
    equal(json_of('map', '--output=json', '-s', '1M', 'a.raw'), [])


@in_folder
def test_map_works_in_an_archive_and_not_in_a_stream():
    archive('a.vma', [('d', pattern(SIZE))], order='shuffled')
    whole, raw = pattern(SIZE), read('a.vma')
    for run_ in json_of('map', '--output=json', 'a.vma'):
        if run_['data']:
            equal(raw[run_['offset']:][:run_['length']], whole[run_['start']:][:run_['length']])
    fails('map', '-', stdin=raw, says='--spool')
    equal(json.loads(ok('map', '--output=json', '--spool', '.', '-', stdin=raw).out),
          json_of('map', '--output=json', 'a.vma'))


# --- check

@in_folder
def test_check_of_sound_images_is_clean():
    make()
    archive('a.vma', [('d', pattern(SIZE))])
    for name, format_ in [('a.vhd', 'vpc'), ('a.vhdx', 'vhdx'), ('a.vma', 'vma')]:
        assert 'No errors were found on the image.\n' in ok('check', name).out
        got = json_of('check', '--output=json', name)
        equal((got['filename'], got['format'], got['check-errors']), (name, format_, 0))
        assert got['allocated-clusters'] <= got['total-clusters']
        equal(ok('check', '-q', name).out, '')


@in_folder
def test_check_of_a_damaged_image_says_what_is_wrong():
    make()
    raw = bytearray(read('a.vhd'))
    raw[-512 + 60] ^= 1
    raw[60] ^= 1
    write('bad.vhd', bytes(raw))
    done = run('check', '-f', 'vpc', 'bad.vhd')
    assert done.status in (1, 2), done.status
    archive('a.vma', [('d', pattern(SIZE))])
    raw = bytearray(read('a.vma'))
    raw[raw.index(b'VMAE') + 30] ^= 1
    write('bad.vma', bytes(raw))
    done = run('check', 'bad.vma')
    equal(done.status, 2)
    assert 'corrupt: ' in done.out and 'errors were found on the image' in done.out
    done = run('check', '--output=json', 'bad.vma')
    equal(done.status, 2)
    assert json.loads(done.out)['corruptions'] >= 1


@in_folder
def test_check_of_a_damaged_stream_has_one_verdict_wherever_the_damage_is():
    # What does not compress, so that the cuts lie all over the archive.
    archive('a.vma', [('d', random.Random(1).randbytes(6 << 20))])
    for name in ['a.vma.gz', 'a.vma.zst']:
        ok('repack', 'a.vma', name)
        whole = read(name)
        flipped = bytearray(whole)
        flipped[-6] ^= 1
        ends = [5, 300, 60000, len(whole) // 2, len(whole) - 2]
        for raw in [whole[:end] for end in ends] + [bytes(flipped)]:
            write(f'bad-{name}', raw)
            done = run('check', f'bad-{name}')
            equal((done.status, done.err), (2, ''))
            assert 'corrupt: ' in done.out and '1 errors were found' in done.out, done.out
            done = run('check', '--output=json', f'bad-{name}')
            equal((done.status, json.loads(done.out)['corruptions']), (2, 1))
    # A FIFO has no name that could say what comes out of it.
    os.mkfifo('fifo')
    for end in [20, 300, 60000]:
        write('bad', read('a.vma.gz')[:end])
        with subprocess.Popen(['sh', '-c', 'cat bad >fifo']):
            equal(run('check', 'fifo').status, 2)
    # What was found before the stream ended is told, too.
    raw = bytearray(read('a.vma'))
    raw[raw.index(b'VMAE') + 30] ^= 1
    write('bad', gzip.compress(bytes(raw))[:-2])
    done = run('check', 'bad')
    equal(done.status, 2)
    assert 'MD5 begins with' in done.out and 'gzip stream ends' in done.out, done.out


@in_folder
def test_check_does_not_call_a_disk_corrupt_that_begins_like_a_compressed_file():
    for begin in [b'\x1f\x8b\x08\x00', b'\x28\xb5\x2f\xfd\x64']:
        write('disk', begin + random.Random(2).randbytes(SIZE))
        fails('check', 'disk', status=1)
        fails('check', '-f', 'raw', 'disk', status=63, says='nothing to check')


@in_folder
def test_check_does_not_call_corrupt_what_it_may_not_unpack():
    if not shutil.which('zstd'):
        raise tap.Skip('no zstd')
    archive('a.vma', [('d', pattern(SIZE))])
    raw = read('a.vma')
    for number, piece in enumerate([raw[:13312], raw[13312:]]):
        write(f'{number}', piece)
        subprocess.run(['zstd', '-q', f'{number}'], check=True)
    # The first frame is the header and fits, and the second does not.
    write('a.vma.zst', read('0.zst') + read('1.zst'))
    ok('check', 'a.vma.zst')
    for limit in ['64K', '1K']:
        fails('check', '--memory-limit', limit, 'a.vma.zst', says='--memory-limit')


@in_folder
def test_check_of_raw_is_not_supported():
    write('a.raw', pattern(4096))
    fails('check', 'a.raw', status=63, says='nothing to check')
    fails('check', 'no-such', status=1, says='no-such')
    fails('check', '-r', 'all', 'a.raw', status=63, says='-r')


# --- compare

@in_folder
def test_compare_has_the_texts_and_codes_of_qemu_img():
    make()
    for name in ['a.raw', 'a.vhd', 'a.vhdx']:
        equal(ok('compare', 'a.raw', name).out, 'Images are identical.\n')
        equal(ok('compare', '-q', name, 'a.raw').out, '')
    data = bytearray(pattern(SIZE))
    data[100001] ^= 1
    write('b.raw', bytes(data))
    done = run('compare', 'a.vhd', 'b.raw')
    equal((done.status, done.out), (1, 'Content mismatch at offset 99840!\n'))
    equal(run('compare', '-q', 'a.vhd', 'b.raw').out, '')


@in_folder
def test_compare_takes_the_format_for_the_first_image_only():
    make()
    for name in ['a.vhd', 'a.vhdx']:
        equal(ok('compare', '-f', 'raw', 'a.raw', name).out, 'Images are identical.\n')
        equal(run('compare', '-f', 'raw', '-F', 'raw', 'a.raw', name).status, 1)


@in_folder
def test_compare_takes_zeros_behind_the_shorter_one_for_equal():
    write('a.raw', pattern(SIZE))
    write('b.raw', pattern(SIZE) + bytes(4096))
    write('c.raw', pattern(SIZE) + bytes(4096) + b'x' * 4096)
    equal(ok('compare', 'a.raw', 'b.raw').out,
          'Warning: Image size mismatch!\nImages are identical.\n')
    done = run('compare', '-s', 'a.raw', 'b.raw')
    equal((done.status, done.out), (1, 'Strict mode: Image size mismatch!\n'))
    done = run('compare', 'a.raw', 'c.raw')
    equal((done.status, done.out), (1, 'Warning: Image size mismatch!\n'
                                       'Content mismatch at offset 1052672!\n'))


@in_folder
def test_compare_takes_a_disk_of_an_archive_even_from_a_pipe():
    write('a.raw', pattern(SIZE))
    archive('a.vma', [('c', pattern(4096)), ('d', pattern(SIZE))], order='shuffled')
    ok('compare', 'a.raw', 'a.vma#d')
    ok('compare', 'a.vma#d', 'a.raw')
    ok('compare', '-#d', 'a.raw', stdin=read('a.vma'))


@in_folder
def test_compare_as_json():
    write('a.raw', pattern(SIZE))
    write('b.raw', b'x' + pattern(SIZE)[1:])
    equal(json_of('compare', '--output=json', 'a.raw', 'a.raw'),
          {'identical': True, 'size-differs': False})
    done = run('compare', '--output=json', 'a.raw', 'b.raw')
    equal(done.status, 1)
    equal(json.loads(done.out),
          {'identical': False, 'size-differs': False, 'first-difference': 0})


@in_folder
def test_compare_of_what_is_not_there_is_no_difference():
    write('a.raw', pattern(4096))
    fails('compare', 'a.raw', 'no-such', status=2, says='no-such')
    fails('compare', '-F', 'qcow2', 'a.raw', 'a.raw', status=2, says='qcow2')


@in_folder
def test_compare_shows_progress():
    write('a.raw', pattern(SIZE))
    done = ok('compare', '-p', 'a.raw', 'a.raw')
    assert '    (100.00/100%)\r\n' in done.out


# --- measure

@in_folder
def test_measure_is_exact():
    make(bytes(SIZE) + pattern(3 * SIZE) + bytes(SIZE))
    for options in [['-O', 'raw'], ['-O', 'vpc'], ['-O', 'vhdx'], ['-O', 'vhdx', '-o',
                    'block_size=1M'], ['-O', 'vpc', '-o', 'subformat=fixed']]:
        for source in ['a.raw', 'a.vhd', 'a.vhdx']:
            ok('convert', '-q', '--force', *options, source, 'out')
            got = json_of('measure', '--output=json', *options, source)
            equal(got['required'], os.path.getsize('out'))
            assert got['fully-allocated'] >= got['required']


@in_folder
def test_measure_for_people():
    equal(ok('measure', '-O', 'raw', '--size', '1M').out,
          'required size: 1048576\nfully allocated size: 1048576\n')
    equal(ok('measure', '--size', '64T', '-O', 'vhdx').status, 0)
    fails('measure', says='an image, or --size')
    fails('measure', '--size', '1M', 'x', says='an image, or --size')


# --- create

@in_folder
def test_create_makes_empty_images():
    for name in ['vpc', 'vhdx', 'raw']:
        equal(ok('create', '-f', name, f'{name}.img', '64M').out,
              f"Formatting '{name}.img', fmt={name} size=67108864\n")
        got = json_of('info', '--output=json', f'{name}.img')
        equal((got['format'], got['virtual-size']), (name, 64 << 20))
        assert got['actual-size'] < 1 << 20
        equal(ok('create', '-q', '--force', '-f', name, f'{name}.img', '1M').out, '')


@in_folder
def test_create_takes_format_and_size_from_elsewhere():
    ok('create', 'a.vhdx', '1M')
    equal(json_of('info', '--output=json', 'a.vhdx')['format'], 'vhdx')
    ok('create', '-f', 'vpc', '-o', 'size=2M,subformat=fixed', 'b')
    equal(os.path.getsize('b'), (2 << 20) + 512)


@in_folder
def test_create_refuses_what_makes_no_sense():
    write('there', b'x')
    fails('create', 'there', '1M', says='exists already')
    fails('create', 'a.raw', says='needs a size')
    fails('create', 'a.raw', '12x', says="'12x' is not a size")
    fails('create', '-f', 'vpc', 'a.vhd', '3T', says='')
    fails('create', '-f', 'vhdx', '-b', 'x', 'a.vhdx', '1M', says='-b')
    equal(cli.left(), ['there'])


# --- dd

@in_folder
def test_dd_copies_a_part():
    whole = pattern(SIZE) + bytes(8 << 20)
    write('a.raw', whole)
    ok('convert', '-q', 'a.raw', 'a.vhd')
    for operands, part in [
            (['bs=1M', 'skip=3', 'count=5'], whole[3 << 20:8 << 20]),
            (['bs=1k', 'skip=3', 'count=5'], whole[3072:8192]),
            (['bs=512', 'skip=1'], whole[512:]), (['count=3'], whole[:1536]), ([], whole),
            (['bs=700', 'count=9', 'skip=1'], whole[700:7000]),
            (['bs=1M', 'count=100000'], whole), (['bs=1M', 'skip=9'], b'')]:
        for source in ['a.raw', 'a.vhd']:
            ok('dd', '--force', f'if={source}', 'of=b.raw', *operands)
            equal(read('b.raw'), part)


@in_folder
def test_dd_writes_other_formats_too():
    write('a.raw', pattern(SIZE))
    ok('dd', '-O', 'vpc', 'if=a.raw', 'of=b.vhd', 'bs=64k', 'skip=2')
    ok('convert', '-O', 'raw', 'b.vhd', 'c.raw')
    equal(read('c.raw'), pattern(SIZE)[131072:])


@in_folder
def test_dd_as_qemu_img_counts_what_is_skipped():
    write('a.raw', pattern(SIZE))
    ok('dd', 'if=a.raw', 'of=b.raw', 'bs=512', 'skip=1', 'count=3', program=cli.link('qemu-img'))
    equal(read('b.raw'), pattern(SIZE)[512:1536])


@in_folder
def test_dd_refuses_what_makes_no_sense():
    write('a.raw', pattern(4096))
    fails('dd', 'if=a.raw', says='both if=FILE and of=FILE')
    fails('dd', 'if=a.raw', 'of=b', 'bs=0', says='bs=')
    fails('dd', 'if=a.raw', 'of=b', 'conv=sync', says="'conv=sync'")
    fails('dd', 'if=a.raw', 'of=b', 'skip=9', says='beyond the end')
    equal(cli.left(), ['a.raw'])


@in_folder
def test_dd_of_a_stream_begins_at_a_block_or_is_refused():
    disk = os.urandom(20 * SIZE)
    archive('a.vma', [('drive-scsi0', disk)], order='shuffled')
    subprocess.run(['gzip', '-1', '-k', 'a.vma'], check=True)
    for source in ['a.vma', 'a.vma.gz']:
        ok('dd', f'if={source}', 'of=whole.raw', 'bs=4096', 'skip=1', '--force')
        equal(read('whole.raw'), disk[4096:])
    ok('dd', 'if=a.vma', 'of=b.raw', 'bs=512', 'skip=1')
    equal(read('b.raw'), disk[512:])
    fails('dd', 'if=a.vma.gz', 'of=c.raw', 'bs=512', 'skip=1', says='--spool')
    assert not os.path.exists('c.raw')
    ok('dd', '--spool', '.', 'if=a.vma.gz', 'of=c.raw', 'bs=512', 'skip=1')
    equal(read('c.raw'), disk[512:])


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
