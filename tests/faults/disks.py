# SPDX-License-Identifier: LGPL-2.1-or-later
"""File systems and block devices of our own, over files in the current folder. They need
root, and a system that has loop devices; where one of that is missing a test is skipped,
and says what was missing."""

import contextlib
import os
import shutil
import subprocess

import bench
import tap

QUIET = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
EXT4 = ['mkfs.ext4', '-q', '-O', '^has_journal']
XFS, XFS_SIZE = ['mkfs.xfs', '-q', '-f'], 320 * bench.MIB
BTRFS = ['mkfs.btrfs', '-q', '-M', '-f']


def needs(*tools):
    if os.geteuid() != 0:
        raise tap.Missing('needs root')
    for tool in tools:
        if not shutil.which(tool):
            raise tap.Missing(f'{tool} is not installed')


@contextlib.contextmanager
def loop(path):
    """A loop device over the file PATH."""
    needs('losetup')
    done = subprocess.run(['losetup', '--find', '--show', path], capture_output=True, text=True)
    if done.returncode != 0:
        raise tap.Missing('there are no loop devices here')
    device = done.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(['losetup', '--detach', device], check=True)


@contextlib.contextmanager
def mounted(make, size, image='image', where='mnt'):
    """The folder of a new file system of SIZE bytes, which the command MAKE makes."""
    needs(make[0])
    with open(image, 'wb') as file:
        file.truncate(size)
    os.makedirs(where, exist_ok=True)
    subprocess.run([*make, image], check=True, **QUIET)
    if subprocess.run(['mount', '-o', 'loop', image, where], **QUIET).returncode != 0:
        raise tap.Missing(f'cannot mount what {make[0]} made')
    try:
        yield where
    finally:
        subprocess.run(['umount', where], check=True)


@contextlib.contextmanager
def memory(size, where='memory'):
    """The folder of a file system in memory."""
    needs('mount')
    os.makedirs(where, exist_ok=True)
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', where],
                      **QUIET).returncode != 0:
        raise tap.Missing('cannot mount a tmpfs')
    try:
        yield where
    finally:
        subprocess.run(['umount', where], check=True)


def leave(where, room):
    """Takes space at WHERE until only about ROOM bytes are left."""
    with open(f'{where}/ballast', 'wb') as file:
        while True:
            status = os.statvfs(where)
            left = status.f_bavail * status.f_frsize - room
            if left < 1 << 16:
                break
            try:
                file.write(os.urandom(min(left, bench.MIB)))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                break
