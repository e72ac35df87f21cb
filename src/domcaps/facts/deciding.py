"""Which part of a recording decides answers, and which part only tells of the moment.

Two recordings of one unchanged host differ in bytes: the time, the frequency that the kernel
measured last, the number of the CPU that happened to execute CPUID. `deciding` takes all of that
away, so that recordings of equal hosts are equal. What it keeps is all that a rule, a report or a
chosen domain depends on; `tests/unit/test_fleet_store.py` holds it to that.
"""

from __future__ import annotations

import msgspec

from domcaps.facts.node import Leaf, Node
from domcaps.facts.record import EmulatorRecord, HostRecord, Recording

HOST_ASIDE = ("kernel", "qemu_user")
"""Fields of `HostRecord` that are shown to people and decide nothing."""

NODE_DECIDES = ("cpuid", "arch_capabilities", "msrs", "tsc_hz", "tsc_scaling")
"""Fields of `Node` that rules read; the others describe the host in libvirt's
``<capabilities>``."""

_APIC_ID = 0xFF000000


def masked_leaf(leaf: Leaf) -> Leaf:
    """Clear what a leaf of CPUID tells of the CPU that executed it.

    Leaf 1 has that CPU's initial APIC ID in bits 24 to 31 of EBX (Intel SDM, volume 2, CPUID), so
    that two recordings of one host differed. No CPU feature stands in these bits.
    """
    if leaf.leaf != 1:
        return leaf
    return msgspec.structs.replace(leaf, ebx=leaf.ebx & ~_APIC_ID)


def deciding(recording: Recording) -> Recording:
    """Give a recording without what decides no answer; equal hosts give equal values."""
    return Recording(
        host=deciding_host(recording.host),
        emulators=tuple(map(deciding_emulator, recording.emulators)),
        node=None if recording.node is None else deciding_node(recording.node),
    )


def deciding_host(host: HostRecord) -> HostRecord:
    """Leave out the kernel's release, the account's name, sizes and times of helper programs."""
    helpers = tuple(msgspec.structs.replace(h, size=0, mtime_ns=0) for h in host.helpers)
    return msgspec.structs.replace(host, helpers=helpers, **dict.fromkeys(HOST_ASIDE, ""))


def deciding_emulator(record: EmulatorRecord) -> EmulatorRecord:
    """Leave out size and time of the file: its answers count."""
    return msgspec.structs.replace(record, size=0, mtime_ns=0)


def deciding_node(node: Node) -> Node:
    """Keep what the processor offers; the frequency of its counter decides the rules of timers."""
    kept = {name: getattr(node, name) for name in NODE_DECIDES}
    kept["cpuid"] = tuple(map(masked_leaf, node.cpuid))
    return Node(**kept)
