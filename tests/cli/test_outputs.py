#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is written, and what must be left alone, when a run is odd or goes wrong."""

import os
import subprocess
import sys

import cli
from cli import archive, equal, fails, in_folder, ok, pattern, read, run, write

SIZE = 1 << 20


@in_folder
def test_messages_never_land_in_an_image_when_standard_error_is_closed():
    write('a.raw', bytes(SIZE))
    for closed in ['<&- >&- 2>&-', '>&- 2>&-', '2>&-', '>&-']:
        done = subprocess.run(['sh', '-c', f'exec "$0" convert -p a.raw b.raw {closed}',
                               cli.VCONV], capture_output=True)
        equal(read('b.raw'), bytes(SIZE))
        os.unlink('b.raw')
    done = subprocess.run(['sh', '-c', 'exec "$0" convert -q a.raw - >&-', cli.VCONV],
                          capture_output=True)
    equal(done.returncode, 1)


@in_folder
def test_a_source_on_standard_input_is_never_the_target():
    write('a.raw', pattern(SIZE))
    subprocess.run(['gzip', '-k', 'a.raw'], check=True)
    packed = read('a.raw.gz')
    for options in [['--force'], ['-n']]:
        for name, data in [('a.raw', pattern(SIZE)), ('a.raw.gz', packed)]:
            with open(name, 'rb') as file:
                fails('convert', '-f', 'raw', *options, '-', name, stdin=file, says='source')
            equal(read(name), data)


if __name__ == '__main__':
    sys.exit(cli.main(globals()))
