#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Being interrupted: nothing under the final name, nothing beside it, and the status of the
signal; and being asked how far it is."""

import os
import re
import signal
import struct
import subprocess
import sys
import time

import cli
from cli import archive, equal, fails, in_folder, left, ok, pattern, poke, read, write

SIZE = 1 << 20

# Under nohup it is ignored, and then by the runs as well.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Fed:
    """A run that reads from a pipe which we hold, and so is in its midst as long as we like."""

    def __init__(self, *args, data=b''):
        self.child = subprocess.Popen([cli.VCONV, *args], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.child.stdin.write(data)
        self.child.stdin.flush()

    def wait_for_temporary(self, where='.'):
        """Until the output has been begun."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if os.path.isdir(where) and any(
                    name.endswith('.vconv-tmp') for name in os.listdir(where)):
                return
            assert self.child.poll() is None, self.child.stderr.read()
            time.sleep(0.01)
        raise AssertionError('no temporary file appeared')

    def end(self):
        """Gives status and standard error; its standard input stays open until then."""
        try:
            status = self.child.wait(60)
        finally:
            self.child.kill()
        err = self.child.stderr.read().decode()
        for pipe in [self.child.stdin, self.child.stdout, self.child.stderr]:
            try:
                pipe.close()
            except BrokenPipeError:
                pass
        return status, err


def interrupt(name, *args, data=b'', where='.'):
    run = Fed(*args, data=data)
    run.wait_for_temporary(where)
    run.child.send_signal(name)
    status, err = run.end()
    equal(status, 128 + name)
    assert err.count('\n') == 1 and 'interrupted' in err, err


@in_folder
def test_a_signal_leaves_nothing_behind():
    for name in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        for workers in ['0', '4']:
            interrupt(name, 'convert', '-q', '-m', workers, '-f', 'raw', '-', 'out.raw',
                      data=pattern(SIZE))
            equal(left(), [])


@in_folder
def test_a_signal_keeps_what_would_have_been_replaced():
    write('out.raw', b'precious')
    interrupt(signal.SIGTERM, 'convert', '-q', '--force', '-f', 'raw', '-', 'out.raw',
              data=pattern(SIZE))
    equal(left(), ['out.raw'])
    equal(read('out.raw'), b'precious')


@in_folder
def test_a_signal_in_an_archive_leaves_no_directory():
    archive('a.vma', [('drive-scsi0', pattern(SIZE)), ('drive-scsi1', pattern(SIZE))])
    data = read('a.vma')[:-100000]
    os.unlink('a.vma')
    for pair in ['vma-to-raw', 'vma-to-vhdx', 'vma-to-vhd']:
        for workers in ['0', '4']:
            interrupt(signal.SIGINT, pair, '-m', workers, '-', 'out', data=data, where='out')
            equal(left(), [])


@in_folder
def test_a_compressed_archive_is_left_alone_in_time_too():
    # Much more than what is read ahead.
    archive('a.vma', [('drive-scsi0', os.urandom(6 * SIZE))])
    data = subprocess.run(['gzip', '-c', 'a.vma'], stdout=subprocess.PIPE, check=True).stdout
    os.unlink('a.vma')
    interrupt(signal.SIGINT, 'vma-to-raw', '-', 'out', data=data[:-100000], where='out')
    equal(left(), [])


@in_folder
def test_holes_are_left_alone_in_time():
    write('hole.raw', b'')
    os.truncate('hole.raw', 256 << 30)
    for options, target in [([], 'out.raw.zst'), (['-S', '0'], 'out.raw.gz')]:
        interrupt(signal.SIGTERM, 'convert', '-q', '-f', 'raw', '-O', 'raw', *options,
                  'hole.raw', target)
        equal(left(), ['hole.raw'])


def disk_of_many_blocks(name):
    """Makes a VHD that has all of its 512000 blocks, as holes: a second of work."""
    ok('create', '-q', '-f', 'vpc', name, '1000G')
    data = read(name)
    table, = struct.unpack_from('>Q', data, 512 + 16)
    entries, = struct.unpack_from('>I', data, 512 + 28)
    first, stride = (table + 4 * entries + 511) // 512, 1 + (2 << 20) // 512
    poke(name, table, struct.pack(f'>{entries}I',
                                  *(first + stride * i for i in range(entries))))
    poke(name, (first + stride * entries) * 512, data[-512:])


def wait_for_handler(child, name):
    """Until a signal is not simply the end."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        caught = re.search(r'^SigCgt:\s*(\w+)', read(f'/proc/{child.pid}/status').decode(), re.M)
        if caught and int(caught[1], 16) >> (name - 1) & 1:
            return
        assert child.poll() is None, child.stderr.read()
    raise AssertionError('no handler appeared')


@in_folder
def test_commands_that_only_look_are_left_alone_in_time():
    disk_of_many_blocks('a.vhd')
    for args in [['map', 'a.vhd'], ['check', 'a.vhd'],
                 ['measure', '-O', 'vhdx', '-o', 'block_size=1M', '--size', '64T']]:
        run = Fed(*args)
        wait_for_handler(run.child, signal.SIGTERM)
        run.child.send_signal(signal.SIGTERM)
        status, err = run.end()
        equal((args, status), (args, 128 + signal.SIGTERM))
        assert err.count('\n') == 1 and 'interrupted' in err, err


@in_folder
def test_a_kill_leaves_nothing_under_the_final_name():
    run = Fed('convert', '-q', '-f', 'raw', '-O', 'vpc', '-o', 'subformat=fixed', '-', 'out.vhd',
              data=pattern(SIZE))
    run.wait_for_temporary()
    run.child.kill()
    run.end()
    names = left()
    equal(len(names), 1)
    assert names[0].startswith('.out.vhd.') and names[0].endswith('.vconv-tmp'), names
    fails('info', '-f', 'vpc', names[0])
    # The next run says so, and takes nothing away.
    again = ok('convert', '-f', 'raw', '-O', 'vpc', '-o', 'subformat=fixed', '-', 'out.vhd',
               stdin=pattern(SIZE))
    assert f'{names[0]} was left by a run that did not end' in again.err, again.err
    equal(left(), [names[0], 'out.vhd'])


@in_folder
def test_what_a_killed_roundtrip_leaves_is_said():
    write('a.raw', pattern(SIZE))
    os.mkdir('spool')
    args = ['roundtrip', '-q', '-r', '1M', '--spool', 'spool', '--via', 'raw', 'a.raw']
    run = Fed(*args)
    run.wait_for_temporary('spool')
    run.child.kill()
    run.end()
    names = os.listdir('spool')
    equal(len(names), 1)
    again = ok('roundtrip', '--spool', 'spool', '--via', 'raw', 'a.raw')
    assert f'spool/{names[0]} was left by a run that did not end' in again.err, again.err
    equal(os.listdir('spool'), names)


@in_folder
def test_a_signal_that_is_ignored_stays_ignored():
    run = subprocess.Popen(['sh', '-c', 'trap "" HUP; exec "$@"', 'sh', cli.VCONV, 'convert',
                            '-q', '-f', 'raw', '-', 'out.raw'], stdin=subprocess.PIPE)
    run.stdin.write(pattern(SIZE))
    run.stdin.flush()
    end = time.monotonic() + 60
    while not left() and time.monotonic() < end:
        time.sleep(0.01)
    run.send_signal(signal.SIGHUP)
    run.stdin.close()
    equal(run.wait(60), 0)
    equal(read('out.raw'), pattern(SIZE))


@in_folder
def test_usr1_prints_one_line_of_progress():
    run = Fed('convert', '-q', '-f', 'raw', '--size', '1M', '-', 'out.raw',
              data=pattern(SIZE // 2))
    run.wait_for_temporary()
    run.child.send_signal(signal.SIGUSR1)
    line = run.child.stderr.readline().decode()
    assert re.fullmatch(r' {4}\(\d+\.\d\d/100%\) \d+( of 1048576)? bytes\n', line), line
    run.child.stdin.write(pattern(SIZE)[SIZE // 2:])
    run.child.stdin.close()
    equal(run.child.wait(60), 0)
    equal(run.child.stderr.read(), b'')
    equal(read('out.raw'), pattern(SIZE))
    run.child.stdout.close()
    run.child.stderr.close()


@in_folder
def test_usr1_tells_nothing_of_what_has_no_progress():
    disk_of_many_blocks('a.vhd')
    run = Fed('map', 'a.vhd')
    wait_for_handler(run.child, signal.SIGUSR1)
    run.child.send_signal(signal.SIGUSR1)
    equal(run.child.stderr.readline(), b'    (0.00/100%) 0 bytes\n')
    run.child.send_signal(signal.SIGTERM)
    run.end()


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
