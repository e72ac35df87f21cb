"""What a host tells of itself beyond what decides on guests: the host part of ``<capabilities>``.

None of it is a fact that the table looks at, so that it may be missing, and is not watched: a live
host is read anew whenever somebody asks (see `domcaps.facts.nodeprobe`).
"""

from __future__ import annotations

import msgspec


class Leaf(msgspec.Struct, frozen=True, array_like=True):
    """One leaf of CPUID, with what it left in the registers."""

    leaf: int
    subleaf: int
    eax: int = 0
    ebx: int = 0
    ecx: int = 0
    edx: int = 0


class NodeCpu(msgspec.Struct, frozen=True):
    """One CPU that is online, and where it stands; `siblings` are the threads of its core."""

    id: int
    socket: int = 0
    die: int = 0
    cluster: int = 0
    core: int = 0
    siblings: tuple[int, ...] = ()


class NodeCell(msgspec.Struct, frozen=True, omit_defaults=True):
    """One NUMA cell. `pages` are pairs of a size in KiB and a number, `distances` of cell and cost.

    The number of pages of the usual size is that of all memory.
    """

    id: int
    memory_kib: int = 0
    pages: tuple[tuple[int, int], ...] = ()
    distances: tuple[tuple[int, int], ...] = ()
    cpus: tuple[NodeCpu, ...] = ()


class Cache(msgspec.Struct, frozen=True):
    """A cache of the processor, with the CPUs that share it; `type` is the kernel's word."""

    id: int
    level: int
    type: str
    size_kib: int
    cpus: tuple[int, ...] = ()


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """A host as hardware.

    `cpuid` and `arch_capabilities` (IA32_ARCH_CAPABILITIES) are what an x86 processor says, with
    the bits that its hypervisor, if there is one, lets it say. `tsc_hz` is 0 where KVM does not
    tell; `mhz` is what the kernel measured last. `uid` and `gid` are whom QEMU would run as.
    """

    uuid: str = ""
    memory_kib: int = 0
    mhz: int = 0
    cpuid: tuple[Leaf, ...] = ()
    arch_capabilities: int = 0
    tsc_hz: int = 0
    tsc_scaling: bool = False
    cells: tuple[NodeCell, ...] = ()
    caches: tuple[Cache, ...] = ()
    uid: int = 0
    gid: int = 0
