"""How long a verdict takes on domains that differ, at first look and later, beside libvirt.

::

    python benchmarks/different.py FOLDER [--host RECORDING] [--libvirt COMMAND]
    python benchmarks/different.py --skeletons 10000

FOLDER has domains as XML files, each of which is looked at once in every pass: those that are
accepted. COMMAND (may be several words) starts a Python that has libvirt's bindings, for
instance in a container: it defines the same domains, and only those that both accept are counted.
Both are wall time; the ratio is that of medians, which other load on the machine changes least.
With --skeletons it is measured how the time of a verdict and the memory grow with the number of *skeletons*,
that is of domains that are not built alike.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

import domcaps
from domcaps.shipped import open_shipped

sys.path.insert(0, str(Path(__file__).parent))

from validate import DOMAIN, MORE

PASSES = 4
FEW = 100
HOSTS = 300
"""Domains that a further host judges before its memory is read."""

# The UUID is taken away, so that libvirt makes one and no two domains have the same.
DEFINE = """
import json, libvirt, re, sys, time
libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open("qemu:///system")
times = []
for number, text in enumerate(json.load(sys.stdin)):
    text = re.sub("<uuid>.*?</uuid>", "", text, flags=re.DOTALL)
    text = re.sub("<name>.*?</name>", f"<name>domcaps-benchmark-{number}</name>", text, count=1,
                  flags=re.DOTALL)
    start = time.perf_counter()
    try:
        domain = connection.defineXMLFlags(text, 0)
    except libvirt.libvirtError:
        times.append(None)
        continue
    times.append((time.perf_counter() - start) * 1000)
    domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
print(json.dumps(times))
"""


def documents(folder: Path) -> list[bytes]:
    """Give the domains in a folder, each once."""
    found = dict.fromkeys(path.read_bytes() for path in sorted(folder.rglob("*.xml")))
    return list(found)


def _is_accepted(name: str, listed: list[bytes]) -> list[bool]:
    host = _open(name)
    return [host.validate(data).accepted for data in listed]


def _open(name: str) -> domcaps.Host:
    return domcaps.Host.load(name) if name else open_shipped("sid-x86_64")


def accepted(name: str, listed: list[bytes]) -> list[bytes]:
    """Give those that are accepted; another process finds out: this one is to learn nothing."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        verdicts = pool.apply(_is_accepted, (name, listed))
    return [data for data, verdict in zip(listed, verdicts, strict=True) if verdict]


def defined(command: list[str], listed: list[bytes]) -> list[float | None]:
    """Give libvirt's milliseconds for each domain, None where it refuses one."""
    texts = json.dumps([data.decode(errors="replace") for data in listed])
    done = subprocess.run(
        [*command, "-c", DEFINE], input=texts, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"libvirt: {done.stderr}")
    times: list[float | None] = json.loads(done.stdout)
    return times


def looks(host: domcaps.Host, listed: list[bytes]) -> list[float]:
    """Give the milliseconds for each domain."""
    times = []
    for data in listed:
        start = time.perf_counter()
        host.validate(data)
        times.append((time.perf_counter() - start) * 1000)
    return times


def compare(name: str, folder: Path, libvirt: str) -> None:
    """Print what passes over a folder take, beside libvirt."""
    listed = accepted(name, documents(folder))
    theirs: list[float] = []
    if libvirt:
        times = defined(shlex.split(libvirt), listed)
        listed = [data for data, took in zip(listed, times, strict=True) if took is not None]
        theirs = [took for took in times if took is not None]
    host = _open(name)
    host.validate(DOMAIN)
    print(f"{host.origin}: {len(listed)} different domains of {folder}")
    print(f"{'':20} {'mean':>8}    {'median':>8}")
    if theirs:
        print(f"{'libvirt, define':20} {_row(theirs)}")
    for number in range(1, PASSES + 1):
        ours = looks(host, listed)
        median = statistics.median(ours)
        ratio = f"   {statistics.median(theirs) / median:5.1f} x faster" if theirs else ""
        print(f"{f'look {number}':20} {_row(ours)}{ratio}", flush=True)


def _row(times: list[float]) -> str:
    return f"{statistics.mean(times):8.3f} ms {statistics.median(times):8.3f} ms"


def unlike(number: int) -> list[bytes]:
    """Give domains of which no two have the same devices."""
    found = []
    for index in range(number):
        more, left = "", index
        for text in MORE:
            left, times = divmod(left, 3)
            # what a device is named by differs from one to the next
            more += "".join(text.replace("sdb", f"sd{'cd'[n]}") for n in range(times))
        found.append(DOMAIN.replace("  </devices>", f"    {more}\n  </devices>").encode())
    return found


def grow(name: str, most: int) -> None:
    """Print the time for a verdict once all is learned, of few and of many skeletons."""
    settled = {}
    for number in (FEW, most):
        host, listed = _open(name), unlike(number)
        for _ in range(3):
            times = looks(host, listed)
        settled[number] = statistics.median(times)
        print(f"{number:6} skeletons: {_row(times)} in the third pass", flush=True)
    print(f"ratio {settled[most] / settled[FEW]:.2f}")
    before = _resident()
    further, listed = _open(name), unlike(HOSTS)
    for _ in range(2):
        looks(further, listed)
    print(f"one more host after {HOSTS} domains: {(_resident() - before) / 1e6:.1f} MB")


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--host", default="", metavar="RECORDING")
    parser.add_argument("--libvirt", default="", metavar="COMMAND")
    parser.add_argument("--skeletons", type=int, default=0)
    options = parser.parse_args()
    if options.folder:
        compare(options.host, options.folder, options.libvirt)
    if options.skeletons:
        grow(options.host, options.skeletons)


if __name__ == "__main__":
    main()
