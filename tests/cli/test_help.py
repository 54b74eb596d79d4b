#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The man page and the completion know what the program knows."""

import os
import re
import shutil
import subprocess
import sys

import cli
import tap
from cli import equal, ok

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, 'docs', 'vconv.1.in')
COMPLETION = os.path.join(ROOT, 'completions', 'vconv.bash')


def commands():
    """All commands as words, those of vma too."""
    names = re.findall(r'^  ([a-z][a-z-]*)', ok('--help').out, re.M)
    vma = re.findall(r'^  ([a-z]+)', ok('vma', '--help').out, re.M)
    return [[name] for name in names if name != 'vma'] + [['vma', name] for name in vma]


def options(command):
    return re.findall(r'^  (?:-., )?(--[a-z0-9-]+)', ok(*command, '--help').out, re.M)


def page():
    with open(PAGE) as file:
        return file.read()


def test_the_page_names_every_command():
    text = page()
    for command in commands():
        assert re.search(rf'Cm [^\n]*\b{" ".join(command)}\b', text), command


def test_the_page_names_every_option():
    text = page()
    for command in commands():
        for option in options(command):
            assert re.search(rf'Fl (?:. , )?{option[1:]}\b', text), (command, option)


def test_the_page_names_no_option_that_is_not_there():
    known = {option for command in commands() for option in options(command)} | {'--version'}
    for name in re.findall(r'Fl (?:. , )?(-[a-z0-9][a-z0-9-]+)', page()):
        assert f'-{name}' in known, name


def test_the_page_can_be_read():
    if not shutil.which('groff'):
        raise tap.Skip('no groff')
    done = subprocess.run(['groff', '-mandoc', '-ww', '-Tutf8', PAGE], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    equal((done.returncode, done.stderr), (0, ''))
    assert 'vma-to-vhdx' in re.sub('\x1b\\[[0-9;]*m|.\x08', '', done.stdout).replace('‐', '-')


def complete(*words):
    """What bash offers for the last of WORDS."""
    if not shutil.which('bash'):
        raise tap.Skip('no bash')
    script = '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vconv; ' \
             'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(['bash', '-c', script, 'bash', COMPLETION, cli.VCONV, *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    equal(done.stderr, '')
    return sorted(done.stdout.split())


def test_commands_are_completed():
    equal(complete('comp'), ['compare'])
    equal(complete('vma-to-'), ['vma-to-raw', 'vma-to-vhd', 'vma-to-vhdx'])
    equal(complete('vma', 'ex'), ['extract'])
    assert set(complete('')) >= {name[0] for name in commands()}


def test_options_are_completed():
    equal(complete('convert', '--repr'), ['--reproducible'])
    equal(complete('vma', 'extract', '--dr'), ['--drives'])
    assert set(complete('info', '--')) == set(options(['info']))


def test_values_are_completed():
    equal(complete('convert', '-O', 'vh'), ['vhd', 'vhdx'])
    equal(complete('convert', '-f', ''), ['raw', 'vhd', 'vhdx', 'vma'])
    equal(complete('info', '--output', 'j'), ['json'])
    equal(complete('info', 'some-file'), [])


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
