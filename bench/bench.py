#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures vconv beside its peers, in turn, in one run; everything written is synced."""
import argparse
import json
import os
import platform

from inputs import Inputs
import shared
from timing import Row, have, measure, show, summarise, time_command

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BEST = "-t none -W -m 8"
DISK = "drive-scsi0"


def parse_size(text):
    units = {"K": 10, "M": 20, "G": 30, "T": 40}
    shift = units.get(text[-1].upper())
    return int(text) if shift is None else int(float(text[:-1]) * (1 << shift))


def qemu(options, source_format, source, target_format, output):
    exact = "-o force_size=on" if target_format == "vpc" else ""
    return (f"qemu-img convert {options} {exact} -f {source_format} -O {target_format} "
            f"'{source}' '{output}' && sync '{output}'")


def peers(inputs):
    """The rows, in the order of the requirements."""
    out, raw, data = inputs.path("out.img"), inputs.raw, inputs.data
    convert = f"'{inputs.vconv}' convert -q --force"

    def image(source, source_format, target_format, default, best):
        row = Row(f"{source_format} -> {target_format}",
                  f"{convert} -f {source_format} -O {target_format} '{source}' '{out}'", out,
                  [source])
        row.peer("qemu-img convert",
                 qemu("", source_format, source, target_format, out), default)
        return row.peer(f"qemu-img convert {BEST}",
                        qemu(BEST, source_format, source, target_format, out), best)

    yield image(raw, "raw", "vhdx", 2.0, 1.3).floor(data, 1 / 1.25)
    yield image(raw, "raw", "vpc", 2.0, 1.5).floor(data, 1 / 1.25)
    yield (image(raw, "raw", "raw", 2.0, 1.1).floor(data, 1 / 1.25)
           .peer("cp --sparse=always", f"cp --sparse=always '{raw}' '{out}' && sync '{out}'")
           .peer("nbdcopy --flush", f"nbdcopy --flush '{raw}' '{out}'"))
    vhdx = inputs.converted("disk.vhdx", ["-O", "vhdx"])
    yield image(vhdx, "vhdx", "raw", 1.8, 1.2)
    vpc = inputs.converted("disk.vhd", ["-O", "vpc"])
    yield image(vpc, "vpc", "raw", 1.8, 1.2)
    yield image(vpc, "vpc", "vhdx", 1.8, 1.2)
    yield Row("raw -> vma", f"{convert} -O vma '{raw}' '{out}'", out,
              [raw]).floor(data, 1 / 1.3)
    archive = inputs.archive()
    yield Row("vma -> vhdx", f"{convert} -O vhdx '{archive}#{DISK}' '{out}'",
              out, [archive]).floor(data, 1 / 1.3)
    zst = inputs.compressed(".zst", "zstd -q -3 -T0")
    yield Row("vma.zst -> vhdx", f"{convert} -O vhdx '{zst}#{DISK}' '{out}'", out,
              [zst]).peer(
        "zstd -d", f"zstd -q -d -c '{zst}' > /dev/null", 1 / 1.10)
    gz = inputs.compressed(".gz", "pigz -c" if have("pigz") else "gzip -c")
    yield Row("vma.gz -> vhdx", f"{convert} -O vhdx '{gz}#{DISK}' '{out}'", out,
              [gz]).peer(
        "gzip -d", f"gzip -d -c '{gz}' > /dev/null", 2.5)
    twin = inputs.converted("twin.vhdx", ["-O", "vhdx"])
    yield Row("compare vhdx vhdx", f"'{inputs.vconv}' compare '{vhdx}' '{twin}'",
              sources=[vhdx, twin]).peer(
        "qemu-img compare", f"qemu-img compare '{vhdx}' '{twin}'", 2.0)
    yield Row("check vhdx", f"'{inputs.vconv}' check '{vhdx}'").peer(
        "qemu-img check", f"qemu-img check -q '{vhdx}'")
    yield Row("vma verify", f"'{inputs.vconv}' vma verify '{archive}'")


def write_noise(image, length):
    """In small pieces: memory of this program counts as memory of the commands, too."""
    for _ in range(length >> 20):
        image.write(os.urandom(1 << 20))


def empty_disks(inputs):
    """Sparseness is free: what has no data costs no time."""
    out = inputs.path("out.img")
    vhdx = inputs.path("empty-500G.vhdx")
    if not os.path.exists(vhdx):
        time_command(f"'{inputs.vconv}' create -q -f vhdx '{vhdx}' 500G")
    yield Row("empty 500G vhdx -> raw",
              f"'{inputs.vconv}' convert -q --force -O raw '{vhdx}' '{out}'", out).within(0.1)
    sparse = inputs.path("sparse-64G.raw")
    if not os.path.exists(sparse):
        with open(sparse, "wb") as image:
            image.truncate(64 << 30)
            for i in range(16):
                image.seek(i * (4 << 30))
                image.write(os.urandom(1 << 20))
    yield Row("sparse 64G raw -> vma",
              f"'{inputs.vconv}' convert -q --force -f raw -O vma '{sparse}' '{out}'",
              out).within(0.5)


def scaling(inputs):
    """Time over the number of workers."""
    out = inputs.path("out.img")
    for workers in (0, 1, 2, 4, 8, 16):
        yield Row(f"raw -> vhdx -m {workers}",
                  f"'{inputs.vconv}' convert -q --force -m {workers} -f raw -O vhdx "
                  f"'{inputs.raw}' '{out}'", out, [inputs.raw])


def growth(inputs):
    """Time and memory over the virtual size, with the same 256 MiB of data."""
    out = inputs.path("out.img")
    for size in (10, 100, 1000, 10000):
        path = inputs.path(f"grow-{size}G.raw")
        if not os.path.exists(path):
            with open(path, "wb") as image:
                image.truncate(size << 30)
                image.seek((size << 29) & ~0xfff)
                write_noise(image, 256 << 20)
        yield Row(f"raw {size}G -> vhdx",
                  f"'{inputs.vconv}' convert -q --force -f raw -O vhdx '{path}' '{out}'", out)


def disks(inputs):
    """Archives of 1 to 64 disks with 512 MiB of data in all."""
    out = inputs.path("out.dir")
    for count in (1, 4, 16, 64):
        archive = inputs.path(f"disks-{count}.vma")
        if not os.path.exists(archive):
            names = []
            for i in range(count):
                names.append(inputs.path(f"part-{i}.raw"))
                with open(names[-1], "wb") as image:
                    write_noise(image, (512 << 20) // count)
            time_command(f"'{inputs.vconv}' vma create '{archive}' "
                         + " ".join(f"disk{i}='{n}'" for i, n in enumerate(names)))
            for name in names:
                os.unlink(name)
        yield Row(f"vma of {count} disks -> vhdx",
                  f"rm -rf '{out}' && '{inputs.vconv}' vma-to-vhdx -q '{archive}' '{out}'")


SETS = {"peers": peers, "empty": empty_disks, "shared": shared.rows, "scaling": scaling,
        "growth": growth, "disks": disks}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        models = [line.split(":", 1)[1].strip() for line in info
                  if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="10G", help="of the disk (default 10G)")
    parser.add_argument("--dir", default=os.path.join(ROOT, "build", "bench"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--set", choices=[*SETS, "all"], default="all")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--vconv", default=os.path.join(ROOT, "build", "cli", "vconv"))
    arguments = parser.parse_args()

    inputs = Inputs(os.path.abspath(arguments.dir), parse_size(arguments.size),
                    os.path.abspath(arguments.vconv))
    results = os.path.join(HERE, "results")
    os.makedirs(results, exist_ok=True)
    for name in SETS if arguments.set == "all" else [arguments.set]:
        rows = []
        for row in SETS[name](inputs):
            if arguments.only in row.name:
                rows.append(summarise(row, measure(row, arguments.runs,
                                                   inputs.path("floor"))))
                show(rows[-1])
        if arguments.only:
            continue
        path = os.path.join(results, f"{name}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"machine": machine(), "size": arguments.size,
                       "data_mib": inputs.data >> 20, "runs": arguments.runs,
                       "rows": rows}, file, indent=1)
            file.write("\n")
        print(f"written: {os.path.relpath(path, ROOT)}")


if __name__ == "__main__":
    main()
