"""The machine that the tests run on, compared with what other programs say of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from domcaps.facts.host import HostFacts
from domcaps.facts.hostprobe import read_host
from domcaps.facts.record import HostRecord
from domcaps.report.hostinfo import describe_host

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def host() -> HostRecord:
    return read_host()


def lscpu() -> dict[str, Any]:
    program = shutil.which("lscpu")
    if program is None:
        pytest.skip("lscpu is not installed")
    done = subprocess.run([program, "--json"], capture_output=True, check=False, text=True)
    if done.returncode:
        pytest.skip(f"lscpu can't tell: {done.stderr.strip()}")
    lines = json.loads(done.stdout)["lscpu"]
    found: dict[str, Any] = {}
    while lines:
        line = lines.pop()
        found[line["field"].rstrip(":")] = line["data"]
        lines.extend(line.get("children", ()))
    return found


def test_the_architecture_and_kernel(host: HostRecord) -> None:
    assert host.kernel.startswith(os.uname().release)
    assert host.arch


def test_the_processor_is_what_lscpu_says(host: HostRecord) -> None:
    said = lscpu()
    cpu = host.cpu
    assert cpu.threads == int(said["Thread(s) per core"])
    assert cpu.cores == int(said["Core(s) per socket"])
    assert cpu.sockets == int(said["Socket(s)"])
    if host.arch == "x86_64":
        assert cpu.vendor == said["Vendor ID"]
        assert cpu.flags == tuple(said["Flags"].split())
        assert said["Address sizes"].startswith(f"{cpu.phys_addr_bits} bits physical")
        family = tuple(int(said[name]) for name in ("CPU family", "Model", "Stepping"))
        assert cpu.signature == family


def test_kvm_is_usable_or_says_why(host: HostRecord) -> None:
    kvm = host.kvm
    assert kvm.usable is not bool(kvm.reason)
    assert bool(kvm.max_vcpus) or not kvm.usable
    if not Path("/dev/kvm").exists():
        assert kvm.reason == "/dev/kvm does not exist"


def test_numa_cells_hold_every_cpu_that_is_online(host: HostRecord) -> None:
    if not host.numa:
        pytest.skip("this kernel shows no NUMA cells")
    cpus = {cpu for cell in host.numa for cpu in cell.cpus}
    assert cpus >= set(os.sched_getaffinity(0))


def test_nothing_is_invented(host: HostRecord) -> None:
    assert all(Path(image).exists() for image in host.images)
    assert all(os.access(helper.path, os.X_OK) for helper in host.helpers if helper.path)
    assert host.asserted == {}


def test_it_survives_being_written_down(host: HostRecord) -> None:
    assert msgspec.json.decode(msgspec.json.encode(host), type=HostRecord) == host
    assert describe_host(HostFacts(host))


def quickest(action: Callable[[], object], rounds: int = 10) -> float:
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return min(taken)


def test_reading_is_quick(host: HostRecord) -> None:
    # five milliseconds is what is promised; the rest is for a busy machine
    assert quickest(lambda: read_host(run_helpers=False)) < 0.015
    assert quickest(lambda: read_host(known_helpers=host.helpers)) < 0.015
