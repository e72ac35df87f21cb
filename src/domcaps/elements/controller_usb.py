"""``<controller type='usb'>``: how many ports it has.

::

    <controller type='usb' index='0' model='qemu-xhci' ports='15'/>
"""

from __future__ import annotations

from domcaps.elements.controller import Controller
from domcaps.language.finding import Stage
from domcaps.language.rule import Problems, problem, rule

_WITH_PORTS = frozenset({"nec-xhci", "qemu-xhci", "qusb1", "qusb2"})


def _ports_are_fixed(controller: Controller) -> bool:
    model = controller.settled_model
    fixed = model not in {*_WITH_PORTS, "none", None} and controller.type == "usb"
    return fixed and controller.ports is not None


_PORTS = "<controller type='usb' model='{}' ports='4'/>"
_BY_DEFINITION = "12.0"
"""A release since which libvirt looks at this when a domain is defined, if not the first."""


@rule(
    "controller-usb-ports-fixed",
    Controller,
    bad=_PORTS.format("ehci"),
    good=_PORTS.format("qemu-xhci"),
)
def only_xhci_has_other_ports(controller: Controller) -> Problems:
    """How many ports there are can be chosen for xHCI controllers only."""
    newer = controller.domain.world.target.dialect.speaks(_BY_DEFINITION, "")
    if newer and _ports_are_fixed(controller):
        yield problem(f"a {controller.settled_model} has its own ports", controller, "@ports")


@rule(
    "controller-usb-ports-fixed-at-start",
    Controller,
    bad=_PORTS.format("ehci"),
    good=_PORTS.format("qemu-xhci"),
    stage=Stage.START,
)
def only_xhci_starts_with_other_ports(controller: Controller) -> Problems:
    """How many ports there are can be chosen for xHCI controllers only; older libvirts say so late.

    Since about 12.0 libvirt refuses the definition.
    """
    older = controller.domain.world.target.dialect.speaks("", _BY_DEFINITION)
    if older and _ports_are_fixed(controller):
        yield problem(f"a {controller.settled_model} has its own ports", controller, "@ports")
