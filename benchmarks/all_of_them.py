"""All limits of speed in one table: what is measured, what is wanted, and whether it holds.

::

    python benchmarks/all_of_them.py DOMAINS [--libvirt COMMAND] [--only WORD] [--test-seconds N]

DOMAINS is a folder of domains as XML files. COMMAND (may be several words) starts a Python with
libvirt's bindings, for instance in a container, as in ``different.py``: without it the two rows
beside libvirt are left out. Rows are those whose names have WORD in them. ``make test`` is not run:
``--test-seconds`` gives what it took. The whole takes about six minutes on a machine without other
load; the load before each row is printed, since processes and files are measured by the clock.
Exits with 1 where a limit is not met.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import different
from commands import NOTHING, commands, cpu_time, firsts
from fresh import FIRST
from start import DOMAIN, ROOT
from validate import unlike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST = "shipped:sid-x86_64"
OTHER_HOST = "debian13-x86_64"
SKELETONS, FILES, MOST_SKELETONS = 1000, 10_000, 10_000
ROUNDS = 7
SETTLED = 1.2
"""A pass is settled that takes at most this many times what the quickest one takes."""


class Row(NamedTuple):
    """A limit: `least` tells that the figure must not be smaller; else it must not be larger."""

    name: str
    now: float
    wanted: float
    unit: str
    least: bool = False

    @property
    def holds(self) -> bool:
        return self.now >= self.wanted if self.least else self.now <= self.wanted

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        answer = "yes" if self.holds else "NO"
        wanted = f"{sign} {self.wanted:g}"
        return f"{self.name:52} {self.now:9.2f} {wanted:>9} {self.unit:20} {answer}"


def apart(function: Callable[..., list[Row]], *arguments: object) -> list[Row]:
    """Run something in a process of its own: what one row learned is not to help another."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def looks(listed: list[bytes], theirs: float) -> list[Row]:
    host = different.open_host("")
    host.validate(different.DOMAIN)
    passes = [different.look(host, listed) for _ in range(different.PASSES)]
    print(f"  {len(listed)} domains: {', '.join(f'{one:.3f}' for one in passes)} ms", end="")
    print(f"; libvirt {theirs:.3f} ms" if theirs else "")
    rows = []
    if theirs:
        rows.append(Row("first look, against define", theirs / passes[0], 4, "x faster", True))
        later = theirs / statistics.median(passes[1:])
        rows.append(Row("later looks, against define", later, 12, "x faster", True))
    return rows


def settling(listed: list[bytes]) -> list[Row]:
    host = different.open_host("")
    passes = [different.look(host, listed) for _ in range(different.PASSES + 1)]
    settled = next(n for n, one in enumerate(passes) if one <= SETTLED * min(passes))
    return [Row(f"{len(listed)} domains, passes until settled", settled, 2, "passes")]


def growth() -> list[Row]:
    settled = []
    for number in (different.FEW, MOST_SKELETONS):
        host, listed = different.open_host(""), different.unlike(number)
        settled.append([different.look(host, listed) for _ in range(3)][-1])
    name = f"per domain, {MOST_SKELETONS} skeletons against {different.FEW}"
    return [Row(name, settled[1] / settled[0], 1.3, "times")]


def memory() -> list[Row]:
    """Measure what a further host takes: one of the same recording, and one with another QEMU."""
    listed, rows, kept = different.unlike(different.HOSTS), [], [different.open_host("")]
    for _ in range(2):
        different.look(kept[0], listed)
    for name, other in (("the same recording", ""), ("another recording", OTHER_HOST)):
        gc.collect()
        before = different.resident()
        kept.append(different.open_shipped(other) if other else different.open_host(""))
        for _ in range(2):
            different.look(kept[-1], listed)
        taken = (different.resident() - before) / 1e6
        rows.append(Row(f"RSS of one more host ({name})", taken, 1.5, "MB"))
    return rows


def processes() -> list[Row]:
    """Measure commands: their first runs, and the report with a warm cache."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "XDG_CACHE_HOME": folder}
        (Path(folder) / "guest.xml").write_text(DOMAIN.strip())
        listed = commands(["--host", HOST], "guest.xml")
        cpu_time(listed["report"], environ, folder)
        bare, warm = [], []
        spent: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            bare.append(cpu_time(NOTHING, environ, folder))
            warm.append(cpu_time(listed["report"], environ, folder))
            for name in ("validate FILE", "explain PATH", "codes CODE"):
                spent.setdefault(name, []).append(min(firsts(listed[name], environ)))
    least = min(bare)
    print(f"  python -c pass: {least * 1e3:.1f} ms of CPU time; least of {ROUNDS} rounds")
    unit = "x python -c pass"
    rows = [Row(f"domcaps {name}, first", min(t) / least, 9.5, unit) for name, t in spent.items()]
    rows.append(Row("domcaps report, warm", min(warm) / least, 3.2, unit))
    return rows


def cold() -> list[Row]:
    times = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", FIRST, f"{folder}/cache"],
                env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
                capture_output=True, check=False, timeout=300,
            )  # fmt: skip
            times.append(time.perf_counter() - begun)
        if done.returncode:
            print("  no emulator here")
            return []
    print(f"  median {statistics.median(times):.2f} s")
    return [Row("first answer, empty cache (process)", min(times), 0.24, "s")]


def files() -> list[Row]:
    """Measure the tool on files of many skeletons, each with names and numbers of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for index, data in enumerate(unlike(SKELETONS) * (FILES // SKELETONS)):
            text = data.replace(b"benchmark", b"guest%d" % index)
            text = text.replace(b"0b7a11", b"%06x" % index)
            text = text.replace(b"3c:58", b"%02x:%02x" % divmod(index, 256))
            Path(folder, f"{index:05}.xml").write_bytes(text)
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names, as a shell gives them
        command = [sys.executable, "-m", "domcaps", "validate", "-q", "--host", HOST, *names]
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        before, begun = os.times(), time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False)
        took, after = time.perf_counter() - begun, os.times()
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stderr.decode())
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    cores = len(os.sched_getaffinity(0))
    print(
        f"  {spent:.1f} s of CPU time in {took:.1f} s: {cores * FILES / spent:.0f} files/s at best"
    )
    return [Row(f"{FILES} files of {SKELETONS} skeletons", FILES / took, 6000, "files/s", True)]


def measured(options: argparse.Namespace) -> Iterator[tuple[str, Callable[[], list[Row]]]]:
    listed = different.documents(options.folder)
    theirs = 0.0
    if options.libvirt and options.only in "looks":
        known = different.accepted("", listed)
        both, theirs = different.defined(shlex.split(options.libvirt), known)
        yield "looks", lambda: apart(looks, both, theirs)
    yield "settling", lambda: apart(settling, listed)
    yield "processes", processes
    yield "cold", cold
    yield "files", files
    yield "memory", lambda: apart(memory)
    yield "growth", lambda: apart(growth)
    if options.test_seconds:
        yield "tests", lambda: [Row("make test", options.test_seconds, 150, "s")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--libvirt", default="", metavar="COMMAND")
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--test-seconds", type=float, default=0)
    options = parser.parse_args()
    rows: list[Row] = []
    for name, measure in measured(options):
        if options.only in name:
            print(f"{name} (load {os.getloadavg()[0]:.1f})", flush=True)
            rows += measure()
    print(f"\n{'':52} {'now':>9} {'wanted':>9} {'':20} holds")
    for row in rows:
        print(row)
    return int(not all(row.holds for row in rows))


if __name__ == "__main__":
    sys.exit(main())
