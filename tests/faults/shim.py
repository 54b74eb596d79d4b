# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program under the shim: which faults there are, and what a run left."""

import errno
import functools
import hashlib
import os
import re
import subprocess

import cli

SHIM = os.environ.get('VCONV_SHIM', '')
REPORT = '.report'
TIMEOUT = 60
PIECE = 4096

# What may come of a fault: FAIL, the documented status and one line; BEAR, the very result of
# an undisturbed run; EITHER. GONE: the process is killed. LIED: it was told what is not so, and
# may have believed it, but what it makes is an image.
FAIL, BEAR, EITHER, GONE, LIED = 'fail', 'bear', 'either', 'gone', 'lied'


class Fault:
    """WHAT happens to the calls of FAMILY, TIMES of them (0: all) from the Nth on; MORE: faults
    that are there from the beginning. ONCE: N = 1 is all there is to try."""

    def __init__(self, family, what, outcome, times=1, more='', once=False):
        self.family, self.what, self.outcome = family, what, outcome
        self.times, self.more, self.once = times, more, once
        self.name = f'{family}: {what}' + {0: ' from there on', 1: ''}.get(times, f' x{times}')
        if more:
            self.name += f', and {more}'

    def plan(self, nth):
        faults = [f'{self.family}:{nth}:{self.times}:{self.what}'] + self.more.split()
        return ','.join(re.sub('E[A-Z]+', lambda m: str(getattr(errno, m[0])), fault)
                        for fault in faults)


FAULTS = [
    Fault('open', 'EIO', FAIL),
    Fault('open', 'EMFILE', FAIL, times=0),
    Fault('open', 'EINTR', EITHER),
    Fault('read', 'EIO', FAIL),
    Fault('read', 'EIO', FAIL, times=0),
    Fault('read', 'EINTR', BEAR, times=100),
    Fault('read', 'short', BEAR),
    Fault('read', 'short', BEAR, times=0, once=True),
    Fault('read', 'none', EITHER),
    Fault('read', 'garbage', LIED),
    Fault('write', 'EIO', FAIL),
    Fault('write', 'ENOSPC', FAIL, times=0),
    Fault('write', 'EDQUOT', FAIL),
    Fault('write', 'EINTR', BEAR, times=100),
    Fault('write', 'short', BEAR),
    Fault('write', 'short', BEAR, times=0, once=True),
    Fault('write', 'none', FAIL),
    Fault('write', 'EIO', FAIL, more='unlink:1:0:EIO'),
    Fault('sync', 'EIO', FAIL),
    Fault('sync', 'EDQUOT', FAIL, times=0),
    Fault('sync', 'EINTR', EITHER),
    Fault('range', 'EIO', FAIL),
    Fault('range', 'ENOSPC', FAIL, times=0),
    Fault('range', 'EINTR', BEAR, times=100),
    Fault('range', 'ENOSYS', BEAR, times=0),
    Fault('rename', 'EIO', FAIL),
    Fault('rename', 'ENOSPC', FAIL, times=0),
    Fault('rename', 'EINVAL', EITHER),
    Fault('link', 'EIO', FAIL, more='rename:1:1:EINVAL'),
    Fault('link', 'EPERM', EITHER, more='rename:1:1:EINVAL'),
    Fault('truncate', 'EIO', FAIL),
    Fault('truncate', 'ENOSPC', FAIL),
    Fault('truncate', 'EINTR', BEAR, times=100),
    Fault('allocate', 'EOPNOTSUPP', BEAR, times=0),
    Fault('allocate', 'EIO', BEAR),
    Fault('allocate', 'EINTR', BEAR, times=100),
    Fault('seek', 'EIO', EITHER),
    Fault('seek', 'EINVAL', EITHER, times=0),
    Fault('stat', 'EIO', EITHER),
    Fault('stat', 'EACCES', EITHER, times=0),
    Fault('clone', 'EOPNOTSUPP', BEAR, times=0),
    Fault('clone', 'EIO', BEAR),
    Fault('lock', 'ENOLCK', BEAR),
    Fault('descriptor', 'EMFILE', EITHER),
    Fault('poll', 'EINTR', BEAR, times=100),
    Fault('poll', 'ENOMEM', EITHER),
    Fault('mkdir', 'EACCES', FAIL),
    Fault('mode', 'EPERM', FAIL),
    Fault('close', 'EIO', EITHER),
    Fault('thread', 'EAGAIN', EITHER, times=0),
    Fault('thread', 'EAGAIN', EITHER),
    Fault('memory', 'ENOMEM', FAIL),
    Fault('memory', 'ENOMEM', FAIL, times=0),
    Fault('any', 'late', BEAR, times=0, once=True),
    Fault('any', 'kill', GONE),
    Fault('any', 'term', EITHER),
]


@functools.lru_cache
def preload(library):
    """LD_PRELOAD: a sanitizer's library must come first, and then finds the calls of LIBRARY
    behind its own; but for those of memory, which it serves itself."""
    libraries = subprocess.run(['ldd', cli.VCONV], stdout=subprocess.PIPE, text=True).stdout
    return ' '.join(re.findall(r'=> (\S*/lib[at]san\S*)', libraries) + [library])


def data_runs(file, size):
    """The (begin, end) of what is no hole."""
    at = 0
    while at < size:
        try:
            begin = os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError:  # a hole up to the end
            return
        at = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
        yield begin - begin % PIECE, at


def digest(path):
    """Of the content: its size, and the pieces that are not zero, wherever holes are."""
    size, told = os.path.getsize(path), hashlib.sha256()
    told.update(b'%d' % size)
    with open(path, 'rb') as file:
        pieces = sorted({at for run in data_runs(file, size) for at in range(*run, PIECE)})
        for at in pieces:
            piece = os.pread(file.fileno(), PIECE, at)
            if piece.strip(b'\0'):
                told.update(b' %d ' % at + piece)
    return told.hexdigest()


def stamps():
    """What changes where a file of the folder is written, replaced or removed."""
    return {entry.name: (entry.stat().st_ino, entry.stat().st_size, entry.stat().st_mtime_ns)
            for entry in os.scandir('.')}


def files_beside(known):
    """The path and digest of each file that is not KNOWN, and of directories None."""
    found = {}
    for entry in os.scandir('.'):
        if entry.name in known:
            continue
        if not entry.is_dir():
            found[entry.name] = digest(entry.path)
            continue
        found[entry.name] = None
        found |= {f'{entry.name}/{name}': digest(f'{entry.name}/{name}')
                  for name in os.listdir(entry.name)}
    return found


class Run:
    """A run of PROGRAM under PLAN, and what it left. STRUCK: the first calls that went wrong."""

    def __init__(self, program, args, plan='', stdin=b''):
        environment = {k: v for k, v in os.environ.items() if k != 'SOURCE_DATE_EPOCH'}
        environment |= {'LD_PRELOAD': preload(SHIM), 'FAULT_PLAN': plan,
                        'FAULT_FOLDER': os.getcwd() + '/', 'FAULT_REPORT': REPORT}
        done = subprocess.run([program, *args], input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIMEOUT, env=environment)
        self.status, self.out = done.returncode, done.stdout
        self.err = done.stderr.decode(errors='replace')
        self.struck = []
        if os.path.exists(REPORT):
            with open(REPORT, encoding='utf-8') as file:
                self.struck = file.read().replace(os.getcwd() + '/', '').splitlines()
            os.unlink(REPORT)
