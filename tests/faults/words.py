#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Command lines of words thrown together over real images: every option of every command, as
its help has them, with values that fit and such that do not. No run may crash or hang, or fail
without its one line; what failed has made nothing and changed nothing; no source is changed; and
what was made holds the disk.

FAULTS_RUNS=5000 tests/faults/words.py throws the dice that often."""

import gzip
import os
import random
import re
import subprocess
import sys

import bench
import cli
from cli import equal, in_folder, ok, read, write

SIZE = 3 * bench.MIB
TIMEOUT = 120

PAIRS = [f'{a}-to-{b}' for a in ['vma', 'vhd', 'vhdx', 'raw'] for b in ['vma', 'vhd', 'vhdx', 'raw']
         if a != b]
LOOKING = ['info', 'check', 'map', 'measure', 'roundtrip', 'vma list', 'vma config', 'vma verify']
COMMANDS = [*['convert'] * 4, *LOOKING, 'compare', 'create', 'dd', 'repack', 'vma create',
            'vma extract', *PAIRS]

# What stands behind an option, by the word of its help or by its own name. The first half of
# each is what a user means.
VALUES = {
    'FORMAT': ['raw', 'vpc', 'vhdx', 'vma', 'qcow2', ''],
    'FORMAT,…': ['raw', 'vpc,vhdx', 'vma,raw', 'vhdx,,', 'x'],
    'SIZE': ['1M', '4k', '3M', '512', '64k', '0', '1', '4097', '8E', '-1', 'x', ''],
    'KIND': ['human', 'json', 'x'],
    'N': ['1', '2', '8', '0', '64', '-1', '99999999999999999999', 'x'],
    'MODE': ['none', 'writeback', 'unsafe', 'directsync', 'x'],
    'WHEN': ['auto', 'never', 'always', 'x'],
    'HOW': ['zstd', 'gzip', 'none', 'lzo', 'zstd:19,threads=2', 'gzip:1', 'zstd:99', 'gzip:x', 'x'],
    'KEY=VALUE,…': ['subformat=fixed', 'subformat=dynamic', 'block_size=4M', 'creator=win',
                    'size=8M', 'block_size=64k', 'help', 'size=1', 'x=y', 'subformat', '='],
    'NAME': ['drive-scsi0', 'drive-scsi1', 'qemu-server.conf', 'nothing', ''],
    'NAME,…': ['drive-scsi0', 'drive-scsi0,drive-scsi1', 'nothing', ','],
    'DEVICE=FILE': ['scsi3=a.raw', 'sata0=a.vhdx', 'scsi0=nothing', 'x', '='],
    'FILE': ['conf', 'map', 'a.raw', 'nothing', '.', '-', ''],
    'DIR': ['.', 'folder', 'nothing', 'a.raw'],
    'UUID': ['01234567-89ab-cdef-0123-456789abcdef', 'x'],
    'SECONDS': ['0', '1700000000', '-1', 'x'],
    'format=FORMAT:[NAME=]PATH': ['format=raw:drive-scsi0=a.raw', 'vhdx:d=a.vhdx', 'a.raw', 'x=y'],
    '--rate': ['1G', '64M', '0', 'x'],  # 1 would be right, and last for a month
    '--progress-fd': ['2', '1', '0', '77', 'x'],
    '--disk': ['drive-scsi0', 'scsi3=a.raw', 'x'],
    '': ['x', '101', 'q35', 'order=scsi0', 'virtio=02:00:00:00:00:01,bridge=vmbr0', '\n', ''],
}

SOURCES = ['a.raw', 'a.vhd', 'fixed.vhd', 'a.vhdx', 'a.vma', 'a.vma.gz', 'a.vma.zst', 'a.raw.gz']
ODD = ['a.vma#drive-scsi0', 'two.vma', 'two.vma#drive-scsi1', '-', 'nothing', '.', '', 'cut.vhdx',
       'cut.vma', 'cut.vma.gz', 'conf', 'driver=vhdx,file.filename=a.vhdx',
       'driver=raw,file.filename=a.raw,size=1M', 'driver=vpc,file.filename=a.vma']
TARGETS = ['out', 'out.raw', 'out.vhd', 'out.vhdx', 'out.vma', 'out.vma.zst', 'out.raw.gz',
           'folder']
ODD_TARGETS = ['-', 'old', 'a.raw', 'nothing/out', '.', '', 'link', '/dev/full', '/dev/null',
               'a.vhdx']

# Ends that are no failure.
GOOD = {'compare': [1], 'check': [2, 3]}
FAILED = {'compare': [2, 4], 'check': [1, 63], 'vma config': [1, 255]}

# What may be read otherwise, or become longer, shorter or nothing that stays.
OTHERWISE = {'-f', '--format', '--image-opts', '--disk', '--size', '-n', '--in-place', '-o',
             '--options', '--compress'}


def make_inputs():
    write('a.raw', cli.pattern(SIZE))
    ok('convert', '-q', 'a.raw', 'a.vhd')
    ok('convert', '-q', '-o', 'subformat=fixed', 'a.raw', 'fixed.vhd')
    ok('convert', '-q', 'a.raw', 'a.vhdx')
    cli.archive('a.vma', [('drive-scsi0', cli.pattern(SIZE))])
    cli.archive('two.vma', [(f'drive-scsi{n}', cli.pattern(SIZE, 2 + n)) for n in range(2)])
    ok('repack', '-q', 'a.vma', 'a.vma.zst')
    for name in 'a.vma', 'a.raw':
        write(f'{name}.gz', gzip.compress(read(name), 1))
    for name in 'a.vhdx', 'a.vma', 'a.vma.gz':
        write(f'cut{name[1:]}', read(name)[:os.path.getsize(name) * 2 // 3])
    write('conf', cli.CONFIG)
    write('map', b'drive-scsi0=mapped.raw\nskip=drive-scsi1\n')
    write('old', b'what stood there before')
    os.symlink('old', 'link')
    os.mkdir('folder')


def options_of(command):
    """(letter or None, name, kind or None) of each option in the help of COMMAND."""
    text = ok(*command.split(), '--help').out
    found = re.findall(r'^  (?:(-\w), |    )?(--[\w-]+)(?:=(\S+))? ', text, re.M)
    assert len(found) > 3, text
    return [option for option in found if option[1] != '--help']


def mostly(dice, usual, odd):
    return dice.choice(usual if dice.random() < 0.9 else odd)


def source_for(dice, command):
    """Of the kind that COMMAND reads, if it reads but one."""
    kind = command.split('-to-')[0] if '-to-' in command else 'vma'
    one = command in PAIRS or command == 'repack' or command.startswith('vma ')
    return mostly(dice, [name for name in SOURCES if not one or f'.{kind}' in name], SOURCES + ODD)


def value(dice, name, kind):
    values = VALUES.get(name, VALUES.get(kind, VALUES['']))
    half = (len(values) + 1) // 2
    return mostly(dice, values[:half], values)


def throw(dice, options):
    """A command line: the command, options, files."""
    command = dice.choice(COMMANDS)
    words = []
    for letter, name, kind in dice.sample(options[command], dice.choice([0, 1, 1, 2, 2, 3, 5])):
        words.append(letter if letter and dice.random() < 0.5 else name)
        if kind:
            words.append(value(dice, name, kind))
    source, target = source_for(dice, command), mostly(dice, TARGETS, ODD_TARGETS)
    files = [source, target]
    if command == 'dd':
        more = dice.sample(['bs=4096', 'bs=0', 'count=3', 'skip=5', 'skip=9999', 'x=y'], 2)
        files = [f'if={source}', f'of={target}', *more[:dice.choice([0, 1, 2])]]
    elif command == 'create':
        files = [target, value(dice, '', 'SIZE')]
    elif command == 'compare':
        files = [source, mostly(dice, SOURCES, ODD)]
    elif command == 'vma create':
        files = [target]
    elif command in LOOKING:
        files = [source]
    if dice.random() < 0.05:
        dice.choice([files.clear, lambda: files.append('a.raw'), files.reverse])()
    line = words + files if dice.random() < 0.8 else files + words
    return command, line


def state():
    """All that lies here: of each name its bytes."""
    found = {}
    for folder, folders, names in os.walk('.'):
        for name in folders + names:
            path = os.path.join(folder, name)
            found[path] = read(path) if os.path.isfile(path) else None
    return found


def lines_of(err):
    """The lines for people or programs, without those of progress."""
    return [line for line in re.split('(?:\x1b\\[K|[\r\n])+', err)
            if line and not re.match(r'\{"phase"| *[\d.]+ % | *\(', line)]


def clean(before):
    for path in sorted(state().keys() - before.keys(), reverse=True):
        (os.rmdir if os.path.isdir(path) else os.unlink)(path)
    for path, data in before.items():
        if data is not None and read(path) != data:
            write(path, data)


def kept(line, before):
    """What stays as it is even with --force: all but an image that is named once, as target, and
    what in a directory as target is not named at all."""
    named = [word for word in line if sum(word in other for other in line) == 1]
    free = {f'./{word}' for word in named if word in ODD_TARGETS} | {'./old', './link'}
    if '.' in line:
        free |= {path for path in before if not any(path[2:] in word for word in line)}
    return before.keys() - free


def judge(command, line, done, before):
    """Whether it has done what was asked for."""
    status, err = done.returncode, done.stderr.decode()
    said, after = lines_of(err), state()
    assert not [path for path in after if path.endswith('.vconv-tmp')], 'leftovers'
    changed = [path for path in kept(line, before) if after.get(path) != before[path]]
    assert not changed, 'a source has changed'
    if status == 0 or status in GOOD.get(command, []):
        assert all(re.match('vconv: (warning: )?', text) for text in said), 'what is that'
        return status == 0
    assert status in FAILED.get(command, [1]), 'an odd status'
    if command == 'roundtrip' and done.stdout:
        said = said or ['vconv: not identical']  # which it says as a result
    assert said and re.match(r'vconv: (?!warning: )|\{"error":', said[-1]), 'no line says why'
    assert all(text.isprintable() for text in said), 'control characters'
    if '-n' not in line and '--in-place' not in line:
        equal(sorted(after), sorted(before))
        assert after == before, 'something has changed'
    return False


def compare_content(command, line):
    """What was made of one sound image is that disk, unless LINE says otherwise."""
    if command not in ['convert', *PAIRS] or OTHERWISE.intersection(line):
        return False
    kind = command.split('-to-')[0] if command in PAIRS else ''
    files = [word for word in line if word in SOURCES and f'.{kind}' in word]
    made = [word for word in line if word in TARGETS and os.path.isfile(word)]
    if len(files) != 1 or len(made) != 1:
        return False
    ok('compare', '--spool', '.', '-f', 'raw', 'a.raw', made[0])
    return True


def try_words(command, line, before):
    """Gives whether it has done what was asked for, and whether that was compared."""
    done = subprocess.run([cli.VCONV, *command.split(), *line], input=before['./a.raw'],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
    try:
        well = judge(command, line, done, before)
        return well, well and compare_content(command, line)
    except AssertionError as error:
        said = done.stderr.decode()[-2000:]
        raise AssertionError(f'{command} {line}: {error}: {said!r}') from error


@in_folder
def test_any_words():
    dice = random.Random(bench.SEED)
    wanted = bench.runs(120)
    bench.said(f'seed {bench.SEED}')
    make_inputs()
    options = {command: options_of(command) for command in COMMANDS}
    before = state()
    count_well = count_compared = 0
    for _ in range(wanted):
        well, compared = try_words(*throw(dice, options), before)
        count_well, count_compared = count_well + well, count_compared + compared
        clean(before)
    bench.said(f'{wanted} command lines: {count_well} did it, {count_compared} of them compared; '
               f'{wanted - count_well} failed as they should')
    bench.demand(wanted, well=count_well, compared=count_compared, failed=wanted - count_well)


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
