"""What follows from an edit for the guest and its users, though the edit does not name it.

A sound card is not heard without SPICE, for example: the edit changes ``<graphics>`` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.defaults import CPU_POLICY
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

_HEARD_BY = frozenset({"spice", "sdl", "dbus"})
"""Types of graphics that play the guest's sound, where the domain has no ``<audio>``."""


class Ability(NamedTuple):
    """What a domain has or has not; `lost` names what follows if it has it no more."""

    lost: str
    holds: Callable[[Node], bool]


def _has(path: str) -> Callable[[Node], bool]:
    return lambda root: root.find(path) is not None


def _is_heard(root: Node) -> bool:
    if root.find("devices/sound") is None:
        return False
    kinds = [audio.get("type") for audio in root.iterfind("devices/audio")]
    if kinds:
        return any(kind != "none" for kind in kinds)
    return any(one.get("type") in _HEARD_BY for one in root.iterfind("devices/graphics"))


def _requires(*names: str) -> Callable[[Node], bool]:
    def holds(root: Node) -> bool:
        return any(
            one.get("name") in names and one.get("policy", CPU_POLICY) in {"require", "force"}
            for one in root.iterfind("cpu/feature")
        )

    return holds


def _passes_on_hardware(root: Node) -> bool:
    passed = any(one.get("type") in {"pci", "mdev"} for one in root.iterfind("devices/hostdev"))
    return passed and root.get("type") != "qemu"


def _has_input_in_looking_glass(root: Node) -> bool:
    shared = any("looking" in (one.get("name") or "") for one in root.iterfind("devices/shmem"))
    return shared and root.find("devices/graphics[@type='spice']") is not None


def _every(path: str, inner: str) -> Callable[[Node], bool]:
    return lambda root: all(one.find(inner) is not None for one in root.iterfind(path))


ABILITIES = (
    Ability("libvirt gives the domain another UUID", _has("uuid")),
    Ability("a network card gets another MAC address", _every("devices/interface", "mac")),
    Ability("no clipboard shared with the viewer", _has("devices/channel[@type='spicevmc']")),
    Ability("no redirection of the viewer's USB devices", _has("devices/redirdev")),
    Ability("no smart cards of the viewer", _has("devices/smartcard[@mode='passthrough']")),
    Ability("no keyboard and mouse in the client of Looking Glass", _has_input_in_looking_glass),
    Ability("no hardware acceleration for virtual machines in the guest", _requires("vmx", "svm")),
    Ability("a less exact clock in the guest without invtsc", _requires("invtsc")),
    Ability(
        "host devices stay assigned, but to an emulated guest: better run it on a host with KVM",
        _passes_on_hardware,
    ),
)


_OF_KVM = {
    "features/ioapic[@driver='kvm']": "<ioapic driver='kvm'>",
    "features/hyperv": "<hyperv>",
    "features/kvm": "<kvm>",
    "features/pvspinlock": "<pvspinlock>",
    "clock/timer[@name='kvmclock']": "<timer name='kvmclock'>",
    "clock/timer[@name='hypervclock']": "<timer name='hypervclock'>",
}
"""Settings that QEMU passes over where it emulates the processor itself."""


def _unheard(root: Node) -> str:
    """Say who hears a guest whose sound the host does not play."""
    served = root.find("devices/graphics[@type='vnc']") is not None
    if served and root.find("devices/sound") is not None:
        return "sound is heard only in VNC viewers that know QEMU's audio extension"
    return "no sound is heard"


def lost(before: Node, after: Node) -> list[str]:
    """Say what the domain before an edit has, and the one after it has not."""
    gone = [one.lost for one in ABILITIES if one.holds(before) and not one.holds(after)]
    if _is_heard(before) and not _is_heard(after):
        gone.append(_unheard(after))
    if before.get("type") != "qemu" and after.get("type") == "qemu":
        idle = [said for path, said in _OF_KVM.items() if after.find(path) is not None]
        gone += [f"no effect of {', '.join(idle)}"] if idle else []
    return gone
