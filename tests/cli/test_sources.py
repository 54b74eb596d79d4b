#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a source is taken for: formats, disks of archives, parents, pipes, compressed files."""

import gzip
import json
import os
import struct
import subprocess
import sys

import cli
from cli import archive, equal, fails, in_folder, ok, pattern, read, run, write

SIZE = 1 << 20


@in_folder
def test_standard_input_is_read_as_raw():
    equal(ok('convert', '-', '-', stdin=pattern(SIZE)).raw_out, pattern(SIZE))
    ok('convert', '-q', '-f', 'raw', '-O', 'vpc', '-o', 'subformat=fixed', '-', 'counted.vhd',
       stdin=pattern(SIZE))
    ok('convert', '-q', '--size', '1M', '-O', 'vhdx', '-', 'said.vhdx', stdin=pattern(SIZE))
    for name in ['counted.vhd', 'said.vhdx']:
        ok('convert', '-O', 'raw', name, 'b.raw', '--force')
        equal(read('b.raw'), pattern(SIZE))


@in_folder
def test_standard_input_that_is_not_as_long_as_said_is_an_error():
    for size, says in [('512k', 'beyond the size'), ('2M', '')]:
        fails('convert', '-f', 'raw', '--size', size, '-', 'b.vhdx', stdin=pattern(SIZE), says=says)
        equal(cli.left(), [])


@in_folder
def test_a_file_on_standard_input_is_as_good_as_its_name():
    write('a.raw', pattern(SIZE))
    ok('convert', '-q', 'a.raw', 'a.vhd')
    with open('a.vhd', 'rb') as file:
        ok('convert', '-O', 'raw', '-', 'b.raw', stdin=file)
    equal(read('b.raw'), pattern(SIZE))


@in_folder
def test_a_format_with_tables_cannot_come_from_a_pipe():
    write('a.raw', pattern(SIZE))
    ok('convert', '-q', 'a.raw', 'a.vhdx')
    fails('convert', '-O', 'raw', '-', 'b.raw', stdin=read('a.vhdx'), says='--spool')
    ok('convert', '-O', 'raw', '--spool', '.', '-', 'b.raw', stdin=read('a.vhdx'))
    equal(read('b.raw'), pattern(SIZE))
    equal(cli.left(), ['a.raw', 'a.vhdx', 'b.raw'])


@in_folder
def test_a_fixed_vhd_in_a_stream_is_not_taken_for_a_longer_disk():
    write('a.raw', pattern(SIZE))
    ok('convert', '-q', '-O', 'vpc', '-o', 'subformat=fixed', 'a.raw', 'a.vhd')
    write('a.vhd.gz', gzip.compress(read('a.vhd')))
    size = ['--size', str(SIZE + 512)]
    for options in [['-O', 'raw'], ['-O', 'vpc', '-o', 'subformat=fixed'],
                    [*size, '-O', 'raw'], [*size, '-O', 'vhdx']]:
        fails('convert', '-q', *options, 'a.vhd.gz', 'b', says='a.vhd.gz: the stream turns out')
        fails('convert', '-q', *options, '-', 'b', stdin=read('a.vhd'), says='--spool')
    equal(cli.left(), ['a.raw', 'a.vhd', 'a.vhd.gz'])
    ok('convert', '-q', '--spool', '.', 'a.vhd.gz', 'b.raw')
    equal(read('b.raw'), pattern(SIZE))
    ok('convert', '-f', 'raw', '--force', 'a.vhd.gz', 'b.raw')
    equal(read('b.raw'), read('a.vhd'))


@in_folder
def test_a_disk_of_an_archive_is_named_behind_a_hash():
    archive('a.vma', [('drive-scsi0', pattern(SIZE)), ('drive-scsi1', pattern(8192, 3))])
    ok('convert', '-O', 'raw', 'a.vma#drive-scsi1', 'one.raw')
    ok('convert', '-O', 'raw', '--disk', 'drive-scsi0', 'a.vma', 'zero.raw')
    equal(read('one.raw'), pattern(8192, 3))
    equal(read('zero.raw'), pattern(SIZE))
    for name in ['a.vma', 'a.vma#drive-scsi7']:
        fails('convert', '-O', 'raw', name, 'c.raw', says='drive-scsi1')
    fails('convert', '-O', 'raw', '--disk', 'drive-scsi0', '--disk', 'drive-scsi1', 'a.vma', 'c',
          says='vma-to-raw')
    equal(cli.left(), ['a.vma', 'one.raw', 'zero.raw'])


@in_folder
def test_a_file_of_the_name_of_archive_and_disk_is_not_taken_for_the_disk():
    archive('a.vma', [('drive-scsi0', pattern(SIZE)), ('drive-scsi1', pattern(8192, 3))])
    write('a.vma#drive-scsi0', b'planted' * 1024)
    ok('convert', '-O', 'raw', '--disk', 'drive-scsi0', 'a.vma', 'b.raw')
    equal(read('b.raw'), pattern(SIZE))
    ok('convert', '--force', '--image-opts', '-O', 'raw', '--disk', 'drive-scsi0',
       'driver=vma,file.filename=a.vma', 'b.raw')
    equal(read('b.raw'), pattern(SIZE))
    fails('convert', '-O', 'raw', '--disk', 'drive-scsi2', 'a.vma', 'c.raw',
          says="a.vma: no disk is called 'drive-scsi2'")


@in_folder
def test_a_name_that_two_disks_have_names_none_of_them():
    archive('a.vma', [('one', pattern(SIZE)), ('one', pattern(SIZE, 3)), ('b', pattern(4096))])
    for source in [['a.vma#one'], ['--disk', 'one', 'a.vma']]:
        fails('convert', '-O', 'raw', *source, 'c.raw',
              says="a.vma: 2 disks are called 'one', which says of none that it is meant; "
                   'vma-to-raw of the whole archive writes each of them')
    fails('map', 'a.vma#one', says='2 disks')
    ok('convert', '-O', 'raw', 'a.vma#b', 'b.raw')
    equal(cli.left(), ['a.vma', 'b.raw'])
    ok('vma-to-raw', '--disk', 'one', 'a.vma', 'out')
    equal([read('out/one.raw'), read('out/one-2.raw')], [pattern(SIZE), pattern(SIZE, 3)])


@in_folder
def test_a_guest_does_not_decide_the_format_of_its_disk():
    write('a.raw', pattern(4096))
    ok('convert', '-q', '-O', 'vpc', '-o', 'subformat=fixed', 'a.raw', 'a.vhd')
    disk = pattern(4 * SIZE)[:-512] + read('a.vhd')[-512:]
    write('guest.raw', disk)
    ok('convert', '-f', 'raw', '-o', 'subformat=fixed,block_size=1M', 'guest.raw', 'b.vhdx')
    ok('convert', '-f', 'raw', '-o', 'block_size=1M', 'guest.raw', 'c.vhdx')
    for name in ['b.vhdx', 'c.vhdx']:
        equal(read(name)[-512:], disk[-512:])
        for command in ['info', 'check', 'map']:
            fails(command, name, says=f'{name}: looks like a vpc image and like a vhdx image; -f')
        fails('convert', name, 'd.raw', says='-f FORMAT')
        ok('convert', '-f', 'vhdx', name, 'd.raw')
        ok('vhdx-to-raw', '--force', name, 'd.raw')
        equal(read('d.raw'), disk)
        os.unlink('d.raw')

    write('guest.raw', b'vhdxfile' + disk[8:])
    ok('convert', '-f', 'raw', '-o', 'subformat=fixed', 'guest.raw', 'b.vhd')
    fails('info', 'b.vhd', says='-f FORMAT')
    ok('convert', '-f', 'vpc', 'b.vhd', 'd.raw')
    equal(read('d.raw'), b'vhdxfile' + disk[8:])


def child(name, parent, identity=bytes(16)):
    """An empty differencing VHD of 1 MiB that names PARENT, without IDENTITY by no id."""
    def seal(raw, at):
        raw[at:at + 4] = bytes(4)
        raw[at:at + 4] = struct.pack('>I', ~sum(raw) & 0xffffffff)

    ok('create', '-q', '--force', '-f', 'vpc', name, '1M')
    raw = bytearray(read(name))
    footer, header = raw[:512], raw[512:1536]
    footer[60:64] = struct.pack('>I', 4)
    header[40:56] = identity
    header[64:64 + 2 * len(parent)] = parent.encode('utf-16-be')
    seal(footer, 64)
    seal(header, 36)
    write(name, bytes(footer + header + raw[1536:-512] + footer))


@in_folder
def test_a_parent_without_an_id_is_taken_only_when_told():
    write('neighbour', pattern(SIZE))
    archive('a.vma', [('d', pattern(SIZE, 3))])
    for name in ['neighbour', 'a.vma']:
        child(f'{name}.vhd', name)
        for command in [['convert', f'{name}.vhd', 'b.raw'], ['map', f'{name}.vhd'],
                        ['info', '--backing-chain', f'{name}.vhd']]:
            fails(*command, says=f'{name}.vhd: it has no id of its parent')
        fails('vhd-to-raw', f'{name}.vhd', 'b.raw', says=f'{name}; --chain')
        assert not os.path.exists('b.raw')
        done = ok('convert', '--chain', f'{name}.vhd', 'b.raw')
        assert 'cannot be verified' in done.err
        equal(read('b.raw'), read(name)[:SIZE].ljust(SIZE, b'\0'))
        os.unlink('b.raw')
        ok('info', f'{name}.vhd')


def told(*args):
    """What is told of each image of a chain, without a warning for people."""
    ok('info', '--backing-chain', '--chain', *args)
    chain = json.loads(ok('info', '--backing-chain', '--output=json', '--chain', *args).out)
    return [(one['filename'], one['format'], one.get('compression')) for one in chain]


@in_folder
def test_info_tells_of_parents_what_they_are_read_as():
    # Without an id it is raw, whatever it is called or looks like.
    archive('a.vma', [('d', pattern(SIZE))])
    write('base.gz', gzip.compress(pattern(SIZE)))
    write('-', pattern(SIZE))
    for name in ['a.vma', 'base.gz', '-']:
        child('child.vhd', name)
        for given in [['child.vhd'], ['-f', 'vpc', 'child.vhd'],
                      ['--image-opts', 'driver=vpc,file.filename=child.vhd,size_rule=current_size']]:
            equal(told(*given), [('child.vhd', 'vpc', None), (name, 'raw', None)])
        done = ok('info', '--backing-chain', '--chain', 'child.vhd')
        equal([line.split(': ')[3] for line in done.err.splitlines()],
              ["there is no parent locator, only the parent's name",
               'the parent is a raw file, which cannot be verified'])
    # With an id it has the format of its child, though a guest made it look like two.
    write('guest.raw', (b'\x1f\x8b\x08\0' + pattern(1 << 20))[:1 << 20])
    ok('convert', '-q', '-f', 'raw', '-o', 'subformat=fixed', 'guest.raw', 'parent.vhd')
    fails('info', 'parent.vhd', says='-f FORMAT')
    child('child.vhd', 'parent.vhd', read('parent.vhd')[-512:][68:84])
    for given in [['child.vhd'], ['-f', 'vpc', 'child.vhd']]:
        equal(told(*given), [('child.vhd', 'vpc', None), ('parent.vhd', 'vpc', None)])


@in_folder
def test_image_opts_name_format_and_file():
    write('a.raw', pattern(4096))
    ok('convert', '-q', 'a.raw', 'a.vhd')
    ok('convert', '--image-opts', '-O', 'raw',
       'driver=vpc,file.driver=file,file.filename=a.vhd', 'b.raw')
    equal(read('b.raw'), pattern(4096))
    fails('convert', '--image-opts', 'driver=nbd,host=example', 'c.raw', says='host')
    fails('convert', '--image-opts', 'driver=vpc,file.filename=a.vhd,depth=3', 'c.raw',
          says="no option 'depth' here; it has size_rule, force_size_calc, ignore_bitmaps")
    fails('convert', '--image-opts', 'driver=vhdx,file.filename=a.vhd,depth=3', 'c.raw',
          says="no option 'depth' here; it has none")
    fails('convert', '--image-opts', 'driver=raw', 'c.raw', says='names no local file')
    for opts in ['driver=vpc,file.filename=a.vhd', 'file.filename=a.vhd']:
        done = json.loads(ok('check', '--output=json', '--image-opts', opts).out)
        equal((done['filename'], done['format']), ('a.vhd', 'vpc'))
    fails('check', '--image-opts', 'driver=raw,file.filename=a.vhd', status=63,
          says='a.vhd: raw images')
    fails('check', '--image-opts', 'driver=vpc,file.filename=a.vhd,size_rule=chs',
          says="option 'size_rule' means nothing here")
    archive('a.vma', [('d', pattern(4096))])
    for opts in ['driver=vma,file.filename=a.vma', 'file.filename=a.vma']:
        ok('vma', 'verify', '--image-opts', opts)
    said = ok('vma', 'verify', '-v', '--image-opts', 'file.filename=a.vma').out
    equal(said, 'a.vma: complete and sound\n')
    # Who says two things is asked which one.
    for command in [['vma', 'verify'], ['vma', 'list'], ['check', '-f', 'vma'], ['info', '-f', 'vma']]:
        fails(*command, '--image-opts', 'driver=vpc,file.filename=a.vma',
              says='a.vma is to be read as vma, not as vpc')
    fails('vhd-to-raw', '--image-opts', 'driver=raw,file.filename=a.vhd', 'c.raw',
          says='to be read as vpc, not as raw')
    for command in ['info', 'check']:
        done = run(command, '--output=json', '--image-opts', 'driver=vma,file.filename=nothing')
        equal(json.loads(done.err)['error'].get('file'), 'nothing')


@in_folder
def test_the_remedies_that_messages_name_can_be_typed():
    data = pattern(4 << 20)
    write('a.raw', data)
    ok('convert', '-q', 'a.raw', 'a,b.vhd')
    bitmap = int.from_bytes(read('a,b.vhd')[1536:1540], 'big') * 512
    cli.poke('a,b.vhd', bitmap, bytes(512))  # of block 0
    said = ok('convert', '-q', '-O', 'raw', 'a,b.vhd', 'b.raw', '--force').err
    equal(said, '')
    said = ok('convert', '-O', 'raw', 'a,b.vhd', 'b.raw', '--force').err
    found = cli.run('check', 'a,b.vhd').out
    for text in said, found:
        assert '--image-opts driver=vpc,file.filename=FILE,ignore_bitmaps=on' in text, text
    equal(read('b.raw'), bytes(2 << 20) + data[2 << 20:])
    done = ok('convert', '-O', 'raw', '--image-opts',
              'driver=vpc,file.filename=a,,b.vhd,ignore_bitmaps=on', 'c.raw')
    equal(done.err, '')
    equal(read('c.raw'), data)


@in_folder
def test_data_that_bitmaps_hide_is_lost_with_a_warning_wherever_it_lies():
    data = pattern(24 << 20)
    write('a.raw', data)
    ok('convert', '-q', 'a.raw', 'a.vhd')
    table = read('a.vhd')[1536:1536 + 4 * 12]
    for block in 9, 11:
        cli.poke('a.vhd', int.from_bytes(table[4 * block:4 * block + 4], 'big') * 512, bytes(512))
        data = data[:block << 21] + bytes(2 << 20) + data[(block + 1) << 21:]
    words = 'warning: a.vhd: data in 2 blocks (the first is block 9) lies in sectors that'
    for args in (['convert', '-O', 'raw', 'a.vhd', 'b.raw'], ['measure', '-O', 'vhdx', 'a.vhd'],
                 ['map', 'a.vhd'], ['compare', '-m4', 'a.vhd', 'b.raw']):
        said = ok(*args).err
        equal(said.count(words), 1)
    equal(read('b.raw'), data)


@in_folder
def test_a_vhd_of_which_the_end_was_not_downloaded_is_refused():
    write('a.raw', pattern(8 << 20))
    ok('convert', '-q', 'a.raw', 'a.vhd')
    end = os.path.getsize('a.vhd')
    lost = (2 << 20) + 8192  # the last block, its bitmap and the footer
    cli.poke('a.vhd', end - lost, bytes(lost))
    equal(cli.run('check', 'a.vhd').status, 2)
    fails('convert', '-q', '-O', 'raw', 'a.vhd', 'b.raw',
          says='the file was cut, or not wholly downloaded')
    equal(cli.left(), ['a.raw', 'a.vhd'])


@in_folder
def test_the_size_of_image_opts_is_that_of_size():
    write('a.raw', pattern(4096))
    opts = 'driver=raw,file.filename=a.raw'
    ok('convert', '--image-opts', '-O', 'raw', '--size=4096', opts, 'b.raw')
    ok('convert', '--image-opts', '-O', 'raw', opts + ',size=4096', 'c.raw')
    equal(read('b.raw'), read('c.raw'))


@in_folder
def test_a_disk_that_begins_as_a_compressed_file_does_is_no_compressed_file():
    inner = pattern(SIZE)
    write('inner.raw', inner)
    for tool in ['gzip', 'zstd']:
        data = subprocess.run([tool, '-c', 'inner.raw'], stdout=subprocess.PIPE, check=True).stdout
        disk = write('disk.raw', data + bytes(4 * SIZE - len(data)))
        for name in ['disk.raw', '-']:
            done = ok('convert', '-f', 'raw', '--force', '-O', 'raw', name, 'out.raw',
                      stdin=read(disk) if name == '-' else b'')
            assert f'begins as {tool} data does, and is read as it is' in done.err, done.err
            equal(read('out.raw'), read(disk))
        # What comes out of it, and out of nothing else, is no image that is known.
        fails('convert', '-O', 'raw', disk, 'none.raw', says=f'begins as {tool} data does')
        # A fixed VHD begins with its disk.
        ok('convert', '-q', '-f', 'raw', '--force', '-O', 'vpc', '-o', 'subformat=fixed', disk,
           'fixed.vhd')
        fails('convert', '-O', 'raw', 'fixed.vhd', 'none.raw',
              says=f'looks like {tool} data and like a vpc image')
        ok('compare', '-f', 'vpc', '-F', 'raw', 'fixed.vhd', disk)
    assert not os.path.exists('none.raw')


@in_folder
def test_a_name_or_a_known_image_says_that_a_file_is_compressed():
    write('inner.raw', pattern(SIZE))
    ok('convert', '-q', '-O', 'vma', 'inner.raw', 'a.vma')
    for path in ['inner.raw', 'a.vma']:
        write(path + '.gz', gzip.compress(read(path)))
    os.rename('a.vma.gz', 'backup')
    ok('compare', '-F', 'raw', 'inner.raw', 'inner.raw.gz')
    ok('compare', 'inner.raw', 'backup')
    ok('compare', '-f', 'raw', 'inner.raw', '-', stdin=read('inner.raw.gz'))


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
