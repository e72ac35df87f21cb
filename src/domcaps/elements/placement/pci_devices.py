"""The devices of a domain that are on PCI: what each needs, and in which order they are placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.address import Address, PciAddress
from domcaps.elements.base.virtio import TRANSITIONAL, VIRTIO_MODELS
from domcaps.elements.boards.defaults import (
    CARD_MODELS,
    adds_balloon,
    card_model,
    input_bus,
    panic_model,
    video_model,
)
from domcaps.elements.boards.families import ARM_VIRT, PSERIES, RISCV_VIRT, S390_CCW, VEXPRESS
from domcaps.elements.buses.disk import BUSES
from domcaps.elements.controllers.models import VIRTIO_SCSI_MODELS, XHCI
from domcaps.elements.placement.address_kinds import is_moved_to_spapr_vio, is_on_spapr_vio
from domcaps.elements.placement.drives import disk_bus
from domcaps.elements.placement.pci_buses import INTEGRATED, NEEDS, PCI_DEVICE, PCIE_DEVICE
from domcaps.language.changes.placement import BOARDS_WITHOUT_PCI
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device
from domcaps.language.struct import MutableStruct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.elements.placement.installed import InstalledController, InstalledControllers
    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate

_BY_MMIO = ARM_VIRT | RISCV_VIRT | VEXPRESS
_ANY_ROOT_PORT = device("pcie-root-port", "ioh3420")
_MMIO = device("virtio-mmio")
_VFIO_CCW = device("vfio-ccw")

# cards of old ARM boards, which libvirt once took for devices of PCI (two letters of the first are
# the wrong way round in its name)
_SOLDERED = frozenset({"scm91c111", "lan9118"})
_NO_PCI_SOUND = frozenset({"sb16", "pcspk", "usb"})
_NO_PCI_VIDEO = frozenset({"none", "ramfb"})

ORDER = (
    "filesystem", "interface", "sound", "controller", "disk", "hostdev", "memballoon", "rng",
    "watchdog", "video", "shmem", "input", "serial", "iommu", "vsock", "memory", "crypto", "panic",
    "pstore",
)  # fmt: skip
"""The order in which devices without an address get one, by element."""

LISTED = (
    "disk", "interface", "sound", "hostdev", "video", "controller", "smartcard", "serial",
    "parallel", "channel", "console", "input", "filesystem", "watchdog", "memballoon", "rng",
    "nvram", "hub", "shmem", "tpm", "panic", "memory", "redirdev", "iommu", "vsock", "crypto",
    "pstore",
)  # fmt: skip
"""The order in which libvirt goes over all devices, by element."""


_ADDED = frozenset({"controller", "video", "memballoon"})
"""Those that libvirt may add."""


class PciDevice(MutableStruct, eq=False):
    """A device that has or wants a place on PCI; `needs` is 0 for one that should have none.

    `node` is None for a device that libvirt adds.
    """

    tag: str
    node: Node | None
    needs: int
    place: PciAddress | None = None
    controller: InstalledController | None = None
    video: str = ""


class PciDevices:
    """The devices of one domain that are on PCI, by element."""

    def __init__(self, domain: Domain, hardware: InstalledControllers) -> None:
        self.domain = domain
        self.hardware = hardware
        self.nodes = domain.inside("devices")
        self.pci = PCI_DEVICE
        self.pcie = PCIE_DEVICE if hardware.pci_root == "pcie-root" else PCI_DEVICE
        self.virtio = self.pcie if self._is(TRANSITIONAL) else PCI_DEVICE

    def _is(self, predicate: Predicate) -> bool:
        return bool(self.domain.world.truth(predicate))

    @cached_property
    def by_tag(self) -> dict[str, list[PciDevice]]:
        """The devices that have or want a place, in the order of the document."""
        found: dict[str, list[PciDevice]] = {}
        for tag in LISTED:
            if tag not in self.nodes and tag not in _ADDED:
                continue
            devices = list(self._devices(tag))
            if devices:
                found[tag] = devices
        # a card that is a device of the host is placed with those
        cards = [d for d in found.get("interface", ()) if d.tag == "hostdev"]
        if cards:
            found["interface"] = [d for d in found["interface"] if d.tag != "hostdev"]
            found["hostdev"] = cards + found.get("hostdev", [])
        return found

    @cached_property
    def listed(self) -> tuple[PciDevice, ...]:
        """The same in the order in which libvirt goes over all devices."""
        return tuple(device for tag in LISTED for device in self.by_tag.get(tag, ()))

    def _devices(self, tag: str) -> Iterator[PciDevice]:
        if tag == "controller":
            yield from filter(None, map(self._controller, self.hardware.all))
            return
        if tag == "video":
            yield from self._videos()
            return
        nodes = self.nodes.get(tag, ())
        if tag == "disk":
            nodes = [drive.node for drive in self.hardware.drives.ordered]
        for node in nodes:
            found = self._device(tag, node)
            if found is not None:
                yield found
        if tag == "memballoon" and self.adds_balloon and self.virtio_kind in {"", "pci"}:
            yield PciDevice(tag, None, self.virtio)

    def _device(self, tag: str, node: Node) -> PciDevice | None:
        needs = self._needs(tag, node)
        address = self.domain.within(Address, node)
        placed_as = "hostdev" if tag == "interface" and node.get("type") == "hostdev" else tag
        if address is not None and address.type:
            if address.type != "pci" or address.malformed or address.dropped:
                return None
            if is_moved_to_spapr_vio(address):
                return None
            if address.pci is not None:
                return PciDevice(placed_as, node, needs, address.pci)
            if any(map(address.number, ("domain", "bus", "slot"))):
                return None  # out of range, which another rule says
        elif self._elsewhere(tag, node):
            return None
        return PciDevice(placed_as, node, needs) if needs else None

    @cached_property
    def virtio_kind(self) -> str:
        """The kind of address that virtio devices get on this board, "" for PCI by default."""
        if self._is(S390_CCW):
            return "ccw"
        if not self._is(_BY_MMIO):
            return ""
        ports = self.hardware.pci_root == "pcie-root" and self._is(_ANY_ROOT_PORT)
        if ports and not self._uses_mmio:
            return "pci"
        return "virtio-mmio" if self._is(_MMIO) else ""

    @cached_property
    def _uses_mmio(self) -> bool:
        addresses = self.domain.root.iterfind("devices/*/address")
        return any(address.get("type") == "virtio-mmio" for address in addresses)

    def _elsewhere(self, tag: str, node: Node) -> bool:
        """Tell whether a device without an address gets one that is not on PCI."""
        if tag == "interface" and card_model(node, self.domain) == "spapr-vlan":
            return True
        if tag in {"nvram", "tpm"}:
            return True
        kind = self.virtio_kind
        if tag == "hostdev" and node.get("type") == "mdev":
            return node.get("model") == "vfio-ap" or (
                node.get("model") == "vfio-ccw" and self._is(_VFIO_CCW)
            )
        return kind in {"ccw", "virtio-mmio"} and self.is_virtio(tag, node, kind)

    def kind_by_board(self, tag: str, node: Node) -> str:
        """Name the kind of address that a device without one gets, "" where it may be on PCI."""
        if is_on_spapr_vio(node, self.domain):
            return "spapr-vio"
        kind = self.virtio_kind
        if kind not in {"ccw", "virtio-mmio"}:
            return ""
        if tag == "video":
            virtio = video_model(node, self.domain) == "virtio"
        elif tag == "controller":
            virtio = node.get("type") in {"scsi", "virtio-serial"}
        else:
            virtio = self.is_virtio(tag, node, kind)
        return kind if virtio else ""

    def is_virtio(self, tag: str, node: Node, kind: str) -> bool:
        """Tell whether libvirt gives the board's kind of address to a device of virtio."""
        if tag in {"memballoon", "rng", "crypto"}:
            return True
        if tag in {"filesystem", "vsock"}:
            return kind == "ccw"
        if tag == "disk":
            return disk_bus(node, self.domain) == "virtio"
        if tag == "interface":
            return card_model(node, self.domain) in VIRTIO_MODELS
        if tag == "input":
            return input_bus(node, self.domain) == "virtio"
        if tag == "hostdev":
            return node.get("type") == "scsi_host"
        if tag == "memory":
            return node.get("model") in {"virtio-mem", "virtio-pmem"}
        return tag == "sound" and node.get("model") == "virtio"

    @property
    def adds_balloon(self) -> bool:
        """Whether libvirt adds a memory balloon."""
        return "memballoon" not in self.nodes and adds_balloon(self.domain)

    def _virtio_model(self, model: str | None) -> int:
        return self.pci if model == "virtio-transitional" else self.virtio

    def _needs(self, tag: str, node: Node) -> int:
        """Say what an element other than a controller or a display needs, 0 for no PCI."""
        return _NEEDS[tag](self, node) if tag in _NEEDS else 0

    def disk(self, node: Node) -> int:
        """Only disks of virtio are devices of PCI themselves."""
        if disk_bus(node, self.domain) != "virtio":
            return 0
        return self._virtio_model(node.get("model"))

    def interface(self, node: Node) -> int:
        """Cards are conventional, save for those of virtio and newer ones of Intel.

        What libvirt has no name for is put into a port of PCI Express.
        """
        if node.get("type") == "hostdev":
            source = node.find("source/address")
            return 0 if source is not None and source.get("type") == "usb" else self.pcie
        model = card_model(node, self.domain)
        if model in VIRTIO_MODELS:
            return self._virtio_model(model)
        if model in {"e1000e", "igb"} or (model and model not in CARD_MODELS):
            return self.pcie
        if model in _SOLDERED and self.domain.world.target.dialect.has(BOARDS_WITHOUT_PCI):
            return 0
        return 0 if model == "usb-net" else self.pci

    def sound(self, node: Node) -> int:
        """Cards for ISA and USB are not on PCI."""
        model = node.get("model")
        if model == "virtio":
            return self.virtio
        return 0 if model in _NO_PCI_SOUND else self.pci

    def hostdev(self, node: Node) -> int:
        """Devices of the host are taken for PCI Express where the board has it."""
        kind = node.get("type")
        if kind == "scsi_host":
            return self._virtio_model(node.get("model"))
        mediated = kind == "mdev" and node.get("model") == "vfio-pci"
        return self.pcie if kind == "pci" or mediated else 0

    def filesystem(self, node: Node) -> int:
        """Folders are shared through a device of virtio."""
        driver = node.find("driver")
        kind = None if driver is None else driver.get("type")
        if kind in {"mtp", "loop", "nbd", "ploop"}:
            return 0
        return self.virtio if kind == "virtiofs" else self._virtio_model(node.get("model"))

    def by_model(self, node: Node) -> int:
        """Balloons, sources of randomness and sockets are of virtio, or none at all."""
        model = node.get("model") or _model(node) or "virtio"
        return self._virtio_model(model) if model in VIRTIO_MODELS else 0

    def watchdog(self, node: Node) -> int:
        """One model of watchdogs is on PCI."""
        return self.pci if node.get("model") == "i6300esb" else 0

    def conventional(self, node: Node) -> int:  # noqa: ARG002 - whatever it says
        """It is a conventional device."""
        return self.pci

    def input(self, node: Node) -> int:
        """Only input devices of virtio are on PCI."""
        if input_bus(node, self.domain) != "virtio":
            return 0
        return self._virtio_model(node.get("model"))

    def serial(self, node: Node) -> int:
        """One type of serial ports is a card."""
        target = node.find("target")
        return self.pci if target is not None and target.get("type") == "pci-serial" else 0

    def iommu(self, node: Node) -> int:
        """The IOMMU of virtio is part of the root."""
        return self.virtio | INTEGRATED if node.get("model") == "virtio" else 0

    def memory(self, node: Node) -> int:
        """Memory of virtio is on PCI."""
        return self.virtio if node.get("model") in {"virtio-mem", "virtio-pmem"} else 0

    def panic(self, node: Node) -> int:
        """One model of panic devices is part of the root."""
        pvpanic = panic_model(node, self.domain) == "pvpanic"
        return self.pci | INTEGRATED if pvpanic else 0

    def _videos(self) -> Iterator[PciDevice]:
        nodes = list(self.nodes.get("video", ()))
        first = next((n for n in nodes if _child(n, "model", "primary") == "yes"), None)
        if first is not None:
            nodes.remove(first)
            nodes.insert(0, first)
        if not nodes and self.nodes.get("graphics"):
            model = video_model(None, self.domain)
            if not (model == "virtio" and self.virtio_kind in {"ccw", "virtio-mmio"}):
                yield PciDevice("video", None, self._video_needs(model), video=model)
        for node in nodes:
            model = video_model(node, self.domain)
            if model in _NO_PCI_VIDEO:
                yield PciDevice("video", node, 0, video=model)
                continue
            virtio = model == "virtio" and self.virtio_kind in {"ccw", "virtio-mmio"}
            address = self.domain.within(Address, node)
            if address is None and virtio:
                continue
            if address is not None and address.type != "pci":
                continue
            place = None if address is None else address.pci
            yield PciDevice("video", node, self._video_needs(model), place, video=model)

    def _video_needs(self, model: str) -> int:
        if model == "virtio":
            return self.virtio
        return self.pcie if model == "bochs" else self.pci

    def _controller(self, found: InstalledController) -> PciDevice | None:
        if found.model in {"pci-root", "pcie-root"} and found.type == "pci":
            return None
        if found.kind not in {"", "pci"}:
            return None
        if found.type in {"fdc", "ccid"} and found.place is None:
            return None
        if found.type == "scsi" and found.model == "ibmvscsi" and self._is(PSERIES):
            return None
        node = None if found.part is None else found.part.node
        by_board = not found.kind and found.type in {"scsi", "virtio-serial"}
        if by_board and self.virtio_kind in {"ccw", "virtio-mmio"}:
            return None
        needs = self._controller_needs(found)
        if needs is None:
            return None
        return PciDevice("controller", node, needs, found.place, found)

    def _controller_needs(self, found: InstalledController) -> int | None:
        """Say what a controller needs; None for one that has no place of its own."""
        model = found.model or ""
        if found.type == "pci":
            return NEEDS.get(model, 0)
        if found.type == "usb":
            if model == "none":
                return None
            return self.pcie if model in XHCI else self.pci
        if found.type == "scsi":
            if model == "ncr53c90":
                return None
            if model in VIRTIO_SCSI_MODELS:
                return self._virtio_model(model)
            return self.pci
        if found.type == "virtio-serial":
            return self._virtio_model(model)
        return {"express": self.pcie, "conventional": self.pci}.get(_PCI.get(found.type, ""), 0)


# whether controllers of disks are of PCI, where that does not depend on their model
_PCI = {bus.controller.type: bus.controller.pci for bus in BUSES if bus.controller is not None}

_NEEDS = {
    "disk": PciDevices.disk,
    "interface": PciDevices.interface,
    "sound": PciDevices.sound,
    "hostdev": PciDevices.hostdev,
    "filesystem": PciDevices.filesystem,
    "memballoon": PciDevices.by_model,
    "rng": PciDevices.by_model,
    "vsock": PciDevices.by_model,
    "watchdog": PciDevices.watchdog,
    "shmem": PciDevices.conventional,
    "input": PciDevices.input,
    "serial": PciDevices.serial,
    "iommu": PciDevices.iommu,
    "memory": PciDevices.memory,
    "crypto": PciDevices.conventional,
    "panic": PciDevices.panic,
    "pstore": PciDevices.conventional,
}


def _model(node: Node) -> str | None:
    return _child(node, "model", "type")


def _child(node: Node, tag: str, attribute: str) -> str | None:
    child = node.find(tag)
    return None if child is None else child.get(attribute)
