"""The command line that is written: words, in the order in which QEMU has to read them."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from domcaps.elements.boards.families import ARM_VIRT, I440FX, Q35, S390, S390_CCW, X86
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.language.command_line import Reading, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate

_EXPRESS = "pcie.0"
_ROOTS = ((Q35, _EXPRESS), (ARM_VIRT, _EXPRESS), (I440FX, "pci.0"), (S390_CCW, ""))


class CommandLineWriter:
    """What is written, for one domain."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.reading = Reading(domain.root)
        self.hardware = domain.all(InstalledControllers)[0]
        self.words: list[str] = []
        self.machine: dict[str, str] = {}
        self._devices: list[tuple[Turn, int, list[str]]] = []
        self.root_bus = self._root_bus()
        self.bootable: dict[str, int] = {}
        self.audio: str | None = None

    def holds(self, predicate: Predicate) -> bool:
        """Tell whether something is true of the target."""
        return bool(self.domain.world.truth(predicate))

    def _root_bus(self) -> str:
        for board, bus in _ROOTS:
            if self.holds(board):
                return bus
        system = self.domain.root.find("os/type")
        where = self.domain.root if system is None else system
        raise untold(where, "machine", f"the machine type {self.domain.machine}")

    @property
    def has_channels(self) -> bool:
        """Whether devices sit on channels, as on mainframes, and not on PCI."""
        return self.holds(S390)

    @property
    def is_x86(self) -> bool:
        """Whether it is a PC."""
        return self.holds(X86)

    def virtio(self, driver: str) -> str:
        """Give the type of a virtio device for this machine: ``virtio-net`` with its bus."""
        return f"{driver}-{self.virtio_bus}"

    @property
    def virtio_bus(self) -> str:
        """How QEMU's types of virtio devices end for this machine."""
        return "ccw" if self.has_channels else "pci"

    def add(self, *words: str) -> None:
        """Write words."""
        self.words += words

    def device(self, turn: Turn, told: str, *before: str, order: int = 0) -> None:
        """Write a device when its turn has come, after words for what stands behind it."""
        self._devices.append((turn, order, [*before, "-device", told]))

    def plug(self, node: Node | None, driver: str, *before: str, **more: object) -> None:
        """Write a device on PCI or a channel, at its address or where QEMU puts it."""
        place = self.place(node) if node is not None else {}
        if more.get("iommu_platform") == "on" and not place and self.root_bus == _EXPRESS:
            # behind a port, where libvirt puts it, it would be without by itself
            more["disable-legacy"] = "on"
        self.device(
            Turn.PLACED if place else Turn.ANYWHERE, options(driver, **more, **place), *before
        )

    def place(self, node: Node) -> dict[str, object]:
        """Take the address of a device on PCI or a channel."""
        reading = self.reading
        address = reading.child(node, "address")
        if address is None:
            return {}
        if self.has_channels:
            reading.get(address, "type", {"ccw"})
            numbers = [reading.number(address, n) or 0 for n in ("cssid", "ssid", "devno")]
            return {"devno": "{:x}.{:x}.{:04x}".format(*numbers)}
        reading.get(address, "type", {"pci"})
        reading.get(address, "domain", {"0", "0x0000", "0x0"})
        bus, slot, function = (reading.number(address, n) or 0 for n in ("bus", "slot", "function"))
        if bus not in {0, *(c.index for c in self.hardware.of("pci") if c.part is not None)}:
            raise untold(address, "bus", "a bus whose controller is not in the domain")
        several = reading.get(address, "multifunction", {"on", "off"})
        return {
            "bus": f"pci.{bus}" if bus else self.root_bus,
            "addr": f"{slot:#x}" + (f".{function:#x}" if function else ""),
            "multifunction": several,
        }

    def usb_place(self, node: Node) -> dict[str, object]:
        """Take the place of a USB device; QEMU chooses one where the domain does not."""
        if not self.hardware.has_usb:
            raise untold(node, "", "a device of USB without a controller")
        address = self.reading.child(node, "address")
        if address is None:
            return {}
        self.reading.get(address, "type", {"usb"})
        bus = self.reading.number(address, "bus") or 0
        return {"bus": f"usb{bus or ''}.0", "port": self.reading.get(address, "port")}

    def made_up(self, name: str) -> str:
        """Name a file that libvirt would make up: one in the folder where the command is run."""
        node = self.domain.root.find("name")
        guest = re.sub(r"[^\w.-]", "_", (node.text or "").strip() if node is not None else "")
        return f"{guest[:40] or 'guest'}-{name}"

    def virtio_options(self, node: Node | None) -> dict[str, object]:
        """Take the options that every device of virtio has."""
        if node is None:
            return {}
        names = {"iommu": "iommu_platform", "ats": "ats", "packed": "packed",
                 "page_per_vq": "page-per-vq"}  # fmt: skip
        return {to: self.reading.get(node, name, {"on", "off"}) for name, to in names.items()}

    def audio_of(self, node: Node) -> str | None:
        """Take which audio backend a device plays on: by its number, the first otherwise."""
        audio = self.reading.child(node, "audio")
        named = None if audio is None else self.reading.get(audio, "id")
        return f"audio{named}" if named else self.audio

    def boot_index(self, node: Node, kind: str) -> int | None:
        """Take a device's place in the boot order: its own, or that of the first of its kind."""
        boot = self.reading.child(node, "boot")
        if boot is not None:
            return self.reading.number(boot, "order")
        return self.bootable.pop(kind, None)

    def arguments(self) -> tuple[str, ...]:
        """Give all words, devices in their order; raises `UntoldError` where something is left."""
        self.reading.finish()
        devices = sorted(self._devices, key=lambda told: told[:2])
        return (*self.words, *(word for _, _, words in devices for word in words))


def as_shell(words: tuple[str, ...]) -> str:
    """Write words for a shell."""
    return " ".join(map(shlex.quote, words))
