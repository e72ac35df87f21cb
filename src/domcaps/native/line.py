"""The command line that is written: words, in the order in which QEMU has to read them."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from domcaps.elements.boards.families import (
    ALWAYS_PCI,
    ARM_VIRT,
    LOONGARCH_VIRT,
    RISCV_VIRT,
    S390,
    X86,
)
from domcaps.elements.placement.address_command_line import (
    ADDRESS_ATTRIBUTES,
    MAINFRAME_IDENTIFIERS,
    VIRTIO_ENDINGS,
    VIRTIO_FORMS,
    VIRTIO_SWITCHES,
    mainframe_identifiers,
)
from domcaps.elements.placement.assigned import AssignedAddresses
from domcaps.elements.placement.installed import InstalledController, InstalledControllers
from domcaps.elements.placement.pci_assignment import PciTopology
from domcaps.facts.emulator import Unanswered
from domcaps.facts.question import device_properties_of
from domcaps.language.command_line import (
    HostNeed,
    Reading,
    Turn,
    options,
    untold,
)
from domcaps.native.json_devices import overridden, with_followers

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate

_SEVERAL_BUSES = X86 | ALWAYS_PCI | S390 | ARM_VIRT | RISCV_VIRT | LOONGARCH_VIRT
"""Boards on which QEMU numbers the buses of PCI; on others the only one is called ``pci``."""
_FIRST = {None, "0", "0x0", "0x0000"}
"""PCI domains that a machine has."""
_LAST_FUNCTION = 7
_USERS = "ua-"
"""What aliases begin with that libvirt keeps."""


class CommandLineWriter:
    """What is written, for one domain."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.reading = Reading(domain.root)
        self.hardware = domain.all(InstalledControllers)[0]
        self.assigned = domain.all(AssignedAddresses)[0]
        self.words: list[str] = []
        self._origins: list[Node | None] = []
        self._owner: Node | None = None
        self.machine: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        self.accelerator: dict[str, str] = {}
        self.backing: Any = None
        self.needs: list[HostNeed] = []
        self.last: list[str] = []
        self.overrides: dict[str, dict[str, str | None]] = {}
        self._devices: list[tuple[Turn, int, list[str], Node | None]] = []
        self._blocks = 0
        self._numbers: dict[str, int] = {}
        self.root_bus = self.bus_name(0)
        self.bootable: dict[str, int] = {}
        self.audio: str | None = None

    def holds(self, predicate: Predicate) -> bool:
        """Tell whether something is true of the target."""
        return bool(self.domain.world.truth(predicate))

    def bus_name(self, index: int) -> str:
        """Give QEMU's name of a PCI bus, by the index of its controller."""
        known = {c.index: c for c in (*self.hardware.of("pci"), *self.assigned.added_buses)}
        controller = known.get(index)
        model = None if controller is None else controller.model
        if not self.holds(_SEVERAL_BUSES):
            return "pci"
        if model == "pcie-root":
            return f"pcie.{index}"
        name = self.controller_name("pci", index) if index else "pci.0"
        # a host bridge of pseries has its bus inside
        return f"{name}.0" if index and model == "pci-root" else name

    def serial_port(self, node: Node) -> tuple[int, int | None] | None:
        """Give controller and port of a device on a virtio serial bus, None where it has none."""
        return self.assigned.serial_port(node)

    def controller_name(self, kind: str, index: int) -> str:
        """Give QEMU's name of a controller, from which those of its buses are made."""
        usual = f"usb{index or ''}" if kind == "usb" else f"{kind}{index}"
        usual = f"pci.{index}" if kind == "pci" else usual
        found = next((c for c in self.hardware.of(kind) if c.index == index), None)
        return self.name(self._node(found), usual)

    @property
    def has_channels(self) -> bool:
        """Whether devices sit on channels, as on mainframes, and not on PCI."""
        return self.holds(S390)

    @property
    def is_x86(self) -> bool:
        """Whether it is a PC."""
        return self.holds(X86)

    def has_property(self, driver: str, name: str) -> bool:
        """Tell whether this QEMU's device has a property; no, where QEMU was not asked."""
        try:
            return name in self.domain.world.emulator.properties(device_properties_of(driver))
        except Unanswered:
            return False

    def is_since(self, *version: int) -> bool:
        """Tell whether QEMU is of this version or a later one."""
        return self.domain.world.emulator.version >= version

    def has_type(self, *names: str) -> bool:
        """Tell whether this QEMU has one of these types."""
        return any(name in self.domain.world.emulator.qom_types for name in names)

    def virtio(self, driver: str, owner: object = None) -> str:
        """Give the type of a virtio device for its bus: ``virtio-net`` with ``-pci``."""
        kind = self.kind(owner)
        if not kind:
            kind = "ccw" if self.has_channels else "pci"
        return driver + VIRTIO_ENDINGS.get(kind, "-device")

    def add(self, *words: str) -> None:
        """Write words."""
        self.words += words
        self._origins += [self._origin()] * len(words)

    def device(self, turn: Turn, told: str, *before: str, order: int = 0) -> None:
        """Write a device when its turn has come, after words for what stands behind it."""
        self._devices.append((turn, order, [*before, "-device", told], self._origin()))

    def _origin(self) -> Node | None:
        """Give the part of the domain that is written now: a device, or a child of the domain."""
        node: Node | None = self.reading.latest if self._owner is None else self._owner
        while node is not None and (above := node.getparent()) is not None:
            if above.tag == "devices" or above.getparent() is None:
                return node
            node = above
        return node

    def name(self, node: Node | None, usual: str) -> str:
        """Give QEMU's name of a device: the alias that a user chose, otherwise libvirt's."""
        alias = None if node is None else node.find("alias")
        name = "" if alias is None else alias.get("name", "")
        return name if name.startswith(_USERS) else usual

    def numbered(self, node: Node, kind: str) -> str:
        """Name a device by its kind and a number, which those with a user's alias do not take."""
        name = self.name(node, "")
        if name:
            return name
        self._numbers[kind] = self._numbers.get(kind, -1) + 1
        return f"{kind}{self._numbers[kind]}"

    def need(self, kind: str, value: str, node: Node, template: str = "") -> str:
        """Note that something of the host is required: a file, a socket …; gives `value`."""
        self.needs.append(HostNeed(kind, value, node, template))
        return value

    def plug(self, owner: object, driver: str, *before: str, **more: object) -> None:
        """Write a device at the address that its owner has."""
        place = self.place(owner)
        turn = Turn.PLACED if place else Turn.ANYWHERE
        self._owner = self._node(owner)
        self.identify(turn, owner, more.get("id"))
        self.device(turn, options(driver, **more, **place), *before)
        self._owner = None

    def plug_virtio(
        self, owner: object, driver: str, *before: str, model: object = None, **more: object
    ) -> None:
        """Write a device of virtio; `model` may ask for a (non-)transitional one."""
        told = self.virtio(driver, owner)
        if model in VIRTIO_FORMS and told.endswith("-pci"):
            kind = str(model).removeprefix("virtio-")
            if self.has_type(f"{told}-{kind}"):
                told = f"{told}-{kind}"
            elif kind == "transitional":
                more |= {"disable-legacy": "off", "disable-modern": "off"}
            else:
                more |= {"disable-legacy": "on", "disable-modern": "off"}
        self.plug(owner, told, *before, **more)

    def identify(self, turn: Turn, owner: object, name: object, order: int = 0) -> None:
        """Write the identifiers by which a mainframe tells a PCI device, before it."""
        place = self.assigned.pci(owner)
        if place is None or place.zpci is None or self.kind(owner) != "pci":
            return
        uid, fid = place.zpci
        self.device(turn, mainframe_identifiers(uid, fid, str(name)), order=order)

    def _node(self, owner: object) -> Node | None:
        if isinstance(owner, InstalledController):
            return None if owner.part is None else owner.part.node
        return None if owner is None or isinstance(owner, str) else owner  # type: ignore[return-value]

    def _address(self, owner: object) -> Node | None:
        """Take the element for an address with all that one of its kind has."""
        node = self._node(owner)
        address = None if node is None else self.reading.child(node, "address")
        if address is None:
            return None
        kind = self.reading.get(address, "type", ADDRESS_ATTRIBUTES) or "pci"
        self.reading.set_aside(address, *ADDRESS_ATTRIBUTES[kind])
        inner = self.reading.child(address, MAINFRAME_IDENTIFIERS)
        if inner is not None:
            self.reading.set_aside(inner, "uid", "fid")
        return address

    def kind(self, owner: object) -> str:
        """Give the kind of address: ``pci``, ``ccw`` …, "" for none."""
        node = self._node(owner)
        address = None if node is None else node.find("address")
        if address is not None and address.get("type"):
            return address.get("type", "")
        if self.assigned.ccw(owner) is not None:
            return "ccw"
        if self.assigned.pci(owner) is not None:
            return "pci"
        devices = self.domain.all(PciTopology)[0].devices
        if isinstance(owner, InstalledController):
            virtio = owner.type in {"scsi", "virtio-serial"}
            return devices.virtio_kind if virtio and devices.virtio_kind else ""
        if node is not None:
            return devices.kind_by_board(str(node.tag), node)
        return devices.virtio_kind if isinstance(owner, str) else ""

    def place(self, owner: object) -> dict[str, object]:
        """Take the address of a device, as given or as libvirt chooses it."""
        address, node = self._address(owner), self._node(owner)
        told: dict[str, object] = {}
        if address is not None and address.get("domain") not in _FIRST:
            raise untold(address, "domain")
        if address is not None and (self.reading.number(address, "function") or 0) > _LAST_FUNCTION:
            raise untold(address, "function")
        if self.kind(owner) == "pci" and (place := self.assigned.pci(owner)) is not None:
            _, bus, slot, function = place.address
            several = None if address is None else address.get("multifunction")
            told = {
                "bus": self.bus_name(bus),
                "multifunction": several or ("on" if place.several else None),
                "addr": f"{slot:#x}" + (f".{function:#x}" if function else ""),
            }
        elif (number := self.assigned.ccw(owner)) is not None:
            told = {"devno": f"{number.cssid:x}.{number.ssid:x}.{number.devno:04x}"}
        elif (register := self.assigned.register(owner)) is not None:
            told = {"reg": f"{register:#010x}"}
        return told | self._acpi(node)

    def _acpi(self, node: Node | None) -> dict[str, object]:
        named = None if node is None else self.reading.child(node, "acpi")
        return {} if named is None else {"acpi-index": self.reading.number(named, "index")}

    def usb_place(self, node: Node) -> dict[str, object]:
        """Take the place of a USB device."""
        if not self.hardware.has_usb:
            raise untold(node, "", "a device of USB without a controller")
        address, place = self._address(node), self.assigned.usb(node)
        if place is None:
            if address is None:
                return {}
            bus = self.reading.number(address, "bus") or 0
            return {"bus": f"{self.controller_name('usb', bus)}.0", "port": address.get("port")}
        port = ".".join(map(str, place.port))
        return {"bus": f"{self.controller_name('usb', place.bus)}.0", "port": port or None}

    def made_up(self, name: str) -> str:
        """Name a file that libvirt would make up: one in the folder where the command is run."""
        node = self.domain.root.find("name")
        guest = re.sub(r"[^\w.-]", "_", (node.text or "").strip() if node is not None else "")
        return f"{guest[:40] or 'guest'}-{name}"

    def virtio_options(self, node: Node | None) -> dict[str, object]:
        """Take the options that every device of virtio has."""
        if node is None:
            return {}
        return {
            to: self.reading.get(node, name, {"on", "off"}) for name, to in VIRTIO_SWITCHES.items()
        }

    def audio_of(self, node: Node) -> str | None:
        """Take which audio backend a device plays on: by its number, the first otherwise."""
        audio = self.reading.child(node, "audio")
        named = None if audio is None else self.reading.get(audio, "id")
        return f"audio{named}" if named else self.audio

    def boot(self, node: Node, kind: str) -> dict[str, object]:
        """Take a device's place in the boot order: its own, or that of the first of its kind."""
        boot = self.reading.child(node, "boot")
        if boot is not None:
            parameter = self.reading.get(boot, "loadparm")
            # QEMU has it in capital letters
            loadparm = None if parameter is None else parameter.upper()
            return {"bootindex": self.reading.number(boot, "order"), "loadparm": loadparm}
        return {"bootindex": self.bootable.pop(kind, None)}

    def blocks(self, count: int) -> range:
        """Give numbers for block devices that are named as libvirt names them."""
        first = self._blocks + 1
        self._blocks += count
        return range(first, first + count)

    def arguments(self) -> tuple[str, ...]:
        """Give all words, devices in their order; raises `UntoldError` where something is left."""
        self.reading.finish()
        devices = sorted(self._devices, key=lambda told: told[:2])
        words = [*self.words, *(word for _, _, words, _ in devices for word in words)]
        return (*with_followers(self._overridden(words), self._type_of), *self.last)

    def origins(self) -> tuple[Node | None, ...]:
        """Give for each word of `arguments` the part of the domain that it is written for.

        None stands for what libvirt adds. The domain's own arguments come last; theirs are missing.
        """
        devices = sorted(self._devices, key=lambda told: told[:2])
        return (*self._origins, *(node for *_, words, node in devices for _ in words))

    def _overridden(self, words: list[str]) -> list[str]:
        """Replace properties of devices that ``<qemu:override>`` names by their aliases."""
        if not self.overrides:
            return words
        return [
            overridden(word, self.overrides) if before == "-device" else word
            for before, word in zip(("", *words), words, strict=False)
        ]

    def _type_of(self, driver: str, name: str) -> str:
        """Give QEMU's type of a device's property; "" where QEMU was not asked."""
        try:
            known = self.domain.world.emulator.properties(device_properties_of(driver)).get(name)
        except Unanswered:
            return ""
        return "" if known is None else known.type


def as_shell_lines(words: tuple[str, ...]) -> str:
    """Write words for a shell, each option on a line of its own."""
    lines: list[list[str]] = [[]]
    for word in words:
        is_value = len(lines[-1]) == 1 and lines[-1][0] in _WITH_VALUES
        if word.startswith("-") and not is_value:
            lines.append([])
        lines[-1].append(word)
    return " \\\n  ".join(" ".join(map(shlex.quote, line)) for line in lines if line)


_WITH_VALUES = {"-append", "-kernel", "-initrd", "-dtb", "-name", "-k"}
"""Options whose values may look like options."""


def as_shell(words: tuple[str, ...]) -> str:
    """Write words for a shell."""
    return " ".join(map(shlex.quote, words))
