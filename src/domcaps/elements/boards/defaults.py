"""What libvirt takes for a device of which a domain says nothing: each default once.

::

    <interface type='user'/>        the model of the network card
    <video/>                        the model of the display adapter
    <input type='mouse'/>           the bus
    <tpm>…</tpm>, <panic/>          the model

They depend on the board, and rooms on several floors need them: the element itself, the placement
of devices, the command line. Each function gives what the element says, in libvirt's spelling, or
the default where it says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base import address
from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.boards.families import (
    ALWAYS_PCI,
    ARM,
    ARM_VIRT,
    ISAPC,
    MICROVM,
    MIPS,
    PPC64,
    PSERIES,
    RISCV,
    S390,
    VERSATILE,
    VIRTUAL,
    X86,
)
from domcaps.facts.emulator import Unanswered
from domcaps.language.changes.devices import PANIC_DEFAULTS
from domcaps.language.changes.placement import BOARD_DEVICES, BOARDS_WITHOUT_PCI
from domcaps.language.observed import arch, device

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate

Defaults = tuple[tuple[str, "Predicate"], ...]
"""Values with their conditions: the first whose condition holds is the default."""

# -- values that depend on nothing -----------------------------------------------------------------

IMAGE_FORMAT = "raw"
"""The format of an image of which neither a driver nor a format is named."""

ADDRESS_FAMILY = "ipv4"
CHARDEV_TYPE = "pty"
CLOCK_OFFSET = "utc"
CONSOLE_TARGET = address.CONSOLE_TARGET
CONTROLLER_TYPE = "ide"
CPU_MATCH = "exact"
CPU_MODE = "custom"
CPU_POLICY = "require"
DISK_KIND = "disk"
DISK_TYPE = "file"
ENCRYPTION_ENGINE = "qemu"
FEATURE_STATE = "on"
FILESYSTEM_TYPE = "mount"
HOSTDEV_MODE = "subsystem"
INTERFACE_TYPE = "user"
LOADER_TYPE = "rom"
MEMORY_MODE = "strict"
TRANSPORT = "tcp"
VCPU_PLACEMENT = "static"
VCPUS = "1"
WATCHDOG_ACTION = "reset"

# -- network cards ---------------------------------------------------------------------------------

VIRTIO_NET = device("virtio-net-pci", "virtio-net-ccw", "virtio-net-device")
RTL8139 = device("rtl8139")
E1000 = device("e1000")

CARD_MODELS = (
    *VIRTIO_MODELS, "netfront", "rtl8139", "e1000", "e1000e", "igb", "usb-net", "spapr-vlan",
    "lan9118", "scm91c111", "vlance", "vmxnet", "vmxnet2", "vmxnet3", "Am79C970A", "Am79C973",
    "82540EM", "82545EM", "82543GC",
)  # fmt: skip
"""Models of network cards that libvirt knows; others are passed on to QEMU as they are."""

# libvirt compares them without regard to case
_BY_LOWER_CASE = {name.lower(): name for name in CARD_MODELS}
_UNKNOWN = "unknown"
_CARDS_OF_VIRTIO_ONLY = frozenset({"vdpa", "vhostuser"})

CARDS: Defaults = (
    ("virtio", VIRTUAL),
    ("scm91c111", VERSATILE),
    ("lan9118", ARM),
    ("rtl8139", RTL8139),
    ("e1000", E1000),
    ("virtio", VIRTIO_NET),
)


def card_model(node: Node, domain: Domain) -> str:
    """Give the model of an ``<interface>``, "" for a card of the host that names none."""
    model = node.find("model")
    named = "" if model is None else model.get("type", "")
    if named and named.lower() != _UNKNOWN:
        return _BY_LOWER_CASE.get(named.lower(), named)
    kind = node.get("type")
    if kind == "hostdev":
        return ""
    if kind in _CARDS_OF_VIRTIO_ONLY:
        return "virtio"
    # libvirt names this one where QEMU has none of them
    return first(CARDS, domain) or "rtl8139"


# -- display adapters ------------------------------------------------------------------------------

VIDEOS: Defaults = (
    ("vga", PPC64),
    ("virtio", VIRTUAL),
    ("cirrus", device("cirrus-vga")),
    ("vga", device("VGA")),
)
VIDEO_KNOWN = PPC64 | VIRTUAL | device("cirrus-vga", "VGA")
"""Where libvirt finds a model for a display adapter that names none."""


def video_model(node: Node | None, domain: Domain) -> str:
    """Give the model of a ``<video>``, or of the one that libvirt adds; "" where it knows none."""
    model = None if node is None else node.find("model")
    named = "" if model is None else model.get("type", "")
    return named if named and named != "default" else first(VIDEOS, domain)


# -- input devices ---------------------------------------------------------------------------------


def input_bus(node: Node, domain: Domain) -> str:
    """Give the bus of an ``<input>``."""
    named = node.get("bus")
    if named:
        return named
    kind, world = node.get("type"), domain.world
    if kind in {"mouse", "keyboard"} and world.truth(X86):
        return "ps2"
    if kind == "passthrough" or world.truth(S390):
        return "virtio"
    return "none" if kind == "evdev" else "usb"


# -- small devices ---------------------------------------------------------------------------------

PANICS: Defaults = (("pseries", PSERIES), ("s390", S390), ("isa", X86), ("pvpanic", ARM_VIRT))


def panic_model(node: Node, domain: Domain) -> str:
    """Give the model of a ``<panic>``, "" where there is no default."""
    named = node.get("model", "default")
    if named != "default":
        return named
    model = first(PANICS, domain)
    older = not domain.world.target.dialect.has(PANIC_DEFAULTS)
    return "isa" if older and model in {"", "pvpanic"} else model


def tpm_model(node: Node, domain: Domain) -> str:
    """Give the model of a ``<tpm>``."""
    return node.get("model") or ("tpm-spapr" if domain.world.truth(PPC64) else "tpm-tis")


_PC_WITHOUT_PCI = X86 & (ISAPC | MICROVM)
_WITHOUT_BALLOON = ARM | arch("sparc")
_WITH_BALLOON = ALWAYS_PCI | MIPS | S390


def adds_balloon(domain: Domain) -> bool:
    """Tell whether libvirt adds a memory balloon to a domain that says nothing of one."""
    world = domain.world
    newer = world.target.dialect.has(BOARDS_WITHOUT_PCI)
    if world.truth(X86):
        return not (newer and world.truth(_PC_WITHOUT_PCI))
    if not world.target.dialect.has(BOARD_DEVICES):
        return not world.truth(_WITHOUT_BALLOON)
    return bool(world.truth(_WITH_BALLOON)) or (not newer and bool(world.truth(RISCV)))


def first(defaults: Defaults, domain: Domain) -> str:
    """Give the first value whose condition holds for the domain's target, "" for none."""
    return next((name for name, when in defaults if domain.world.truth(when)), "")


def default_gic_version(domain: Domain) -> str:
    """Give the version of ARM's interrupt controller without a ``<gic version=…>``.

    With KVM libvirt takes the highest that the host has, otherwise 2.
    """
    try:
        known = domain.world.emulator.gic
    except Unanswered:
        known = ()
    kernels = [gic.version for gic in known if gic.kernel]
    return str(max(kernels, default=2)) if domain.virttype == "kvm" else "2"
