#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The malformed images of the corpus under 512 MiB of address space, 5 seconds of CPU and 30
of the clock: a status that is documented, one line for an error, no signal, nothing left.

A sanitizer's shadow takes terabytes of address space: there its own limit of resident
memory stands in, twice as high, since each allocation has red zones and a quarantine."""

import os
import resource
import shutil
import subprocess
import sys

import bench
import cli
import unpack
from cli import in_folder

MEMORY, SECONDS = 512 * bench.MIB, 5
CLOCK = 30  # seconds: what needs more sleeps, and does not end
SANITIZE = os.environ.get('VCONV_SANITIZE', 'none')
FINDING = 99  # the status of a sanitizer, which is none of ours


def bounds():
    """What holds the child: (limits for setrlimit, environment)."""
    environment = dict(os.environ)
    for name in ['ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS']:
        environment[name] = f"{os.environ.get(name, '')}:exitcode={FINDING}"
    if SANITIZE == 'none':
        return [(resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS)], environment
    environment['ASAN_OPTIONS'] += f':hard_rss_limit_mb={2 * MEMORY >> 20}'
    environment['TSAN_OPTIONS'] += ':halt_on_error=1'
    return [(resource.RLIMIT_CPU, 4 * SECONDS)], environment


def images(room):
    folder = unpack.corpus(room)
    names = sorted(name for name in os.listdir(folder) if not name.endswith('.tsv'))
    return [os.path.join(folder, name) for name in names]


def commands(room, path):
    """What is run over PATH, and which statuses are documented."""
    yield ['check', path], (0, 1, 2, 3, 63)
    yield ['info', path], (0, 1)
    yield ['map', path], (0, 1)
    yield ['convert', '-q', '-O', 'raw', path, 'out'], (0, 1)
    if room.startswith('vma'):
        # Most of them hold two disks, of which convert takes none.
        yield ['vma', 'verify', path], (0, 1)
        yield ['vma-to-raw', '-q', path, 'out'], (0, 1)
        yield ['vma-to-raw', '-q', '-', 'out'], (0, 1)
        yield ['vma', 'extract', path, 'out'], (0, 1)
        yield ['repack', '-q', '--spool', '.', path, 'out'], (0, 1)
    else:
        yield ['compare', '-q', path, path], (0, 1, 2, 4)
        yield ['measure', '-O', 'vpc', path], (0, 1)
        yield ['convert', '-q', '--chain', '-O', 'vhdx', path, 'out'], (0, 1)


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.unlink(path)


def see(command, path, statuses, before):
    """COMMAND, whose "-" is the file at PATH."""
    limits, environment = bounds()
    with open(path if '-' in command else os.devnull, 'rb') as stdin:
        done = subprocess.run([cli.VCONV, *command], stdin=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=CLOCK, env=environment,
                              preexec_fn=bench.limited(*limits))
    err = done.stderr.decode(errors='replace')
    what = f'{command}: status {done.returncode}: {err}'
    assert done.returncode in statuses, what
    assert 'Sanitizer' not in err and 'runtime error' not in err, what
    if command[0] != 'check' and done.returncode != 0:
        lines = err.splitlines()
        assert len(lines) == 1 and lines[0].startswith('vconv: '), what
    if done.returncode == 0:
        remove('out')
    assert sorted(os.listdir('.')) == before, what


def bounded(room):
    count, faults = 0, []
    for packed in images(room):
        path = unpack.unpack(packed, '.')
        before = sorted(os.listdir('.'))
        for command, statuses in commands(room, path):
            count += 1
            try:
                see(command, path, statuses, before)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                faults.append(str(error))
            remove('out')
        os.unlink(path)
    bench.said(f'{room}: {count} runs')
    assert not faults, '\n'.join(faults)


@in_folder
def test_malformed_archives_are_bounded():
    bounded('vma-bad')


@in_folder
def test_malformed_disks_are_bounded():
    bounded('vhd-vhdx-bad')


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
