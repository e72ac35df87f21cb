"""What a guest has of its processor on one host, and on another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.cpu.guest_cpu import processor_of_guest
from domcaps.elements.processor.asked_cpu import asked_cpu
from domcaps.facts.emulator import ACCELERATORS
from domcaps.validate.document.parse import Unreadable, read

if TYPE_CHECKING:
    from domcaps.cpu.guest_cpu import AskedCpu, GuestProcessor
    from domcaps.language.world import World


class CpuDifference(msgspec.Struct, frozen=True):
    """The processor of a guest on two hosts.

    `mode` is that of the domain, and `model` the CPU model that it names, or the default of its
    machine type; "" for a processor that is that of the host. `lost` are features that the guest
    has on the first host, and cannot have on the second; `gained` those that it would have on the
    second host only. `vendors` are those of the two processors, "" where unknown, and where QEMU
    emulates a model. `is_known` is false where QEMU does not report the features of one of the
    processors.
    """

    mode: str
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    vendors: tuple[str, str] = ("", "")
    is_known: bool = True
    model: str = ""

    @property
    def has_all(self) -> bool | None:
        """Whether the second processor has all that the guest has; None where that is unknown."""
        if not self.is_known:
            return None
        return not self.lost and not vendors_differ(self)

    def __str__(self) -> str:
        """Give one line."""
        name = f"{self.mode} {self.model}".rstrip()
        if not self.is_known:
            return f"{name}: the features of the processors are unknown"
        lost = f"lost: {', '.join(self.lost) or 'nothing'}"
        gained = f"gained: {', '.join(self.gained) or 'nothing'}"
        vendors = "" if len({*self.vendors}) == 1 else f"; vendors: {' and '.join(self.vendors)}"
        return f"{name}: {lost}; {gained}{vendors}"


def vendors_differ(cpu: CpuDifference) -> bool:
    """Tell whether the two processors are known to be of different vendors."""
    return "" not in cpu.vendors and cpu.vendors[0] != cpu.vendors[1]


def cpu_difference(domain: bytes, before: World, after: World) -> CpuDifference | None:
    """Compare what a guest that was started on the first host has on both.

    None for what is no domain.
    """
    try:
        root = read(domain).root
    except Unreadable:
        return None
    # the default model of the host on which a domain is defined is written into it
    asked = asked_cpu(root, before)
    one, other = (_processor(asked, world) for world in (before, after))
    model = asked.model
    if one is None or other is None or before.target.arch != after.target.arch:
        return CpuDifference(asked.mode, is_known=False, model=model)
    return CpuDifference(
        asked.mode,
        tuple(sorted(one.lost_on(other))),
        tuple(sorted(other.gained_from(one))),
        (one.vendor, other.vendor),
        model=model,
    )


def _processor(asked: AskedCpu, world: World) -> GuestProcessor | None:
    target = world.target
    accelerator, record = ACCELERATORS[target.virttype], world.host.record
    return processor_of_guest(asked, world.emulator, accelerator, record, target.dialect)
