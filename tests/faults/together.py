#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several runs at once that want the same output: what is there in the end is the whole work
of one of them, and who did not write it has said so.

FAULTS_RUNS=200 tests/faults/together.py throws the dice that often for each case."""

import os
import random
import shutil
import subprocess
import sys
import time

import bench
import cli
import disks
from cli import equal, fails, in_folder, left, ok, read, write

RUNNERS = 3
SIZE = 4 * bench.MIB


def sources():
    """One for each runner, all alike but for their content."""
    return [bench.sparse(f'source{n}', SIZE, pieces=3, seed=n) for n in range(RUNNERS)]


def race(dice, commands):
    """Runs COMMANDS at once; gives the numbers of those that say they have done it."""
    children = []
    for command in commands:
        children.append(subprocess.Popen([cli.VCONV, *command], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE))
        time.sleep(dice.choice([0, 0, dice.uniform(0, 0.02)]))
    won = []
    for n, child in enumerate(children):
        err = child.communicate()[1].decode()
        if child.returncode == 0:
            won.append(n)
            continue
        assert child.returncode == 1 and err.count('\n') == 1, (child.returncode, err)
        assert any(word in err for word in
                   ['exists already', 'in the meantime', 'another program', 'busy']), err
    assert bench.leftovers() == [], bench.leftovers()
    return won


def whole(name, paths, options=()):
    """The numbers of the sources that are what is at NAME."""
    return [n for n, path in enumerate(paths)
            if cli.run('compare', '-q', '-f', 'raw', *options, path, name).status == 0]


def campaign(case, short=2):
    dice = random.Random(bench.SEED)
    bench.said(f'seed {bench.SEED}')
    paths = sources()
    winners = 0
    for turn in range(bench.runs(short)):
        winners += case(dice, paths, turn)
    bench.said(f'{winners} of {RUNNERS * bench.runs(short)} runs did their work')
    bench.demand(RUNNERS * bench.runs(short), winners=winners)


TARGETS = [('out.raw', ['-O', 'raw'], ['-F', 'raw']), ('out.vhdx', ['-O', 'vhdx'], []),
           ('out.vhd', ['-O', 'vpc'], []), ('out.vma', ['-O', 'vma'], [])]


def one_target(dice, paths, turn, mode, least, most):
    target, options, compare = TARGETS[turn % len(TARGETS)]
    won = race(dice, [['convert', '-q', *mode, '-f', 'raw', *options, path, target]
                      for path in paths])
    assert least <= len(won) <= most, won
    present = whole(target + ('#drive-scsi0' if '.vma' in target else ''), paths, compare)
    # Where all gave up nothing is promised of what is written in place.
    assert (len(present) == 1 and present[0] in won) or not won, (present, won)
    os.unlink(target)
    return len(won)


@in_folder
def test_of_several_runs_one_makes_the_file():
    campaign(lambda *turn: one_target(*turn, [], 1, 1))


@in_folder
def test_of_several_runs_that_replace_a_file_one_has_the_last_word():
    def case(dice, paths, turn):
        write(TARGETS[turn % len(TARGETS)][0], b'old')
        return one_target(dice, paths, turn, ['--force'], 1, RUNNERS)
    campaign(case)


@in_folder
def test_of_several_runs_that_write_in_place_each_is_alone():
    def case(dice, paths, turn):
        write(TARGETS[turn % len(TARGETS)][0], b'old')
        return one_target(dice, paths, turn, ['-n'], 0, RUNNERS)
    campaign(case)


@in_folder
def test_of_several_runs_on_one_block_device_each_is_alone():
    with open('disk', 'wb') as disk:
        disk.truncate(SIZE)
    with disks.loop('disk') as device:
        def case(dice, paths, turn):
            won = race(dice, [['convert', '-q', '-n', '-f', 'raw', '-O', 'raw', path, device]
                              for path in paths])
            present = whole(device, paths, ['-F', 'raw'])
            assert (len(present) == 1 and present[0] in won) or not won, (present, won)
            return len(won)
        campaign(case)


def archives(paths):
    """An archive for each source, of two disks that tell whose it is."""
    for n, path in enumerate(paths):
        if not os.path.exists(f'a{n}.vma'):
            ok('vma', 'create', f'a{n}.vma', f'drive-scsi0={path}', f'drive-scsi1={path}')


def one_folder(dice, paths, mode, least, most):
    archives(paths)
    won = race(dice, [['vma-to-raw', '-q', *mode, f'a{n}.vma', 'out']
                      for n in range(len(paths))])
    assert least <= len(won) <= most, won
    if won:
        equal(len(os.listdir('out')), 2)
        presents = {n for disk in ['drive-scsi0', 'drive-scsi1']
                    for n in whole(f'out/{disk}.raw', paths, ['-F', 'raw'])}
        assert len(presents) == 1 and presents <= set(won), (presents, won)
        shutil.rmtree('out')
    else:
        assert not os.path.exists('out') or os.listdir('out') == [], os.listdir('out')
        shutil.rmtree('out', ignore_errors=True)
    return len(won)


@in_folder
def test_of_several_archives_one_is_unpacked_into_a_directory():
    campaign(lambda dice, paths, turn: one_folder(dice, paths, [], 0, 1))


@in_folder
def test_of_several_archives_that_replace_one_has_the_last_word():
    campaign(lambda dice, paths, turn: one_folder(dice, paths, ['--force'], 1, RUNNERS))


@in_folder
def test_what_a_run_writes_in_place_no_other_reads():
    path = sources()[0]
    write('target', bytes(SIZE))
    writer = subprocess.Popen([cli.VCONV, 'convert', '-q', '-n', '-f', 'raw', '-O', 'raw', '-',
                               'target'], stdin=subprocess.PIPE)
    data = read(path)
    writer.stdin.write(data[:SIZE // 2])
    writer.stdin.flush()
    end = time.monotonic() + 60
    while cli.run('info', '-f', 'raw', 'target').status == 0:
        assert time.monotonic() < end, 'it was never locked'
    fails('convert', '-q', '-f', 'raw', 'target', 'copy', says='-U reads it all the same')
    ok('convert', '-q', '-U', '-f', 'raw', 'target', 'copy')
    fails('convert', '-q', '--force', '-f', 'raw', 'source1', 'target', says='writing')
    ok('convert', '-q', '-f', 'raw', path, 'copy2')  # a source is shared
    writer.stdin.write(data[SIZE // 2:])
    writer.stdin.close()
    equal(writer.wait(60), 0)
    equal(read('target'), data)
    ok('convert', '-q', '-f', 'raw', 'target', 'copy3')


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
