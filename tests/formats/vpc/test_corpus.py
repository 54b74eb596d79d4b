#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""VHD files of many writers, and damaged ones: sizes and contents as an independent reader
found them, and the verdict that each malformed file deserves."""

import os
import sys
import tempfile

import tap
import unpack
import vhd

GOOD = [row for row in unpack.rows('vhd-vhdx/MANIFEST.tsv') if row['type'].startswith('vhd-')]
BAD = [row for row in unpack.rows('vhd-vhdx-bad/BAD.tsv') if row['file'].startswith(('v-', 'notavhd'))]

# Cannot be read, and why.
REFUSED = {
    'image.vhd': 'both footers have wrong checksums',
    'image-differential.vhd': 'the footer has a wrong checksum',
    'fat-differential.vhd': 'the parent is not in the corpus',
}
# QEMU reads sectors whose bit is clear, and sizes differently.
OTHER_CONTENT = ['v-bitmap-', 'v-footer-differ-size', 'v-geometry-larger-vpc', 'v-diff-']


def find(name):
    for row in GOOD:
        if unpack.plain_name(row['file']) == name:
            return row
    raise AssertionError(name)


def chain(row, folder):
    paths = [unpack.unpack(unpack.corpus('vhd-vhdx', row['file']), folder)]
    return paths + chain(find(row['parent']), folder) if row['parent'] else paths


def test_good(row, folder):
    name = unpack.plain_name(row['file'])
    paths = chain(row, folder)
    answer = vhd.read(*paths, ranges=row['ranges'])
    if name in REFUSED:
        assert not answer.good, REFUSED[name]
        return
    assert vhd.probe(paths[0]) == 'vpc'
    assert answer.one('size') == row['virtual_size']
    assert answer.one('sha256') == row['sha256_raw']
    assert not answer.all('error')
    assert not vhd.check(paths[0]).all('corrupt')
    assert not vhd.check(paths[0]).all('leak')


def parents_of(name, folder):
    if not name.startswith('v-diff-') or name == 'v-diff-base.vhd':
        return []
    parent = 'v-diff-self.vhd' if name == 'v-diff-self.vhd' else 'v-diff-base.vhd'
    return [unpack.unpack(unpack.corpus('vhd-vhdx-bad', parent + '.xz'), folder)]


def test_bad(row, folder):
    verdict = row['expect (R=refuse A=accept W=accept+warn/offer repair)']
    name = unpack.plain_name(row['file'])
    path = unpack.unpack(unpack.corpus('vhd-vhdx-bad', row['file']), folder)
    answer = vhd.read(path, *parents_of(name, folder))
    found = vhd.check(path)
    if name == 'v-diff-locator-unc.vhd':
        # Nobody is going to find this parent: there is no path to try.
        assert answer.all('warning') and not answer.all('parent')
        return
    if verdict == 'R':
        assert not answer.good
        assert len(answer.all('error')) == 1
        assert name.startswith('v-diff-') or found.all('corrupt')
        return
    assert answer.good, answer.lines
    assert bool(answer.all('warning')) == (verdict == 'W'), answer.lines
    assert verdict != 'A' or not found.all('corrupt') + found.all('warning')
    qemu = row['qemu-img convert (sha of first 40 MiB)']
    if qemu != '-' and not any(name.startswith(other) for other in OTHER_CONTENT):
        assert answer.one('sha256').startswith(qemu)


def test_sectors_marked_as_never_written_can_be_read_as_they_are(folder):
    for name in 'v-bitmap-zero-dynamic.vhd', 'v-bitmap-half-dynamic.vhd':
        path = unpack.unpack(unpack.corpus('vhd-vhdx-bad', name + '.xz'), folder)
        answer = vhd.read(path, options='ignore_bitmaps')
        assert answer.one('sha256').startswith('cf8d956690')
        assert not answer.all('warning')


def test_the_size_by_geometry_is_that_of_virtual_pc(folder):
    path = unpack.unpack(unpack.corpus('vhd-vhdx', 'qemu/virtualpc-dynamic.vhd.bz2'), folder)
    assert vhd.read(path, options='size_rule=chs', ranges='0+1').one('size') == '136363130880'
    answer = vhd.read(path, options='force_size_calc=chs', ranges='0+1')
    assert answer.one('size') == '136363130880'


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = [(f'{row["file"]}: {row["notes"]}', lambda row=row: test_good(row, folder))
                 for row in GOOD]
        tests += [(f'{row["file"]}: {row["violates"]}', lambda row=row: test_bad(row, folder))
                  for row in BAD]
        tests += [(test.__name__[5:].replace('_', ' '), lambda test=test: test(folder))
                  for test in (test_sectors_marked_as_never_written_can_be_read_as_they_are,
                               test_the_size_by_geometry_is_that_of_virtual_pc)]
        return tap.run((name.replace('#', ''), test) for name, test in tests)


if __name__ == '__main__':
    sys.exit(main())
