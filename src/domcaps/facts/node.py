"""What a host tells of itself as hardware: the host part of ``<capabilities>``, and its registers.

All of it may be missing, and none of it is watched: a live host is read anew whenever something
needs it (see `domcaps.facts.nodeprobe`). CPUID, model-specific registers and the frequency of the
time stamp counter decide rules of CPU features and of timers; `domcaps.facts.deciding` lists these
fields. The others are only reported.
"""

from __future__ import annotations

import msgspec

from domcaps.facts.host_objects import HostObjects


class Leaf(msgspec.Struct, frozen=True, array_like=True):
    """One leaf of CPUID, with what it left in the registers."""

    leaf: int
    subleaf: int
    eax: int = 0
    ebx: int = 0
    ecx: int = 0
    edx: int = 0


class Cpuid(msgspec.Struct, frozen=True):
    """What CPUID says, and IA32_ARCH_CAPABILITIES; `msrs` are other model-specific registers."""

    leaves: tuple[Leaf, ...] = ()
    arch_capabilities: int = 0
    msrs: tuple[tuple[int, int], ...] = ()

    def words(self) -> dict[str, int]:
        """Give registers by the words of features, such as ``cpuid 0x7 0x0 ebx``."""
        words = {f"msr {number:#x}": value for number, value in self.msrs}
        words["msr 0x10a"] = self.arch_capabilities
        for leaf in self.leaves:
            for register in ("eax", "ebx", "ecx", "edx"):
                words[f"cpuid {leaf.leaf:#x} {leaf.subleaf:#x} {register}"] = getattr(
                    leaf, register
                )
        return words


class NodeCpu(msgspec.Struct, frozen=True):
    """One CPU that is online, and where it stands; `siblings` are the threads of its core."""

    id: int
    socket: int = 0
    die: int = 0
    cluster: int = 0
    core: int = 0
    siblings: tuple[int, ...] = ()


class SideCache(msgspec.Struct, frozen=True):
    """A cache between a cell's memory and all that uses it; `size` is in KiB, `line` in bytes.

    `indexing` and `policy` are the kernel's numbers: 0 direct, 1 full, 2 other; 0 write back,
    1 write through, 2 other.
    """

    level: int
    size_kib: int
    line: int = 0
    indexing: int = 2
    policy: int = 2


class Link(msgspec.Struct, frozen=True, array_like=True):
    """How the processors of one cell reach the memory of another: in KiB/s and nanoseconds."""

    initiator: int
    target: int
    read_kib: int
    write_kib: int
    read_latency: int
    write_latency: int


class NodeCell(msgspec.Struct, frozen=True, omit_defaults=True):
    """One NUMA cell. `pages` are pairs of a size in KiB and a number, `distances` of cell and cost.

    The number of pages of the usual size is that of all memory.
    """

    id: int
    memory_kib: int = 0
    pages: tuple[tuple[int, int], ...] = ()
    distances: tuple[tuple[int, int], ...] = ()
    cpus: tuple[NodeCpu, ...] = ()
    side_caches: tuple[SideCache, ...] = ()


class Cache(msgspec.Struct, frozen=True):
    """A cache of the processor, with the CPUs that share it; `type` is the kernel's word."""

    id: int
    level: int
    type: str
    size_kib: int
    cpus: tuple[int, ...] = ()


class Allocation(msgspec.Struct, frozen=True):
    """How the caches of a level can be shared out: in so many parts, to so many groups.

    `scope` is ``code``, ``data`` or "" for both; a group has at least `least_bits` parts.
    """

    level: int
    scope: str
    bits: int
    least_bits: int
    groups: int


class MemoryBandwidthControl(msgspec.Struct, frozen=True):
    """How the bandwidth of memory can be shared out, in percent, to so many groups."""

    step: int
    least: int
    groups: int


class ResourceMonitor(msgspec.Struct, frozen=True):
    """What of caches and memory can be watched, for so many groups at once."""

    features: tuple[str, ...]
    groups: int
    threshold: int = 0


class Resctrl(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the processor lets the kernel share out and watch."""

    allocations: tuple[Allocation, ...] = ()
    bandwidth: MemoryBandwidthControl | None = None
    monitor: ResourceMonitor | None = None


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """A host as hardware.

    `cpuid` and `arch_capabilities` (IA32_ARCH_CAPABILITIES) are what an x86 processor says, with
    the bits that its hypervisor, if there is one, lets it say. `msrs` are pairs of number and value
    of the other registers that a CPU feature stands in, as far as they could be read. `tsc_hz` is
    0 where KVM does not tell, and is what the frequency of a ``tsc`` timer is compared with; `mhz`
    is what the kernel measured last. `uid` and `gid` are whom QEMU would run as. `iommu` tells
    whether the kernel made groups of devices, None if it was not probed; `suspends` how it can
    sleep: ``mem``, ``disk``, ``hybrid``. `objects` are networks, storage pools and interfaces, None
    if they were not recorded.
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
    links: tuple[Link, ...] = ()
    resctrl: Resctrl | None = None
    suspends: tuple[str, ...] = ()
    iommu: bool | None = None
    uid: int = 0
    gid: int = 0
    msrs: tuple[tuple[int, int], ...] = ()
    objects: HostObjects | None = None
