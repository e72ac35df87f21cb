"""Reading a live host as hardware: see `domcaps.facts.node`.

Sources: the kernel's ``Documentation/ABI`` for ``/sys/devices/system/{cpu,node}``; the API document
of KVM for the frequency of the time stamp counter, which takes a virtual machine without memory
to read; ``/sys/class/dmi`` for the host's UUID, as libvirt reads it.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from domcaps.facts.arch import X86
from domcaps.facts.deciding import masked_leaf
from domcaps.facts.host_record import libvirt_arch
from domcaps.facts.hostcpu import cpu_list, cpuinfo_lines
from domcaps.facts.hostfiles import HostFiles
from domcaps.facts.kvm import DEVICE
from domcaps.facts.node import Cache, Leaf, Node, NodeCell, NodeCpu
from domcaps.facts.nodekernel import links, number, numbered, resctrl, side_caches, suspends

if TYPE_CHECKING:
    from collections.abc import Iterable

_CPUS = "/sys/devices/system/cpu"
_NODES = "/sys/devices/system/node"
_IOMMU_GROUPS = "/sys/kernel/iommu_groups"
_BEGINNING = 16 * 1024

LEAVES = (
    (0x1, 0), (0x6, 0), (0x7, 0), (0x7, 1), (0x7, 2), (0xD, 1), (0xF, 1), (0x12, 0), (0x12, 1),
    (0x14, 0), (0x19, 0), (0x1E, 1), (0x24, 0), (0x24, 1), (0x29, 0), (0x80000001, 0),
    (0x80000007, 0), (0x80000008, 0), (0x8000000A, 0), (0x80000021, 0), (0x80000022, 0),
    (0xC0000001, 0),
)  # fmt: skip
"""The leaves of CPUID that a CPU feature stands in."""

MSRS = (0xCF, *range(0x480, 0x492))
"""The model-specific registers beside IA32_ARCH_CAPABILITIES that a CPU feature stands in."""

POWER, INVARIANT_TSC = 0x80000007, 1 << 8
_ARCH_CAPABILITIES = 0x10A
_MSR_DEVICE = "/dev/cpu/0/msr"
_GET_MSRS = 0xC008AE88
_CREATE_VM, _CREATE_VCPU, _CHECK_EXTENSION, _GET_TSC_KHZ = 0xAE01, 0xAE41, 0xAE03, 0xAEA3
_CAP_TSC_CONTROL = 60

_OWN = uuid.UUID("5f0ac0e6-6c4b-4c43-9a86-8b2f5f0d3c11")
"""What a machine's number is mixed with: the number itself must not be disclosed."""
_LOWEST_CACHE = 2
"""libvirt does not list the caches of the first level."""


def read_node(files: HostFiles | None = None) -> Node:
    """Read a host, by default this one; what can't be read keeps its default value."""
    seen = files or HostFiles()
    lines = cpuinfo_lines(seen.text("/proc/cpuinfo", _BEGINNING))
    leaves: tuple[Leaf, ...] = ()
    msr, tsc_hz, scaling = 0, 0, False
    others: tuple[tuple[int, int], ...] = ()
    if seen.is_live and libvirt_arch(seen.uname[0]) in X86:
        leaves = _cpuid()
        msr, others = _msr() or 0, _other_msrs()
        tsc_hz, scaling = _tsc(leaves)
    cells = _cells(seen)
    return Node(
        uuid=_uuid(seen),
        memory_kib=_kib(seen.text("/proc/meminfo"), "MemTotal"),
        mhz=_mhz(lines),
        cpuid=leaves,
        arch_capabilities=msr,
        tsc_hz=tsc_hz,
        tsc_scaling=scaling,
        cells=cells,
        caches=_caches(seen),
        links=links(seen, [cell.id for cell in cells]),
        resctrl=resctrl(seen),
        suspends=suspends(seen),
        iommu=bool(seen.names_or_none(_IOMMU_GROUPS)),
        uid=os.geteuid(),
        gid=os.getegid(),
        msrs=others,
    )


def _uuid(files: HostFiles) -> str:
    """Give the UUID that the firmware tells, or one of this installation's own."""
    text = files.text("/sys/class/dmi/id/product_uuid")
    with suppress(ValueError):
        found = uuid.UUID(text)
        # some firmware tells a number that is none
        if len(set(found.hex)) > 1:
            return str(found)
    machine = files.text("/etc/machine-id")
    return str(uuid.uuid5(_OWN, machine)) if machine else ""


def _mhz(lines: dict[str, str]) -> int:
    for key in ("cpu mhz", "clock", "cpu mhz dynamic"):
        if found := re.match(r"\d{1,7}", lines.get(key, ""), re.ASCII):
            return int(found[0])
    return 0


def _kib(text: str, name: str) -> int:
    found = re.search(rf"{name}:\s*(\d{{1,15}}) kB", text)
    return int(found[1]) if found else 0


# -- NUMA cells and CPUs -------------------------------------------------------------------------


def _cells(files: HostFiles) -> tuple[NodeCell, ...]:
    every = numbered(files, _NODES, r"node(\d{1,6})")
    return tuple(_cell(files, cell, every) for cell in every)


def _cell(files: HostFiles, found: int, every: Iterable[int]) -> NodeCell:
    folder = f"{_NODES}/node{found}"
    memory = _kib(files.text(f"{folder}/meminfo"), "MemTotal")
    distances = files.text(f"{folder}/distance").split()
    online = set(cpu_list(files.text(f"{_CPUS}/online")))
    return NodeCell(
        id=found,
        memory_kib=memory,
        pages=_pages(files, folder, memory),
        distances=tuple(
            (cell, int(cost))
            for cell, cost in zip(every, distances, strict=False)
            if cost.isascii() and cost.isdigit()
        ),
        cpus=tuple(
            _cpu(files, cpu) for cpu in cpu_list(files.text(f"{folder}/cpulist")) if cpu in online
        ),
        side_caches=side_caches(files, found),
    )


def _pages(files: HostFiles, folder: str, memory: int) -> tuple[tuple[int, int], ...]:
    """Count pages by size: those of the usual size are what huge ones leave."""
    huge = [
        (size, number(files, f"{folder}/hugepages/hugepages-{size}kB/nr_hugepages"))
        for size in numbered(files, f"{folder}/hugepages", r"hugepages-(\d{1,12})kB")
    ]
    usual = os.sysconf("SC_PAGESIZE") // 1024 if files.is_live else 4
    left = max(0, memory - sum(size * count for size, count in huge))
    return ((usual, left // usual), *huge)


def _cpu(files: HostFiles, found: int) -> NodeCpu:
    folder = f"{_CPUS}/cpu{found}/topology"
    return NodeCpu(
        id=found,
        socket=number(files, f"{folder}/physical_package_id"),
        die=number(files, f"{folder}/die_id"),
        cluster=number(files, f"{folder}/cluster_id"),
        core=number(files, f"{folder}/core_id"),
        siblings=cpu_list(files.text(f"{folder}/thread_siblings_list")) or (found,),
    )


def _caches(files: HostFiles) -> tuple[Cache, ...]:
    found: dict[Cache, None] = {}
    for cpu in cpu_list(files.text(f"{_CPUS}/online")):
        folder = f"{_CPUS}/cpu{cpu}/cache"
        for index in numbered(files, folder, r"index(\d{1,4})"):
            cache = _cache(files, f"{folder}/index{index}")
            if cache.level >= _LOWEST_CACHE and cache.size_kib:
                found[cache] = None
    return tuple(sorted(found, key=lambda cache: (cache.level, cache.id)))


def _cache(files: HostFiles, folder: str) -> Cache:
    size = re.fullmatch(r"(\d{1,12})K", files.text(f"{folder}/size"), re.ASCII)
    return Cache(
        id=number(files, f"{folder}/id"),
        level=number(files, f"{folder}/level"),
        type=files.text(f"{folder}/type"),
        # without a number of its own libvirt leaves a cache out
        size_kib=int(size[1]) if size and files.exists(f"{folder}/id") else 0,
        cpus=cpu_list(files.text(f"{folder}/shared_cpu_list")),
    )


# -- what only the processor and KVM tell ----------------------------------------------------------


def _cpuid() -> tuple[Leaf, ...]:
    from domcaps.facts import cpuid

    asked = ((leaf, subleaf, cpuid.ask(leaf, subleaf)) for leaf, subleaf in LEAVES)
    return tuple(masked_leaf(Leaf(leaf, subleaf, *told)) for leaf, subleaf, told in asked if told)


def _msr(number: int = _ARCH_CAPABILITIES) -> int | None:
    """Read a model-specific register from its device, or else ask KVM; None where neither tells.

    KVM tells what a guest may see of it, also where the processor has no such word.
    """
    with suppress(OSError):
        with open(_MSR_DEVICE, "rb", buffering=0) as device:  # noqa: PTH123 - at an offset
            data = os.pread(device.fileno(), 8, number)
        if len(data) == 8:
            return int.from_bytes(data, "little")
    with suppress(OSError), open(DEVICE, "rb", buffering=0) as kvm:  # noqa: PTH123
        entry = bytearray(struct.pack("<IIIIQ", 1, 0, number, 0, 0))
        # the answer is how many registers were read
        if fcntl.ioctl(kvm, _GET_MSRS, entry) == 1:
            return int(struct.unpack("<IIIIQ", entry)[4])
    return None


def _other_msrs() -> tuple[tuple[int, int], ...]:
    read = ((number, _msr(number)) for number in MSRS)
    return tuple((number, value) for number, value in read if value is not None)


def _tsc(leaves: tuple[Leaf, ...]) -> tuple[int, bool]:
    """Ask KVM for the frequency of an invariant time stamp counter, and whether it scales it."""
    power = next((leaf.edx for leaf in leaves if leaf.leaf == POWER), 0)
    if not power & INVARIANT_TSC:
        return 0, False
    handles: list[int] = []
    try:
        kvm = os.open(DEVICE, os.O_RDONLY | os.O_CLOEXEC)
        handles.append(kvm)
        handles.append(fcntl.ioctl(kvm, _CREATE_VM, 0))
        handles.append(fcntl.ioctl(handles[-1], _CREATE_VCPU, 0))
        khz = fcntl.ioctl(handles[-1], _GET_TSC_KHZ, 0)
        scaling = fcntl.ioctl(kvm, _CHECK_EXTENSION, _CAP_TSC_CONTROL)
    except OSError:
        return 0, False
    finally:
        for handle in reversed(handles):
            os.close(handle)
    return khz * 1000, bool(scaling)
