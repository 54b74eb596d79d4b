# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the campaigns of faults share: inputs, limits, and how much is run.

A campaign is a test program that runs a little in the suite and everything when FAULTS_LONG
is set, or as often as FAULTS_RUNS says. FAULTS_SEED repeats a run with the same dice."""

import contextlib
import hashlib
import os
import random
import resource
import shutil
import subprocess
import sys

# The helpers of tests/cli are those of all tests that see the program from outside.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
import cli
import tap

MIB = 1 << 20
LONG = bool(os.environ.get('FAULTS_LONG'))
SEED = int(os.environ.get('FAULTS_SEED') or random.SystemRandom().randrange(1 << 32))

# With so many throws of the dice each end that matters is among them.
RUNS_ENOUGH = 100

# Kinds of output: format and options.
KINDS = [('raw', []), ('vpc', []), ('vpc', ['-o', 'subformat=fixed']), ('vhdx', []),
           ('vma', [])]
FORMATS = KINDS if LONG else KINDS[::2]


def runs(short):
    """How many runs are wanted; SHORT in the suite."""
    return int(os.environ.get('FAULTS_RUNS') or short)


def long_only():
    """For tests that the suite has no time for."""
    if not LONG:
        raise tap.Skip('only with FAULTS_LONG=1')


def said(text):
    """A figure for the log, as a comment of TAP."""
    print(f'# {text}', flush=True)


def demand(wanted, **counts):
    """In a long run each end occurred of which COUNTS are given, or it shows nothing. WANTED:
    how many runs there were."""
    if wanted >= RUNS_ENOUGH:
        missed = [end for end, count in counts.items() if count == 0]
        assert not missed, f'in {wanted} runs there was never: {missed}'


def sha256(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while piece := file.read(MIB):
            digest.update(piece)
    return digest.hexdigest()


def sparse(path, size, pieces=24, piece=MIB, seed=7):
    """A file of SIZE bytes with PIECES of data that does not compress, holes between."""
    dice = random.Random(seed)
    with open(path, 'wb') as file:
        for n in range(pieces):
            file.seek(n * size // pieces // 4096 * 4096)
            file.write(dice.randbytes(piece))
        file.truncate(size)
    return path


def limited(*limits):
    """For preexec_fn: sets (resource, value) pairs in the child."""
    def set_limits():
        for what, value in limits:
            resource.setrlimit(what, (value, value))
    return set_limits


def leftovers(folder='.'):
    return sorted(name for name in os.listdir(folder) if name.endswith('.vconv-tmp'))


def judges(path, name):
    """The commands that must not accept PATH as the format NAME (of qemu-img)."""
    yield [cli.VCONV, 'check', '-f', name, path]
    if name in ('vpc', 'vhdx'):
        if shutil.which('qemu-img'):
            # vpc has no check in qemu-img: reading all of it is one.
            yield ['qemu-img', 'check', '-f', name, path]
            yield ['qemu-img', 'info', '-f', name, path]
        if shutil.which('vhdiinfo'):
            yield ['vhdiinfo', path]


def say_judges():
    there = [tool for tool in ['qemu-img', 'vhdiinfo'] if shutil.which(tool)]
    said('judges: ' + ', '.join(['vconv check', *there]))


def accepts(command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          timeout=120).returncode == 0


def refused(*args, **options):
    """Runs what must fail, and gives its one line."""
    done = subprocess.run([cli.VCONV, *args], stderr=subprocess.PIPE, timeout=120,
                          **{'stdout': subprocess.DEVNULL, **options})
    err = done.stderr.decode()
    what = f'{args}: status {done.returncode}: {err!r}'
    assert done.returncode == 1, what
    assert err.count('\n') == 1 and err.startswith('vconv: '), what
    return err


@contextlib.contextmanager
def source():
    path = sparse('source.raw', 16 * MIB, pieces=12)
    digest = sha256(path)
    before = cli.left()
    yield path
    assert sha256(path) == digest, 'the source has changed'
    assert cli.left() == before, cli.left()


def convert(path, name, options, *more):
    return ['convert', '-q', '-f', 'raw', '-O', name, *options, *more, path]
