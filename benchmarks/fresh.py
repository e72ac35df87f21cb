"""What an answer costs that is proven in each call, against libvirt where there is one.

    python benchmarks/fresh.py [--libvirt URI] [--cold] [--rounds N]

- an answer in the same process, with all of its witnesses verified;
- the same without inotify: every witness is looked at;
- an answer after one firmware descriptor changed, with the XML that it makes;
- ``domcaps report`` as a process, with what it needs in the cache;
- the first answer of all, with nothing in the cache, and that of every emulator installed.

``--libvirt`` times ``getDomainCapabilities`` of libvirt's Python module over its socket, and
``virsh domcapabilities`` as a process, in the same run. ``--cold`` starts a libvirtd of its own,
with an empty cache, and times ``virsh capabilities``, for which libvirt asks every emulator. It is
run under a reaper, so that a slow init does not count (libvirt waits until each emulator is gone),
and has to be started by a user other than root, whose libvirtd would be the system's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domcaps.facts.discovery import installed_emulators
from domcaps.fresh.answers import Local
from domcaps.fresh.build import Build
from domcaps.fresh.host_view import HostView
from domcaps.fresh.hostfacts import HostQuestion
from domcaps.fresh.machine import LocalMachine
from domcaps.hosts.host import LiveHost
from domcaps.language.target import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.report.capabilities import DomainCapabilities

FIRST = """
import sys, time
from pathlib import Path
import domcaps
host = domcaps.Host.local(cache=Path(sys.argv[1]))
print(len(host.domain_capabilities(machine="q35").xml))
"""

ALL = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import domcaps
host = domcaps.Host.local(cache=Path(sys.argv[1]))
# one more than there are cores: what an emulator is made of is looked at while others run
with ThreadPoolExecutor(len(os.sched_getaffinity(0)) + 1) as pool:
    paths = host.emulators.paths()
    print(len(list(pool.map(host.emulators.get, paths))))
"""

# PR_SET_CHILD_SUBREAPER: what the program orphans becomes a child of this process, which waits
REAPER = """
import ctypes, os, signal, subprocess, sys
ctypes.CDLL(None).prctl(36, 1)
program = subprocess.Popen(sys.argv[1:])
signal.signal(signal.SIGTERM, lambda number, frame: program.send_signal(number))
while os.waitpid(-1, 0)[0] != program.pid:
    pass
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--libvirt", metavar="URI", help="a libvirt to compare with")
    parser.add_argument("--cold", action="store_true", help="start a libvirtd with an empty cache")
    parser.add_argument("--rounds", type=int, default=5, help="for what takes long")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="domcaps-fresh-") as folder:
        results = [*in_process(Path(folder)), *as_process(Path(folder), options.rounds)]
        theirs = libvirt_times(options.libvirt, options.rounds) if options.libvirt else []
        if options.cold:
            theirs += [cold_libvirt(Path(folder))]
    for name, seconds, limit in (*results, *theirs):
        print(f"{name:52} {shown(seconds):>10}" + (f"   (at most {shown(limit)})" if limit else ""))
    return 0 if all(not limit or seconds <= limit for _, seconds, limit in results) else 1


def shown(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def median(run: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


Result = tuple[str, float, float]


def host_with(folder: Path, *, sentry: bool = True) -> LiveHost:
    """Give this machine, as a user whose configuration is in the folder sees it."""
    environ = {**os.environ, "XDG_CONFIG_HOME": str(folder)}
    build = Build(HostView(environ=environ), sentry=sentry)
    return LiveHost(LocalMachine(build, Local(HostQuestion(privileged=False))))


def in_process(folder: Path) -> Iterator[Result]:
    host, looking = host_with(folder), host_with(folder, sentry=False)

    def answer() -> DomainCapabilities:
        return host.domain_capabilities(machine="q35")

    for _ in range(3):
        answer()
        looking.domain_capabilities(machine="q35")
    question = Question(machine="q35", libvirt="12.8")
    inputs = len(witnesses_of(host, question))
    print(f"{answer().path}, {len(answer().xml) / 1000:.0f} KB of XML, {inputs} witnesses")
    yield "answer, all witnesses verified", median(answer, 2000), 100e-6
    yield (
        "the same without inotify",
        median(lambda: looking.domain_capabilities(machine="q35"), 200),
        0,
    )
    descriptors = folder / "qemu/firmware"
    descriptors.mkdir(parents=True)
    times = []
    for number in range(30):
        (descriptors / "10-changed.json").write_text(descriptor(number))
        began = time.perf_counter()
        size = len(answer().xml)
        times.append(time.perf_counter() - began)
        assert size
    yield "answer and XML after one descriptor changed", statistics.median(times), 10e-3


def witnesses_of(host: LiveHost, question: Question) -> tuple[object, ...]:
    from domcaps.fresh.store import witnesses

    return witnesses(host.machine.answer_entry(question))


def descriptor(number: int) -> str:
    """Give a descriptor with another meaning for each number."""
    interface = ("uefi", "bios")[number % 2]
    file = {"filename": f"/usr/share/none/{number}.fd", "format": "raw"}
    return json.dumps(
        {
            "description": str(number),
            "interface-types": [interface],
            "mapping": {"device": "flash", "executable": file, "nvram-template": file},
            "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*"]}],
            "features": ["secure-boot"][: number % 2],
        }
    )


def as_process(folder: Path, rounds: int) -> Iterator[Result]:
    python = [sys.executable, "-m", "domcaps", "report", "--machine", "q35"]
    run_quietly(python)
    yield "domcaps report, warm cache", median(lambda: run_quietly(python), 2 * rounds), 150e-3
    caches = iter(range(1000))

    def fresh(code: str) -> Callable[[], object]:
        return lambda: run_quietly(
            [sys.executable, "-c", code, str(folder / f"cache{next(caches)}")]
        )

    yield "first answer of all, empty cache", median(fresh(FIRST), rounds), 0
    count = len(installed_emulators())
    yield f"all {count} emulators asked, empty cache", median(fresh(ALL), min(rounds, 3)), 0


def run_quietly(command: list[str], **environ: str) -> None:
    subprocess.run(
        command, stdout=subprocess.DEVNULL, check=True, env={**os.environ, **environ}, timeout=300
    )


def libvirt_times(uri: str, rounds: int) -> list[Result]:
    import libvirt  # type: ignore[import-not-found]

    connection: Any = libvirt.open(uri)
    xml = connection.getDomainCapabilities(None, None, "q35", None)
    print(f"libvirt: {len(xml) / 1000:.0f} KB of XML")
    found = [
        (
            "libvirt's getDomainCapabilities over its socket",
            median(lambda: connection.getDomainCapabilities(None, None, "q35", None), 200),
            0.0,
        )
    ]
    if shutil.which("virsh"):
        virsh = ["virsh", "-c", uri, "domcapabilities", "--machine", "q35"]
        found.append(("virsh domcapabilities", median(lambda: run_quietly(virsh), 2 * rounds), 0.0))
    return found


def cold_libvirt(folder: Path) -> Result:
    """Time the first ``virsh capabilities`` of a daemon of this user's, with an empty cache."""
    if os.geteuid() == 0:
        raise SystemExit("--cold: start this as another user; root's libvirtd is the system's")
    homes = {
        f"XDG_{kind}": str(folder / "libvirt" / kind.lower())
        for kind in ("CACHE_HOME", "CONFIG_HOME", "DATA_HOME", "RUNTIME_DIR")
    }
    for place in homes.values():
        Path(place).mkdir(parents=True)
    daemon = subprocess.Popen(
        [sys.executable, "-c", REAPER, "libvirtd"],
        env={**os.environ, **homes},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(Path(homes["XDG_RUNTIME_DIR"]) / "libvirt/libvirt-sock")
        began = time.perf_counter()
        run_quietly(["virsh", "-c", "qemu:///session", "capabilities"], **homes)
        return "virsh capabilities, empty cache", time.perf_counter() - began, 0.0
    finally:
        daemon.terminate()
        daemon.wait(30)


def wait_for(path: Path) -> None:
    limit = time.monotonic() + 30
    while not path.exists() and time.monotonic() < limit:
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
