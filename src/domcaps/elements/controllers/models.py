"""Types and models of controllers, and which ones libvirt takes where a domain leaves it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.virtio import VIRTIO_MODELS
from domcaps.elements.boards.families import (
    ARM,
    ARM_VIRT,
    LOONGARCH_VIRT,
    PSERIES,
    Q35,
    RISCV_VIRT,
    S390,
    X86,
)
from domcaps.elements.buses.disk import BUSES
from domcaps.language import Choice, Enum
from domcaps.language.changes.controllers import (
    SCSI_VIRTIO_DEFAULT,
    USB_MODEL_CHOSEN,
)
from domcaps.language.observed import arch, device, machine

if TYPE_CHECKING:
    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate
    from domcaps.language.world import World

TYPE = Enum(
    "type",
    attribute="@type",
    choices=(
        *(Choice(name) for name in ("ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb")),
        *(Choice(name) for name in ("pci", "xenbus", "isa")),
        # older ones of disks are among the above
        *(
            Choice(bus.controller.type, since=bus.controller.since)
            for bus in BUSES
            if bus.controller is not None and bus.controller.since is not None
        ),
    ),
)

VIRTIO_SCSI = "virtio-scsi"
VIRTIO_SCSI_MODELS = frozenset({VIRTIO_SCSI, *VIRTIO_MODELS[1:]})
"""Models of SCSI controllers of virtio: the plain one has a name of its own."""
PCI_ROOTS = frozenset({"pci-root", "pcie-root"})
EXPRESS_ROOT = "<controller type='pci' index='0' model='pcie-root'/>"
ROOT_PORT = "pcie-root-port"
FREE_PORT = "<controller type='pci' index='{}' model='pcie-root-port'/>"
"""A place into which a device of PCI Express can be plugged while the guest runs."""

WITH_ROOT_PORTS = frozenset({"q35", "virt"})
"""Families of boards with PCI Express, whose devices may be plugged in."""

OF_ANOTHER_BOARD = {
    "q35": frozenset({"pci-root"}),
    "pc": frozenset({"pcie-root", "pcie-root-port", "dmi-to-pci-bridge", "pcie-to-pci-bridge"}),
}
"""PCI controllers that tell that a domain was made for another board of x86."""
XHCI = frozenset({"nec-xhci", "qemu-xhci"})
"""USB 3 controllers."""

WITH_PORTS = XHCI | {"qusb1", "qusb2"}
"""USB controllers of which a domain may say how many ports they have."""

EHCI = frozenset({"ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3"})
"""A USB 2 controller and its companions: one group of them has one index."""

COMPANIONS = EHCI - {"ich9-ehci1"}
"""USB 1 controllers that serve the slow devices of a USB 2 controller, at its ports."""

USB_PORTS = {
    "piix3-uhci": 2,
    "piix4-uhci": 2,
    "vt82c686b-uhci": 2,
    "ehci": 6,
    "ich9-ehci1": 6,
    "pci-ohci": 3,
    "nec-xhci": 4,
    "qemu-xhci": 4,
    "qusb1": 8,
    "qusb2": 8,
    "none": 0,
}
"""Ports of a USB controller of which a domain does not say how many there are, by model."""

MODELS: dict[str, tuple[str, ...]] = {
    "ide": ("piix3", "piix4", "ich6"),
    "scsi": (
        "auto", "buslogic", "lsilogic", "lsisas1068", "vmpvscsi", "ibmvscsi", "virtio-scsi",
        "lsisas1078", "virtio-transitional", "virtio-non-transitional", "ncr53c90", "dc390",
        "am53c974",
    ),
    "virtio-serial": VIRTIO_MODELS,
    "usb": (
        "piix3-uhci", "piix4-uhci", "ehci", *sorted(EHCI), "vt82c686b-uhci", "pci-ohci",
        "nec-xhci", "qusb1", "qusb2", "qemu-xhci", "none",
    ),
    "pci": (
        "pci-root", "pcie-root", "pci-bridge", "dmi-to-pci-bridge", "pcie-to-pci-bridge",
        "pcie-root-port", "pcie-switch-upstream-port", "pcie-switch-downstream-port",
        "pci-expander-bus", "pcie-expander-bus",
    ),
}  # fmt: skip
"""Models by type, as libvirt names them; other types have none."""

SCSI_LSI = device("lsi53c895a")
SCSI_VIRTIO = device("virtio-scsi-pci", "virtio-scsi-ccw", "virtio-scsi-device")
SCSI_MPTSAS = device("mptsas1068")
SCSI_MEGASAS = device("megasas")
SCSI_PVSCSI = device("pvscsi")
BUILTIN_ESP = (
    arch("sparc")
    | arch("mips64", "mips64el") & machine("magnum", "pica61")
    | arch("m68k") & machine("q800")
)
"""Boards with the SCSI controller NCR 53C90 built in."""

SCSI_DEVICES: dict[str, Predicate] = {
    "lsilogic": SCSI_LSI,
    "lsisas1068": SCSI_MPTSAS,
    "lsisas1078": SCSI_MEGASAS,
    "vmpvscsi": SCSI_PVSCSI,
    **dict.fromkeys(VIRTIO_SCSI_MODELS, SCSI_VIRTIO),
}
USB_DEVICES: dict[str, Predicate] = {
    "piix3-uhci": device("piix3-usb-uhci"),
    "piix4-uhci": device("piix4-usb-uhci"),
    "ehci": device("usb-ehci"),
    **dict.fromkeys(EHCI, device("ich9-usb-ehci1")),
    "vt82c686b-uhci": device("vt82c686b-usb-uhci"),
    "pci-ohci": device("pci-ohci"),
    "nec-xhci": device("nec-usb-xhci"),
    "qemu-xhci": device("qemu-xhci"),
}

VIRTUAL_BOARDS = ARM_VIRT | RISCV_VIRT


def default_scsi_model(domain: Domain) -> str | None:
    """Give the model of a SCSI controller that says none; None where libvirt finds none."""
    world = domain.world
    if world.truth(PSERIES):
        return "ibmvscsi"
    if world.truth(S390) or world.truth(LOONGARCH_VIRT):
        return "virtio-scsi"
    if world.target.dialect.has(SCSI_VIRTIO_DEFAULT) and world.truth(VIRTUAL_BOARDS):
        return "virtio-scsi"
    for model, condition in (
        ("lsilogic", SCSI_LSI),
        ("virtio-scsi", SCSI_VIRTIO),
        ("ncr53c90", BUILTIN_ESP),
    ):
        if world.truth(condition):
            return model
    return None


def _first_present(world: World, *models: str) -> str | None:
    return next((model for model in models if world.truth(USB_DEVICES[model])), None)


def default_usb_model(domain: Domain, *, addressed: bool = False) -> str | None:
    """Give the model of a USB controller that says none; None where it stays open.

    `addressed` tells that the domain gives an address for it.
    """
    world = domain.world
    if world.target.dialect.has(USB_MODEL_CHOSEN):
        return _usb_model(world, domain.arch)
    return _old_usb_model(world, domain, addressed=addressed)


def _usb_model(world: World, guest: str) -> str | None:
    if world.truth(S390):
        return "none"
    if world.truth(X86):
        return _first_present(world, "piix3-uhci")
    if guest in {"ppc", "alpha", "sh4", "sh4eb", "sparc64"} or guest.startswith("mips"):
        return _first_present(world, "pci-ohci", "qemu-xhci")
    return _first_present(world, "qemu-xhci", "nec-xhci", "pci-ohci")


def _old_usb_model(world: World, domain: Domain, *, addressed: bool) -> str | None:
    usual = ("piix3-uhci",) if world.truth(X86) else ("piix3-uhci", "pci-ohci")
    if world.truth(S390) and not addressed:
        return "none"
    if domain.arch in {"ppc64", "ppc64le"}:
        newer = ("qemu-xhci", "nec-xhci") if domain.new else ()
        return _first_present(world, *newer, "pci-ohci")
    if domain.arch == "aarch64":
        return _first_present(world, "qemu-xhci", "nec-xhci", *usual)
    if domain.arch == "loongarch64":
        return _first_present(world, "qemu-xhci", *usual)
    return _first_present(world, *usual)


def added_usb_model(domain: Domain) -> str | None:
    """Give the model of the USB controller that libvirt adds to a board; None for no controller."""
    world = domain.world
    if world.truth(Q35):
        return _first_present(world, "qemu-xhci", "nec-xhci", "ich9-ehci1")
    if world.truth(ARM) and not world.target.dialect.has(USB_MODEL_CHOSEN):
        return "pci-ohci"
    return default_usb_model(domain) or ("default" if not world.truth(ARM) else None)
