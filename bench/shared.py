# SPDX-License-Identifier: LGPL-2.1-or-later
"""Conversions on file systems whose files can share extents: they need root, loop devices
and mkfs."""
import contextlib
import os
import subprocess
import sys

from timing import Row, have

MAKERS = {"xfs": ["mkfs.xfs", "-q", "-f"], "btrfs": ["mkfs.btrfs", "-q", "-f"]}
ROOM = 24 << 30  # of the file systems, sparse
DATA = 4 << 30


@contextlib.contextmanager
def mounted(directory, name):
    """The folder of a new file system, or None where there is no way to one."""
    image, folder = (os.path.join(directory, f"{name}.{end}") for end in ("image", "mnt"))
    if os.geteuid() != 0 or not have(MAKERS[name][0]):
        print(f"bench: no {name}: it needs root and {MAKERS[name][0]}", file=sys.stderr)
        yield None
        return
    os.makedirs(folder, exist_ok=True)
    with open(image, "wb") as file:
        file.truncate(ROOM)
    try:
        subprocess.run([*MAKERS[name], image], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["mount", "-o", "loop", image, folder], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)
    finally:
        os.unlink(image)
        os.rmdir(folder)


def make_sources(vconv, folder):
    """Images that share nothing with one another."""
    raw = os.path.join(folder, "source.raw")
    with open(raw, "wb") as image:
        for _ in range(DATA >> 20):
            image.write(os.urandom(1 << 20))
    names = {"raw": raw}
    for name, options in (("vhdx", []), ("vpc", ["-o", "subformat=fixed"])):
        names[name] = os.path.join(folder, f"source.{name}")
        subprocess.run([vconv, "convert", "-q", "--reflink=never", "-f", "raw", "-O", name,
                        *options, raw, names[name]], check=True)
    return names


def rows(inputs):
    """Extents that are shared cost neither time nor space."""
    for system in MAKERS:
        with mounted(inputs.dir, system) as folder:
            if not folder:
                continue
            sources, out = make_sources(inputs.vconv, folder), os.path.join(folder, "out")
            for source, target in (("raw", "vpc"), ("vhdx", "raw"), ("raw", "raw"),
                                   ("raw", "vhdx"), ("vhdx", "vhdx"), ("vhdx", "vpc"),
                                   ("vpc", "vhdx"), ("vpc", "raw")):
                fixed = "-o subformat=fixed" if target == "vpc" else ""
                yield Row(f"{system}: {source} -> {target}",
                          f"'{inputs.vconv}' convert -q --force -f {source} -O {target} {fixed} "
                          f"'{sources[source]}' '{out}'", out).within(1, folder, 16 << 10)
