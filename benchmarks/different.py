"""How long a verdict takes on domains that differ, at first look and later, beside libvirt.

::

    python benchmarks/different.py FOLDER [--host RECORDING] [--libvirt COMMAND]
    python benchmarks/different.py --skeletons 10000

FOLDER has domains as XML files. Each that is accepted is looked at once in every pass. COMMAND (may
be several words) starts a Python that has libvirt's bindings, for instance in a container: it
defines the same domains, and only those that both accept are counted. All figures are CPU time for
a domain, so that other load on the machine counts little; libvirt's is that of its daemon and its
client. With --skeletons it is measured how time and memory grow with the number of *skeletons*,
that is of domains that are not built alike.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import domcaps
from domcaps.shipped import open_shipped

sys.path.insert(0, str(Path(__file__).parent))

from validate import DOMAIN, MORE

PASSES = 4
FEW = 100
HOSTS = 300
"""Domains that a further host judges before its memory is read."""

# UUIDs are taken away and names given, so that no two domains have the same
DEFINE = """
import json, libvirt, os, re, sys, time

def is_daemon(pid):
    try:
        name = open(f"/proc/{pid}/comm").read().strip()
        here = os.path.samefile(f"/proc/{pid}/root", "/")
        return here and name in ("libvirtd", "virtqemud")
    except OSError:
        return False

def spent():
    ticks = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if is_daemon(pid):
            fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK") + time.process_time()

def define(number, text):
    text = re.sub("<uuid>.*?</uuid>", "", text, flags=re.DOTALL)
    name = f"<name>domcaps-benchmark-{number}</name>"
    text = re.sub("<name>.*?</name>", name, text, count=1, flags=re.DOTALL)
    try:
        return connection.defineXMLFlags(text, 0)
    except libvirt.libvirtError:
        return None

def forget(domains):
    for domain in filter(None, domains):
        domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)

libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open("qemu:///system")
texts = json.load(sys.stdin)
domains = [define(number, text) for number, text in enumerate(texts)]
accepted = [number for number, domain in enumerate(domains) if domain is not None]
forget(domains)
before = spent()
domains = [define(number, texts[number]) for number in accepted]
took = spent() - before
forget(domains)
print(json.dumps({"accepted": accepted, "ms": took * 1000 / max(len(accepted), 1)}))
"""


def documents(folder: Path) -> list[bytes]:
    """Give the domains in a folder, each once."""
    found = dict.fromkeys(path.read_bytes() for path in sorted(folder.rglob("*.xml")))
    return list(found)


def _is_accepted(name: str, listed: list[bytes]) -> list[bool]:
    host = open_host(name)
    return [host.validate(data).accepted for data in listed]


def open_host(name: str) -> domcaps.Host:
    return domcaps.Host.load(name) if name else open_shipped("sid-x86_64")


def accepted(name: str, listed: list[bytes]) -> list[bytes]:
    """Give those that are accepted; another process finds out: this one is to learn nothing."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        verdicts = pool.apply(_is_accepted, (name, listed))
    return [data for data, verdict in zip(listed, verdicts, strict=True) if verdict]


def defined(command: list[str], listed: list[bytes]) -> tuple[list[bytes], float]:
    """Give the domains that libvirt accepts, and its milliseconds for one."""
    texts = json.dumps([data.decode(errors="replace") for data in listed])
    done = subprocess.run(
        [*command, "-c", DEFINE], input=texts, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"libvirt: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return [listed[number] for number in found["accepted"]], found["ms"]


def look(host: domcaps.Host, listed: list[bytes]) -> float:
    """Give the milliseconds for one domain."""
    start = time.process_time()
    for data in listed:
        host.validate(data)
    return (time.process_time() - start) * 1000 / len(listed)


def compare(name: str, folder: Path, libvirt: str) -> None:
    """Print what passes over a folder take, beside libvirt."""
    listed, theirs = accepted(name, documents(folder)), 0.0
    if libvirt:
        listed, theirs = defined(shlex.split(libvirt), listed)
    host = open_host(name)
    host.validate(DOMAIN)
    print(f"{host.origin}: {len(listed)} different domains of {folder}")
    if theirs:
        print(f"{'libvirt, define':20} {theirs:8.3f} ms")
    for number in range(1, PASSES + 1):
        ours = look(host, listed)
        ratio = f"   {theirs / ours:5.1f} x faster" if theirs else ""
        print(f"{f'look {number}':20} {ours:8.3f} ms{ratio}", flush=True)


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
        host, listed = open_host(name), unlike(number)
        passes = [look(host, listed) for _ in range(3)]
        settled[number] = passes[-1]
        print(f"{number:6} skeletons: {', '.join(f'{one:.3f}' for one in passes)} ms", flush=True)
    print(f"ratio {settled[most] / settled[FEW]:.2f}")
    listed = unlike(HOSTS)
    before = resident()
    further = open_host(name)
    for _ in range(2):
        look(further, listed)
    print(f"one more host after {HOSTS} domains: {(resident() - before) / 1e6:.1f} MB")


def resident() -> int:
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
