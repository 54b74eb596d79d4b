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

# Target, arguments, and what the format is called; raw accepts everything.
TARGETS = [
    ('out.vhdx', ['-O', 'vhdx'], 'vhdx'),
    ('out.vhd', ['-O', 'vpc'], 'vpc'),
    ('out.vhd', ['-O', 'vpc', '-o', 'subformat=fixed'], 'vpc'),
    ('out.vma', ['-O', 'vma'], 'vma'),
    ('out.vma.zst', ['-O', 'vma'], 'vma'),
    ('out.raw', ['-O', 'raw'], None),
]
SIZES = [64 * bench.MIB] + [256 * bench.MIB] * ("FAULTS_RUNS" in os.environ)


def convert(source, target, options):
    return [cli.VCONV, 'convert', '-q', '-f', 'raw', *options, source, target]


def is_whole(source, target):
    name = target + '#drive-scsi0' if '.vma' in target else target
    options = ['-F', 'raw'] if target.endswith('.raw') else []
    # A fixed or dynamic VHD may be longer by what its geometry cannot say: zeros.
    return run('compare', '-q', '-f', 'raw', *options, source, name).status == 0


def duration(source, target, options):
    """How long an undisturbed run takes; that its result is whole is seen as well."""
    begun = time.monotonic()
    subprocess.run(convert(source, target, options), check=True)
    taken = time.monotonic() - begun
    assert is_whole(source, target), f'{target} is not whole without a kill'
    os.unlink(target)
    return taken


def kill_once(dice, source, target, options, name, taken):
    """Gives 'whole', 'left' or 'none': what there was after the kill."""
    child = subprocess.Popen(convert(source, target, options), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    time.sleep(dice.uniform(0, 1.1 * taken))
    child.kill()
    status = child.wait()
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
    sources = [bench.sparse(f'source-{size >> 20}', size) for size in SIZES]
    hashes = [bench.sha256(source) for source in sources]
    before = left()
    taken, counts = {}, {}
    for n in range(bench.runs(12)):
        target, options, name = TARGETS[n % len(TARGETS)]
        source = sources[n // len(TARGETS) % len(sources)]
        key = ' '.join(options) + ' ' + target
        if (key, source) not in taken:
            taken[key, source] = duration(source, target, options)
        try:
            seen = kill_once(dice, source, target, options, name, taken[key, source])
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


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
