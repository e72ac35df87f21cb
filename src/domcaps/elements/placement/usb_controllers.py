"""``<controller type='usb'>``: its model, and how many ports it has.

::

    <controller type='usb' index='0' model='qemu-xhci' ports='15'/>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import I440FX
from domcaps.elements.controllers.controller import Controller
from domcaps.elements.controllers.models import USB_DEVICES, WITH_PORTS
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.language.changes.controllers import USB_CONTROLLER_DEFINED
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.elements.placement.installed import InstalledController
    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate


def _ports_are_fixed(controller: Controller) -> bool:
    model = controller.settled_model
    fixed = model not in {*WITH_PORTS, "none", None} and controller.type == "usb"
    return fixed and controller.ports is not None


_PORTS = "<controller type='usb' model='{}' ports='4'/>"


@rule(
    "controller-usb-ports-fixed",
    Controller,
    bad=_PORTS.format("ehci"),
    good=_PORTS.format("qemu-xhci"),
    since=USB_CONTROLLER_DEFINED,
)
def only_xhci_has_other_ports(controller: Controller) -> Problems:
    """Attribute ``ports`` of a USB controller requires an xHCI model, such as ``qemu-xhci``."""
    if _ports_are_fixed(controller):
        yield problem(
            f"a controller of model {controller.settled_model!r} has a fixed number of ports; "
            "remove 'ports', or use 'qemu-xhci'",
            controller,
            "@ports",
        )


@rule(
    "controller-usb-ports-fixed-at-start",
    Controller,
    bad=_PORTS.format("ehci"),
    good=_PORTS.format("qemu-xhci"),
    stage=Stage.START,
    until=USB_CONTROLLER_DEFINED,
)
def only_xhci_starts_with_other_ports(controller: Controller) -> Problems:
    """Attribute ``ports`` of a USB controller requires an xHCI model, such as ``qemu-xhci``
    (reported at start).

    From about libvirt 12.0 on, the definition is refused already.
    """
    if _ports_are_fixed(controller):
        yield problem(
            f"a controller of model {controller.settled_model!r} has a fixed number of ports; "
            "remove 'ports', or use 'qemu-xhci'",
            controller,
            "@ports",
        )


_UHCI = "<controller type='usb' model='piix3-uhci'/>"


def _absent(controller: Controller) -> Predicate | None:
    """Give the device that the controller would be and this QEMU does not have."""
    model = controller.model if controller.type == "usb" else None
    device = USB_DEVICES.get(model or "")
    absent = device is not None and controller.domain.world.truth(device) is Truth.NO
    return device if absent else None


@rule(
    "controller-usb-device-missing",
    Controller,
    bad=Sample(_UHCI, arch="s390x"),
    good=_UHCI,
)
def usb_model_is_there(controller: Controller) -> Problems:
    """QEMU must have the model of the USB controller (libvirt checks this from about 12.0)."""
    device, world = _absent(controller), controller.domain.world
    if device is not None and world.target.dialect.has(USB_CONTROLLER_DEFINED):
        text = f"this QEMU does not have the USB controller {controller.model!r}; use 'qemu-xhci'"
        yield problem(text, controller, "@model", reason=device.explain(world))


@rule(
    "controller-usb-device-missing-at-start",
    Controller,
    bad=Sample(_UHCI, arch="s390x"),
    good=_UHCI,
    stage=Stage.START,
)
def usb_model_is_there_at_start(controller: Controller) -> Problems:
    """QEMU must support the model of the USB controller.

    Older libvirt versions report this at start.
    """
    device, world = _absent(controller), controller.domain.world
    if device is not None and not world.target.dialect.has(USB_CONTROLLER_DEFINED):
        text = f"this QEMU does not have the USB controller {controller.model!r}; use 'qemu-xhci'"
        yield problem(text, controller, "@model", reason=device.explain(world))


@rule(
    "controller-usb-none-not-first",
    Controller,
    bad="<controller type='usb' index='1' model='none'/>",
    good="<controller type='usb' model='none'/>",
    stage=Stage.START,
)
def no_usb_is_the_first_controller(controller: Controller) -> Problems:
    """A USB controller with ``model='none'`` needs ``index='0'``, for which libvirt otherwise adds
    a controller.
    """
    if controller.type == "usb" and controller.model == "none" and controller.index:
        hardware = controller.domain.first(InstalledControllers)
        if hardware is None or not hardware.has_usb:
            return
        yield problem(
            "model='none' switches USB off, and belongs to index 0: libvirt adds a controller "
            "there, and does not start the domain",
            controller,
            "@index",
            accepted=("0",),
            fix=set_value("0", "@index"),
        )


_MASTER_MODEL = "ich9-ehci1"
_MASTER = "<controller type='usb' index='0' model='ich9-ehci1'/>"
_COMPANION = (
    "<controller type='usb' index='{}' model='ich9-uhci1'><master startport='0'/></controller>"
)


@rule(
    "controller-usb-companion-master-missing",
    Controller,
    bad=Sample(_MASTER + _COMPANION.format(1), machine="q35"),
    good=Sample(_MASTER + _COMPANION.format(0), machine="q35"),
    stage=Stage.START,
)
def a_companion_has_its_own_master(controller: Controller) -> Problems:
    """A USB controller with ``<master>`` requires one without ``<master>`` that has the
    same ``index``.

    Companions are those with ``<master>``, and the models ``ich9-uhci1`` to ``ich9-uhci3``.
    """
    companions, others = controller.domain.once(_companions_and_others)
    own = companions.get(controller.node)
    if own is None:
        return
    # without any master the definition is refused
    if others and others.get(own.index) != _MASTER_MODEL:
        yield problem(
            "this USB companion controller has no master; add a controller of model "
            f"{_MASTER_MODEL!r} with index='{own.index}', or correct 'index'",
            controller,
            "@index" if controller.index is not None else "@model",
        )


def _companions_and_others(
    domain: Domain,
) -> tuple[dict[Node, InstalledController], dict[int, str]]:
    """Give the companions by their elements, and the models of other USB controllers by index."""
    hardware = domain.first(InstalledControllers)
    found = hardware.of("usb") if hardware is not None else ()
    companions = {one.part.node: one for one in found if one.companion and one.part is not None}
    return companions, {one.index: one.model or "" for one in found if not one.companion}


_FIRST_PORT = "<controller type='usb' index='0' model='ich9-uhci1'><master startport='{}'/>"


@rule(
    "controller-usb-master-startport-unsupported",
    Controller,
    bad=Sample(_MASTER + _FIRST_PORT.format(7) + "</controller>", machine="q35"),
    good=Sample(_MASTER + _FIRST_PORT.format(2) + "</controller>", machine="q35"),
    stage=Stage.START,
)
def ports_of_companions_are_free(controller: Controller) -> Problems:
    """Attribute ``startport`` of ``<master>`` must be from 0 to 4, and differ for each companion.

    A companion serves two of the six ports of its master.
    """
    first = _first_port(controller)
    if first is None:
        return
    place = "master/@startport"
    if first > _LAST_FIRST_PORT:
        yield problem(
            f"attribute 'startport' of <master> must be at most {_LAST_FIRST_PORT}: QEMU does not "
            "start otherwise",
            controller,
            place,
            fix=set_value("0", place),
        )
        return
    taken = controller.domain.once(_taken_before).get(controller.node)
    if taken is not None:
        yield problem(
            f"the companion at startport='{taken}' has one of the ports {first} and "
            f"{first + 1} already",
            controller,
            place,
        )


def _taken_before(domain: Domain) -> dict[Node, int]:
    """Give the companions whose ports an earlier one of their bus has, and where that begins."""
    begun: dict[object, set[int]] = {}
    found: dict[Node, int] = {}
    for controller in domain.all(Controller):
        first = _first_port(controller)
        if first is None:
            continue
        earlier = begun.setdefault(controller.index, set())
        near = [n for n in range(first - 1, first + _PORTS_OF_COMPANION) if n in earlier]
        if near:
            found[controller.node] = near[0]
        earlier.add(first)
    return found


def _first_port(controller: Controller) -> int | None:
    """Give the first port of the master that a companion serves, None of other controllers."""
    master = controller.find("master") if controller.type == "usb" else None
    port = "" if master is None else master.get("startport", "").strip()
    return int(port) if port.isascii() and port.isdecimal() else None


_LAST_FIRST_PORT = 4
_PORTS_OF_COMPANION = 2

_ON_USB = "<controller type='usb'><address type='usb' bus='0' port='1'/></controller>"


@rule(
    "controller-usb-on-usb",
    Controller,
    bad=Sample(_ON_USB, machine="q35"),
    good=Sample(_ON_USB, machine="pc"),
    stage=Stage.START,
)
def usb_controllers_are_not_on_usb(controller: Controller) -> Problems:
    """A USB controller cannot have an ``<address>`` of type ``usb``."""
    address = controller.find("address")
    # libvirt puts the first one of a PC where the board has it, whatever address is given
    model = controller.settled_model
    on_board = model == "piix3-uhci" and not controller.index and controller.holds(I440FX)
    usable = controller.type == "usb" and controller.model != "none" and not on_board
    if usable and address is not None and address.get("type") == "usb":
        yield problem(
            "a USB controller cannot be on a USB bus; remove the <address>",
            controller,
            "address/@type",
        )


_ELSEWHERE = "<controller type='usb'><address type='drive'/></controller>"


@rule(
    "controller-usb-pci-missing",
    Controller,
    bad=Sample(_ELSEWHERE, machine="isapc"),
    good=Sample("<controller type='usb'/>", machine="pc"),
    since=USB_CONTROLLER_DEFINED,
)
def usb_needs_pci(controller: Controller) -> Problems:
    """A USB controller requires a machine type with PCI."""
    if controller.type != "usb" or controller.settled_model == "none":
        return
    hardware = controller.domain.first(InstalledControllers)
    misplaced = controller.address_type not in {None, "pci"}
    if misplaced and hardware is not None and not hardware.pci_root:
        yield problem(
            "this machine type has no PCI bus for a USB controller; use model='none'", controller
        )
