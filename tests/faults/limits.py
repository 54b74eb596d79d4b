#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The malformed images of the corpus under 512 MiB of address space and 5 seconds of CPU:
a status that is documented, one line for an error, no signal, nothing left.

A sanitizer's shadow takes terabytes of address space: there its own limit of resident
memory stands in, twice as high, since each allocation has red zones and a quarantine."""

import os
import resource
import subprocess
import sys

import bench
import cli
import unpack
from cli import in_folder

MEMORY, SECONDS = 512 * bench.MIB, 5
SANITIZE = os.environ.get('VCONV_SANITIZE', 'none')


def bounds():
    """What holds the child: (limits for setrlimit, environment)."""
    if SANITIZE == 'none':
        return [(resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS)], os.environ
    options = f"{os.environ.get('ASAN_OPTIONS', '')}:hard_rss_limit_mb={2 * MEMORY >> 20}"
    return ([(resource.RLIMIT_CPU, 4 * SECONDS)],
            os.environ | {'ASAN_OPTIONS': options, 'TSAN_OPTIONS': 'halt_on_error=1'})


def images(room):
    folder = unpack.corpus(room)
    names = sorted(name for name in os.listdir(folder) if not name.endswith('.tsv'))
    return [os.path.join(folder, name) for name in names]


def see(path, before):
    limits, environment = bounds()
    commands = [['check', path], ['info', path], ['convert', '-q', '-O', 'raw', path, 'out.raw']]
    for command in commands:
        done = subprocess.run(
            [cli.VCONV, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
            env=environment, preexec_fn=bench.limited(*limits))
        err = done.stderr.decode(errors='replace')
        what = f'{command[0]} {path}: status {done.returncode}: {err}'
        assert done.returncode in (0, 1, 2, 3, 63), what
        if command[0] != 'check' and done.returncode != 0:
            lines = err.splitlines()
            assert len(lines) == 1 and lines[0].startswith('vconv: '), what
        if command[0] == 'convert' and done.returncode != 0:
            assert not os.path.exists('out.raw'), what
        if os.path.exists('out.raw'):
            os.unlink('out.raw')
        assert sorted(os.listdir('.')) == before, what
    return len(commands)


def bounded(room):
    count, faults = 0, []
    for packed in images(room):
        path = unpack.unpack(packed, '.')
        try:
            count += see(path, sorted(os.listdir('.')))
        except (AssertionError, subprocess.TimeoutExpired) as error:
            faults.append(str(error))
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
