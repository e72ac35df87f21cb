"""What a guest with the processor of its host has of it on another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.cpu.guest_features import guest_features
from domcaps.facts.emulator import ACCELERATORS

if TYPE_CHECKING:
    from domcaps.cpu.guest_features import HostCpuOfGuest
    from domcaps.language.world import World


class CpuDifference(msgspec.Struct, frozen=True):
    """The processor of a guest that has it from its host, on two hosts.

    `mode` is that of the domain. `lost` are features that the guest has on the first host, and
    cannot have on the second; `gained` those that it would have on the second host only. `vendors`
    are those of the two processors, "" where unknown. `is_known` is false where QEMU does not
    report the features of one of the processors.
    """

    mode: str
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    vendors: tuple[str, str] = ("", "")
    is_known: bool = True

    @property
    def has_all(self) -> bool | None:
        """Whether the second processor has all that the guest has; None where that is unknown."""
        if not self.is_known:
            return None
        return not self.lost and ("" in self.vendors or self.vendors[0] == self.vendors[1])

    def __str__(self) -> str:
        """Give one line."""
        if not self.is_known:
            return f"{self.mode}: the features of the processors are unknown"
        lost = f"lost: {', '.join(self.lost) or 'nothing'}"
        gained = f"gained: {', '.join(self.gained) or 'nothing'}"
        vendors = "" if len({*self.vendors}) == 1 else f"; vendors: {' and '.join(self.vendors)}"
        return f"{self.mode}: {lost}; {gained}{vendors}"


def cpu_difference(mode: str, before: World, after: World) -> CpuDifference:
    """Compare what a guest gets by ``host-model``, ``host-passthrough`` or ``maximum``."""
    one, other = _features(mode, before), _features(mode, after)
    if one is None or other is None or before.target.arch != after.target.arch:
        return CpuDifference(mode, is_known=False)
    # another libvirt refuses a name that it does not know
    lost = (one.has - other.can_have) | ((one.named & one.has) - other.known)
    return CpuDifference(
        mode,
        tuple(sorted(lost)),
        tuple(sorted(other.has - one.has)),
        (one.vendor, other.vendor),
    )


def _features(mode: str, world: World) -> HostCpuOfGuest | None:
    target = world.target
    accelerator = ACCELERATORS[target.virttype]
    record = world.host.record
    return guest_features(mode, world.emulator, accelerator, record, target.dialect)
