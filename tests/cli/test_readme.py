#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs every recipe of the README as it stands there: `vconv` is the program under test,
`ssh` runs its command here, and `qmrestore` is the independent reader of archives."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import tap

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEMO = os.path.join(ROOT, 'examples', 'demo.vma.zst')
VZDUMP = 'vzdump-qemu-100-2026_01_31-03_00_00.vma.zst'
STUBS = {
    'vconv': f'exec {os.environ["VCONV"]} "$@"\n',
    'ssh': 'shift; exec sh -c "$*"\n',
    'qmrestore': f'exec {sys.executable} {ROOT}/tests/tools/vma_check.py --writer --qmrestore "$1"\n',
}


def recipes():
    """The commands of the README's indented blocks, continued lines joined."""
    with open(os.path.join(ROOT, 'README.md'), encoding='utf-8') as file:
        text = re.sub(r'\\\n\s*', '', file.read())
    for line in text.splitlines():
        # Three dots stand for what the user fills in.
        if re.match(r'    (?! ).*\bvconv ', line) and '...' not in line and './scripts' not in line:
            yield line.strip()


class Folder:
    """What the recipes find: images of every format with one content, and archives."""

    def __enter__(self):
        self.path = tempfile.mkdtemp()
        self.bin = os.path.join(self.path, 'bin')
        os.mkdir(self.bin)
        for name, text in STUBS.items():
            with open(os.path.join(self.bin, name), 'w') as file:
                file.write('#!/bin/sh\n' + text)
            os.chmod(file.name, 0o755)
        for name in ('backup.vma.zst', 'in.vma.zst', VZDUMP):
            shutil.copy(DEMO, os.path.join(self.path, name))
        self.sh(f'vconv vma-to-raw -q {DEMO} raw && mv raw/drive-scsi0.raw disk.raw && rm -r raw')
        for name, target in (('disk.vhd', 'vhd'), ('disk.vhdx', 'vhdx'), ('system.vhdx', 'vhdx'),
                             ('data.vhdx', 'vhdx'), ('snapshot.avhdx', 'vhdx')):
            self.sh(f'vconv convert -q -O {target} disk.raw {name}')
        return self

    def __exit__(self, *exception):
        shutil.rmtree(self.path)

    def sh(self, command):
        done = subprocess.run(['sh', '-c', command], cwd=self.path, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors='replace', timeout=250,
                              env=dict(os.environ, PATH=f'{self.bin}:{os.environ["PATH"]}'))
        assert done.returncode == 0, f'{command}: status {done.returncode}: {done.stdout}'

    def make_way(self, command):
        """Takes away the file that the command is to make, its last word."""
        target = os.path.join(self.path, command.split(' #')[0].split()[-1].strip("'"))
        if not re.search(r'vconv (?:info|compare|check|measure|map|roundtrip) ', command) and \
                os.path.isfile(target):
            os.unlink(target)


def as_test(command):
    def test():
        if not os.path.exists(DEMO):
            raise tap.Skip('no example')
        with Folder() as folder:
            folder.make_way(command)
            folder.sh(command)
    return re.sub(r'\s+#.*', '', command).replace('#', r'\#'), test


if __name__ == '__main__':
    sys.exit(tap.run(map(as_test, recipes())))
