"""USB: which ports there are, which devices have taken them, and whether they suffice.

Every USB controller is a bus with some ports; a hub has eight. A device that names no port gets
the first one that is free, and libvirt adds hubs where ports run out, but no controllers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.address import Address, UsbAddress
from domcaps.elements.boards.defaults import HOSTDEV_MODE, card_model, input_bus
from domcaps.elements.boards.families import PPC64
from domcaps.elements.controllers.controller import Controller
from domcaps.elements.controllers.models import COMPANIONS, USB_PORTS, WITH_PORTS, XHCI
from domcaps.elements.placement.drives import disk_bus
from domcaps.elements.placement.installed import InstalledController, InstalledControllers
from domcaps.language.changes.network import INTERFACE_USB
from domcaps.language.fix import Fix, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.node_path import path_of
from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import UNSIGNED
from domcaps.language.wording import counted
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain

_HUB_PORTS = 8
_DEPTH = 4
_MOST_XHCI_PORTS = 15
_MOST_BUSES = 1024

# the order in which libvirt goes over devices that can be on USB
_LISTED = ("hostdev", "disk", "interface", "controller", "input", "serial", "sound", "filesystem",
           "redirdev")  # fmt: skip


def on_usb(tag: str, node: Node, domain: Domain) -> bool:
    """Tell whether a device is plugged into USB; hubs and card readers are not asked about."""
    if tag == "disk":
        return disk_bus(node, domain) == "usb"
    if tag == "interface":
        counted = domain.world.target.dialect.has(INTERFACE_USB)
        return counted and card_model(node, domain) == "usb-net"
    if tag == "sound":
        return node.get("model") == "usb"
    if tag == "hostdev":
        return node.get("type") == "usb" and node.get("mode", HOSTDEV_MODE) == "subsystem"
    if tag == "serial":
        return _child(node, "target", "type") == "usb-serial"
    if tag == "input":
        return input_bus(node, domain) == "usb"
    if tag == "filesystem":
        return _child(node, "driver", "type") == "mtp"
    return tag == "redirdev"


def _child(node: Node, tag: str, attribute: str) -> str | None:
    child = node.find(tag)
    return None if child is None else child.get(attribute)


class _Unplugged(NamedTuple):
    """A device without a port: what is wrong, and where."""

    node: Node | None
    code: str
    message: str


class _Hub:
    """A controller or hub: its ports, those that are taken, and the hubs in them."""

    __slots__ = ("full", "hubs", "ports", "taken")

    def __init__(self, ports: int) -> None:
        self.ports = ports
        self.taken: set[int] = set()
        self.hubs: dict[int, _Hub] = {}
        # once nothing is free in here, nothing can be plugged in that would change it
        self.full = False

    def free(self, level: int = 0) -> tuple[int, ...]:
        """Give the way to a port that is free, () where there is none."""
        if len(self.taken) < self.ports:
            for port in range(1, self.ports + 1):
                if port not in self.taken:
                    return (port,)
        if level < _DEPTH - 1:
            for port, hub in sorted(self.hubs.items()):
                way = () if hub.full else hub.free(level + 1)
                if way:
                    return (port, *way)
        self.full = True
        return ()


def ports_of(controller: InstalledController) -> int:
    """Say how many ports a USB controller has; companions have none of their own."""
    if controller.model in COMPANIONS:
        return 0
    part = controller.part
    if controller.model in WITH_PORTS and part is not None and part.ports is not None:
        return part.ports
    return USB_PORTS.get(controller.model or "", 2)


class Usb(Part):
    """The USB buses of a domain with what is plugged into them."""

    path = ""

    @cached_property
    def hardware(self) -> InstalledControllers:
        """The controllers of the domain."""
        return self.domain.all(InstalledControllers)[0]

    @cached_property
    def hubs(self) -> list[Node]:
        """The hubs that the domain names."""
        return [h for h in self.domain.find("devices/hub") if h.get("type") == "usb"]

    @cached_property
    def devices(self) -> list[Node | None]:
        """All devices on USB save hubs, in libvirt's order; None for those that it adds."""
        found: dict[str, list[Node | None]] = {}
        for node in self.node.findall("devices/*"):
            tag = str(node.tag)
            if tag in _LISTED and on_usb(tag, node, self.domain):
                found.setdefault(tag, []).append(node)
        for _ in self.added_inputs():
            found.setdefault("input", []).append(None)
        # readers of smart cards
        found["controller"] = [
            None if c.part is None else c.part.node for c in self.hardware.of("ccid")
        ]
        return [node for tag in _LISTED for node in found.get(tag, ())]

    def added_inputs(self) -> tuple[str, ...]:
        """Name the keyboard and mouse that boards of POWER get with a screen."""
        if not self.domain.world.truth(PPC64) or self.node.find("devices/graphics") is None:
            return ()
        kinds = {
            (node.get("type"), input_bus(node, self.domain))
            for node in self.node.findall("devices/input")
        }
        mouse = ("mouse", "usb") not in kinds and ("tablet", "usb") not in kinds
        keyboard = ("keyboard", "usb") not in kinds
        return (*(["keyboard"] if keyboard else []), *(["mouse"] if mouse else []))

    @cached_property
    def unplugged(self) -> tuple[_Unplugged, ...]:
        """What finds no port."""
        return tuple(_plug(self))

    @cached_property
    def ports(self) -> list[tuple[Node | None, UsbAddress]]:
        """The port of each device, given or chosen by libvirt; None for devices that it adds.

        Hubs come first, so that an added one is a None before all devices.
        """
        found: list[tuple[Node | None, UsbAddress]] = []
        # of a domain that is refused, those that it gives before it is
        next(_plug(self, found), None)
        return found


def _place(node: Node | None, domain: Domain) -> UsbAddress | None:
    address = None if node is None else domain.within(Address, node)
    return None if address is None else address.usb


def _other_kind(node: Node | None) -> bool:
    """Tell whether a device has an address that is not one of USB, which others check."""
    child = None if node is None else node.find("address")
    return child is not None and child.get("type") != "usb"


def _plug(
    usb: Usb, chosen: list[tuple[Node | None, UsbAddress]] | None = None
) -> Iterator[_Unplugged]:
    """Give ports to all; what is given a port here is appended to `chosen`."""
    devices = usb.devices
    # a hub is refused beside any 'none'; other devices find the controller that the board has
    refused = usb.hubs and any(c.model == "none" for c in usb.hardware.of("usb"))
    if refused or ((devices or usb.hubs) and not usb.hardware.has_usb):
        where = next((n for n in (*usb.hubs, *devices) if n is not None), None)
        yield _Unplugged(
            where, "missing", "the domain has no USB controller; add <controller type='usb'/>"
        )
        return
    buses: dict[int, _Hub] = {}
    for controller in usb.hardware.of("usb"):
        ports = ports_of(controller)
        if not ports or controller.index > _MOST_BUSES:
            continue
        if controller.index in buses:
            node = None if controller.part is None else controller.part.node
            what = f"another USB controller has index {controller.index}; use a free one"
            yield _Unplugged(node, "duplicate", what)
        buses[controller.index] = _Hub(ports)
    yield from _plug_given(usb, buses)
    yield from _plug_others(usb, buses, [] if chosen is None else chosen)


def _plug_given(usb: Usb, buses: dict[int, _Hub]) -> Iterator[_Unplugged]:
    """Take the ports that the domain names, those of hubs first."""
    for hub in usb.hubs:
        place = _place(hub, usb.domain)
        if place is not None and place.port:
            wrong = _take(buses, place, _Hub(_HUB_PORTS))
            if wrong:
                yield _Unplugged(hub, "unavailable", wrong)
    for device in usb.devices:
        place = _place(device, usb.domain)
        if place is not None and place.port:
            wrong = _take(buses, place)
            if wrong:
                yield _Unplugged(device, "unavailable", wrong)


def _plug_others(
    usb: Usb, buses: dict[int, _Hub], chosen: list[tuple[Node | None, UsbAddress]]
) -> Iterator[_Unplugged]:
    """Give ports to the others: hubs, those that are added, and devices."""
    waiting: list[tuple[Node | None, bool]] = []
    for hub in usb.hubs:
        place = _place(hub, usb.domain)
        if place is None or not place.port:
            waiting.append((hub, True))
    ports = sum(map(ports_of, usb.hardware.of("usb"))) + _HUB_PORTS * len(usb.hubs)
    wanted = len(usb.devices) + len(usb.hubs)
    if wanted > ports:
        needed = -(-(wanted - ports + 1) // (_HUB_PORTS - 1))
        waiting.extend([(None, True)] * min(needed, _MOST_BUSES))
    for device in usb.devices:
        place = _place(device, usb.domain)
        if not _other_kind(device) and (place is None or not place.port):
            waiting.append((device, False))
    for node, is_hub in waiting:
        found = _give(buses, _place(node, usb.domain), _Hub(_HUB_PORTS) if is_hub else None)
        if isinstance(found, str):
            yield _Unplugged(node, "exhausted", found)
            return
        chosen.append((node, found))


def _take(buses: dict[int, _Hub], place: UsbAddress, new: _Hub | None = None) -> str:
    """Plug a device into the port it names; give what is wrong with that."""
    hub = buses.get(place.bus)
    if hub is None:
        return (
            f"the domain has no USB bus {place.bus}; add a USB controller with "
            f"index='{place.bus}', or use another bus"
        )
    port = [number for number in place.port if number] or [0]
    for number in port[:-1]:
        if number > hub.ports:
            return f"{place} does not exist: there is no port {number}; use another port"
        inner = hub.hubs.get(number)
        if inner is None:
            return (
                f"{place} does not exist: there is no hub in port {number}; use another "
                "port, or add a <hub>"
            )
        hub = inner
    last = port[-1]
    if last > hub.ports:
        return (
            f"{place} does not exist: "
            f"{'the controller' if len(port) == 1 else 'the hub'} has "
            f"{counted(hub.ports, 'port')}; use a port from 1 to {hub.ports}"
        )
    if (last in hub.taken and new is None) or (new is not None and last in hub.hubs):
        return f"{place} is used by another device; use another port, or remove the <address>"
    hub.taken.add(last)
    if new is not None:
        hub.hubs[last] = new
    return ""


def _give(buses: dict[int, _Hub], wanted: UsbAddress | None, new: _Hub | None) -> UsbAddress | str:
    """Plug a device into the first port that is free, on the bus it names or on any.

    Gives the port, or what is wrong.
    """
    if wanted is not None and wanted.bus not in buses:
        return (
            f"the domain has no USB bus {wanted.bus}; add a USB controller with "
            f"index='{wanted.bus}', or use another bus"
        )
    candidates = [wanted.bus] if wanted is not None else sorted(buses)
    for bus in candidates:
        way = buses[bus].free()
        if way:
            found = UsbAddress(bus, way)
            return _take(buses, found, new) or found
    return "no USB port is left"


class UsbController(Part):
    """A USB controller that a domain names."""

    path = "devices/controller[@type='usb']"

    model = field("@model")
    ports = field("@ports", UNSIGNED, expected="a number of ports, such as '8'")


_TABLET = "<input type='tablet' bus='usb'>{}</input>"
_AT = "<address type='usb' bus='0' port='{}'/>"
_XHCI = "<controller type='usb' index='0' model='qemu-xhci'{}/>"
_NONE = "<controller type='usb' model='none'/>"


@rule(
    "usb-disabled",
    Usb,
    bad=_NONE + _TABLET.format(""),
    good=_XHCI.format("") + _TABLET.format(""),
)
def devices_need_usb(usb: Usb) -> Problems:
    """A USB device requires a USB controller of a model other than ``none``."""
    yield from _of_kind(usb, "missing")


@rule(
    "usb-controller-duplicate",
    Usb,
    bad=_XHCI.format("") * 2,
    good=_XHCI.format(""),
)
def buses_are_distinct(usb: Usb) -> Problems:
    """Attribute ``index`` must differ for all USB controllers, except an EHCI controller and its
    UHCI companions.
    """
    yield from _of_kind(usb, "duplicate")


@rule(
    "usb-port-unavailable",
    Usb,
    bad=_XHCI.format("") + _TABLET.format(_AT.format(9)),
    good=_XHCI.format("") + _TABLET.format(_AT.format(2)),
)
def ports_can_be_taken(usb: Usb) -> Problems:
    """A USB port in an ``<address>`` must exist and be free.

    A port with a hub leads to the ports of that hub.
    """
    yield from _of_kind(usb, "unavailable")


@rule(
    "usb-ports-exhausted",
    Usb,
    bad=_TABLET.format("<address type='usb' bus='3'/>"),
    good=_TABLET.format("<address type='usb' bus='0'/>"),
)
def ports_suffice(usb: Usb) -> Problems:
    """Each USB device needs a free port, on the bus in its ``<address>``, or else on any bus."""
    yield from _of_kind(usb, "exhausted")


def _of_kind(usb: Usb, kind: str) -> Problems:
    for found in usb.unplugged:
        if found.code == kind:
            at = "address" if kind in {"unavailable", "exhausted"} else ""
            fix = _with_usb(usb) if kind == "missing" else ()
            yield problem(found.message, usb if found.node is None else found.node, at, fix=fix)


def _with_usb(usb: Usb) -> Iterator[Fix]:
    """Give the domain USB 3 where its controller says that there is no USB."""
    for controller in usb.domain.all(UsbController):
        if controller.model == "none":
            yield set_value("qemu-xhci", f"{path_of(controller.node)}/@model")


@rule(
    "controller-usb-ports-too-many",
    Controller,
    bad=_XHCI.format(" ports='16'"),
    good=_XHCI.format(" ports='15'"),
)
def xhci_has_few_ports(controller: Controller) -> Problems:
    """Attribute ``ports`` of an xHCI controller must be at most 15."""
    xhci = controller.type == "usb" and controller.settled_model in XHCI
    if xhci and (controller.ports or 0) > _MOST_XHCI_PORTS:
        what = f"an xHCI controller has at most {_MOST_XHCI_PORTS} ports"
        yield problem(what, controller, "@ports")


@rule(
    "controller-usb-model-unsupported",
    Controller,
    bad="<controller type='usb' model='qusb1'/>",
    good=_XHCI.format(""),
)
def xen_controllers_are_not_here(controller: Controller) -> Problems:
    """The USB controller models ``qusb1`` and ``qusb2`` are for Xen; QEMU does not have them."""
    if controller.type == "usb" and controller.model in {"qusb1", "qusb2"}:
        yield problem(
            f"the USB controller {controller.model!r} is for Xen; use 'qemu-xhci'",
            controller,
            "@model",
        )


@rule(
    "device-usb-address-wrong",
    Usb,
    bad=_TABLET.format("<address type='pci' slot='5'/>"),
    good=_TABLET.format(_AT.format(1)),
)
def devices_have_usb_addresses(usb: Usb) -> Problems:
    """The ``<address>`` of a USB device must be of type ``usb``, if there is one."""
    for node in usb.devices:
        # network cards, sound cards and shared folders are not looked at
        if node is None or node.tag not in {"disk", "input", "redirdev", "hostdev"}:
            continue
        # an <input> for which libvirt chooses the bus is not looked at either
        if _other_kind(node) and not (node.tag == "input" and node.get("bus") is None):
            yield problem(
                "a USB device needs <address type='usb'>; remove this address, or change its type",
                node,
                "address/@type",
            )
