#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The power fails at random moments of conversions. No machine is switched off: a journal tells
what was written, written back and renamed, and of it is made what a disk may hold after a cut.
What an fsync had covered is there; of what came later any part may be, in pieces of 4 KiB, in
any order, and a new name before the content that it stands for. What has the final name must be
whole all the same; written in place, what is no whole image must not look like one. A temporary
name says enough.

More of it: FAULTS_RUNS=500 tests/faults/power.py (docs/RELIABILITY.md has the command)."""

import collections
import hashlib
import os
import random
import struct
import subprocess
import sys

import bench
import cli
import kill
import shim
import tap
from cli import in_folder, ok

JOURNAL = os.environ.get('VCONV_JOURNAL', '')
PIECE = 4096  # what a disk writes as a whole
OLD = 'old.raw'  # the disk of an image that is overwritten in place

# Source, target, arguments, what the format is called, as kill.py has them; and how.
NEW, REPLACED, IN_PLACE = [], ['--force'], ['-n']
CASES = [(*case, how) for case in kill.TARGETS if case[0] != 'pipe' for how in (NEW, REPLACED)]
CASES += [(*case, IN_PLACE) for case in kill.TARGETS if case[0] == 'raw' and case[3]]

Record = collections.namedtuple('Record', 'kind inode at size data')
HEADER = struct.Struct('<4sIQQQ')


def read_journal(path):
    with open(path, 'rb') as file:
        while head := file.read(HEADER.size):
            kind, length, inode, at, size = HEADER.unpack(head)
            yield Record(kind[:1].decode(), inode, at, size, file.read(length))


def lasting(records):
    """For each file the number of the record before which all of it lasts."""
    begun, safe = collections.defaultdict(list), {}
    for n, record in enumerate(records):
        if record.kind == 'F':
            begun[record.inode].append(n)
        elif record.kind == 'D':
            safe[record.inode] = begun[record.inode].pop(0)
    return safe


class Disk:
    """What a disk may hold after the first RECORDS. OLD: contents before, by inode."""

    def __init__(self, records, old, dice):
        self.files = {inode: bytearray(content) for inode, content in old.items()}
        self.names, self.dice = {}, dice
        self.chance = dice.choice([0, 0.1, 0.5, 0.9, 1])
        self.torn = dice.random() < 0.3
        safe, folder = lasting(records), os.stat('.').st_ino
        lost = set()
        if dice.random() < 0.5:
            # All but a few: what leads to tables, without the tables.
            loose = [n for n, record in enumerate(records)
                     if record.kind in 'WT' and n >= safe.get(record.inode, 0)]
            lost = set(dice.choices(loose, k=dice.randint(1, 3)) if loose else [])
            self.chance, self.torn = 1, False
        stopped = set()  # files whose truncation was lost, and so all that came after
        for n, record in enumerate(records):
            self.keep = n < safe.get(folder if record.kind == 'R' else record.inode, 0)
            self.lose = n in lost
            if record.kind == 'R' and self.lasts():
                self.names[os.path.basename(record.data.decode())] = record.inode
            if record.kind != 'R' and record.inode not in stopped and not self.change(record):
                stopped.add(record.inode)

    def lasts(self):
        return self.keep or (not self.lose and self.dice.random() < self.chance)

    def change(self, record):
        """False when RECORD cuts off what now stays."""
        content = self.files.setdefault(record.inode, bytearray())
        end = record.at + record.size
        if record.kind == 'W':
            self.put(content, record.at, record.data)
        elif record.kind == 'Z' and self.lasts():
            end = min(end, len(content))
            content[record.at:end] = bytes(max(0, end - record.at))
        elif record.kind == 'A' and self.lasts():
            content.extend(bytes(max(0, end - len(content))))
        elif record.kind == 'T':
            shorter = record.size < len(content)
            if not self.lasts():
                return not shorter
            del content[record.size:]
            content.extend(bytes(record.size - len(content)))
        return True

    def put(self, content, at, data):
        step = PIECE if self.torn and not self.keep else len(data)
        for begin in range(0, len(data), step):
            if self.lasts():
                piece = data[begin:begin + step]
                content.extend(bytes(max(0, at + begin - len(content))))
                content[at + begin:at + begin + len(piece)] = piece


class Conversion:
    """One that was run to its end, its journal and the image that it overwrote."""

    def __init__(self, source, kind, target, options, name, how):
        self.source, self.target, self.name, self.how = source, target, name, how
        self.old, self.final = {}, None
        if how:
            ok('convert', '-q', '-f', 'raw', *options, OLD, target)
            self.final = os.stat(target).st_ino
            self.old = {self.final: cli.read(target)}
        command = kill.convert(kind, source, target, [*options, *how])
        environment = os.environ | {'LD_PRELOAD': shim.preload(JOURNAL), 'POWER_JOURNAL': '.journal',
                                    'POWER_FOLDER': os.getcwd() + '/'}
        subprocess.run(command, check=True, env=environment)
        self.records = list(read_journal('.journal'))
        os.unlink('.journal')
        assert kill.is_whole(source, target)
        self.result = cli.read(target)
        written = sum(len(record.data) for record in self.records)
        assert written >= os.stat(target).st_blocks * 512 // 2, 'the journal has not seen it'

    def look_at_end(self):
        """When it has told success all lasts."""
        disk = Disk(self.records, self.old, random.Random(0))
        safe = lasting(self.records)
        for n, record in enumerate(self.records):
            folder = os.stat('.').st_ino if record.kind == 'R' else record.inode
            assert record.kind in 'FD' or n < safe.get(folder, 0), \
                f'not written back at the end: {record[:4]}'
        content = disk.files[disk.names.get(self.target, self.final)]
        assert content == self.result, 'the journal tells of another file'

    def cut(self, dice, counts):
        """The power fails once."""
        synced = [n for n, record in enumerate(self.records) if record.kind == 'D']
        # Just before all that was written lasts, most can go wrong.
        number = dice.choice([dice.randint(0, len(self.records)), *dice.choices(synced, k=2)])
        disk = Disk(self.records[:number], self.old, dice)
        final = disk.names.get(self.target, self.final)
        for inode, content in disk.files.items():
            named = inode == final
            if content == self.old.get(inode):
                counts['old'] += named
                continue
            whole = self.is_whole(content)
            counts['whole' if whole else 'named part' if named else 'part'] += 1
            if named and not whole:
                assert self.how == IN_PLACE, f'{self.target} is there and not whole'
                self.judge('try-' + self.target)
        counts['nothing'] += not disk.files

    def is_whole(self, content):
        """Where it is not, it lies where judges find it."""
        if content == self.result:
            return True
        cli.write('try-' + self.target, content)
        return kill.is_whole(self.source, 'try-' + self.target)

    def judge(self, path):
        for command in bench.judges(path, self.name):
            if bench.accepts(command):
                raise AssertionError(f'{command} accepts what is not whole')


@in_folder
def test_a_power_cut_leaves_nothing_that_looks_whole_and_is_not():
    if not JOURNAL:
        raise tap.Skip('there is no journal for this system')
    dice = random.Random(bench.SEED)
    bench.said(f'seed {bench.SEED}')
    bench.say_judges()
    source = bench.sparse('source.raw', 4 * bench.MIB, pieces=4)
    bench.sparse(OLD, 4 * bench.MIB, pieces=4, seed=8)
    wanted = bench.runs(24)
    cases = CASES if wanted >= bench.RUNS_ENOUGH else dice.sample(CASES, 6)
    turns = wanted // len(cases)
    all_counts = collections.Counter()
    for kind, target, options, name, how in cases:
        title = ' '.join([kind, 'to', *options, *how, target])
        counts = collections.Counter()
        conversion = Conversion(source, kind, target, options, name, how)
        try:
            conversion.look_at_end()
            for n in range(turns):
                conversion.cut(dice, counts)
        except AssertionError as error:
            raise AssertionError(f'{title}: {error}') from None
        os.unlink(target)
        bench.said(f'{title}: ' + ', '.join(f'{n} {what}' for what, n in sorted(counts.items()) if n))
        all_counts += counts
    bench.said(f'{turns * len(cases)} cuts')
    bench.demand(wanted, **{end: all_counts[end] for end in ('part', 'whole', 'old')})


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
