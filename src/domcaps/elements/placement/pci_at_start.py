"""Numbers of PCI controllers that QEMU compares when a domain is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.address_width import has_own_width
from domcaps.elements.boards.families import X86
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.elements.placement.pci_controllers import PciController
from domcaps.language.finding import Stage
from domcaps.language.quantities import size_of
from domcaps.language.rule import Sample, problem, rule

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.elements.placement.installed import InstalledController
    from domcaps.language.domain import Domain
    from domcaps.language.rule import Problems

_WITH_CHASSIS = frozenset({"pcie-root-port", "pcie-switch-downstream-port"})
_ROOT = "<controller type='pci' index='0' model='pcie-root'/>"
_PORT = (
    "<controller type='pci' index='{}' model='pcie-root-port'><target chassis='{}'/></controller>"
)


@rule(
    "controller-pci-chassis-duplicate",
    PciController,
    bad=Sample(_ROOT + _PORT.format(1, 7) + _PORT.format(2, 7), machine="q35"),
    good=Sample(_ROOT + _PORT.format(1, 7) + _PORT.format(2, 8), machine="q35"),
    stage=Stage.START,
)
def ports_have_a_chassis_each(controller: PciController) -> Problems:
    """Attribute ``chassis`` of ``<target>`` must differ for each PCIe root and downstream port.

    Where it is not set it is the index of the controller.
    """
    owner = controller.domain.once(_same_chassis).get(controller.node)
    if owner is not None:
        yield problem(
            f"the PCI controller with index {owner} has this chassis number; choose another, such "
            "as the index",
            controller,
            "target/@chassis",
            accepted=() if controller.index is None else (str(controller.index),),
        )


def _same_chassis(domain: Domain) -> dict[Node, int]:
    """Give the ports whose chassis another port has, with the index of that one."""
    owners: dict[int, int] = {}
    found = {}
    ports = [one for one in domain.all(InstalledControllers)[0].of("pci")
             if one.model in _WITH_CHASSIS]  # fmt: skip
    # what libvirt numbers itself cannot be changed: it comes first
    for port in sorted(ports, key=lambda one: _chassis(one) is not None):
        given = _chassis(port)
        number = port.index if given is None else given
        if number in owners and port.part is not None:
            found[port.part.node] = owners[number]
        owners.setdefault(number, port.index)
    return found


def _chassis(port: InstalledController) -> int | None:
    return None if port.part is None else _target_number(port.part.node, "chassis")


def _target_number(node: Node, name: str) -> int | None:
    target = node.find("target")
    text = "" if target is None else target.get(name, "")
    try:
        return int(text, 0)
    except ValueError:
        return None


_PXB = (
    "<controller type='pci' index='{}' model='pcie-expander-bus'><target busNr='{}'/></controller>"
)


@rule(
    "controller-pci-bus-number-duplicate",
    PciController,
    bad=Sample(_ROOT + _PXB.format(1, 100) + _PXB.format(2, 100), machine="q35"),
    good=Sample(_ROOT + _PXB.format(1, 100) + _PXB.format(2, 110), machine="q35"),
    stage=Stage.START,
)
def expanders_have_a_number_each(controller: PciController) -> Problems:
    """Attribute ``busNr`` of ``<target>`` must differ for each PCI expander bus."""
    own = controller.expander_number
    first = controller.domain.firsts(PciController, "expander_number")[own]
    if own is not None and first.node is not controller.node:
        message = f"another PCI expander bus has the number {own}; choose another"
        yield problem(message, controller, "target/@busNr")


_HOLE = (
    "<controller type='pci' index='0' model='pcie-root'><pcihole64 unit='GiB'>{}</pcihole64>"
    "</controller>"
)
_GIB = 1 << 30
_ADDRESSABLE_GIB = 1024
_BELOW_HOLE_GIB, _BELOW_AMD_HOLE_GIB = 4, 16
"""QEMU's own model and AMD's have no addresses just below 1 TiB."""
_WIDE_MODES = frozenset({"host-passthrough", "maximum"})


@rule(
    "controller-pcihole64-fails-at-start",
    PciController,
    bad=Sample(_HOLE.format(2048), machine="q35"),
    good=Sample(_HOLE.format(512), machine="q35"),
    stage=Stage.START,
)
def hole_can_be_addressed(controller: PciController) -> Problems:
    """``<pcihole64>`` must be within the addresses of the CPU, of which x86 has 1 TiB by default.

    ``<maxphysaddr>`` of ``<cpu>`` gives more, as does ``mode='host-passthrough'`` with KVM.
    """
    hole = size_of(controller.node, "pcihole64", "pcihole64/@unit") or 0
    if controller.index or not hole or not controller.holds(X86):
        return
    wide_modes = _WIDE_MODES if controller.domain.virttype == "kvm" else ()
    if has_own_width(controller.domain, wide_modes):
        return
    is_plain = controller.domain.virttype == "qemu" and _is_default(controller.domain)
    most = _ADDRESSABLE_GIB - (_BELOW_AMD_HOLE_GIB if is_plain else _BELOW_HOLE_GIB)
    if hole > most * _GIB:
        message = (
            f"<pcihole64> can be at most {most} GiB with the physical address width of this CPU; "
            "write a smaller size, or add <maxphysaddr> to <cpu>"
        )
        yield problem(message, controller, "pcihole64")


def _is_default(domain: Domain) -> bool:
    return domain.root.find("cpu/model") is None
