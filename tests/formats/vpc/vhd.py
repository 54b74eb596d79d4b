# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test program vhdtool, from Python."""

import os
import subprocess

TOOL = os.environ['VHDTOOL']


class Answer:
    """What vhdtool printed: lines of a keyword and a text."""

    def __init__(self, *arguments):
        run = subprocess.run([TOOL, *arguments], capture_output=True, check=False, text=True)
        assert run.returncode in (0, 1), f'{arguments}: {run.returncode} {run.stderr}'
        self.good = run.returncode == 0
        self.lines = [line.split(' ', 1) for line in run.stdout.splitlines()]

    def all(self, key):
        return [text for word, text in self.lines if word == key]

    def one(self, key):
        found = self.all(key)
        assert len(found) == 1, f'{key}: {self.lines}'
        return found[0]


def read(path, *parents, options='', ranges=''):
    return Answer('read', options, ranges, path, *parents)


def write(raw, path, options=''):
    answer = Answer('write', options, raw, path)
    assert answer.good, answer.lines
    return answer


def check(path):
    return Answer('check', path)


def probe(path):
    return Answer('probe', path).lines[0][0]
