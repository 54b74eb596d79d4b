#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The built program under a shim that makes its Nth system call or allocation go wrong: an
error of one line, nothing under the final name, nothing left, the sources as they were; or,
where a fault can be borne, the very result of an undisturbed run.

With FAULTS_LONG every command and pair of formats, and N = 1, 2, 3 ... until nothing goes
wrong any more; else a few commands, and N = 1, 4, 16 ... FAULTS_JOBS says how many run side by
side. FAULTS_CASES and FAULTS_KINDS, regular expressions, choose commands and faults;
FAULTS_SLICE=I/N is the Ith of N parts of it all."""

import collections
import itertools
import multiprocessing
import os
import re
import sys
import tempfile

import bench
import cases
import cli
import shim
import tap
from cli import in_folder
from shim import BEAR, FAIL, GONE, LIED

SANITIZE = os.environ.get('VCONV_SANITIZE', 'none')

# What can be borne although the family says otherwise: "case / fault / first call".
BORNE = [
    r'/ open: .* / open: open64 direct',  # then it is done through the cache
    r'/ open: .* / open: opendir ',  # of what was left there is only a note
    r'^(qemu-img )?info .*\.vhd / read: EIO from',  # what is looked at for a warning only
    r'^compare .*other\.raw / ',  # a difference that was found is one
    # Whose the old file was it cannot stay then: its group loses its rights instead.
    r' / mode: EPERM / mode: fchown ',
    # A frame that finds no room beside others is unpacked as it comes.
    r'frames\.vma\.zst.* / memory: .*: realloc (131072|262144|524288)$',
    # What is looked at for a warning, or twice, may fail once.
    r'(\.vhd|roundtrip ).* / read: EIO / read: pread64 (\S+\.vhd|#.* \(deleted\))$',
]

# Where a result may be less: neither the size on disk nor holes are always to be had; a pipe
# that ends at once is an empty disk, and text that ends early a shorter one.
LESS = [r'^(qemu-img )?info .* / stat: ', r'^(qemu-img )?(map|measure) .* / seek: ',
        r' / read: none / read: read (pipe|map|volumes|machine)']

# How a line on standard error begins.
BEGINNINGS = 'vconv: ', 'qemu-img: ', 'vma: ', '{"error"'

ROUNDTRIP = '.vconv-roundtrip.' # the beginning of its folder's name

FORMATS = {'vhd': 'vpc', 'vhdx': 'vhdx', 'vma': 'vma'}

# What a part of the campaign must have met, or it shows nothing: one of each; and the sample.
MET = [{'open'}, {'read'}, {'write'}, {'sync'}, {'rename', 'link'}, {'seek'}, {'stat'}]
MET_IN_SAMPLE = [*MET, {'range'}]


TEMPORARY = r'\.\d+-[0-9a-f]{8}\.vconv-tmp$'


def format_of(path):
    """The format that the name of a file says; None: raw, or none."""
    found = re.search(r'\.(vhdx?|vma)(\.(zst|gz|lzo))?$', re.sub(TEMPORARY, '', path))
    return found and FORMATS[found[1]]


class Bench:
    """A case, and what comes of it undisturbed."""

    def __init__(self, case):
        self.case, self.known = case, shim.stamps()
        case.put_old()
        self.before = shim.files_beside(self.known)
        self.stdin = cli.read(case.stdin) if case.stdin else b''
        # A temporary file that would do is compared with these.
        self.folder = tempfile.TemporaryDirectory()
        self.whole = {}
        self.reference, self.whole = self.run('', keep=True)
        assert self.reference.status == case.status, f'{case.name}: {self.reference.err}'
        # Times and the like are no part of a result.
        again, _ = self.run('')
        self.steady = again.out == self.reference.out
        assert not self.reference.struck
        if case.old:
            self.old = shim.digest(case.old)

    def run(self, plan, keep=False):
        """Gives the run and the files that it left, which are removed."""
        self.case.put_old()
        program = os.path.abspath(self.case.program) if self.case.program else cli.VCONV
        run = shim.Run(program, self.case.args, plan, self.stdin)
        left = shim.files_beside(self.known)
        try:
            self.look_at_leftovers(run, left)
            run.refused = self.refused(left) if ':garbage' in plan else []
        finally:
            for path in left:
                if keep and left[path]:
                    os.rename(path, os.path.join(self.folder.name, os.path.basename(path)))
                elif left[path]:
                    os.unlink(path)
            for path in left:
                if not left[path]:
                    os.rmdir(path)
        return run, left

    def refused(self, left):
        """The files with a final name that are no images."""
        return [path for path in left
                if left[path] not in self.whole.values() and not self.case.in_place
                and re.search(r'\.(vhdx?|vma|vma\.\w+)$', path)
                and cli.run('check', '-f', format_of(path), path).status != 0]

    def look_at_leftovers(self, run, left):
        run.accepted = []
        for path in left:
            name = format_of(path)
            if not name or left[path] in self.whole.values() or not re.search(TEMPORARY, path):
                continue
            # Only the last bytes of what is told twice may be missing.
            whole = os.path.join(self.folder.name,
                                 re.sub(r'^\.|' + TEMPORARY, '', os.path.basename(path)))
            like = ['-F', name, path, whole]
            if ROUNDTRIP in path:
                # Its steps are gone when it ends; each holds what the source holds.
                like = [path, self.case.args[-1]]
            if (cli.run('check', '-f', name, path).status == 0 and
                    cli.run('compare', '-f', name, *like).status != 0):
                run.accepted.append(path)

    def faults_of(self, fault, run, left):
        """What is wrong with a disturbed run: lines, none when all is well."""
        temporaries = [path for path in left if path.endswith('.vconv-tmp')]
        if shim.stamps() != self.known:
            yield 'a source has changed'
            self.known = shim.stamps()
        if temporaries and fault.outcome != GONE and 'unlink' not in fault.more:
            yield f'left: {temporaries}'
        if fault.outcome == LIED:
            yield from self.faults_of_lie(run)
            return
        if run.accepted:
            yield f'not whole and accepted: {run.accepted}'
        for path, digest in left.items():
            # roundtrip's own folder of temporary files
            if ROUNDTRIP in path and (fault.outcome == GONE or fault.more):
                continue
            if path in temporaries or self.case.in_place or digest == self.whole.get(path, ''):
                continue
            if not (self.case.old and digest == self.old) and \
                    not self.is_one_of(LESS, fault, run):
                yield f'{path} is there and not whole'
        yield from self.faults_of_end(fault, run, left)

    def faults_of_lie(self, run):
        """What is wrong with a run that was told what is not so."""
        if not 0 <= run.status < 64:
            yield f'status {run.status}'
        wrong = [line for line in run.err.splitlines() if not line.startswith(BEGINNINGS)]
        if wrong:
            yield f'said {wrong}'
        if run.refused:
            yield f'made, and no image: {run.refused}'

    def faults_of_end(self, fault, run, left):
        if fault.outcome == GONE:
            if run.status != -9:
                yield f'status {run.status}, not killed'
            return
        if run.status == self.reference.status and run.err == self.reference.err:
            if fault.outcome == FAIL and not self.is_one_of(BORNE, fault, run):
                yield 'no error'
            same = left == self.whole and (not self.steady or run.out == self.reference.out)
            if not same and not self.is_one_of(LESS, fault, run):
                yield 'no error, and another result'
            return
        lines = run.err.splitlines()
        errors = [*self.case.errors, *[143] * (fault.what == 'term')]
        # Before its handler is there the signal does what it does to all.
        if fault.what == 'term' and run.status == -15 and not run.err and left == self.before:
            return
        if run.status not in errors:
            yield f'status {run.status}, not one of {errors}'
        if len(lines) != 1 or not lines[0].startswith(BEGINNINGS):
            yield f'not one line: {run.err!r}'
        if fault.outcome == BEAR:
            yield f'not borne: {run.err!r}'

    def is_one_of(self, patterns, fault, run):
        text = f'{self.case.name} / {fault.name} / {run.struck[0]}'
        return any(re.search(pattern, text) for pattern in patterns)


def numbers(fault):
    if fault.once:
        return [1]
    return itertools.count(1) if bench.LONG else (4 ** n for n in itertools.count())


def disturb(case, faults):
    """All FAULTS on CASE: gives how often they ended how, and what went wrong."""
    counts, problems = collections.Counter(), []
    with_case = Bench(case)
    for fault in faults:
        for n in numbers(fault):
            run, left = with_case.run(fault.plan(n))
            if not any(line.startswith(fault.family + ':') for line in run.struck):
                break
            wrong = list(with_case.faults_of(fault, run, left))
            end = 'borne' if run.status == with_case.reference.status else \
                  'killed' if run.status < 0 else 'failed'
            counts[fault.family, end] += 1
            if wrong:
                problems.append(f'{case.name}: {fault.name}, N = {n} ({"; ".join(run.struck)}): '
                                f'{", ".join(wrong)}; status {run.status} {run.err!r}')
    return counts, problems


def make_all():
    """Makes the sources in the current folder, and gives the commands over them."""
    sources = cases.make()
    if not bench.LONG:
        return list(cases.sample())
    foreign = cases.make_foreign()
    return [*cases.ways(), *cases.archives(), *cases.looks(foreign), *cases.refusals(),
            *cases.pairs(sources + foreign)]


class Worker:
    """A process with a folder of its own."""
    all = []

    @staticmethod
    def begin(number):
        with number.get_lock():
            number.value += 1
            folder = f'worker-{number.value}'
        os.mkdir(folder)
        os.chdir(folder)
        with open(os.devnull, 'w', encoding='utf-8') as sys.stdout:
            Worker.all = make_all()

    @staticmethod
    def disturb(job):
        name, faults = job
        return name, *disturb(next(case for case in Worker.all if case.name == name), faults)


def chosen(everything):
    part, parts = map(int, (os.environ.get('FAULTS_SLICE') or '1/1').split('/'))
    wanted = os.environ.get('FAULTS_CASES') or ''
    return [case for case in everything if re.search(wanted, case.name)][part - 1::parts]


def look_at_met(faults, families):
    """The FAMILIES that were struck, of those of FAULTS, must be there: else there is no shim."""
    wanted = {fault.family for fault in faults}
    if SANITIZE != 'none':  # it stands in front of these
        wanted -= {'memory', 'thread'}
    if os.environ.get('FAULTS_CASES'):
        must = [wanted]  # any of them: not every command meets each
    elif not bench.LONG:
        must = MET_IN_SAMPLE
    elif os.environ.get('FAULTS_SLICE'):
        must = MET
    else:
        must = [{family} for family in wanted]
    missed = [' or '.join(sorted(one)) for one in must if one & wanted and not one & families]
    assert not missed, f'never struck: {missed}'


def campaign():
    if not shim.SHIM:
        raise tap.Skip('there is no shim for this system')
    faults = [fault for fault in shim.FAULTS
              if re.search(os.environ.get('FAULTS_KINDS') or '', fault.name)]
    counts, problems = collections.Counter(), []
    picked = [case.name for case in chosen(make_all())]
    with multiprocessing.Pool(int(os.environ.get('FAULTS_JOBS') or 1), Worker.begin,
                              [multiprocessing.Value('i')]) as pool:
        for name, more, wrong in pool.imap_unordered(
                Worker.disturb, [(name, faults) for name in picked]):
            counts += more
            problems += wrong
            if bench.LONG:
                bench.said(f'{name}: {sum(more.values())} faults')
    for family in sorted({family for family, _ in counts}):
        ends = ', '.join(f'{counts[family, end]} {end}' for end in ('failed', 'borne', 'killed')
                         if counts[family, end])
        bench.said(f'{family}: {ends}')
    bench.said(f'{len(picked)} commands, {sum(counts.values())} faults')
    assert not problems, f'{len(problems)} wrong:\n' + '\n'.join(problems)
    look_at_met(faults, {family for family, _ in counts})


@in_folder
def test_a_call_that_fails_never_leaves_what_is_not_whole():
    campaign()


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
