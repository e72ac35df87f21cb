"""What follows from an edit for the guest and its users, though the edit does not name it.

A sound card is not heard without SPICE, for example: the edit changes ``<graphics>`` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.guest_system import MACOS, guest_system, looks_like_windows
from domcaps.elements.advice.lost_display import lost_of_display
from domcaps.elements.boards.defaults import CPU_MODE, CPU_POLICY
from domcaps.elements.boards.nearest import version_of
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

_AGENT = "devices/channel"
_OF_HOST = frozenset({"host-model", "host-passthrough"})
_X86 = frozenset({"x86_64", "i686"})
_ROOT_RENAMED = (5, 2)
"""From this version on the PCI root has another _UID in ACPI: Windows finds all devices anew.

Source: ``pci_root_uid`` in QEMU's ``hw/i386/pc.c``.
"""
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


def _shares_clipboard(root: Node) -> bool:
    if root.find("devices/graphics/clipboard[@copypaste='no']") is not None:
        return False
    talks = root.find(f"{_AGENT}[@type='spicevmc']") is not None
    return talks or root.find(f"{_AGENT}/source/clipboard[@copypaste='yes']") is not None


def _shares_folder(root: Node) -> bool:
    sources = root.iterfind("devices/channel[@type='spiceport']/source")
    return any("webdav" in (one.get("channel") or "") for one in sources)


def _has_threads_of_amd(root: Node) -> bool:
    """Tell whether a processor of AMD's has threads: by a feature that is not emulated."""
    topology = root.find("cpu/topology")
    return (
        topology is not None
        and root.get("type") != "qemu"
        and topology.get("threads") not in {None, "1"}
        and _requires("topoext")(root)
    )


def _every(path: str, inner: str) -> Callable[[Node], bool]:
    return lambda root: all(one.find(inner) is not None for one in root.iterfind(path))


ABILITIES = (
    Ability("libvirt gives the domain another UUID", _has("uuid")),
    Ability("a network card gets another MAC address", _every("devices/interface", "mac")),
    Ability("no clipboard shared with the viewer", _shares_clipboard),
    Ability("no folder shared with the viewer", _shares_folder),
    Ability("no redirection of the viewer's USB devices", _has("devices/redirdev")),
    Ability("no smart cards of the viewer", _has("devices/smartcard[@mode='passthrough']")),
    Ability("no keyboard and mouse in the client of Looking Glass", _has_input_in_looking_glass),
    Ability("no hardware acceleration for virtual machines in the guest", _requires("vmx", "svm")),
    Ability(
        "the guest sees cores in place of threads, as topoext is not emulated", _has_threads_of_amd
    ),
    Ability("host devices stay assigned, but to an emulated guest", _passes_on_hardware),
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


def _is_shared_otherwise(before: Node, after: Node) -> bool:
    """Tell whether another program shares the clipboard: QEMU in place of SPICE."""
    kinds = [one.find(f"{_AGENT}[@type='qemu-vdagent']") is not None for one in (before, after)]
    return _shares_clipboard(before) and _shares_clipboard(after) and kinds == [False, True]


def _clock_without(root: Node) -> str:
    """Say what a guest lacks whose processor does not promise a steady clock."""
    if guest_system(root) == MACOS:
        return "macOS may not start, or run too fast or too slowly, without invtsc"
    return "a less exact clock in the guest without invtsc"


_SAID_ELSEWHERE = frozenset({"vmx", "svm", "topoext", "invtsc"})
"""Features whose loss has a sentence of its own."""


def _no_longer_required(before: Node, after: Node) -> list[str]:
    """Say which features were required, and are optional after an edit."""
    was = {one.get("name"): one.get("policy", CPU_POLICY) for one in before.iterfind("cpu/feature")}
    optional = [
        one.get("name") or ""
        for one in after.iterfind("cpu/feature[@policy='optional']")
        if was.get(one.get("name"), "optional") not in {"optional", "disable", "forbid"}
    ]
    names = [name for name in optional if name not in _SAID_ELSEWHERE]
    if not names:
        return []
    return [f"the guest may run without {', '.join(names)}: require it again where a host has it"]


def _of_board(before: Node, after: Node) -> str:
    """Say what the guest sees of another version of its board, "" where it is the same."""
    old, new = (root.find("os/type") for root in (before, after))
    if old is None or new is None or not (old.get("machine") and new.get("machine")):
        return ""
    was, now = version_of(old.get("machine", "")), version_of(new.get("machine", ""))
    if was and was == now and _is_red_hats(old) and not _is_red_hats(new):
        return (
            "QEMU's own board, whose SMBIOS no longer names Red Hat as its maker"
            f"{_activation(after)}"
        )
    if not was or was == now:
        return ""
    seen = "the newest" if not now else "a newer" if now > was else "an older"
    renamed = old.get("arch") in _X86 and (was < _ROOT_RENAMED) is not (
        bool(now) and now < _ROOT_RENAMED
    )
    network = _network(after, renamed=renamed)
    return f"the guest sees {seen} version of its board{_activation(after)}{network}"


def _network(root: Node, *, renamed: bool) -> str:
    """Say what another board may mean to network cards; `renamed` is the PCI root in ACPI."""
    if root.find("devices/interface") is None and root.find("devices/hostdev") is None:
        return ""
    if not looks_like_windows(root):
        known = guest_system(root) == MACOS
        return "" if known else ", and may give network interfaces other names"
    if not renamed:
        return ""
    return ", and takes network cards for new ones: note static addresses before"


def _is_red_hats(kind: Node) -> bool:
    return "rhel" in (kind.get("machine") or "")


def _activation(root: Node) -> str:
    """Say what another computer may mean to a guest that is bound to one, "" to others."""
    return ", and Windows may ask for activation" if looks_like_windows(root) else ""


def _of_processor(before: Node, after: Node) -> str:
    """Say which other processor the guest sees, "" where it is the same."""
    old, new = before.find("cpu"), after.find("cpu")
    if new is None:
        return ""
    mode, was = new.get("mode", CPU_MODE), "" if old is None else old.get("mode", CPU_MODE)
    if mode == "maximum" and was != mode:
        return (
            "the guest sees the processor that QEMU makes up, which differs with each QEMU"
            f"{_activation(after)}"
        )
    model = (new.findtext("model") or "").strip()
    named = "" if old is None else (old.findtext("model") or "").strip()
    if mode in _OF_HOST and was == "custom" and named:
        return f"the guest sees the host's processor in place of {named}{_activation(after)}"
    if mode != "custom" or not model or (was == mode and named == model):
        return ""
    reason = ", as macOS needs one of Intel's" if guest_system(after) == MACOS else ""
    instead = named if was == "custom" and named else "the host's"
    return f"the guest sees a processor {model} in place of {instead}{reason}{_activation(after)}"


def changes_identity(before: Node, after: Node) -> bool:
    """Tell whether the guest's processor is another one, by its name or its kind."""
    return bool(_of_processor(before, after))


def lost(before: Node, after: Node) -> list[str]:
    """Say what the domain before an edit has, and the one after it has not."""
    gone = [said for tell in (_of_board, _of_processor) if (said := tell(before, after))]
    gone += [one.lost for one in ABILITIES if one.holds(before) and not one.holds(after)]
    if _is_shared_otherwise(before, after):
        gone.append("the clipboard is shared only with VNC viewers that know QEMU's extension")
    if _is_heard(before) and not _is_heard(after):
        gone.append(_unheard(after))
    gone += lost_of_display(before, after)
    steady = _requires("invtsc")
    if steady(before) and not steady(after):
        gone.append(_clock_without(after))
    gone += _no_longer_required(before, after)
    if before.get("type") != "qemu" and after.get("type") == "qemu":
        if guest_system(after) == MACOS and not steady(before):
            gone.append("macOS may not start, or run too fast or too slowly, under emulation")
        gone[:0] = ["the guest is many times slower"] if before.get("type") == "kvm" else []
        idle = [said for path, said in _OF_KVM.items() if after.find(path) is not None]
        gone += [f"no effect of {', '.join(idle)}"] if idle else []
    return gone
