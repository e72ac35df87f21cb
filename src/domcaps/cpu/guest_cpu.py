"""What a guest really has of the processor that its domain asks for.

QEMU starts a guest without the features that it cannot give, unless libvirt compares before. Then
libvirt asks QEMU which features the guest got, and writes them into the domain that runs, with
``check='full'``. This domain goes along with a migration, and the second libvirt refuses it where
its QEMU cannot give one of these. Source: ``virCPUUpdateLive`` of libvirt; seen with libvirt 9.0
and 12.8, also with ``check='none'`` and for a domain without ``<cpu>``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.cpu.guest_features import guest_features
from domcaps.cpu.modes import CUSTOM, HOST_MODEL
from domcaps.cpu.names import libvirt_names
from domcaps.facts.arch import S390, X86
from domcaps.facts.emulator import Unanswered
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from domcaps.cpu.guest_features import HostCpuOfGuest
    from domcaps.cpu.hostmodel import HostCpuFacts
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.language.dialect import Dialect

_NONE: frozenset[str] = frozenset()


class AskedCpu(NamedTuple):
    """What a domain asks for: `model` is "" in a mode that takes the processor of the host.

    `on` are features of policy ``require`` and ``force``, `optional` those that libvirt requires
    where the host has them, `off` those of ``disable`` and ``forbid``.
    """

    mode: str
    model: str = ""
    on: frozenset[str] = _NONE
    optional: frozenset[str] = _NONE
    off: frozenset[str] = _NONE


class GuestProcessor(NamedTuple):
    """The features of a guest on one host.

    `has` are those that follow from the processor of the host, and those that the domain adds;
    `blocked` those of the named model that QEMU cannot give, `off` those that the domain disables.
    `can_have` are all that the host could give, None where that makes no difference. `named` are
    those of `has` that libvirt writes into the domain of a running guest: another libvirt must know
    them. `known` are the names that this libvirt knows, None for all.
    """

    has: frozenset[str]
    blocked: frozenset[str]
    off: frozenset[str]
    can_have: frozenset[str] | None
    named: frozenset[str]
    known: frozenset[str] | None
    vendor: str

    def lost_on(self, other: GuestProcessor) -> frozenset[str]:
        """Give the features that the guest has here, and cannot have on another host."""
        lost = self._not_blocked(other)
        if other.can_have is not None:
            lost |= self.has - other.can_have
        if other.known is not None:
            # another libvirt refuses a name that it does not know
            lost |= (self.named & self.has) - other.known
        return lost

    def gained_from(self, other: GuestProcessor) -> frozenset[str]:
        """Give the features that the guest has here only."""
        return (self.has - other.has) | self._not_blocked(other)

    def _not_blocked(self, other: GuestProcessor) -> frozenset[str]:
        """Give the features of the model that QEMU cannot give on the other host only."""
        found = other.blocked - self.blocked - self.off
        if self.can_have is None or self.known is None:
            return found
        # the model of the other QEMU may have features that it does not have here
        return found - (self.known - self.can_have)


def processor_of_guest(
    asked: AskedCpu,
    emulator: EmulatorFacts,
    accelerator: str,
    host: HostCpuFacts,
    dialect: Dialect,
) -> GuestProcessor | None:
    """Give what a guest has of what a domain asks for, None where QEMU does not report that.

    A model that QEMU emulates is the same on each host that has it. Where features are reported
    (x86 and s390x), QEMU may lack some of them all the same.
    """
    reported = emulator.arch in X86 or emulator.arch in S390
    if asked.mode == CUSTOM and not reported:
        return _OF_QEMU if accelerator == "tcg" else None
    mode = HOST_MODEL if asked.mode == CUSTOM else asked.mode
    of_host = guest_features(mode, emulator, accelerator, host, dialect)
    try:
        if asked.mode != CUSTOM:
            return None if of_host is None else _of_host(asked, of_host)
        blocked = _blocked(asked.model, emulator, accelerator)
    except Unanswered:
        return None
    if blocked is None or (of_host is None and asked.on | asked.optional):
        return None
    return _of_model(asked, blocked, of_host, emulated=accelerator == "tcg")


_OF_QEMU = GuestProcessor(_NONE, _NONE, _NONE, None, _NONE, None, "")


def _of_host(asked: AskedCpu, found: HostCpuOfGuest) -> GuestProcessor:
    has = (found.has | (asked.on & found.can_have)) - asked.off
    known = found.known or None
    named = found.named | asked.on
    return GuestProcessor(has, _NONE, asked.off, found.can_have, named, known, found.vendor)


def _of_model(
    asked: AskedCpu, blocked: frozenset[str], found: HostCpuOfGuest | None, *, emulated: bool
) -> GuestProcessor:
    if found is None:
        return GuestProcessor(_NONE, blocked, asked.off, None, _NONE, None, "")
    added = (asked.on & found.can_have) | (asked.optional & found.has)
    vendor = "" if emulated else found.vendor
    known = found.known or None
    return GuestProcessor(added, blocked, asked.off, found.can_have, added, known, vendor)


def _blocked(model: str, emulator: EmulatorFacts, accelerator: str) -> frozenset[str] | None:
    """Give the features of a model that QEMU cannot give, None where it does not tell."""
    for definition in emulator.cpu_definitions(accelerator):
        if definition.name == model:
            features = definition.unavailable_features
            return None if features is None else frozenset(libvirt_names(emulator.arch, features))
    return None
