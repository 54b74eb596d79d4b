# SPDX-License-Identifier: LGPL-2.1-or-later
"""The images that the benchmark converts: a file system with real files of the machine."""
import os
import shutil
import subprocess
import sys

# Of the disk: about what a server's system disk has in use.
DATA_SHARE = 0.43


def run(command):
    subprocess.run(command, shell=isinstance(command, str), check=True)


class Inputs:
    """Made once per directory; each image appears under its name when it is whole."""

    def __init__(self, directory, size, vconv):
        self.dir, self.size, self.vconv = directory, size, vconv
        os.makedirs(directory, exist_ok=True)
        self.raw = self._make("disk.raw", self._file_system)
        self.data = os.stat(self.raw).st_blocks * 512

    def path(self, name):
        return os.path.join(self.dir, name)

    def _make(self, name, maker):
        path = self.path(name)
        if not os.path.exists(path):
            print(f"making {name} ...", file=sys.stderr)
            part = path + ".part"
            if os.path.exists(part):
                os.unlink(part)
            maker(part)
            os.rename(part, path)
        return path

    @staticmethod
    def _stage(directory, limit):
        """Links (or copies) files of /usr until they have LIMIT bytes."""
        taken = 0
        for top, dirs, files in os.walk("/usr"):
            dirs.sort()
            for name in sorted(files):
                path = os.path.join(top, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                size = os.path.getsize(path)
                if taken + size > limit:
                    continue
                target = directory + path
                os.makedirs(os.path.dirname(target), exist_ok=True)
                try:
                    os.link(path, target)
                except OSError:
                    shutil.copyfile(path, target)
                taken += size

    def _file_system(self, path):
        staging = self.path("staging")
        shutil.rmtree(staging, ignore_errors=True)
        os.makedirs(staging)
        self._stage(staging, int(self.size * DATA_SHARE))
        with open(path, "wb") as image:
            image.truncate(self.size)
        run(["mkfs.ext4", "-q", "-F", "-d", staging, path])
        shutil.rmtree(staging)

    def converted(self, name, options):
        return self._make(name, lambda part: run(
            [self.vconv, "convert", "-q", *options, self.raw, part]))

    def archive(self):
        return self.converted("vzdump-qemu-100.vma", ["-O", "vma"])

    def compressed(self, suffix, command):
        archive = self.archive()
        return self._make(os.path.basename(archive) + suffix, lambda part: run(
            f"{command} < '{archive}' > '{part}'"))
