#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One image into another: files, pipes, existing targets, progress, notes."""

import json
import os
import re
import subprocess
import sys

import cli
from cli import equal, fails, in_folder, ok, pattern, read, run, write

SIZE = 1 << 20


@in_folder
def test_raw_goes_through_each_format_and_comes_back():
    write('a.raw', pattern(SIZE))
    for suffix in ['vhd', 'vhdx']:
        ok('convert', '-O', suffix, 'a.raw', f'b.{suffix}')
        ok('convert', '-O', 'raw', f'b.{suffix}', f'{suffix}.raw')
        equal(read(f'{suffix}.raw'), pattern(SIZE))


@in_folder
def test_without_a_format_the_name_of_the_target_decides():
    write('a.raw', pattern(SIZE))
    for name, format_ in [('b.vhd', 'vpc'), ('b.VHDX', 'vhdx'), ('b.img', 'raw')]:
        ok('convert', 'a.raw', name)
        equal(json.loads(ok('info', '--output=json', name).out)['format'], format_)
    for name, magic in [('c.vhd.GZ', b'\x1f\x8b'), ('c.VMA.ZST', b'\x28\xb5\x2f\xfd')]:
        ok('convert', 'a.raw', name)
        equal(read(name)[:len(magic)], magic)


@in_folder
def test_a_guess_of_raw_is_said_unless_quiet():
    write('a.raw', pattern(SIZE))
    equal(ok('convert', 'a.raw', 'b.raw').err, 'vconv: reading a.raw as raw\n')
    equal(ok('convert', '-q', 'a.raw', 'c.raw').err, '')
    equal(ok('convert', '-f', 'raw', 'a.raw', 'd.raw').err, '')
    equal(ok('info', 'a.raw').err, '')


@in_folder
def test_an_existing_target_is_refused_and_kept():
    write('a.raw', pattern(SIZE))
    write('b.raw', b'precious')
    fails('convert', '-f', 'raw', 'a.raw', 'b.raw', says='b.raw: exists already, --force')
    equal(read('b.raw'), b'precious')
    equal(cli.left(), ['a.raw', 'b.raw'])


@in_folder
def test_force_replaces_the_name_and_not_the_file():
    write('a.raw', pattern(SIZE))
    write('b.raw', b'precious')
    os.link('b.raw', 'other-name')
    ok('convert', '--force', '-q', 'a.raw', 'b.raw')
    equal(read('b.raw'), pattern(SIZE))
    equal(read('other-name'), b'precious')


@in_folder
def test_a_failed_conversion_with_force_keeps_what_was_there():
    write('bad.vhd', b'no image at all')
    write('b.raw', b'precious')
    fails('convert', '--force', '-f', 'vpc', 'bad.vhd', 'b.raw', says='bad.vhd: ')
    equal(read('b.raw'), b'precious')
    equal(cli.left(), ['b.raw', 'bad.vhd'])


@in_folder
def test_the_source_is_never_the_target():
    write('a.raw', pattern(SIZE))
    os.link('a.raw', 'b.raw')
    for options in [['--force'], ['-n']]:
        for name in ['a.raw', './a.raw', 'b.raw']:
            fails('convert', '-f', 'raw', *options, 'a.raw', name, says='source')
    equal(read('a.raw'), pattern(SIZE))


@in_folder
def test_in_place_writes_into_what_is_there():
    write('a.raw', pattern(SIZE))
    write('b.raw', b'\xff' * SIZE)
    os.link('b.raw', 'c.raw')
    ok('convert', '-q', '-n', '-O', 'raw', 'a.raw', 'b.raw')
    equal(read('c.raw'), pattern(SIZE))
    fails('convert', '-f', 'raw', '-n', 'a.raw', 'not-there', says='not-there')


@in_folder
def test_a_target_that_is_known_to_be_zero_gets_the_data():
    write('a.raw', pattern(SIZE))
    write('b.raw', bytes(SIZE))
    ok('convert', '-q', '-n', '--target-is-zero', 'a.raw', 'b.raw')
    equal(read('b.raw'), pattern(SIZE))


@in_folder
def test_standard_output_takes_every_format():
    write('a.raw', pattern(SIZE))
    for options in [['-O', 'raw'], ['-O', 'vhdx'], ['-O', 'vpc'],
                    ['-O', 'vpc', '-o', 'subformat=fixed'],
                    ['-O', 'vhdx', '-o', 'subformat=fixed']]:
        ok('convert', '-q', '--force', '--reproducible', *options, 'a.raw', 'file')
        done = ok('convert', '-q', '--reproducible', *options, 'a.raw', '-')
        assert done.raw_out == read('file'), options


@in_folder
def test_images_are_not_joined():
    write('a.raw', pattern(4096))
    fails('convert', 'a.raw', 'a.raw', 'b.raw', says='does not join images')


@in_folder
def test_a_directory_is_no_target():
    write('a.raw', pattern(4096))
    os.mkdir('d')
    fails('convert', 'a.raw', 'd', says='is a directory')


@in_folder
def test_what_is_not_there_is_said_once():
    fails('convert', 'no-such', 'b.raw', says='no-such: cannot open: No such file')
    fails('convert', '-f', 'raw', '/dev/null/x', 'b.raw', says='Not a directory')
    write('a.raw', pattern(4096))
    fails('convert', '-f', 'raw', 'a.raw', 'no-such/b.raw', says='no-such')
    equal(cli.left(), ['a.raw'])


@in_folder
def test_progress_is_that_of_qemu_img():
    write('a.raw', pattern(SIZE))
    done = ok('convert', '-p', 'a.raw', 'b.raw')
    assert re.fullmatch(r'(    \(\d+\.\d\d/100%\)\r)+\n', done.out), done.out
    assert done.out.startswith('    (0.00/100%)\r')
    assert done.out.endswith('    (100.00/100%)\r\n')
    equal(ok('convert', '-p', '-q', 'a.raw', 'c.raw').out, '')


@in_folder
def test_progress_keeps_clear_of_an_image_on_standard_output():
    write('a.raw', pattern(SIZE))
    done = ok('convert', '-p', '-f', 'raw', 'a.raw', '-')
    equal(done.raw_out, pattern(SIZE))
    assert '100.0 %' in done.err


@in_folder
def test_progress_for_programs_is_json_lines():
    write('a.raw', pattern(SIZE))
    done = ok('convert', '--progress=json', '-f', 'raw', 'a.raw', 'b.raw')
    lines = [json.loads(line) for line in done.err.splitlines()]
    last = lines[-1]
    assert last.pop('elapsed') >= 0
    equal(last, {'phase': 'done', 'bytes-done': SIZE, 'bytes-total': SIZE})
    equal(lines[-2]['phase'], 'copy')

    reader, writer = os.pipe()
    subprocess.run([cli.VCONV, 'convert', '-q', '--progress-fd', str(writer), 'a.raw', 'c.raw'],
                   pass_fds=[writer], check=True)
    os.close(writer)
    with os.fdopen(reader) as file:
        equal(json.loads(file.readlines()[-1])['phase'], 'done')


@in_folder
def test_progress_of_nothing_ends_at_a_hundred_too():
    write('a.raw', b'')
    assert ok('convert', '-p', '-q', 'a.raw', 'b.raw').out == ''
    assert ok('convert', '-p', 'a.raw', 'c.raw').out.endswith('    (100.00/100%)\r\n')


@in_folder
def test_sizes_are_rounded_up_where_that_is_wanted_and_said():
    write('a.raw', pattern(SIZE + 512))
    done = ok('convert', '-f', 'raw', '-O', 'vpc', '-o', 'subformat=fixed,creator=win',
              '--size-align', '1M', 'a.raw', 'b.vhd')
    equal(done.err, 'vconv: b.vhd: size 1049088 rounded up to 2097152\n')
    equal(os.path.getsize('b.vhd'), (2 << 20) + 512)
    equal(read('b.vhd')[:SIZE + 512], pattern(SIZE + 512))


@in_folder
def test_holes_are_left_unless_none_are_wanted():
    write('a.raw', bytes(SIZE))
    ok('convert', '-q', 'a.raw', 'holes.raw')
    equal(os.stat('holes.raw').st_blocks, 0)
    for option in ['--no-holes', '-S0']:
        ok('convert', '-q', '--force', option, 'a.raw', 'full.raw')
        assert os.stat('full.raw').st_blocks * 512 >= SIZE
    equal(os.path.getsize('holes.raw'), SIZE)


@in_folder
def test_reproducible_outputs_are_equal_and_others_are_not():
    write('a.raw', pattern(SIZE))
    for name in ['vpc', 'vhdx']:
        for number, options in enumerate([['--reproducible'], ['--reproducible', '-m0'], [], []]):
            ok('convert', '-q', '-O', name, *options, 'a.raw', f'{name}{number}')
        equal(read(f'{name}0'), read(f'{name}1'))
        assert read(f'{name}2') != read(f'{name}3')


@in_folder
def test_the_time_can_be_given():
    write('a.raw', pattern(4096))
    for options in [[], ['--reproducible']]:
        ok('convert', '-q', '--force', *options, 'a.raw', 'a.vhd',
           env={'SOURCE_DATE_EPOCH': '1700000000'})
        data = json.loads(ok('info', '--output=json', 'a.vhd').out)['format-specific']['data']
        equal(data['timestamp'], '2023-11-14T22:13:20Z')
    fails('convert', 'a.raw', 'b.vhd', env={'SOURCE_DATE_EPOCH': 'yesterday'},
          says='SOURCE_DATE_EPOCH')


@in_folder
def test_a_reader_who_goes_away_is_an_error():
    write('a.raw', pattern(8 << 20))
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([cli.VCONV, 'convert', '-q', 'a.raw', '-'], stdout=writer,
                          stderr=subprocess.PIPE)
    os.close(writer)
    equal(done.returncode, 1)
    assert b'Broken pipe' in done.stderr and done.stderr.count(b'\n') == 1, done.stderr


@in_folder
def test_single_images_go_to_a_file_or_into_a_directory():
    write('a.raw', pattern(4096))
    os.mkdir('d')
    ok('raw-to-vhd', '-q', 'a.raw', 'b.vhd')
    ok('raw-to-vhd', '-q', 'a.raw', 'd')
    ok('vhd-to-raw', '-q', 'd/a.vhd', 'd/')
    equal(read('d/a.raw'), pattern(4096))
    equal(sorted(os.listdir('d')), ['a.raw', 'a.vhd'])
    equal(ok('vhd-to-raw', 'b.vhd', '-').raw_out, pattern(4096))


@in_folder
def test_a_pair_insists_on_its_source_format():
    write('a.raw', pattern(4096))
    fails('vhd-to-raw', 'a.raw', 'b.raw', says='a.raw: ')
    fails('vma-to-raw', 'a.raw', 'd', says='a.raw: ')
    equal(cli.left(), ['a.raw'])


@in_folder
def test_as_qemu_img_outputs_are_replaced_and_nothing_is_said():
    tool = cli.link('qemu-img')
    write('a.raw', pattern(SIZE))
    write('b.vhd', b'old')
    equal(ok('convert', '-O', 'vpc', 'a.raw', 'b.vhd', program=tool).err, '')
    equal(ok('convert', 'b.vhd', 'c.vhdx', program=tool).err, '')
    equal(read('c.vhdx'), pattern(SIZE))
    fails('convert', 'no-such', 'd.raw', program=tool, prefix='qemu-img: ')


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
