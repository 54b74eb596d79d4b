#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images of many writers, opened by name: differencing chains with their parents beside
them, and archives from files and pipes, in every compression."""

import os
import subprocess
import sys
import tempfile

import tap
import unpack

TOOL = sys.argv[1]

CHAINS = [row for row in unpack.rows('vhd-vhdx/MANIFEST.tsv') if row['type'].endswith('-diff')]
BAD_CHAINS = [row for row in unpack.rows('vhd-vhdx-bad/BAD.tsv') if '-diff-' in row['file']]
EXPECT = 'expect (R=refuse A=accept W=accept+warn/offer repair)'

# Cannot be read, and why.
REFUSED = {
    'fat-differential.vhd': 'its parent is not in the corpus',
    'image-differential.vhd': 'the footer has a wrong checksum',
}
NO_PARENT = 7  # VC_ERROR_PARENT


class Image:
    """What hash-image printed."""

    def __init__(self, *arguments, stdin=None):
        run = subprocess.run([TOOL, *arguments], capture_output=True, stdin=stdin, check=False,
                             encoding='utf-8', errors='surrogateescape', timeout=120)
        assert run.returncode in (0, 1), f'{arguments}: {run.returncode} {run.stderr}'
        self.good = run.returncode == 0
        self.lines = [line.split(' ', 1) for line in run.stdout.splitlines()]

    def all(self, key):
        return [text for word, text in self.lines if word == key]

    def disks(self):
        return [disk.split(' ', 2) for disk in self.all('disk')]


def unpack_all(folder, names, rows):
    target = os.path.join(folder, names)
    if not os.path.exists(target):
        os.mkdir(target)
        for row in rows:
            unpack.unpack(unpack.corpus(names, row['file']), target)
    return target


def parents_and_children():
    everything = unpack.rows('vhd-vhdx/MANIFEST.tsv')
    wanted = {row['parent'] for row in CHAINS if row['parent']}
    return CHAINS + [row for row in everything
                     if unpack.plain_name(row['file']) in wanted and row not in CHAINS]


def test_chain(row, folder):
    name = unpack.plain_name(row['file'])
    folder = unpack_all(folder, 'vhd-vhdx', parents_and_children())
    image = Image('workers=2', os.path.join(folder, name))
    if name in REFUSED:
        assert not image.good, REFUSED[name]
        assert len(image.lines) == 1
        return
    assert image.good, image.lines
    assert [disk[:2] for disk in image.disks()] == [[row['virtual_size'], row['sha256_raw']]]
    assert image.all('parent')[0] == os.path.join(folder, row['parent'])


def test_bad_chain(row, folder):
    name = unpack.plain_name(row['file'])
    folder = unpack_all(folder, 'vhd-vhdx-bad', BAD_CHAINS)
    image = Image('chain', os.path.join(folder, name))
    if row[EXPECT] == 'R':
        assert not image.good, image.lines
        assert len(image.all('error')) == 1, image.lines
        return
    assert image.good, image.lines
    assert bool(image.all('parent')) == (not name.endswith(('-base.vhd', '-base.vhdx')))


def archive_disks(name):
    """Of the disks of the archive NAME, whatever it is compressed with."""
    plain = name.split('.')[0] + '.vma'
    return {(row['device'], row['size'], row['sha256_raw'])
            for row in unpack.rows('vma/MANIFEST.tsv') if row['archive'] == plain}


def require_disks(image, name, expected):
    assert image.good, image.lines
    found = {(disk, size, sha) for size, sha, disk in image.disks()}
    assert found == expected, f'{name}: {image.lines}'


def test_archive(name, folder):
    path = unpack.corpus('vma', name)
    expected = archive_disks(name)
    if not expected and 'conf' not in name:
        raise tap.Skip('the table does not have it')
    require_disks(Image('spool=' + folder, path), name, expected)
    require_disks(Image('ahead', 'workers=1', 'spool=' + folder, path), name, expected)
    with subprocess.Popen(['cat', path], stdout=subprocess.PIPE) as cat:
        require_disks(Image('ahead', 'spool=' + folder, '-', stdin=cat.stdout), name, expected)
    assert not [left for left in os.listdir(folder) if left.endswith('.vconv-tmp')]


def test_one_disk_of_an_archive_by_its_name(_folder):
    path = unpack.corpus('vma', 'multi3.vma.zst')
    for disk, size, sha in archive_disks('multi3.vma.zst'):
        image = Image('ahead', f'{path}#{disk}')
        require_disks(image, disk, {(disk, size, sha)})


def test_a_copied_child_finds_no_parent_and_says_where_it_belongs(folder):
    row = next((row for row in CHAINS if row['parent'] and 'own-vhd-diff.' in row['file']), None)
    if not row:
        raise tap.Skip('the corpus is not here')
    with tempfile.TemporaryDirectory(dir=folder) as alone:
        child = unpack.unpack(unpack.corpus('vhd-vhdx', row['file']), alone)
        image = Image(child)
        assert not image.good
        code, text = image.all('error')[0].split(' ', 1)
        assert int(code) == NO_PARENT
        assert text.startswith(child + ': ') and row['parent'] in text and alone in text


def archives():
    folder = os.path.join(unpack.CORPUS, 'vma')
    if not os.path.isdir(folder):
        return []
    return sorted(name for name in os.listdir(folder) if '.vma' in name)


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = [(f'{row["file"]} with its parents', lambda row=row: test_chain(row, folder))
                 for row in CHAINS]
        tests += [(f'{row["file"]}: {row["violates"]}', lambda row=row: test_bad_chain(row, folder))
                  for row in BAD_CHAINS]
        tests += [(f'{name} from a file and from a pipe', lambda name=name: test_archive(name, folder))
                  for name in archives()]
        tests += [(test.__name__[5:].replace('_', ' '), lambda test=test: test(folder))
                  for test in (test_one_disk_of_an_archive_by_its_name,
                               test_a_copied_child_finds_no_parent_and_says_where_it_belongs)]
        return tap.run((name.replace('#', ''), test) for name, test in tests)


if __name__ == '__main__':
    sys.exit(main())
