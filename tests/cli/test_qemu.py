#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Through the name qemu-img and through the real one, on the same files: status, and JSON key
by key. What differs is listed here with the reason, and nowhere else."""

import json
import os
import shutil
import subprocess
import sys

import cli
import tap
from cli import equal, in_folder, pattern, run, write

REAL = shutil.which('qemu-img')
SIZE = 3 << 20

# (command, format): keys whose values differ, and why.
DIFFERENT = {
    # Sizes of raw images are exact here; QEMU rounds them up to sectors.
    ('info', 'odd'): {'virtual-size'},
}


def make():
    """The same disk in each format, written by the real one."""
    write('a.raw', pattern(1 << 20) + bytes(1 << 20) + pattern(1 << 20))
    for name, options in [('dyn.vhd', ['-O', 'vpc', '-o', 'force_size']),
                          ('fix.vhd', ['-O', 'vpc', '-o', 'force_size,subformat=fixed']),
                          ('dyn.vhdx', ['-O', 'vhdx']),
                          ('small.vhdx', ['-O', 'vhdx', '-o', 'block_size=1M']),
                          ('fix.vhdx', ['-O', 'vhdx', '-o', 'subformat=fixed'])]:
        subprocess.run([REAL, 'convert', '-f', 'raw', *options, 'a.raw', name], check=True)


IMAGES = {'a.raw': 'raw', 'dyn.vhd': 'vpc', 'fix.vhd': 'vpc', 'dyn.vhdx': 'vhdx',
          'small.vhdx': 'vhdx', 'fix.vhdx': 'vhdx'}


def both(*args):
    """The same words to both; gives (theirs, ours)."""
    if not REAL:
        raise tap.Skip('no qemu-img')
    if not os.path.exists('qemu-img'):
        cli.link('qemu-img')
    return run(*args, program=REAL), run(*args, program=os.path.abspath('qemu-img'))


def has_all(theirs, ours, where):
    """Each key of theirs is in ours with the same value."""
    for key, value in theirs.items():
        assert key in ours, f'{where}: no key {key}'
        assert ours[key] == value, f'{where}: {key} is {ours[key]}, theirs {value}'


def need():
    if not REAL:
        raise tap.Skip('no qemu-img')
    make()


@in_folder
def test_info_has_their_keys_and_values():
    need()
    for name, format_ in IMAGES.items():
        theirs, ours = both('info', '-f', format_, '--output=json', name)
        equal(ours.status, theirs.status)
        theirs, ours = json.loads(theirs.out), json.loads(ours.out)
        # A fixed VHD has no clusters; what they call format-specific differs by version.
        theirs.pop('format-specific', None)
        theirs.pop('children', None)
        has_all(theirs, ours, name)


@in_folder
def test_info_for_people_begins_with_their_lines():
    need()
    for name, format_ in IMAGES.items():
        theirs, ours = both('info', '-f', format_, name)
        lines = ours.out.splitlines()
        for line in theirs.out.splitlines()[:5]:
            assert line in lines, (name, line, lines)


@in_folder
def test_probing_finds_what_they_find_but_a_fixed_vhd():
    need()
    for name, format_ in IMAGES.items():
        theirs, ours = both('info', '--output=json', name)
        equal(json.loads(ours.out)['format'], format_)
        # They take a fixed VHD for raw.
        if name != 'fix.vhd':
            equal(json.loads(theirs.out)['format'], format_)


@in_folder
def test_map_of_raw_is_theirs():
    need()
    with open('sparse.raw', 'wb') as file:
        file.truncate(SIZE)
        file.seek(1 << 20)
        file.write(pattern(1 << 20))
    for name in ['sparse.raw', 'a.raw']:
        theirs, ours = both('map', '-f', 'raw', '--output=json', name)
        theirs, ours = json.loads(theirs.out), json.loads(ours.out)
        equal(len(ours), len(theirs))
        for their, our in zip(theirs, ours):
            # A hole lies nowhere: no offset is told for it here.
            if their['zero']:
                their.pop('offset', None)
            has_all(their, our, name)
        equal(*[done.out for done in both('map', '-f', 'raw', name)])


@in_folder
def test_map_of_vhd_covers_theirs():
    need()
    theirs, ours = both('map', '--output=json', 'dyn.vhd')

    def data(done):
        return [(r['start'], r['length'], r['offset']) for r in json.loads(done.out) if r['data']]
    covered = data(theirs)
    for start, length, offset in data(ours):
        assert any(s <= start and start + length <= s + n and offset - start == o - s
                   for s, n, o in covered), (start, length, offset, covered)


@in_folder
def test_check_has_their_keys_and_status():
    need()
    theirs, ours = both('check', '--output=json', 'dyn.vhdx')
    equal((ours.status, theirs.status), (0, 0))
    has_all(json.loads(theirs.out), json.loads(ours.out), 'dyn.vhdx')
    for args in [['check', '-f', 'raw', 'a.raw'], ['check', 'no-such']]:
        theirs, ours = both(*args)
        equal(ours.status, theirs.status)
    assert both('check', 'dyn.vhdx')[1].out.startswith('No errors were found on the image.\n')


@in_folder
def test_compare_has_their_words_and_status():
    need()
    write('b.raw', pattern(1 << 20) + bytes(1 << 20) + pattern(1 << 20)[:-1] + b'\xff')
    write('c.raw', pattern(1 << 20) + bytes(3 << 20))
    write('d.raw', pattern(1 << 20) + bytes(1 << 20) + pattern(1 << 20) + bytes(1 << 20))
    for options in [[], ['-q'], ['-s']]:
        for one, other in [('a.raw', 'dyn.vhdx'), ('dyn.vhd', 'small.vhdx'), ('a.raw', 'b.raw'),
                           ('dyn.vhd', 'b.raw'), ('a.raw', 'c.raw'), ('a.raw', 'd.raw'),
                           ('d.raw', 'a.raw'), ('a.raw', 'no-such')]:
            if '-s' in options and ('vhd' in one or 'vhd' in other):
                continue  # allocation is known in more detail here
            args = ['compare', *options, one, other]
            theirs, ours = both(*args)
            equal((args, ours.status, ours.out), (args, theirs.status, theirs.out))


@in_folder
def test_measure_of_raw_is_theirs():
    need()
    for source in ['a.raw', 'dyn.vhd', 'dyn.vhdx']:
        theirs, ours = both('measure', '--output=json', '-O', 'raw', source)
        has_all(json.loads(theirs.out), json.loads(ours.out), source)
    equal(*[done.out for done in both('measure', '--size', '10G')])


@in_folder
def test_what_is_converted_is_the_same_for_them():
    need()
    for name in ['a.raw', 'dyn.vhd', 'small.vhdx']:
        for number, options in enumerate([
                ['-O', 'raw'], ['-O', 'vpc'], ['-O', 'vpc', '-o', 'subformat=fixed,force_size'],
                ['-O', 'vhdx'], ['-O', 'vhdx', '-o', 'subformat=fixed,block_size=2M'],
                ['-p', '-W', '-m', '4', '-t', 'none', '-T', 'none', '-O', 'vhdx']]):
            _, ours = both('convert', '-f', IMAGES[name], *options, name, 'out')
            equal(ours.status, 0)
            format_ = options[options.index('-O') + 1]
            done = run('compare', '-f', 'raw', '-F', format_, 'a.raw', 'out', program=REAL)
            # They take the size of a VHD of a foreign creator from its geometry.
            assert done.status == 0 and 'identical' in done.out, (name, number, done.err, done.out)


@in_folder
def test_progress_is_theirs():
    need()
    theirs, ours = both('convert', '-p', '-O', 'raw', 'dyn.vhdx', 'out')
    for done in [theirs, ours]:
        assert done.out.startswith('    (0.00/100%)\r')
        assert done.out.endswith('    (100.00/100%)\r\n')


@in_folder
def test_create_makes_what_they_make():
    need()
    for args in [['-f', 'raw', 'x', '1M'], ['-f', 'vhdx', 'x', '64M'],
                 ['-f', 'vpc', '-o', 'force_size=on', 'x', '64M']]:
        got = []
        for done in both('create', '-q', *args):
            equal((done.status, done.out), (0, ''))
            info = run('info', '-f', args[1], '--output=json', 'x', program=REAL)
            got.append({key: value for key, value in json.loads(info.out).items()
                        if key in ('format', 'virtual-size', 'filename')})
        equal(got[1], got[0])


@in_folder
def test_dd_copies_what_they_copy():
    need()
    for operands in [['bs=512', 'count=3'], ['bs=1M', 'skip=1'], ['bs=1k', 'skip=2', 'count=5'],
                     ['bs=3M'], ['bs=700', 'count=10']]:
        got = []
        for done in both('dd', '-f', 'raw', 'if=a.raw', 'of=x', *operands):
            equal(done.status, 0)
            # They pad to whole sectors.
            got.append(cli.read('x').rstrip(b'\0'))
        equal(got[1], got[0])


@in_folder
def test_failures_have_their_status():
    need()
    for args in [['info', 'no-such'], ['convert', 'no-such', 'x'], ['convert'], ['info'],
                 ['map', 'no-such'], ['frobnicate'], ['convert', '-Z'], ['create', '-f', 'raw', 'x'],
                 ['convert', '-S', '3', 'a.raw', 'x'], ['convert', '-t', 'foo', 'a.raw', 'x'],
                 ['convert', '--target-is-zero', 'a.raw', 'x'], ['convert', '-n', 'a.raw', 'gone'],
                 ['info', '--output=xml', 'a.raw'], ['dd', 'if=a.raw'],
                 ['convert', '-O', 'frob', 'a.raw', 'x']]:
        theirs, ours = both(*args)
        equal((args, ours.status), (args, theirs.status))
        assert ours.err.startswith('qemu-img: ') and ours.err.count('\n') == 1, ours.err


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
