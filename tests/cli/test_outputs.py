#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is written, and what must be left alone, when a run is odd or goes wrong."""

import fcntl
import os
import signal
import struct
import subprocess
import sys
import time

import cli
import tap
import unpack
from cli import archive, equal, fails, in_folder, ok, pattern, read, run, write

SIZE = 1 << 20


@in_folder
def test_messages_never_land_in_an_image_when_standard_error_is_closed():
    write('a.raw', bytes(SIZE))
    for closed in ['<&- >&- 2>&-', '>&- 2>&-', '2>&-', '>&-']:
        done = subprocess.run(['sh', '-c', f'exec "$0" convert -p a.raw b.raw {closed}',
                               cli.VCONV], capture_output=True)
        equal(read('b.raw'), bytes(SIZE))
        os.unlink('b.raw')
    done = subprocess.run(['sh', '-c', 'exec "$0" convert -q a.raw - >&-', cli.VCONV],
                          capture_output=True)
    equal(done.returncode, 1)


@in_folder
def test_a_source_on_standard_input_is_never_the_target():
    write('a.raw', pattern(SIZE))
    subprocess.run(['gzip', '-k', 'a.raw'], check=True)
    packed = read('a.raw.gz')
    for options in [['--force'], ['-n']]:
        for name, data in [('a.raw', pattern(SIZE)), ('a.raw.gz', packed)]:
            with open(name, 'rb') as file:
                fails('convert', '-f', 'raw', *options, '-', name, stdin=file, says='source')
            equal(read(name), data)


@in_folder
def test_compressing_in_place_leaves_nothing_of_what_was_there():
    write('a.raw', pattern(SIZE))
    for how, tool in [('gzip', 'gzip'), ('zstd', 'zstd')]:
        write('b', os.urandom(3 * SIZE))
        ok('convert', '-q', '-n', '-O', 'raw', '--compress', how, 'a.raw', 'b')
        done = subprocess.run([tool, '-dc'], input=read('b'), capture_output=True)
        equal((done.returncode, done.stderr), (0, b''))
        equal(done.stdout, pattern(SIZE))


def make_two():
    archive('a.vma', [('one', pattern(SIZE)), ('two', pattern(SIZE, 2))])


@in_folder
def test_a_volume_is_kept_where_another_output_is_refused():
    make_two()
    os.mkdir('out')
    write('out/qemu-server.conf', b'there')
    write('volume', b'\xff' * SIZE)
    write('map', b'format=raw:1:one=volume\nskip=two\n')
    done = run('vma', 'extract', '-r', 'map', 'a.vma', 'out')
    equal(done.status, 1)
    assert 'qemu-server.conf: exists already' in done.err, done.err
    equal(read('volume'), b'\xff' * SIZE)

    os.unlink('out/qemu-server.conf')
    write('map', b'format=raw:1:one=volume\nformat=raw:1:two=no-such/volume\n')
    equal(run('vma', 'extract', '-r', 'map', 'a.vma', 'out').status, 1)
    equal(read('volume'), b'\xff' * SIZE)


@in_folder
def test_two_disks_never_share_an_output():
    make_two()
    os.mkdir('out')
    os.symlink('new', 'link')
    for other in ['new', './new', 'out/../new', 'link', os.path.abspath('new')]:
        write('map', f'format=raw:1:one=new\nformat=raw:1:two={other}\n'.encode())
        done = run('vma', 'extract', '-r', 'map', 'a.vma', 'out')
        equal(done.status, 1)
        assert 'two outputs' in done.err, done.err
        equal(cli.left(), ['a.vma', 'link', 'map', 'out'])
        equal(os.listdir('out'), [])
    write('map', b'format=raw:1:one=out/qemu-server.conf\nskip=two\n')
    done = run('vma', 'extract', '--force', '-r', 'map', 'a.vma', 'out')
    equal(done.status, 1)
    equal(os.listdir('out'), [])
    write('volume', b'\xff' * SIZE)
    os.link('volume', 'volume2')
    write('map', b'format=raw:1:one=volume\nformat=raw:1:two=volume2\n')
    equal(run('vma', 'extract', '-r', 'map', 'a.vma', 'out').status, 1)
    equal(read('volume'), b'\xff' * SIZE)


@in_folder
def test_an_empty_image_on_standard_output_is_nothing_but_the_image():
    for name in ['raw', 'vpc', 'vhdx']:
        done = ok('create', '--reproducible', '-f', name, '-', '1M')
        ok('create', '--reproducible', '-f', name, 'file', '1M', '--force')
        equal(done.raw_out, read('file'))


@in_folder
def test_messages_never_land_in_an_image_that_standard_output_leads_to():
    write('a.raw', pattern(SIZE))
    write('empty.raw', bytes(SIZE))
    for name in ['/dev/stdout', '/proc/self/fd/1']:
        for args, image in [(['convert', '-p', 'a.raw', name], 'a.raw'),
                            (['create', '-f', 'raw', name, '1M'], 'empty.raw')]:
            equal(ok(*args).raw_out, read(image))
    for name in ['/dev/stdout', 'b.raw']:
        with open('b.raw', 'wb') as file:
            subprocess.run([cli.VCONV, 'convert', '-p', '-n', 'a.raw', name], stdout=file,
                           stderr=subprocess.DEVNULL, check=True)
        equal(read('b.raw'), pattern(SIZE))


@in_folder
def test_what_is_said_on_a_descriptor_never_lands_in_an_image():
    write('a.raw', pattern(SIZE))
    write('b.raw', bytes(SIZE))
    convert = f'"{cli.VCONV}" convert '
    into = [
        # Of our own files one could get the number.
        *[(f'--progress-fd={n} a.raw o.raw', 'is not open for writing') for n in range(3, 12)],
        ('--progress-fd=3 a.raw o.raw 3<b.raw', 'is not open for writing'),
        ('--progress-fd=3 a.raw o.raw 3<>a.raw', 'a.raw: descriptor 3 leads there'),
        ('--progress-fd=3 -n a.raw b.raw 3>>b.raw', 'b.raw: descriptor 3 leads there'),
        ('--progress-fd=1 a.raw - >o.raw', 'standard output: descriptor 1 leads there'),
        ('--progress-fd=1 a.raw - | cat >o.raw', 'standard output: descriptor 1 leads there')]
    for words, says in into:
        done = subprocess.run(['sh', '-c', convert + words], stderr=subprocess.PIPE)
        assert says in done.stderr.decode(), (words, done.stderr)
        assert not os.path.exists('o.raw') or read('o.raw') == b'', words
    for words in ['-O vhd a.raw - >o.raw 2>&1', '-O vhd a.raw - 2>&1 | cat >o.raw',
                  '-n a.raw o.raw 2<>o.raw', '-n --progress=json a.raw o.raw 2<>o.raw']:
        write('o.raw', b'')
        subprocess.run(['sh', '-c', convert + words])
        assert b'standard error leads there as well' in read('o.raw'), words
        assert len(read('o.raw')) < 300, words
    equal([read('a.raw'), read('b.raw')], [pattern(SIZE), bytes(SIZE)])
    # Nothing is said: then it may.
    subprocess.run(['sh', '-c', convert + '-q a.raw - >o.raw 2>&1'], check=True)
    equal(read('o.raw'), pattern(SIZE))
    # The list that the writer of a map waits for.
    archive('a.vma', [('one', pattern(SIZE))])
    write('o.raw', bytes(SIZE))
    for path in ['o.raw', '/dev/stdout']:
        write('map', f'format=raw:0:one={path}\n'.encode())
        done = subprocess.run(['sh', '-c', f'"{cli.VCONV}" vma extract -r map a.vma out 1<>o.raw'],
                              stderr=subprocess.PIPE)
        equal(done.returncode, 1)
        assert b'standard output leads there' in done.stderr, done.stderr


@in_folder
def test_a_signal_that_asks_for_progress_puts_nothing_into_an_image():
    write('a.raw', pattern(SIZE))
    with open('o.raw', 'wb') as file:
        child = subprocess.Popen([cli.VCONV, 'convert', '-q', '-r', '512K', 'a.raw', '-'],
                                 stdout=file, stderr=file)
    end = time.monotonic() + 60
    while os.path.getsize('o.raw') == 0 and time.monotonic() < end:
        time.sleep(0.01)
    child.send_signal(signal.SIGUSR1)
    equal(child.wait(60), 0)
    equal(read('o.raw'), pattern(SIZE))


@in_folder
def test_a_limit_on_file_sizes_is_an_error_and_leaves_nothing():
    write('a.raw', pattern(SIZE))
    done = subprocess.run(['sh', '-c', 'ulimit -f 64; exec "$0" convert -q a.raw b.raw',
                           cli.VCONV], capture_output=True)
    equal(done.returncode, 1)
    assert b'b.raw: ' in done.stderr, done.stderr
    equal(cli.left(), ['a.raw'])


@in_folder
def test_a_size_that_cannot_be_aligned_is_refused():
    fails('convert', '-f', 'raw', '--size-align', '1M', '-', 'b.raw', stdin=bytes(1000),
          says='--size-align')
    equal(cli.left(), [])
    ok('convert', '-f', 'raw', '--size-align', '1M', '--size', '1000', '-', 'b.raw',
       stdin=bytes(1000))
    equal(os.path.getsize('b.raw'), SIZE)


@in_folder
def test_a_map_may_send_a_disk_into_a_fifo():
    make_two()
    os.mkfifo('fifo')
    for format_ in ['format=raw:', '']:
        write('map', f'{format_}1:one=fifo\nskip=two\n'.encode())
        with subprocess.Popen(['sh', '-c', 'cat fifo > got']) as reader:
            ok('vma', 'extract', '--force', '-r', 'map', 'a.vma', 'out')
            equal(reader.wait(60), 0)
        equal(read('got'), pattern(SIZE))


@in_folder
def test_a_roundtrip_reads_its_image_more_than_once():
    write('a.raw', pattern(SIZE))
    fails('roundtrip', '--via', 'raw', '-', stdin=pattern(SIZE), says='standard input')
    with open('a.raw', 'rb') as file:
        fails('roundtrip', '--via', 'raw', '-', stdin=file, says='standard input')
    ok('roundtrip', '--via', 'raw', 'a.raw')


@in_folder
def test_a_parent_is_never_the_target():
    for name in ['x-diff-base.vhdx', 'x-diff-ok.vhdx']:
        unpack.unpack(unpack.corpus('vhd-vhdx-bad', name + '.xz'), '.')
    before = read('x-diff-base.vhdx')
    for options in [['--force'], ['-n']]:
        fails('convert', *options, 'x-diff-ok.vhdx', 'x-diff-base.vhdx', says='source')
    equal(read('x-diff-base.vhdx'), before)


@in_folder
def test_a_configuration_never_replaces_the_archive_that_holds_it():
    archive('a.vma', [('one', pattern(SIZE))], [('a.vma', b'no archive')])
    os.link('a.vma', 'b.vma')
    before = read('a.vma')
    for source in ['a.vma', 'b.vma']:
        fails('vma-to-raw', '--force', source, '.', says='source')
        equal(sorted(os.listdir('.')), ['a.vma', 'b.vma'])
        equal(read('a.vma'), before)


@in_folder
def test_a_configuration_that_is_read_is_never_the_target():
    write('a.raw', pattern(SIZE))
    config = b'scsi0: local:x\n#qmdump#map:scsi0:drive-scsi0::raw:\n'
    write('a.vma', config)
    fails('raw-to-vma', '--force', '--config', 'a.vma', 'a.raw', 'a.vma', says='read as well')
    equal(read('a.vma'), config)


def hold(name):
    """A descriptor of NAME that holds the locks of a program which writes to it."""
    file = open(name, 'rb')
    for byte in [100, 101, 201, 203]:
        lock = struct.pack('hhqqi4x', fcntl.F_RDLCK, os.SEEK_SET, byte, 1, 0)
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, lock)
    return file


@in_folder
def test_what_another_program_writes_to_is_neither_read_nor_replaced():
    for name in ['running.raw', 'other.raw']:
        write(name, pattern(SIZE))
    ok('convert', '-q', 'other.raw', 'packed.vma.gz')
    ok('convert', '-q', 'other.raw', 'packed.gz', '-O', 'raw', '--compress', 'gzip')
    for name in ['running.raw', 'packed.gz', 'packed.vma.gz']:
        with hold(name):
            says = f'{name}: another program is writing to it; -U'
            fails('convert', '-O', 'raw', name, 'a.raw', says=says)
            fails('info', name, says=says)
            ok('convert', '-q', '-O', 'raw', '-U', name, 'a.raw', '--force')
            fails('convert', '-f', 'raw', '-O', 'raw', '--force', 'other.raw', name,
                  says='another program is writing')
    ok('convert', '-q', '-O', 'raw', 'running.raw', 'a.raw', '--force')
    ok('convert', '-q', '-O', 'raw', '--force', 'other.raw', 'running.raw')


@in_folder
def test_a_new_directory_may_lie_in_one_that_cannot_be_read():
    user = {'user': 65534, 'group': 65534, 'extra_groups': []} if os.geteuid() == 0 else {}
    if subprocess.run([cli.VCONV, '--version'], stdout=subprocess.DEVNULL, **user,
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise tap.Skip('the program cannot be run by another user')
    make_two()
    os.chmod('a.vma', 0o644)
    os.mkdir('parent')
    if user:
        os.chmod('.', 0o755)
        os.chown('parent', user['user'], user['group'])
    os.chmod('parent', 0o300)
    done = subprocess.run([cli.VCONV, 'vma-to-raw', 'a.vma', 'parent/out/'], capture_output=True,
                          **user)
    os.chmod('parent', 0o700)
    equal((done.returncode, done.stderr), (0, b''))
    equal(read('parent/out/two.raw'), pattern(SIZE, 2))


@in_folder
def test_where_one_output_gets_no_name_the_others_get_none():
    make_two()
    for other in ['two.raw', 'qemu-server.conf']:
        process = subprocess.Popen([cli.VCONV, 'vma-to-raw', '-r', '4M', 'a.vma', 'out'],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        # All three were looked for when they are begun; then names are taken.
        while not os.path.isdir('out') or len(os.listdir('out')) < 3:
            time.sleep(0.01)
        write(f'out/{other}', b'of another')
        err = process.communicate()[1]
        equal(process.returncode, 1)
        assert b'by another program in the meantime' in err, err
        equal(os.listdir('out'), [other])
        equal(read(f'out/{other}'), b'of another')
        os.unlink(f'out/{other}')
        os.rmdir('out')


@in_folder
def test_a_configuration_may_have_any_name():
    archive('a.vma', [('one', pattern(SIZE))], [('config', b'x'), ('standard input', b'y')])
    ok('vma-to-raw', 'a.vma', '.')
    write('config', b'old')
    ok('vma-to-raw', '--force', 'a.vma', '.')
    equal(read('config'), b'x')


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
