#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what tests did: tally.py STEPS BUILD...

STEPS is a file of lines "ok NAME" and "not ok NAME". Each BUILD is a directory in which
`meson test` ran; every case of a TAP test counts, any other test counts as one. The
failures are named, then the last line is "N passed, N failed[, N skipped]". The exit status
is 0 when nothing failed and something passed.
"""

import glob
import json
import os
import re
import sys

# ok, number, description, directive; diagnostics and plans are other lines.
# A description may hold an escaped "\\#".
CASE = re.compile(r'(not )?ok\b\s*(\d+)?\s*-?\s*((?:\\.|[^#\\])*)'
                  r'(?:#\s*(skip|todo)\S*\s*(.*))?$', re.I)
PLAN = re.compile(r'1\.\.(\d+)\s*(?:#\s*skip\S*\s*(.*))?$', re.I)


class Count:
    def __init__(self):
        self.passed = self.skipped = 0
        self.failures = []

    def tap(self, name, test):
        """Counts the cases of a TAP test; what is not a whole and successful run of all of
        the plan counts as one more failure."""
        passed = failed = skipped = 0
        plan = None
        for line in (test.get('stdout') or '').splitlines():
            case, planned = CASE.match(line), PLAN.match(line)
            if case:
                directive = (case[4] or '').lower()
                if directive == 'skip':
                    skipped += 1
                elif case[1] and directive != 'todo':
                    failed += 1
                    self.failures.append(f'{name}: {case[3].strip()}')
                else:
                    passed += 1
            elif planned:
                plan = int(planned[1])
                if plan == 0:
                    skipped += 1
        seen = passed + failed + skipped
        self.passed += passed
        self.skipped += skipped
        if test['result'] == 'SKIP' and seen == 0:
            self.skipped += 1
        elif plan is None or (plan and plan != seen):
            self.failures.append(f'{name}: ended after {seen} of '
                                 f'{"?" if plan is None else plan} cases ({test["result"]})')
        elif failed == 0 and test['result'] not in ('OK', 'SKIP'):
            self.failures.append(f'{name}: {test["result"]}')

    def plain(self, name, test):
        if test['result'] in ('OK', 'EXPECTEDFAIL'):
            self.passed += 1
        elif test['result'] == 'SKIP':
            self.skipped += 1
        else:
            self.failures.append(f'{name}: {test["result"]}')

    def build(self, directory):
        label = os.path.basename(directory.rstrip('/'))
        try:
            with open(os.path.join(directory, 'meson-info', 'intro-tests.json')) as file:
                protocols = {t['name']: t['protocol'] for t in json.load(file)}
            # "testlog-WRAPPER.json" where the tests ran under one.
            logs = glob.glob(os.path.join(glob.escape(directory), 'meson-logs', 'testlog*.json'))
            if len(logs) != 1:
                raise OSError(f'{len(logs)} logs')
            with open(logs[0]) as file:
                tests = [json.loads(line) for line in file]
        except (OSError, ValueError) as error:
            self.failures.append(f'{label}: was not built, or its tests did not run ({error})')
            return
        for test in tests:
            # "project:suite / name"
            short = test['name'].split(' / ', 1)[-1]
            count = self.tap if protocols.get(short) == 'tap' else self.plain
            count(f'{label}: {short}', test)

    def steps(self, path):
        with open(path) as file:
            for line in file:
                if line.startswith('ok '):
                    self.passed += 1
                else:
                    self.failures.append(line.removeprefix('not ok ').strip())


def main():
    count = Count()
    count.steps(sys.argv[1])
    for directory in sys.argv[2:]:
        count.build(directory)
    for failure in count.failures:
        print(f'FAILED {failure}')
    skipped = f', {count.skipped} skipped' if count.skipped else ''
    print(f'{count.passed} passed, {len(count.failures)} failed{skipped}')
    return 1 if count.failures or count.passed == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
