#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGKILL at random moments of conversions: what has the final name is whole, what is left
is under a name that says so, is not taken for an image, and is named by the next run.

More of it: FAULTS_RUNS=500 tests/faults/kill.py, with VCONV and PYTHONPATH as meson sets
them (docs/RELIABILITY.md has the command)."""

import os
import random
import subprocess
import sys
import time

import bench
import cli
from cli import in_folder, left, ok, run

# Source, target, arguments, and what the format is called; raw accepts everything.
TARGETS = [
    ('raw', 'out.vhdx', ['-O', 'vhdx'], 'vhdx'),
    ('raw', 'out.vhd', ['-O', 'vpc'], 'vpc'),
    ('raw', 'out.vhd', ['-O', 'vpc', '-o', 'subformat=fixed'], 'vpc'),
    ('raw', 'out.vma', ['-O', 'vma'], 'vma'),
    ('raw', 'out.vma.zst', ['-O', 'vma'], 'vma'),
    ('raw', 'out.raw', ['-O', 'raw'], None),
    ('vhdx', 'out.vhd', ['-O', 'vpc'], 'vpc'),
    ('vpc', 'out.vma.gz', ['-O', 'vma'], 'vma'),
    ('vma', 'out.vhdx', ['-O', 'vhdx'], 'vhdx'),
    ('zst', 'out.vhdx', ['-O', 'vhdx'], 'vhdx'),
    ('pipe', 'out.vhd', ['-O', 'vpc'], 'vpc'),
    ('gz', 'out.vhd', ['-O', 'vpc', '-o', 'subformat=fixed'], 'vpc'),
    ('raw', 'out.vhdx', ['-O', 'vhdx', '-o', 'subformat=fixed'], 'vhdx'),
    ('raw', 'out.raw.gz', ['-O', 'raw', '--compress', 'gzip:1'], None),
    ('vhdx', 'out.vma.lzo', ['-O', 'vma'], 'vma'),
]
MAKE = {'vhdx': ['-O', 'vhdx'], 'vpc': ['-O', 'vpc'], 'vma': ['-O', 'vma'],
        'zst': ['-O', 'vma', '--compress', 'zstd'],
        'gz': ['-O', 'raw', '--compress', 'gzip:1']}
LONG = 'FAULTS_RUNS' in os.environ
SIZES = [64 * bench.MIB, 256 * bench.MIB] if LONG else [16 * bench.MIB]


def source_of(kind, source):
    """SOURCE as KIND, which is made where there is none yet."""
    if kind not in MAKE:
        return source
    path = f'{source}.{kind}'
    if not os.path.exists(path):
        ok('convert', '-q', '-f', 'raw', *MAKE[kind], source, path)
    return path


def convert(kind, source, target, options):
    return [cli.VCONV, 'convert', '-q', *(['-f', 'raw'] if kind in ('raw', 'pipe') else []),
            *(['--size', str(os.path.getsize(source))] if kind == 'pipe' else []),
            *options, '-' if kind == 'pipe' else source_of(kind, source), target]


def start(kind, source, target, options):
    """Gives the run, and who feeds it."""
    command = convert(kind, source, target, options)
    quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    if kind != 'pipe':
        return subprocess.Popen(command, **quiet), None
    feeder = subprocess.Popen(['cat', source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child = subprocess.Popen(command, stdin=feeder.stdout, **quiet)
    feeder.stdout.close()
    return child, feeder


def is_whole(source, target):
    name = target + '#drive-scsi0' if '.vma' in target else target
    options = ['-F', 'raw'] if target.endswith('.raw') else []
    # A fixed or dynamic VHD may be longer by what its geometry cannot say: zeros.
    return run('compare', '-q', '-f', 'raw', *options, source, name).status == 0


def duration(kind, source, target, options):
    """How long an undisturbed run takes; that its result is whole is seen as well."""
    source_of(kind, source)
    begun = time.monotonic()
    child, feeder = start(kind, source, target, options)
    assert child.wait() == 0, f'{kind} to {target}: status {child.returncode}'
    if feeder:
        feeder.wait()
    taken = time.monotonic() - begun
    assert is_whole(source, target), f'{target} is not whole without a kill'
    os.unlink(target)
    return taken


def kill_once(dice, kind, source, target, options, name, taken):
    """Gives 'whole', 'left' or 'none': what there was after the kill."""
    child, feeder = start(kind, source, target, options)
    time.sleep(dice.uniform(0, 1.1 * taken))
    child.kill()
    status = child.wait()
    if feeder:
        feeder.wait()
    temporaries = bench.leftovers()
    assert len(temporaries) <= 1, temporaries
    if os.path.exists(target):
        assert is_whole(source, target), f'{target} is there and not whole'
    else:
        assert status != 0, 'status 0, and no target'
    for path in temporaries:
        assert path.startswith('.' + target + '.'), path
        if name:
            for command in bench.judges(path, name):
                # All may be written, and only the name be missing.
                if bench.accepts(command) and not is_whole_temporary(source, path, target):
                    raise AssertionError(f'{command} accepts what is not whole')
    seen = 'whole' if os.path.exists(target) else 'left' if temporaries else 'none'
    if seen == 'left':
        again = ok('convert', '-f', 'raw', *options, source, target)
        assert temporaries[0] in again.err, f'not said by the next run: {again.err!r}'
        assert is_whole(source, target)
    return seen


def is_whole_temporary(source, path, target):
    """PATH under a name whose suffix says the format, as TARGET's does."""
    name = 'try-' + target
    os.rename(path, name)
    try:
        return is_whole(source, name)
    finally:
        os.rename(name, path)


@in_folder
def test_a_kill_at_any_moment_leaves_nothing_that_looks_whole_and_is_not():
    dice = random.Random(bench.SEED)
    bench.said(f'seed {bench.SEED}')
    bench.say_judges()
    sources = [bench.sparse(f'source-{size >> 20}', size) for size in SIZES]
    hashes = [bench.sha256(source) for source in sources]
    taken, counts = {}, {}
    first = 0 if LONG else dice.randrange(len(TARGETS))
    for n in range(first, first + bench.runs(6)):
        kind, target, options, name = TARGETS[n % len(TARGETS)]
        source = sources[n // len(TARGETS) % len(sources)]
        key = ' '.join([kind, 'to', *options, target])
        if (key, source) not in taken:
            taken[key, source] = duration(kind, source, target, options)
        before = left()
        try:
            seen = kill_once(dice, kind, source, target, options, name, taken[key, source])
        except AssertionError as error:
            raise AssertionError(f'run {n}, {key}: {error}') from None
        count = counts.setdefault(key, {'whole': 0, 'left': 0, 'none': 0})
        count[seen] += 1
        for path in set(left()) - set(before):
            os.unlink(path)
    for key, count in counts.items():
        bench.said(f'{key}: {count["left"]} with a leftover, {count["whole"]} whole, '
                   f'{count["none"]} not begun')
    assert [bench.sha256(source) for source in sources] == hashes, 'a source has changed'
    bench.demand(bench.runs(6), **{end: sum(count[end] for count in counts.values())
                                   for end in ('left', 'whole')})


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
