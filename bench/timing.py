# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole processes timed in turn, and what is concluded from it.

Every command of a row runs once per round, and a ratio is the median over the rounds of
(the other's time / vconv's time) of the same round: a machine whose speed drifts does not
decide."""
import json
import mmap
import os
import shutil
import statistics
import subprocess
import time


def have(program):
    return shutil.which(program) is not None


class Row:
    """One work: vconv's command on its sources, and what it is held against. Wanted ratios
    are 'times as fast as the other'; None: for information."""

    def __init__(self, name, command, output=None, sources=()):
        self.name, self.output, self.sources = name, output, sources
        self.commands = {"vconv": command}
        self.wanted = {}
        self.floor_bytes = None
        self.limits = {}
        self.folder = None

    def peer(self, name, command, wanted=None):
        if have(command.split()[0]):
            self.commands[name] = command
            self.wanted[name] = wanted
        return self

    def floor(self, count, wanted):
        if have("fio"):
            self.floor_bytes = count
            self.wanted["fio floor"] = wanted
        return self


    def within(self, seconds, folder=None, new_kib=None):
        """At most SECONDS, and at most NEW_KIB more in use on the file system of FOLDER."""
        self.limits = {"seconds": seconds}
        if folder:
            self.folder = folder
            self.limits["new_kib"] = new_kib
        return self


def used_kib(folder):
    """What is in use when it has stopped changing: XFS frees what was removed in its own
    time."""
    last, used = None, -1
    while used != last:
        os.sync()
        time.sleep(0.3)
        status = os.statvfs(folder)
        last, used = used, (status.f_blocks - status.f_bfree) * status.f_frsize >> 10
    return used


def make_room(path):
    """What is freed, and discarded on the disk, is the last run's work, not the next one's."""
    if path and os.path.exists(path):
        os.unlink(path)
    os.sync()


MADV_POPULATE_READ = 22  # <linux/mman.h>, Linux 5.14


WARM_STEP = 8 << 20  # what is mapped here counts as memory of the commands, too


def warm(path):
    """Brings the data of a file into the page cache: every command finds the same there,
    whatever the one before it has pushed out."""
    with open(path, "rb") as file:
        size, at = os.fstat(file.fileno()).st_size, 0
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            at -= at % mmap.ALLOCATIONGRANULARITY
            while at < end:
                step = min(WARM_STEP, end - at)
                with mmap.mmap(file.fileno(), step, flags=mmap.MAP_SHARED,
                               prot=mmap.PROT_READ, offset=at) as view:
                    view.madvise(MADV_POPULATE_READ)
                at += step


def time_command(command, output=None):
    make_room(output)
    begin = time.monotonic()
    child = subprocess.Popen(["sh", "-c", command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - begin
    child.returncode = status
    if status != 0:
        raise SystemExit(f"bench: this command failed: {command}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime,
            "rss_mib": usage.ru_maxrss / 1024}


def time_floor(count, path):
    """Direct sequential writes of COUNT bytes with the fsync, as fio itself counts."""
    make_room(path)
    out = subprocess.run(
        ["fio", "--name=floor", f"--filename={path}", "--rw=write", "--bs=1M", "--direct=1",
         "--ioengine=libaio", "--iodepth=8", f"--size={count}", "--end_fsync=1",
         "--output-format=json"], check=True, capture_output=True).stdout
    os.unlink(path)
    job = json.loads(out[out.index(b"{"):])["jobs"][0]
    return {"wall": job["job_runtime"] / 1000, "cpu": 0.0, "rss_mib": 0.0}


def measure(row, rounds, scratch):
    """The first round warms up and is not counted."""
    times = {name: [] for name in row.commands}
    if row.floor_bytes:
        times["fio floor"] = []
    for number in range(rounds + 1):
        for name, runs in times.items():
            for source in row.sources:
                warm(source)
            if row.folder:
                make_room(row.output)
                before = used_kib(row.folder)
            taken = (time_floor(row.floor_bytes, scratch) if name == "fio floor"
                     else time_command(row.commands[name], row.output))
            if row.folder:
                taken["new_kib"] = used_kib(row.folder) - before
            if number > 0:
                runs.append(taken)
    if row.output and os.path.exists(row.output):
        os.unlink(row.output)
    return times


def median(runs, key="wall"):
    return statistics.median(run[key] for run in runs)


def summarise(row, times):
    ours = times["vconv"]
    against = []
    for name, runs in times.items():
        if name == "vconv":
            continue
        ratio = statistics.median(t["wall"] / o["wall"] for t, o in zip(runs, ours))
        wanted = row.wanted[name]
        against.append({"name": name, "seconds": round(median(runs), 3),
                        "times_as_fast": round(ratio, 3), "wanted": wanted,
                        "reached": None if wanted is None else ratio >= wanted})
    result = {"work": row.name, "seconds": round(median(ours), 3),
              "cpu_seconds": round(median(ours, "cpu"), 3),
              "rss_mib": round(max(run["rss_mib"] for run in ours), 1)}
    if row.folder:
        result["new_kib"] = median(ours, "new_kib")
    if row.limits:
        result["limits"] = row.limits
        result["reached"] = all(result[key] < limit for key, limit in row.limits.items())
    return {**result, "against": against}


def show(result):
    print(f"{result['work']:<22} {result['seconds']:8.2f} s   cpu "
          f"{result['cpu_seconds']:.2f} s   {result['rss_mib']:.0f} MiB", end="")
    if "new_kib" in result:
        print(f"   {result['new_kib']:.0f} KiB new", end="")
    if "limits" in result:
        wanted = ", ".join(f"{key} below {limit}" for key, limit in result["limits"].items())
        print(f"   wanted {wanted}  {'ok' if result['reached'] else 'MISSED'}", end="")
    print(flush=True)
    for entry in result["against"]:
        wanted = "" if entry["wanted"] is None else (
            f"wanted {entry['wanted']:.2f}  {'ok' if entry['reached'] else 'MISSED'}")
        print(f"    {entry['name']:<28} {entry['seconds']:8.2f} s   "
              f"{entry['times_as_fast']:6.2f} x   {wanted}", flush=True)
