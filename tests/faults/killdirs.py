#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGKILL at random moments of commands that write directories or into pipes: each file that
has its name is whole, what is left is under a name that says so, and what came out of a pipe
is not taken for the whole.

More of it: FAULTS_RUNS=500 tests/faults/killdirs.py."""

import os
import random
import shutil
import subprocess
import sys
import time

import bench
import cli
from cli import in_folder, left, ok, run

SIZE = (64 if 'FAULTS_RUNS' in os.environ else 16) * bench.MIB
ARCHIVES = ['in.vma', 'in.vma.zst', 'in.vma.gz']

# Command, suffix and format of the disks, and how they are called.
COMMANDS = [(['vma-to-vhdx', '-q'], '.vhdx', 'vhdx', ''), (['vma-to-vhd', '-q'], '.vhd', 'vpc', ''),
            (['vma-to-raw', '-q'], '.raw', None, ''), (['vma', 'extract'], '.raw', None, 'disk-')]
PIPES = [(['repack'], 'in.vma', 'vma'), (['convert', '-q', '-f', 'raw', '-O', 'vma'], 'one.raw', 'vma'),
         (['convert', '-q', '-f', 'raw', '-O', 'vhdx'], 'one.raw', 'vhdx'),
         (['convert', '-q', '-f', 'raw', '-O', 'vpc'], 'one.raw', 'vpc')]


def make():
    """Two disks and the archives of them."""
    disks = {'drive-scsi0': bench.sparse('one.raw', SIZE, SIZE // bench.MIB // 4),
             'drive-scsi1': bench.sparse('two.raw', SIZE, SIZE // bench.MIB // 4, seed=8)}
    for archive in ARCHIVES:
        ok('raw-to-vma', '-q', 'one.raw', 'two.raw', archive)
    ok('vma-to-raw', '-q', 'in.vma', 'good')
    return disks


def is_same(disk, path, name):
    return run('compare', '-q', '-f', 'raw', *(['-F', 'raw'] if not name else []), disk,
               path).status == 0


def look(folder, disks, suffix, name, prefix):
    """What lies in FOLDER after a kill; gives how many files have their names."""
    if not os.path.exists(folder):
        return 0, 0
    named, temporary = 0, bench.leftovers(folder)
    for file in sorted(set(os.listdir(folder)) - set(temporary)):
        path = os.path.join(folder, file)
        named += 1
        if file.endswith(suffix):
            disk = disks[file[len(prefix):-len(suffix)]]
            assert is_same(disk, path, name), f'{path} is there and not whole'
        else:
            good = os.path.join('good', file)
            assert bench.sha256(path) == bench.sha256(good), f'{path} is not what it was'
    for file in temporary if name else []:
        path = os.path.join(folder, file)
        disk = next((d for n, d in disks.items() if file.startswith(f'.{prefix}{n}{suffix}.')),
                    None)
        for command in bench.judges(path, name) if disk else []:
            assert not bench.accepts(command) or is_same(disk, path, name), \
                f'{command} accepts what is not whole'
    return named, len(temporary)


def command_of(command, archive):
    return [cli.VCONV, *command, archive, 'out']


def kill_after(command, seconds, **pipes):
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL,
                             **{'stdout': subprocess.DEVNULL, **pipes})
    time.sleep(seconds)
    child.kill()
    return child.wait()


@in_folder
def test_a_kill_of_an_unpacking_leaves_whole_files_or_none():
    dice, disks = random.Random(bench.SEED), make()
    bench.said(f'seed {bench.SEED}')
    bench.say_judges()
    before, taken, counts = left(), {}, {'all': 0, 'some': 0, 'left': 0, 'none': 0}
    for n in range(bench.runs(4)):
        command, suffix, name, prefix = COMMANDS[n % len(COMMANDS)]
        archive = ARCHIVES[n // len(COMMANDS) % len(ARCHIVES)]
        key = (tuple(command), archive)
        if key not in taken:
            begun = time.monotonic()
            subprocess.run(command_of(command, archive), check=True, stdout=subprocess.DEVNULL)
            taken[key] = time.monotonic() - begun
            whole = look('out', disks, suffix, name, prefix)[0]
            shutil.rmtree('out')
        status = kill_after(command_of(command, archive), dice.uniform(0, 1.1 * taken[key]))
        named, temporary = look('out', disks, suffix, name, prefix)
        assert status != 0 or (named, temporary) == (whole, 0), (status, named, temporary)
        counts['all' if named == whole else 'some' if named else 'left' if temporary
               else 'none'] += 1
        if os.path.exists('out'):
            if named == 0:
                again = ok(*[a for a in command if a != '-q'], archive, 'out')
                said = again.err.count('was left by a run that did not end')
                assert said == temporary, (said, temporary, again.err)
                assert look('out', disks, suffix, name, prefix)[0] == whole
            shutil.rmtree('out')
        assert left() == before, left()
    bench.said(f'{counts["left"]} with leftovers, {counts["all"]} whole, {counts["some"]} with '
               f'some of the files whole, {counts["none"]} not begun')
    bench.demand(bench.runs(4), left=counts['left'], whole=counts['all'])


@in_folder
def test_a_kill_before_a_pipe_is_not_taken_for_the_end():
    dice = random.Random(bench.SEED)
    make()
    taken, counts = {}, {'whole': 0, 'part': 0}
    for n in range(bench.runs(4)):
        command, source, name = PIPES[n % len(PIPES)]
        full = [cli.VCONV, *command, source, '-']
        key = tuple(command)
        if key not in taken:
            begun = time.monotonic()
            with open('whole', 'wb') as out:
                subprocess.run(full, stdout=out, stderr=subprocess.DEVNULL, check=True)
            taken[key] = time.monotonic() - begun, os.path.getsize('whole')
        seconds, size = taken[key]
        with open('out', 'wb') as out:
            cat = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=out)
            kill_after(full, dice.uniform(0, 1.1 * seconds), stdout=cat.stdin)
            cat.stdin.close()
            cat.wait()
        is_whole = os.path.getsize('out') == size
        counts['whole' if is_whole else 'part'] += 1
        if not is_whole and bench.accepts([cli.VCONV, 'check', '-f', name, 'out']):
            # What is missing may be the end of a block, behind that of the disk.
            assert source == 'one.raw' and is_same(
                source, 'out#drive-scsi0' if name == 'vma' else 'out', name), \
                f'{command}: {os.path.getsize("out")} of {size} bytes are taken for the whole'
    bench.said(f'pipes: {counts["part"]} parts, {counts["whole"]} whole')
    bench.demand(bench.runs(4), **counts)


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
