# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the campaign of failing system calls runs: small images of every kind, and the
commands over them."""

import os
import random
import shutil
import subprocess

import bench
import cli
import tap
import unpack

KIB, MIB = 1 << 10, 1 << 20
SIZE = 3 * MIB
FRAME = 64 * KIB
NOBODY = 65534, 65534
CONFIG = b'cores: 2\nscsi0: local:100/vm-100-disk-0.raw\n#qmdump#map:scsi0:drive-scsi0::raw:\n'

# What the corpus has and vconv does not write, with what it needs beside it.
FOREIGN = {'own-vhd-diff.vhd': ['own-vhd-dynamic-align4k.vhd'],
           'own-vhdx-diff.vhdx': ['own-vhdx-dynamic.vhdx'],
           'own-vhdx-dirty-one.vhdx': []}

TARGETS = [
    ('out.raw', ['-O', 'raw']),
    ('out.vhd', ['-O', 'vpc']),
    ('out.fixed.vhd', ['-O', 'vpc', '-o', 'subformat=fixed']),
    ('out.vhdx', ['-O', 'vhdx']),
    ('out.fixed.vhdx', ['-O', 'vhdx', '-o', 'subformat=fixed,block_size=1M']),
    ('out.vma', ['-O', 'vma']),
    ('out.vma.zst', ['-O', 'vma']),
    ('out.vma.gz', ['-O', 'vma']),
    ('out.vma.lzo', ['-O', 'vma']),
]


class Case:
    """A command: its ARGS, where it may write (OUTPUTS, of which the last may be a directory),
    and what stands there before (OLD: a source that is copied to each output that is a file,
    and belongs to another user where we are root). PROGRAM: a link to it with other manners."""

    def __init__(self, *args, outputs=(), old=None, stdin=None, in_place=False, status=0,
                 errors=(1,), program=None):
        self.args, self.outputs, self.old = [str(arg) for arg in args], list(outputs), old
        self.stdin, self.in_place = stdin, in_place
        self.status, self.errors, self.program = status, errors, program
        self.name = ' '.join([program] * bool(program) + self.args) + \
                    (f' <{stdin}' if stdin else '')

    def put_old(self):
        """Makes what stands there before."""
        for path in self.outputs if self.old else []:
            if not os.path.splitext(path)[1]:
                continue
            os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
            shutil.copyfile(self.old, path)
            if os.geteuid() == 0:
                os.chown(path, *NOBODY)


def disk(name, seed):
    """A raw disk: data in its first MiB, in its third and in its last sectors, else a hole."""
    dice = random.Random(seed)
    with open(name, 'wb') as file:
        for at, length in [(0, 192 * KIB), (2 * MIB + 60 * KIB, 72 * KIB), (SIZE - 8 * KIB, 8 * KIB)]:
            file.seek(at)
            file.write(dice.randbytes(length))


def frames(path, name):
    """Compresses PATH to NAME in many frames, which are unpacked side by side."""
    data = cli.read(path)
    with open(name, 'wb') as file:
        for at in range(0, len(data), FRAME):
            file.write(subprocess.run(['zstd', '-c'], input=data[at:at + FRAME],
                                      stdout=subprocess.PIPE, check=True).stdout)


def make(tools=('zstd', 'gzip', 'lzop')):
    """Makes the sources in the current folder; gives those that can be converted."""
    disk('source.raw', 1)
    disk('other.raw', 2)
    os.link('source.raw', 'hard.raw')
    made = ['source.raw']
    for name, options in [('source.vhd', ['vpc']), ('fixed.vhd', ['vpc', '-o', 'subformat=fixed']),
                          ('source.vhdx', ['vhdx']),
                          ('fixed.vhdx', ['vhdx', '-o', 'subformat=fixed,block_size=1M'])]:
        cli.ok('convert', '-q', '--reproducible', '-O', *options, 'source.raw', name)
        made.append(name)
    cli.archive('source.vma', [('drive-scsi0', cli.read('source.raw'))],
                [('qemu-server.conf', CONFIG)])
    cli.archive('two.vma', [('drive-scsi0', cli.read('source.raw')),
                            ('drive-efidisk0', cli.pattern(540672))], order='shuffled')
    made.append('source.vma')
    for tool in tools:
        if not shutil.which(tool):
            bench.said(f'no sources of {tool}, which is not installed')
            continue
        name = 'source.vma.' + {'zstd': 'zst', 'gzip': 'gz', 'lzop': 'lzo'}[tool]
        with open(name, 'wb') as file:
            subprocess.run([tool, '-c', 'source.vma'], stdout=file, stderr=subprocess.DEVNULL,
                           check=True)
        made.append(name)
    cli.ok('convert', '-q', '-O', 'raw', 'source.raw', 'source.raw.gz')
    cli.ok('convert', '-q', '-O', 'vpc', 'source.raw', 'source.vhd.zst')
    if 'source.vma.zst' in made:
        frames('source.vma', 'frames.vma.zst')
        made.append('frames.vma.zst')
    cli.write('map', b'0:drive-scsi0=mapped.raw\n1:drive-efidisk0=mapped.efi\n')
    cli.write('volumes', b'1:drive-scsi0=volume.raw\n1:drive-efidisk0=volume.efi\n')
    cli.write('machine.conf', CONFIG)
    cli.link('qemu-img')
    cli.link('vma')
    return made


def make_foreign():
    """Takes from the corpus what it has, and gives the names."""
    names = []
    for name, parents in FOREIGN.items():
        try:
            for each in [name, *parents]:
                unpack.unpack(unpack.corpus('vhd-vhdx', 'generated', each + '.xz'), '.')
            names.append(name)
        except tap.Skip as skip:
            bench.said(f'no {name}: {skip}')
    return names


def convert(source, target, options, *more, **about):
    about.setdefault('outputs', [] if target == '-' else [target])
    return Case('convert', '-q', '--reproducible', *options, *more, source, target, **about)


def pairs(sources):
    """Every source into every target."""
    for source in sources:
        for target, options in TARGETS:
            stream = source.endswith(('.zst', '.gz', '.lzo')) and '.vma' in target
            yield convert(source, target, options, *['--spool', '.'] * stream)


def ways():
    """The ways of converting, each once."""
    yield convert('source.raw', 'out.vhdx', ['-O', 'vhdx'], '-m', '0')
    yield convert('source.raw', 'out.vhdx', ['-O', 'vhdx'], '--no-sync')
    yield convert('source.raw', 'out.vhdx', ['-O', 'vhdx'], '-t', 'none', '-T', 'none')
    yield convert('source.raw', 'out.raw', ['-O', 'raw'], '-S', '0')
    yield convert('source.raw', 'out.vhd', ['-O', 'vpc'], '--force', old='other.raw')
    yield convert('source.raw', 'out.raw', ['-O', 'raw'], '-n', old='other.raw', in_place=True)
    yield convert('source.raw', 'out.vhdx', ['-O', 'vhdx'], '-n', old='other.raw', in_place=True)
    yield convert('source.raw', 'out.vma', ['-O', 'vma'], '--compress', 'zstd:3,threads=2')
    yield convert('source.raw', 'out.vma', ['-O', 'vma'], '--compress', 'lzo:9')
    yield convert('source.raw', 'out.raw.gz', ['-O', 'raw'])
    yield convert('source.raw', 'out.vhdx.zst', ['-O', 'vhdx'])
    yield convert('source.raw.gz', 'out.vhd', ['-O', 'vpc'], '--size', SIZE)
    yield convert('source.vhd.zst', 'out.vma', ['-O', 'vma'], '--spool', '.')
    yield convert('two.vma#drive-scsi0', 'out.vhdx', ['-O', 'vhdx'])
    yield convert('source.vhdx', 'out.vhd.zst', ['-O', 'vpc'])
    for target, options in [TARGETS[0], TARGETS[1], TARGETS[5], TARGETS[6]]:
        yield convert('source.raw', target, options, '-t', 'writeback')
    yield convert('source.raw', 'out.raw', ['-O', 'raw'], '-n', '-t', 'writeback',
                  old='other.raw', in_place=True)
    yield convert('driver=vhdx,file.filename=source.vhdx', 'out.raw', ['-O', 'raw'],
                  '--image-opts')
    yield convert('source.raw', 'out.vhd', ['-f', 'raw', '-O', 'vpc'], program='qemu-img')
    yield convert('source.vhd', 'out.raw', ['-O', 'raw'], program='qemu-img', old='other.raw')
    for options in [['vhdx', '-o', 'block_size=1M'], ['vma'], ['raw']]:
        yield convert('source.raw', '-', ['-O', *options])
    for source in ['source.vhdx', 'source.vma.zst']:
        yield convert('-', 'out.raw', ['-O', 'raw'], '--spool', '.', stdin=source)
    yield convert('-', 'out.vhd', ['-f', 'raw', '-O', 'vpc'], '--size', SIZE, stdin='source.raw')
    yield convert('-', 'out.raw', ['-O', 'raw'], stdin='source.vma')


def archives():
    """What makes archives and takes them apart."""
    for suffix in ['raw', 'vhd', 'vhdx']:
        yield Case(f'vma-to-{suffix}', '-q', '--reproducible', 'two.vma', 'out', outputs=['out'])
        if suffix != 'raw':
            yield Case(f'{suffix}-to-vma', '-q', '--reproducible', f'source.{suffix}', 'out.vma.zst',
                       outputs=['out.vma.zst'])
    yield Case('vma-to-vhdx', '-q', '--reproducible', 'source.vma.zst', 'out', outputs=['out'])
    yield Case('vma-to-raw', '-q', '--force', 'two.vma', 'out', old='other.raw',
               outputs=['out/drive-scsi0.raw', 'out/drive-efidisk0.raw', 'out'])
    yield Case('raw-to-vma', '-q', '--reproducible', 'source.raw', 'other.raw', 'two.out.vma',
               outputs=['two.out.vma'])
    yield Case('raw-to-vma', '-q', '--reproducible', '--config', 'machine.conf', 'source.raw',
               'out.vma', outputs=['out.vma'])
    for pair in ['raw-to-vhd', 'raw-to-vhdx', 'vhd-to-vhdx', 'vhd-to-raw', 'vhdx-to-vhd',
                 'vhdx-to-raw']:
        source, target = pair.split('-to-')
        yield Case(pair, '-q', '--reproducible', f'source.{source}', f'out.{target}',
                   outputs=[f'out.{target}'])
    yield Case('repack', '-q', '--reproducible', 'two.vma', 'out.vma.zst', outputs=['out.vma.zst'])
    yield Case('repack', '-q', '--reproducible', 'two.vma', '-')
    yield Case('list', 'two.vma', program='vma')
    yield Case('extract', 'two.vma', 'out', outputs=['out'], program='vma')
    yield Case('create', '--reproducible', 'out.vma', '-c', 'machine.conf', 'a=source.raw', outputs=['out.vma'],
               program='vma')
    yield Case('vma', 'list', 'two.vma')
    yield Case('vma', 'config', 'two.vma')
    yield Case('vma', 'verify', 'two.vma')
    yield Case('vma', 'verify', 'source.vma.zst')
    yield Case('vma', 'extract', 'two.vma', 'out', outputs=['out'])
    yield Case('vma', 'extract', '-r', 'map', 'two.vma', 'out',
               outputs=['mapped.raw', 'mapped.efi', 'out'])
    yield Case('vma', 'extract', 'source.vma.zst', 'out', outputs=['out'])
    yield Case('vma', 'extract', '-r', 'volumes', 'two.vma', 'out', old='other.raw',
               in_place=True, outputs=['volume.raw', 'volume.efi', 'out'])
    yield Case('vma', 'create', '--reproducible', '-c', 'machine.conf', 'out.vma', 'a=source.raw',
               'b=other.raw', outputs=['out.vma'])


def looks(foreign):
    """What only reads, and what makes an image of nothing."""
    images = ['source.raw', 'source.vhd', 'fixed.vhd', 'source.vhdx', 'fixed.vhdx', 'source.vma',
              *foreign]
    for image in images:
        yield Case('info', '--backing-chain', image)
        yield Case('map', '--output=json', image)
        yield Case('measure', '-O', 'vhdx', image)
        yield Case('compare', image, image, errors=(2, 4))
        if not image.endswith('.raw'):
            yield Case('check', image)
    yield Case('info', '--output=json', 'source.vma.zst')
    yield Case('check', 'source.vma.zst')
    yield Case('compare', 'source.raw', 'source.vma.zst#drive-scsi0', errors=(2, 4))
    yield Case('compare', '-f', 'raw', '-F', 'raw', 'source.raw', 'other.raw', status=1,
               errors=(2, 4))
    for source in ['source.vhd', 'source.vma', 'source.raw']:
        yield Case('roundtrip', '-q', '--reproducible', '--spool', '.', source)
    yield Case('dd', '-O', 'vpc', 'if=source.raw', 'of=out.vhd', 'bs=1M', 'skip=1',
               '--reproducible', outputs=['out.vhd'])
    yield Case('dd', '-O', 'raw', 'if=source.raw', 'of=out.raw', 'bs=1M', 'skip=1',
               outputs=['out.raw'])
    yield from qemu_looks()
    for target, options in TARGETS[:5]:
        yield Case('create', '-q', '--reproducible', '-f', *options[1:], target, SIZE,
                   outputs=[target])


def qemu_looks():
    """The same under the name of qemu-img."""
    yield Case('info', 'source.vhd', program='qemu-img')
    yield Case('check', 'source.vhdx', program='qemu-img')
    yield Case('map', '--output=json', 'source.vhd', program='qemu-img')
    yield Case('measure', '-O', 'vhdx', 'source.raw', program='qemu-img')
    yield Case('compare', '-f', 'raw', 'source.raw', 'source.vhdx', errors=(2, 4),
               program='qemu-img')
    yield Case('create', '-q', '-f', 'raw', 'out.raw', SIZE, outputs=['out.raw'],
               program='qemu-img')
    yield Case('dd', '--reproducible', '-f', 'raw', '-O', 'vpc', 'if=source.raw', 'of=out.vhd',
               'bs=1M', outputs=['out.vhd'], program='qemu-img')


def refusals():
    """A source is no target, whatever fails."""
    for mode in ['-n', '--force']:
        yield Case('convert', '-q', mode, '-O', 'raw', 'source.raw', 'source.raw', status=1)
        yield Case('convert', '-q', mode, '-O', 'raw', 'source.raw', 'hard.raw', status=1)


def sample():
    """A little of all for the suite."""
    yield convert('source.raw', 'out.vhdx', ['-O', 'vhdx'])
    yield convert('source.vhdx', 'out.vma.zst', ['-O', 'vma'], '-t', 'writeback')
    yield Case('vma-to-vhd', '-q', '--reproducible', 'two.vma', 'out', outputs=['out'])
