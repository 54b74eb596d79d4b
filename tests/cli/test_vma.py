#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tool of the name vma: the lines that scripts parse, the map that qmrestore writes."""

import os
import subprocess
import sys
import threading

import cli
from cli import CONFIG, archive, equal, fails, in_folder, ok, pattern, read, run, write

SIZE = 300 << 10
DISKS = [('drive-scsi0', pattern(SIZE)), ('drive-efidisk0', pattern(540672, 5))]
UTC = {'TZ': 'UTC'}
LIST = (f'CFG: size: {len(CONFIG)} name: qemu-server.conf\n'
        'DEV: dev_id=1 size: 307200 devname: drive-scsi0\n'
        'DEV: dev_id=2 size: 540672 devname: drive-efidisk0\n'
        'CTIME: Sat Jan 31 03:00:00 2026\n')


def make(**options):
    return archive('a.vma', DISKS, ctime=1769828400, **options)


@in_folder
def test_list_prints_the_lines_of_the_tool():
    make()
    equal(ok('vma', 'list', 'a.vma', env=UTC).out, LIST)
    equal(ok('list', 'a.vma', '-v', env=UTC, program=cli.link('vma')).out, LIST)
    equal(ok('vma', 'list', '-', env=UTC, stdin=read('a.vma')).out, LIST)
    assert ok('vma', 'list', 'a.vma', env={'TZ': 'XYZ-1'}).out.endswith(
        'CTIME: Sat Jan 31 04:00:00 2026\n')


@in_folder
def test_the_time_is_printed_as_ctime_does():
    archive('a.vma', [], ctime=1767225605)
    assert ok('vma', 'list', 'a.vma', env=UTC).out.endswith('CTIME: Thu Jan  1 00:00:05 2026\n')
    archive('b.vma', [], ctime=2 ** 62)
    assert ok('vma', 'list', 'b.vma', env=UTC).out.endswith('CTIME: (null)\n')


@in_folder
def test_a_state_of_ram_is_listed_as_such():
    archive('a.vma', [('drive-scsi0', pattern(4096)), ('vmstate', pattern(8192))])
    lines = ok('vma', 'list', 'a.vma').out.splitlines()
    equal(lines[2], 'VMSTATE: dev_id=2 memory: 8192')


@in_folder
def test_list_reads_the_header_only():
    make()
    whole = read('a.vma')
    equal(ok('vma', 'list', '-', env=UTC, stdin=whole[:13000]).out, LIST)


@in_folder
def test_config_prints_the_file_as_it_is():
    archive('a.vma', [], [('qemu-server.conf', CONFIG), ('b', b'\x00\xff\n')])
    equal(ok('vma', 'config', 'a.vma').raw_out, CONFIG)
    equal(ok('vma', 'config', '-c', 'b', 'a.vma').raw_out, b'\x00\xff\n')
    equal(ok('vma', 'config', 'a.vma', '-c', 'qemu-server.conf').raw_out, CONFIG)


@in_folder
def test_a_missing_config_has_the_status_of_the_tool():
    archive('a.vma', [], [('other', b'x')])
    fails('vma', 'config', 'a.vma', status=255, says="no configuration 'qemu-server.conf'")
    fails('config', 'a.vma', '-c', 'x', status=255, program=cli.link('vma'), prefix='vma: ')
    fails('vma', 'config', 'no-such.vma', says='no-such.vma')


@in_folder
def test_extract_writes_disks_and_configs():
    make()
    equal(ok('vma', 'extract', 'a.vma', 'out').out, '')
    equal(sorted(os.listdir('out')),
          ['disk-drive-efidisk0.raw', 'disk-drive-scsi0.raw', 'qemu-server.conf'])
    equal(read('out/disk-drive-scsi0.raw'), DISKS[0][1])
    equal(read('out/disk-drive-efidisk0.raw'), DISKS[1][1])
    equal(read('out/qemu-server.conf'), CONFIG)


@in_folder
def test_extract_goes_into_a_directory_that_is_there():
    make()
    os.mkdir('out')
    write('out/other', b'x')
    ok('vma', 'extract', 'a.vma', 'out')
    equal(len(os.listdir('out')), 4)
    fails('vma', 'extract', 'a.vma', 'out', says='exists already')


@in_folder
def test_extract_takes_only_the_drives_that_are_named():
    make()
    ok('vma', 'extract', '-d', 'drive-scsi0', 'a.vma', 'out')
    equal(sorted(os.listdir('out')), ['disk-drive-scsi0.raw', 'qemu-server.conf'])
    ok('vma', 'extract', '--force', '-d', 'drive-scsi0,drive-efidisk0', 'a.vma', 'out')
    equal(len(os.listdir('out')), 3)
    fails('vma', 'extract', '-d', 'drive-scsi7', 'a.vma', 'no', says="no disk 'drive-scsi7'")


@in_folder
def test_extract_shows_progress():
    make()
    lines = ok('vma', 'extract', '-v', 'a.vma', 'out').out.splitlines()
    assert lines[-1].startswith('progress 100% (read '), lines
    assert lines[-1].endswith(' sec)')


@in_folder
def test_the_state_of_ram_is_extracted_with_its_zeros():
    state = pattern(196608)
    archive('a.vma', [('vmstate', state)])
    ok('vma', 'extract', 'a.vma', 'out')
    equal(read('out/vmstate.bin'), state)


@in_folder
def test_what_an_old_archive_holds_behind_the_end_of_a_disk_is_left_out_with_a_warning():
    disk = pattern(65536 + 8704)
    archive('a.vma', [('drive-scsi0', disk)], old_tail=True)
    subprocess.run(['gzip', '-k', 'a.vma'], check=True)
    write('map', b'0:drive-scsi0=mapped.raw\n')
    write('disk.raw', disk)
    compare = ['compare', '-f', 'raw', 'disk.raw']
    ways = [['vma-to-raw', 'a.vma', 'out'], ['vma-to-raw', 'a.vma.gz', 'zipped'],
            ['vma', 'extract', 'a.vma', 'extracted'],
            ['vma', 'extract', '-r', 'map', 'a.vma', 'by-map'],
            ['convert', '-O', 'raw', 'a.vma', 'a.raw'], ['convert', '-O', 'raw', '-', 'b.raw'],
            ['dd', '-O', 'raw', 'if=a.vma', 'of=c.raw'], ['repack', 'a.vma', 'again.vma'],
            ['vma', 'verify', 'a.vma'], ['check', 'a.vma'], ['map', 'a.vma'],
            ['measure', '-O', 'vhdx', 'a.vma'], [*compare, 'a.vma'], [*compare, 'a.vma.gz']]
    for way in ways:
        done = ok(*way, stdin=read('a.vma') if '-' in way else b'')
        assert 'beyond the end of the disk' in done.out + done.err, (way, done.err)
    for path in ['out/drive-scsi0.raw', 'zipped/drive-scsi0.raw', 'mapped.raw', 'a.raw', 'b.raw',
                 'c.raw', 'extracted/disk-drive-scsi0.raw']:
        equal(read(path), disk)
    equal(ok('vma', 'verify', 'again.vma').err, '')


@in_folder
def test_a_map_sends_disks_where_it_says():
    make()
    write('scsi.raw', b'\xff' * SIZE)
    write('map', b'format=raw:1:drive-scsi0=scsi.raw\nskip=drive-efidisk0\n')
    equal(ok('vma', 'extract', '-r', 'map', 'a.vma', 'out', env=UTC).out, LIST)
    equal(read('scsi.raw'), DISKS[0][1])
    equal(os.listdir('out'), ['qemu-server.conf'])


@in_folder
def test_a_map_never_sends_a_disk_into_the_list():
    make()
    write('map', b'format=raw:1:drive-scsi0=-\nskip=drive-efidisk0\n')
    for _ in ['new', 'in place']:
        equal(ok('vma', 'extract', '--force', '-r', 'map', 'a.vma', 'out', env=UTC).out, LIST)
        equal(read('-'), DISKS[0][1])


@in_folder
def test_a_map_ends_with_done_or_an_empty_line():
    make()
    for end in [b'done\n', b'\n']:
        write('map', b'skip=drive-scsi0\nskip=drive-efidisk0\n' + end + b'this is no map\n')
        ok('vma', 'extract', '--force', '-r', 'map', 'a.vma', 'out')


@in_folder
def test_a_target_that_is_zero_already_gets_the_data():
    make()
    write('scsi.raw', bytes(SIZE))
    write('map', b'0:drive-scsi0=scsi.raw\nskip=drive-efidisk0\n')
    ok('vma', 'extract', '-r', 'map', 'a.vma', 'out')
    equal(read('scsi.raw'), DISKS[0][1])


@in_folder
def test_a_target_may_be_up_to_four_mebibytes_larger():
    make()
    for surplus, fits in [(512, True), (4 << 20, True), ((4 << 20) + 512, False), (-512, False)]:
        write('scsi.raw', b'\xff' * (SIZE + surplus))
        write('map', b'1:drive-scsi0=scsi.raw\nskip=drive-efidisk0\n')
        args = ['vma', 'extract', '--force', '-r', 'map', 'a.vma', 'out']
        if fits:
            ok(*args)
            equal(read('scsi.raw')[:SIZE], DISKS[0][1])
            equal(os.path.getsize('scsi.raw'), SIZE + surplus)
        else:
            done = run(*args)
            equal(done.status, 1)
            assert 'scsi.raw: unexpected size' in done.err, done.err


@in_folder
def test_a_target_that_is_not_there_is_made_in_its_format():
    make()
    write('map', b'format=vpc:throttling.bps=1000000000:throttling.group=g:cache=none:'
                 b'0:drive-scsi0=new.vhd\n0:drive-efidisk0=new.raw\n')
    ok('vma', 'extract', '-r', 'map', 'a.vma', 'out')
    ok('convert', '-O', 'raw', 'new.vhd', 'back.raw')
    equal(read('back.raw'), DISKS[0][1])
    equal(read('new.raw'), DISKS[1][1])


@in_folder
def test_what_a_map_cannot_say_is_refused():
    make()
    for text, says in [
            (b'skip=drive-scsi0\n', 'no device name mapping for drive-efidisk0'),
            (b'2:drive-scsi0=x\n', "'2:drive-scsi0=x' is neither"),
            (b'drive-scsi0=x\n', 'is neither'), (b'0:drive-scsi0=\n', 'is neither'),
            (b'0:=x\n', 'is neither'), (b'skip=\n', 'is neither'),
            (b'format=raw:format=raw:0:drive-scsi0=x\n', 'is neither'),
            (b'throttling.bps=fast:0:drive-scsi0=x\n', 'is neither'),
            (b'skip=a\nskip=a\n', 'mapped twice'), (b'skip=a\x00b\n', 'no text'),
            (b'x' * 9000, 'longer than 8191'),
            (b'format=qcow2:0:drive-scsi0=x\nskip=drive-efidisk0\n', "unknown format 'qcow2'")]:
        write('map', text)
        done = run('vma', 'extract', '-r', 'map', 'a.vma', 'out')
        equal(done.status, 1)
        assert says in done.err, (says, done.err)
        equal(done.err.count('\n'), 1)
        equal(cli.left(), ['a.vma', 'map'])


@in_folder
def test_what_cannot_be_looked_at_is_named():
    make()
    write('a', b'')
    os.symlink('loop', 'loop')
    for path, says in [('a/b', 'a/b: cannot see what is there: Not a directory'),
                       ('loop', 'loop: cannot see what is there: Too many')]:
        write('map', b'0:drive-scsi0=%s\nskip=drive-efidisk0\n' % path.encode())
        done = run('vma', 'extract', '-r', 'map', 'a.vma', 'out')
        equal(done.status, 1)
        assert says in done.err, done.err
        equal(done.err.count('\n'), 1)


@in_folder
def test_the_map_may_be_a_fifo_whose_writer_reads_the_list_first():
    make()
    os.mkfifo('fifo')
    child = subprocess.Popen([cli.VCONV, 'vma', 'extract', '-v', '-r', 'fifo', 'a.vma', 'out'],
                             stdout=subprocess.PIPE, env={**os.environ, **UTC})
    got = []
    while not got or not got[-1].startswith(b'CTIME:'):
        got.append(child.stdout.readline())
    equal(b''.join(got).decode(), LIST)
    with open('fifo', 'wb', buffering=0) as fifo:
        fifo.write(b'format=raw:0:drive-scsi0=here.raw\n')
        fifo.write(b'skip=drive-efidisk0\n')
        fifo.write(b'done\n')
        # Not closed: "done" is the end.
        child.stdout.read()
        equal(child.wait(60), 0)
    child.stdout.close()
    equal(read('here.raw'), DISKS[0][1])


@in_folder
def test_two_disks_of_one_name_cannot_be_mapped():
    archive('a.vma', [('d', pattern(4096)), ('d', pattern(4096))])
    write('map', b'0:d=x.raw\n')
    done = run('vma', 'extract', '-r', 'map', 'a.vma', 'out')
    equal(done.status, 1)
    assert "two disks are called 'd'" in done.err


@in_folder
def test_verify_says_nothing_about_a_sound_archive():
    make()
    equal(ok('vma', 'verify', 'a.vma').out, '')
    equal(ok('vma', 'verify', '-v', 'a.vma').out, 'a.vma: complete and sound\n')
    ok('verify', '-', stdin=read('a.vma'), program=cli.link('vma'))


@in_folder
def test_verify_finds_each_flipped_byte_that_a_checksum_covers():
    make()
    whole = read('a.vma')
    header = len(whole) - len(whole[whole.index(b'VMAE'):])
    for at in [0, 5, 30, 57, 4100, 12290, header, header + 7, header + 20, header + 60]:
        raw = bytearray(whole)
        raw[at] ^= 1
        write('b.vma', bytes(raw))
        fails('vma', 'verify', 'b.vma', says='b.vma: ')


def packed_zeros(n):
    """A frame of zstd that becomes N times 128 KiB of zeros: 4 bytes for each."""
    block = (1 << 1 | 131072 << 3).to_bytes(3, 'little') + b'\0'
    return b'\x28\xb5\x2f\xfd\x00\x48' + block * n + b'\x01\x00\x00'


@in_folder
def test_zeros_behind_a_stream_are_passed_up_to_a_limit():
    make()
    ok('repack', 'a.vma', 'few.vma.zst')
    whole = read('few.vma.zst')
    write('few.vma.zst', whole + packed_zeros(64))
    write('many.vma.zst', whole + packed_zeros(8193))
    for words in [['check'], ['vma', 'verify']]:
        done = ok(*words, 'few.vma.zst')
        assert 'ignored 8388608 zero bytes' in done.out + done.err, done.err
        fails(*words, 'many.vma.zst', says='zeros behind an extent are the limit')
    fails('vma', 'extract', 'many.vma.zst', 'out', says='zeros behind an extent are the limit')
    # What is a file may be as long as the device that it was on.
    os.truncate('a.vma', 1 << 40)
    ok('vma', 'extract', 'a.vma', 'out')


@in_folder
def test_verify_finds_what_is_missing_and_what_is_behind():
    make(per_extent=2)
    whole = read('a.vma')
    last = whole.rindex(b'VMAE')
    for raw in [whole[:last], whole[:-1], whole + b'x' * 512, whole + whole[last:]]:
        write('b.vma', raw)
        fails('vma', 'verify', 'b.vma', says='b.vma: ')


@in_folder
def test_a_pipe_that_is_never_written_can_be_left_waiting():
    make()
    os.mkfifo('fifo')
    child = subprocess.Popen([cli.VCONV, 'vma', 'extract', '-r', 'fifo', 'a.vma', 'out'],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not child.stdout.readline().startswith(b'CTIME:'):
        pass
    # The open of the FIFO may not have begun yet: signals until one meets it.
    timer = threading.Timer(0.2, child.terminate)
    timer.start()
    _, err = child.communicate(timeout=60)
    timer.cancel()
    equal(err, b'vconv: fifo: interrupted\n')
    equal(child.returncode, 128 + 15)
    equal(cli.left(), ['a.vma', 'fifo'])


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
