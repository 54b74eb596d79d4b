#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of the count that scripts/test ends with: nothing that went wrong may look whole."""

import json
import os
import subprocess
import sys
import tempfile

import tap

TALLY = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'tally.py')


def tally(tests, steps='', built=True, log='testlog.json'):
    """The last line and the status for TESTS, of (protocol, result, output)."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'steps')
        with open(path, 'w') as file:
            file.write(steps)
        build = os.path.join(folder, 'build')
        os.makedirs(os.path.join(build, 'meson-info'))
        os.makedirs(os.path.join(build, 'meson-logs'))
        with open(os.path.join(build, 'meson-info', 'intro-tests.json'), 'w') as file:
            json.dump([{'name': f't{i}', 'protocol': t[0]} for i, t in enumerate(tests)], file)
        if built:
            with open(os.path.join(build, 'meson-logs', log), 'w') as file:
                for i, (_, result, output) in enumerate(tests):
                    file.write(json.dumps({'name': f'vconv:unit / t{i}', 'stdout': output,
                                           'result': result}) + '\n')
        done = subprocess.run([sys.executable, TALLY, path, build], text=True,
                              stdout=subprocess.PIPE)
    return done.stdout.splitlines()[-1], done.returncode


def expect(line, status, tests, **more):
    got = tally(tests, **more)
    assert got == (line, status), got


def test_every_case_counts():
    expect('3 passed, 0 failed, 1 skipped', 0,
           [('tap', 'OK', '1..3\nok 1 - a\n# note\nok 2 - b # SKIP none here\nok 3\n'),
            ('exitcode', 'OK', 'ok 1 - no TAP\n')])


def test_a_run_under_a_wrapper_counts():
    expect('1 passed, 0 failed', 0, [('tap', 'OK', '1..1\nok 1\n')], log='testlog-valgrind.json')


def test_a_case_with_an_escaped_hash_in_its_name_counts():
    expect('1 passed, 0 failed, 1 skipped', 0,
           [('tap', 'OK', '1..2\nok 1 - a\\#b\nok 2 - c\\#d # skip e\n')])


def test_a_failed_case_counts_once():
    expect('1 passed, 1 failed', 1, [('tap', 'FAIL', 'ok 1 - a\nnot ok 2 - b: c\n1..2\n')])


def test_a_crash_after_good_cases_is_a_failure():
    expect('2 passed, 1 failed', 1, [('tap', 'ERROR', 'ok 1 - a\nok 2 - b\n# c\n')])


def test_missing_cases_are_a_failure():
    expect('1 passed, 1 failed', 1, [('tap', 'ERROR', '1..5\nok 1 - a\n')])


def test_a_bad_exit_status_with_all_cases_good_is_a_failure():
    expect('1 passed, 1 failed', 1, [('tap', 'ERROR', '1..1\nok 1 - a\n')])


def test_a_whole_program_skipped_counts_as_skipped():
    expect('1 passed, 0 failed, 2 skipped', 0,
           [('tap', 'SKIP', '1..0 # SKIP no corpus\n'), ('exitcode', 'SKIP', ''),
            ('exitcode', 'OK', '')])


def test_a_timeout_is_a_failure():
    expect('0 passed, 2 failed', 1, [('exitcode', 'TIMEOUT', ''), ('tap', 'TIMEOUT', '')])


def test_a_build_that_failed_is_a_failure():
    expect('0 passed, 1 failed', 1, [('tap', 'OK', '1..1\nok 1\n')], built=False)


def test_nothing_run_is_not_success():
    expect('0 passed, 0 failed', 1, [])


def test_steps_count():
    expect('1 passed, 1 failed', 1, [], steps='ok cppcheck\nnot ok coverage\n')


if __name__ == '__main__':
    sys.exit(tap.run(tap.sentences(globals())))
