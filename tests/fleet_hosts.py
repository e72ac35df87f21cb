"""Fleets for tests: recorded emulators on hosts that differ in what people's hosts differ in."""

from __future__ import annotations

import random
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from domcaps.facts.node import Leaf, Node
from domcaps.facts.record import Helper, HostCpu, Kvm, NumaCell, Presence, Recording
from domcaps.facts.recording import loads
from domcaps.shipped import SUFFIX
from sample_hosts import _firmware, _rich, _with_kvm

if TYPE_CHECKING:
    from domcaps.facts.record import EmulatorRecord, FirmwareDescriptor, HostRecord

RELEASES = ("sid", "debian13", "debian12")
_PATHS = (
    "/usr/bin/qemu-system-x86_64",
    "/usr/libexec/qemu-kvm",
    "/usr/local/bin/qemu-system-x86_64",
)
replace = msgspec.structs.replace


def shipped(name: str = "debian13-x86_64") -> Recording:
    return loads((files("domcaps") / "recordings" / f"{name}{SUFFIX}").read_bytes(), name)


def emulators() -> list[EmulatorRecord]:
    """Give the emulators of the releases, with and without KVM."""
    found = [shipped(f"{release}-x86_64").emulators[0] for release in RELEASES]
    return [*found, *map(_with_kvm, found)]


def _host(rng: random.Random, firmware: list[tuple[FirmwareDescriptor, ...]]) -> HostRecord:
    rich = _rich("x86_64")
    kvm = rng.choice(
        [rich.kvm, Kvm(usable=True, max_vcpus=8, smm=False), Kvm(reason="no /dev/kvm")]
    )
    helpers = tuple(h for h in rich.helpers if rng.random() < 0.7) + (
        (Helper("bridge-helper", reason="not installed"),) if rng.random() < 0.3 else ()
    )
    return replace(
        rich,
        kvm=kvm,
        helpers=helpers,
        firmware=rng.choice(firmware),
        vfio=rng.choice([Presence(True), Presence(False, "no IOMMU")]),
        iommufd=rng.choice([Presence(True), Presence(False, "no /dev/iommu")]),
        hugepage_sizes_kib=rng.choice([(), (2048,), (2048, 1048576)]),
        numa=rng.choice([rich.numa, (NumaCell(0, 1 << 20, (0,)),)]),
        cpu=rng.choice([rich.cpu, HostCpu(model="EPYC", flags=("svm",), cores=4)]),
        kernel=f"6.{rng.randrange(9)}",
    )


def fleet(count: int, seed: int = 0) -> dict[str, Recording]:
    """Give recordings by the names of their hosts; the same seed gives the same ones."""
    rng = random.Random(seed)  # noqa: S311 - tests
    every = _firmware("x86_64")
    firmware = [every, every[:2], every[2:], ()]
    machines = emulators()
    found = {}
    for number in range(count):
        record = replace(rng.choice(machines), path=rng.choice(_PATHS), mtime_ns=number)
        node = Node(
            uuid=f"00000000-0000-0000-0000-{number:012}",
            mhz=rng.randrange(800, 4000),
            tsc_hz=rng.choice([0, 2_500_000_000]),
            cpuid=(Leaf(1, 0, 0, rng.randrange(256) << 24, rng.choice([0, 32]), 0),),
        )
        host = _host(rng, firmware)
        found[f"host-{number}"] = Recording(host, (record,), node, made_at=str(number))
    return found
