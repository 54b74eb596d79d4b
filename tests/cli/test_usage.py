#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Options, help, and what is said to those who ask for what is not there."""

import os
import re
import subprocess
import sys

import cli
from cli import archive, equal, fails, in_folder, ok, pattern, run, write

COMMANDS = ['convert', 'info', 'check', 'compare', 'map', 'measure', 'create', 'dd', 'repack',
            'roundtrip']
VMA = ['list', 'config', 'extract', 'verify', 'create']


def test_version_is_one_line():
    assert re.fullmatch(r'vconv \d+\.\d+\.\d+\n', ok('--version').out)


def test_help_lists_every_command():
    text = ok('--help').out
    for name in COMMANDS + ['vma']:
        assert re.search(rf'^  {name} ', text, re.M), name


def test_help_lists_the_pairs_of_the_registry():
    text = ok('--help').out
    for pair in ['vma-to-vhdx', 'vma-to-raw', 'vma-to-vhd', 'vhd-to-vhdx', 'raw-to-vhd']:
        assert f'  {pair}\n' in text, pair
    assert 'raw-to-raw' not in text


def test_every_command_has_help():
    for name in COMMANDS + ['vma-to-vhdx', 'vhd-to-raw', 'raw-to-vhdx', 'vpc-to-vhdx']:
        for option in ['--help', '-h']:
            done = ok(name, option)
            assert done.out.startswith(f'Usage:\n  vconv {name} '), done.out
            assert '--help' in done.out and done.err == ''


def test_every_command_of_vma_has_help():
    text = ok('vma', '--help').out
    for name in VMA:
        assert f'  {name} ' in text
        assert ok('vma', name, '--help').out.startswith(f'Usage:\n  vconv vma {name} ')


def test_no_command_is_an_error():
    fails(says='--help')


def test_an_unknown_command_is_an_error():
    fails('frobnicate', says="there is no command 'frobnicate'")
    fails('raw-to-raw', says="there is no command 'raw-to-raw'")
    fails('vma-to-qcow2', says='there is no command')
    fails('vma', 'frobnicate', says="no command 'frobnicate'")
    fails('vma', says='wants a command')


def test_what_only_qemu_img_can_is_said_to_be_missing():
    for name in ['amend', 'bench', 'bitmap', 'commit', 'rebase', 'resize', 'snapshot']:
        fails(name, 'x', says=f'{name} is not supported by vconv')


def test_an_unknown_option_names_the_help():
    fails('convert', '--frobnicate', says="unknown option --frobnicate; see 'vconv convert --help'")
    fails('info', '-Z', 'x', says='unknown option -Z')
    fails('convert', '-O', says='-O')


def test_control_characters_of_the_user_are_shown_as_text():
    fails('info', 'no\x1b[31m\nsuch', says='no\\x1b[31m\\x0asuch')


def test_the_number_of_files_is_checked():
    fails('convert', 'a', says='a source and a target')
    fails('info', says='one image')
    fails('info', 'a', 'b', says='one image')
    fails('compare', 'a', status=2, says='two images')
    fails('vma-to-raw', 'a', says='an archive and a directory')
    fails('raw-to-vhd', 'a', 'b', 'c', says='a source and a target')
    fails('vma', 'list', says='one archive')


def test_values_are_checked_before_anything_is_opened():
    for options, says in [
            (['-S', '3'], 'multiple of 512'), (['-S', '17M'], 'multiple of 512'),
            (['-S', 'x'], 'is not a size'), (['-m', 'many'], 'is not a number'),
            (['-m', '65'], 'from 0 to 64'), (['-t', 'foo'], 'invalid cache option'),
            (['-T', 'foo'], 'invalid cache option'), (['-r', 'fast'], 'is not a size'),
            (['--size-align', '1x'], 'is not a size'), (['--reflink', 'perhaps'], 'always'),
            (['--progress=xml'], 'is not json'), (['--progress-fd', 'x'], 'is not a number'),
            (['--memory-limit', 'x'], 'is not a size'), (['-O', 'qcow2'], 'unknown format'),
            (['-f', 'qcow2'], 'unknown format'), (['--target-is-zero'], 'requires -n'),
            (['--compress', 'bz2'], 'bz2')]:
        fails('convert', *options, 'no-such-source', 'target', says=says)


def test_options_of_qemu_img_that_mean_what_vconv_does_not_are_refused():
    for options in [['-c'], ['--salvage'], ['-B', 'x'], ['-l', 'x'], ['--bitmaps'],
                    ['--object', 'x'], ['--target-image-opts']]:
        fails('convert', *options, 'a', 'b', says=options[0])


@in_folder
def test_standard_input_is_one_image_at_most():
    archive('a.vma', [('one', pattern(8192)), ('two', pattern(8192))])
    write('a.raw', pattern(8192))
    both, opts = ['-#one', '-#two'], ['driver=raw,file.filename=-', 'file.filename=-']
    for source, args, status in [
            ('a.raw', ['compare', '-', '-'], 2), ('a.vma', ['compare', *both], 2),
            ('a.raw', ['compare', '--image-opts', *opts], 2),
            ('a.raw', ['convert', '-O', 'vma', '-', '-', 'b'], 1),
            ('a.vma', ['convert', '-O', 'vma', *both, 'b'], 1),
            ('a.raw', ['raw-to-vma', '-', '--disk', 'scsi1=-', 'b'], 1),
            ('a.vma', ['vma', 'create', 'b', 'x=-#one', 'y=-#two'], 1),
            ('a.raw', ['vma', 'create', 'b', '-d', 'format=raw:x=-', '-d', 'format=raw:y=-'], 1)]:
        with open(source, 'rb') as file:
            fails(*args, stdin=file, status=status, says='standard input is one image already')
    equal(cli.left(), ['a.raw', 'a.vma'])


@in_folder
def test_a_pipe_is_one_image_at_most():
    os.mkfifo('fifo')
    os.symlink('fifo', 'link')
    for args, status in [
            (['compare', 'fifo', 'fifo'], 2), (['compare', 'fifo', 'link'], 2),
            (['compare', '-', '/dev/stdin'], 2), (['compare', '/dev/stdin', '-'], 2),
            (['raw-to-vma', 'fifo', '--disk', 'scsi1=./link', 'b'], 1),
            (['vma', 'create', 'b', '-d', 'format=raw:x=fifo', '-d', 'format=raw:y=link'], 1)]:
        with subprocess.Popen(['sh', '-c', 'head -c 8192 /dev/zero > fifo']) as writer:
            fails(*args, stdin=bytes(8192), status=status, says='is one image already')
            writer.kill()  # where standard input was the image
    equal(cli.left(), ['fifo', 'link'])


@in_folder
def test_options_stand_anywhere_and_letters_hold_their_values():
    write('a.raw', pattern(8192))
    ok('convert', '-fraw', 'a.raw', '-pqm4', 'b.vhd', '-Ovpc', '-osubformat=fixed', '-S0', '-W',
       '-T', 'none', '-twriteback', '-U', '-C')
    assert '"subformat" : "fixed"' in ok('info', '--output=json', 'b.vhd').out


@in_folder
def test_after_two_dashes_all_are_files():
    write('-a', pattern(4096))
    ok('convert', '-q', '--', '-a', '-b')
    equal(cli.read('-b'), pattern(4096))


@in_folder
def test_names_need_not_be_utf8():
    name = b'caf\xe9.raw'
    with open(name, 'wb') as file:
        file.write(pattern(4096))
    ok('convert', '-q', name.decode(errors='surrogateescape'), 'b.raw')
    equal(cli.read('b.raw'), pattern(4096))


def test_options_of_a_format_are_listed():
    for name in ['vpc', 'vhd', 'vhdx']:
        done = ok('convert', '-O', name, '-o', 'help')
        assert 'subformat=dynamic|fixed' in done.out
        assert 'size=SIZE' in done.out
    equal(ok('create', '-f', 'vhdx', '-o', '?').out,
          ok('raw-to-vhdx', '-o', 'help').out)


@in_folder
def test_an_unknown_option_of_a_format_is_refused():
    write('a.raw', pattern(4096))
    fails('convert', '-O', 'vpc', '-o', 'colour=red', 'a.raw', 'b.vhd', says="no option 'colour'")
    fails('convert', '-O', 'vpc', '-o', 'subformat=odd', 'a.raw', 'b.vhd', says='dynamic|fixed')
    equal(cli.left(), ['a.raw'])


def test_a_full_standard_output_is_an_error():
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([cli.VCONV, '--help'], stdout=full, stderr=subprocess.PIPE)
    equal(done.returncode, 1)
    equal(done.stderr, b'vconv: standard output: No space left on device\n')


@in_folder
def test_of_compare_a_full_standard_output_is_no_difference():
    write('a.raw', pattern(4096))
    with open('/dev/full', 'wb') as full:
        equal(subprocess.run([cli.VCONV, 'compare', 'a.raw', 'a.raw'], stdout=full).returncode, 4)


@in_folder
def test_a_size_is_given_once():
    write('a.raw', pattern(4096))
    fails('create', 'b.vhdx', '1G', '-o', 'size=2G', says='two sizes')
    fails('convert', '-O', 'vpc', '-o', 'subformat=fixed,size=20000256', '--size-align', '1M',
          'a.raw', 'b.vhd', says='--size-align')
    equal(cli.left(), ['a.raw'])


def test_as_qemu_img_only_its_commands_are_there():
    with cli.folder():
        tool = cli.link('qemu-img')
        assert 'qemu-img' in ok('--version', program=tool).out
        for name in ['vma', 'vma-to-raw', 'repack', 'roundtrip']:
            fails(name, program=tool, prefix='qemu-img: ', says='there is no command')
        assert run('convert', '--help', program=tool).out.startswith(
            'Usage:\n  qemu-img convert ')


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
