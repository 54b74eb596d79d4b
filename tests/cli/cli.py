# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the command line share: the program under test, a folder of their own,
and archives that nobody's backup would hold."""

import contextlib
import os
import pty
import shutil
import subprocess
import sys
import tempfile

import tap
import vma_make

VCONV = os.environ['VCONV']
HAS_LZO = os.environ.get('VCONV_HAS_LZO', 'true') == 'true'  # was built with it
CONFIG = b'cores: 2\nscsi0: local:100/vm-100-disk-0.raw\n#qmdump#map:scsi0:drive-scsi0::raw:\n'


class Done:
    """What a run left: status, standard output and error as text."""

    def __init__(self, status, out, err):
        self.status, self.raw_out, self.raw_err = status, out, err
        self.out, self.err = out.decode(errors='replace'), err.decode(errors='replace')


def run(*args, program=None, stdin=b'', env=None):
    """Runs vconv, or PROGRAM; STDIN is bytes or a file."""
    given = {'stdin': stdin} if hasattr(stdin, 'fileno') else {'input': stdin}
    environment = {k: v for k, v in os.environ.items() if k != 'SOURCE_DATE_EPOCH'}
    environment.update(env or {})
    done = subprocess.run([program or VCONV, *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120, env=environment, **given)
    return Done(done.returncode, done.stdout, done.stderr)


def ok(*args, **options):
    """Runs what must go well."""
    done = run(*args, **options)
    assert done.status == 0, f'{args}: status {done.status}: {done.err}'
    return done


def fails(*args, status=1, says='', prefix='vconv: ', **options):
    """Runs what must fail: with STATUS, nothing on standard output, and one line that begins
    with the name of the program and has SAYS in it."""
    done = run(*args, **options)
    assert done.status == status, f'{args}: status {done.status}, not {status}: {done.err}'
    assert done.out == '', f'{args}: printed {done.out!r}'
    lines = done.err.split('\n')
    assert len(lines) == 2 and lines[1] == '', f'{args}: not one line: {done.err!r}'
    assert lines[0].startswith(prefix), f'{args}: {done.err!r}'
    assert says in lines[0], f'{args}: {says!r} is not in {done.err!r}'
    assert all(c.isprintable() for c in lines[0]), f'{args}: control characters: {done.err!r}'
    return done


def on_terminal(*args):
    """Runs what must go well with a terminal as standard output and error; gives what it
    shows."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen([VCONV, *args], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown, ends = b'', 0
    # An error is how Linux tells that nobody has the other side any more; it may come before
    # what was written last, which is there at the next try.
    while ends < 2:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            piece = b''
        ends = 0 if piece else ends + 1
        shown += piece
    os.close(ours)
    equal(child.wait(60), 0)
    return shown.decode()


def short(value):
    text = repr(value)
    return text if len(text) <= 300 else f'{text[:300]}… ({len(value)} in all)'


def equal(got, expected):
    assert got == expected, f'got {short(got)}, expected {short(expected)}'


@contextlib.contextmanager
def folder():
    """A folder of our own, which is the current one."""
    before = os.getcwd()
    path = tempfile.mkdtemp(prefix='vconv-cli-')
    os.chdir(path)
    try:
        yield path
    finally:
        os.chdir(before)
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def in_folder(function):
    """A test that runs in a folder of its own."""
    def test():
        with folder():
            function()
    test.__name__ = function.__name__
    return test


def write(name, data):
    with open(name, 'wb') as file:
        file.write(data)
    return name


def read(name):
    with open(name, 'rb') as file:
        return file.read()


def poke(name, at, data):
    """Writes over the bytes of a file at AT."""
    with open(name, 'r+b') as file:
        file.seek(at)
        file.write(data)


def left():
    """All that lies in the current folder, hidden files too."""
    return sorted(os.listdir('.'))


def pattern(size, seed=1):
    """SIZE bytes: data, zeros, data, so that there is something to leave out."""
    piece = bytes((i * seed * 7 + i // 256) % 251 + 1 for i in range(4096))
    blocks = [piece if n % 3 != 1 else bytes(4096) for n in range(-(-size // 4096))]
    return b''.join(blocks)[:size]


def archive(name, disks, configs=(('qemu-server.conf', CONFIG),), **options):
    """Writes an archive of (name, bytes) pairs; gives its name."""
    with open(name, 'wb') as file:
        vma_make.make(file, [vma_make.Disk(*disk) for disk in disks], configs, **options)
    return name


def link(name):
    """vconv under another name."""
    path = os.path.abspath(name)
    os.symlink(os.path.abspath(VCONV), path)
    return path


def main(module):
    # A relative path would be lost with the first change of folder.
    global VCONV
    VCONV = os.path.abspath(VCONV)
    return tap.run(tap.sentences(module))
