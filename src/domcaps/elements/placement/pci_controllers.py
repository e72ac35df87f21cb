"""``<controller type='pci'>``: what each model has, and where it can be.

::

    <controller type='pci' index='1' model='pcie-root-port'>
      <model name='pcie-root-port'/>
      <target chassis='1' port='0x10' hotplug='off'/>
    </controller>
    <controller type='pci' index='2' model='pcie-expander-bus'>
      <target busNr='180'><node>1</node></target>
    </controller>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import ARM_VIRT, I440FX, PSERIES, Q35, S390_CCW
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.language.changes.controllers import PCI_HOLE_ARM, PCI_MEMORY_RESERVED, PCI_ROOT_HOTPLUG
from domcaps.language.fix import set_value
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device, device_property
from domcaps.language.part import Part
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import ON_OFF, UNSIGNED64, Int, fits
from domcaps.named_tuples import NamedTuple

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain
    from domcaps.language.predicate import Predicate

_NUMBER = Int(0, 2**31 - 1, base=0, minus_zero=True)
_NODE = Int(0, 2**31 - 1)
_MEMORY = Int(1, 2**64 - 1, base=0)

DEVICES: dict[str, Predicate] = {
    name: device(name)
    for name in (
        "pci-bridge", "i82801b11-bridge", "ioh3420", "x3130-upstream", "xio3130-downstream", "pxb",
        "pxb-pcie", "pcie-root-port", "spapr-pci-host-bridge", "pcie-pci-bridge",
    )
}  # fmt: skip
"""QEMU's devices behind PCI controllers, by the names that libvirt gives them as well."""

ROOT_HOTPLUG = device_property("PIIX4_PM", "acpi-root-pci-hotplug")
PORT_HOTPLUG = device_property("pcie-root-port", "hotplug")
PHB_NUMA = device_property("spapr-pci-host-bridge", "numa_node")


class _Model(NamedTuple):
    """What a model of PCI controllers takes: names of its device, options, and boards."""

    names: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()
    boards: Predicate | None = None


_PORT_OPTIONS = frozenset({"chassis", "port", "hotplug"})
EXPANDER = frozenset({"busNr", "node"})
_MODELS = {
    "pci-root": _Model(options=frozenset({"hotplug", "pcihole64"})),
    "pcie-root": _Model(options=frozenset({"pcihole64"})),
    "pci-bridge": _Model(("pci-bridge",), frozenset({"chassisNr", "memReserve"})),
    "dmi-to-pci-bridge": _Model(("i82801b11-bridge",)),
    "pcie-to-pci-bridge": _Model(("pcie-pci-bridge",)),
    "pcie-root-port": _Model(("pcie-root-port", "ioh3420"), _PORT_OPTIONS | {"memReserve"}),
    "pcie-switch-upstream-port": _Model(("x3130-upstream",)),
    "pcie-switch-downstream-port": _Model(("xio3130-downstream",), _PORT_OPTIONS),
    "pci-expander-bus": _Model(("pxb",), EXPANDER, I440FX),
    "pcie-expander-bus": _Model(("pxb-pcie",), EXPANDER, Q35 | ARM_VIRT),
}
_HOST_BRIDGE = _Model(("spapr-pci-host-bridge",), frozenset({"index", "node"}))
_ROOTS = ("pci-root", "pcie-root")

_RANGES = {"chassisNr": (1, 255), "chassis": (0, 255), "port": (0, 255), "busNr": (1, 254),
           "index": (0, 30)}  # fmt: skip
_MOST_INDEX = 255
HOST_BRIDGES = 31
"""How many host bridges a machine of pseries has besides the first."""


def _indexes(domain: Domain) -> dict[Node, int]:
    controllers = domain.all(InstalledControllers)[0].of("pci")
    return {c.part.node: c.index for c in controllers if c.part is not None}


class PciController(Part):
    """A PCI controller that a domain names."""

    path = "devices/controller[@type='pci']"

    @property
    def model(self) -> str:
        """The model, "" where there is none."""
        return self.node.get("model", "")

    @cached_property
    def index(self) -> int | None:
        """The index, as given or as libvirt gives it."""
        return self.domain.once(_indexes).get(self.node)

    @cached_property
    def takes(self) -> _Model:
        """What its model takes on this board."""
        if self.model == "pci-root" and self.holds(PSERIES):
            return _HOST_BRIDGE
        return _MODELS.get(self.model, _Model())

    @cached_property
    def expander_number(self) -> int | None:
        """The number of the bus that an expander gives its devices, None for other models."""
        return self.number("busNr") if self.takes.options >= EXPANDER else None

    def option(self, name: str) -> str | None:
        """Give the text of an option of ``<target>``."""
        target = self.node.find("target")
        if target is None:
            return None
        return target.findtext("node") if name == "node" else target.get(name)

    def number(self, name: str) -> int | None:
        """Give an option that is a number, None where it is absent or malformed."""
        text = self.option(name)
        kind = _NODE if name == "node" else _NUMBER
        return kind.parse(text) if text is not None and fits(kind, text) else None


_OPEN = "<controller type='pci' index='1' model='{}'>{}</controller>"
_BRIDGE = _OPEN.format("pci-bridge", "{}")
_ROOT = "<controller type='pci' index='0' model='pci-root'>{}</controller>"
_PHB = "<controller type='pci' index='1' model='pci-root'><target index='{}'/></controller>"


@rule(
    "controller-target-invalid",
    PciController,
    bad=_BRIDGE.format("<target chassisNr='one'/>"),
    good=_BRIDGE.format("<target chassisNr='56'/>"),
)
def options_have_their_form(controller: PciController) -> Problems:
    """In ``<target>`` of a PCI controller, ``chassisNr``, ``chassis``, ``port``, ``busNr`` and
    ``index`` must be numbers, and ``hotplug`` must be ``on`` or ``off``.
    """
    for name in _RANGES:
        text = controller.option(name)
        if text is not None and not fits(_NUMBER, text):
            yield problem(
                f"attribute {name!r} of <target> is {text!r}, but must be a whole number from "
                f"{_RANGES[name][0]} to {_RANGES[name][1]}",
                controller,
                f"target/@{name}",
            )
    for name, kind in (("hotplug", ON_OFF), ("memReserve", _MEMORY)):
        text = controller.option(name) if _is_read(controller, name) else None
        if text is not None and not fits(kind, text):
            what = f"attribute {name!r} of <target> is {text!r}, but must be {kind.expected}"
            yield problem(what, controller, f"target/@{name}")
    node = controller.option("node")
    if node and not fits(_NODE, node):
        yield problem(
            f"<node> is {node!r}, but must be the id of a NUMA <cell> of the guest, such as '0'",
            controller,
            "target/node",
        )


def _options(controller: PciController) -> frozenset[str]:
    """List the options of its model that this release of libvirt knows."""
    known = controller.takes.options
    old = controller.model == "pci-root" and not libvirt_reads(controller, PCI_ROOT_HOTPLUG)
    return known - {"hotplug"} if old else known


def _is_read(controller: PciController, name: str) -> bool:
    return name != "memReserve" or libvirt_reads(controller, PCI_MEMORY_RESERVED)


@rule(
    "controller-target-out-of-range",
    PciController,
    bad=_BRIDGE.format("<target chassisNr='0'/>"),
    good=_BRIDGE.format("<target chassisNr='56'/>"),
)
def options_are_in_range(controller: PciController) -> Problems:
    """In ``<target>`` of a PCI controller, ``chassisNr`` must be from 1 to 255, ``busNr`` from 1 to
    254, ``chassis`` and ``port`` from 0 to 255, and ``index`` from 0 to 30.
    """
    for name, (least, most) in _RANGES.items():
        number = controller.number(name)
        if number is not None and not least <= number <= most:
            yield problem(
                f"attribute {name!r} of <target> is {number}, but must be from {least} to {most}",
                controller,
                f"target/@{name}",
            )


@rule(
    "controller-target-unsupported",
    PciController,
    bad=_BRIDGE.format("<target busNr='3'/>"),
    good=_BRIDGE.format("<target chassisNr='56'/>"),
)
def options_suit_the_model(controller: PciController) -> Problems:
    """``<target>`` of a PCI controller may only have the attributes of the controller's model."""
    takes = _options(controller)
    if not controller.model:
        return
    for name in (*_RANGES, "hotplug", "memReserve", "node"):
        is_there = controller.option(name) is not None and _is_read(controller, name)
        if is_there and name not in takes:
            where = "target/node" if name == "node" else f"target/@{name}"
            yield problem(
                f"a controller of model {controller.model!r} does not support {name!r} "
                "here; remove it",
                controller,
                where,
                accepted=sorted(takes),
            )
    hole = controller.node.findtext("pcihole64")
    if hole and "pcihole64" not in takes and controller.model in _ROOTS:
        yield problem(
            "this machine type does not support <pcihole64>; remove it", controller, "pcihole64"
        )


@rule(
    "controller-pcihole64-invalid",
    PciController,
    bad=_ROOT.format("<pcihole64 unit='KiB'>0x100</pcihole64>"),
    good=_ROOT.format("<pcihole64 unit='KiB'>1048576</pcihole64>"),
)
def hole_is_a_number(controller: PciController) -> Problems:
    """``<pcihole64>`` must be a whole number (KiB, unless ``unit`` says otherwise)."""
    hole = controller.node.findtext("pcihole64")
    if not hole or controller.model not in _ROOTS:
        return
    try:
        UNSIGNED64.parse(hole)
    except ValueError:
        yield problem(
            "<pcihole64> must be a whole number (KiB, unless 'unit' says otherwise)",
            controller,
            "pcihole64",
        )


@rule(
    "controller-pcihole64-unsupported",
    PciController,
    bad=Sample(_ROOT.format("<pcihole64 unit='KiB'>1048576</pcihole64>"), arch="s390x"),
    good=_ROOT.format("<pcihole64 unit='KiB'>1048576</pcihole64>"),
)
def hole_needs_a_pc(controller: PciController) -> Problems:
    """``<pcihole64>`` requires an x86 PC machine type, or Arm ``virt`` with a newer libvirt."""
    boards = {"pci-root": I440FX, "pcie-root": Q35}.get(controller.model)
    if controller.holds(ARM_VIRT) and libvirt_reads(controller, PCI_HOLE_ARM):
        return
    hole = controller.node.findtext("pcihole64")
    if hole and boards is not None and not controller.holds(boards):
        why = boards.explain(controller.domain.world)
        yield problem(
            "this machine type does not support <pcihole64>; remove it",
            controller,
            "pcihole64",
            reason=why,
        )


@rule(
    "controller-model-name-invalid",
    PciController,
    bad=_BRIDGE.format("<model name='ioh3420'/>"),
    good=_BRIDGE.format("<model name='pci-bridge'/>"),
)
def name_suits_the_model(controller: PciController) -> Problems:
    """Attribute ``name`` of ``<model>`` in a PCI controller must be a device of the controller's
    model.
    """
    inner = controller.node.find("model")
    name = None if inner is None else inner.get("name")
    if name is None or not controller.model:
        return
    names = controller.takes.names
    if name not in {*names, "none"}:
        what = f"{name!r} is not a device for a controller of model {controller.model!r}"
        yield problem(what, controller, "model/@name", accepted=names)


@rule(
    "controller-model-name-unsupported",
    PciController,
    bad=Sample(_OPEN.format("dmi-to-pci-bridge", ""), arch="s390x"),
    good=Sample(_OPEN.format("pcie-root-port", ""), machine="q35"),
)
def device_is_there(controller: PciController) -> Problems:
    """QEMU must have the device for the PCI controller (attribute ``name`` of its ``<model>``)."""
    names = controller.takes.names
    inner = controller.node.find("model")
    given = None if inner is None else inner.get("name")
    world = controller.domain.world
    wanted = (given,) if given in names else names
    if wanted and all(world.truth(DEVICES[name]) is Truth.NO for name in wanted):
        why = DEVICES[wanted[0]].explain(world)
        yield problem(
            f"this QEMU does not have the device {' or '.join(map(repr, wanted))}; "
            "remove the controller, so that libvirt chooses one",
            controller,
            "@model",
            reason=why,
        )


@rule(
    "controller-pci-index-invalid",
    PciController,
    bad="<controller type='pci' index='1' model='pci-root'/>",
    good=_BRIDGE.format(""),
)
def index_suits_the_model(controller: PciController) -> Problems:
    """Attribute ``index`` of a PCI controller must be from 0 to 255; 0 is only for ``pci-root`` and
    ``pcie-root``.
    """
    index = controller.index
    if index is None:
        return
    if index > _MOST_INDEX:
        yield problem(
            f"attribute 'index' of a PCI controller must be at most {_MOST_INDEX}",
            controller,
            "@index",
        )
    elif controller.takes is _HOST_BRIDGE:
        return
    elif controller.model in _ROOTS and index != 0:
        fix = set_value("0", "@index")
        yield problem(
            f"a controller of model {controller.model!r} needs index='0'",
            controller,
            "@index",
            fix=fix,
        )
    elif controller.model in _MODELS and controller.model not in _ROOTS and index == 0:
        yield problem(
            f"a controller of model {controller.model!r} needs an index of at least 1",
            controller,
            "@index",
        )


@rule(
    "controller-pci-root-address",
    PciController,
    bad=_ROOT.format("<address type='pci' slot='3'/>"),
    good=_ROOT.format(""),
)
def roots_have_no_address(controller: PciController) -> Problems:
    """``pci-root`` and ``pcie-root`` controllers cannot have an ``<address>``."""
    if controller.model in _ROOTS and controller.has("address"):
        yield problem(
            f"a controller of model {controller.model!r} cannot have an <address>; remove it",
            controller,
            "address",
        )


@rule(
    "controller-expander-machine",
    PciController,
    bad=_OPEN.format("pcie-expander-bus", ""),
    good=_OPEN.format("pci-expander-bus", ""),
)
def expanders_need_their_board(controller: PciController) -> Problems:
    """Model ``pci-expander-bus`` requires an i440fx machine type, ``pcie-expander-bus`` one with
    PCIe, such as q35.
    """
    boards = controller.takes.boards
    if boards is not None and not controller.holds(boards):
        why = boards.explain(controller.domain.world)
        what = f"this machine type does not support controllers of model {controller.model!r}"
        yield problem(what, controller, "@model", reason=why)


@rule(
    "controller-numa-node-unknown",
    PciController,
    bad=_OPEN.format("pci-expander-bus", "<target><node>1</node></target>"),
    good=_OPEN.format("pci-expander-bus", ""),
)
def numa_node_exists(controller: PciController) -> Problems:
    """``<node>`` of a PCI controller must be the id of a NUMA ``<cell>`` that the domain
    defines.
    """
    node = controller.number("node")
    if node is None:
        return
    root = controller.domain.root
    nodes = len(root.findall("cpu/numa/cell"))
    if not nodes and root.find("maxMemory") is not None and controller.domain.new:
        nodes = 0 if controller.holds(S390_CCW) else 1
    if node >= nodes:
        yield problem(
            f"the domain does not define the NUMA cell {node}; use the id of a <cell> in <numa>",
            controller,
            "target/node",
        )
    elif controller.index == 0:
        yield problem(
            "the root bus cannot be bound to a NUMA <node>; remove it", controller, "target/node"
        )
    elif controller.takes is _HOST_BRIDGE:
        world = controller.domain.world
        if world.truth(PHB_NUMA) is Truth.NO:
            why = PHB_NUMA.explain(world)
            yield problem(
                "this host bridge cannot be bound to a NUMA <node>; remove it",
                controller,
                "target",
                reason=why,
            )


@rule(
    "controller-hotplug-unsupported",
    PciController,
    bad=Sample(_ROOT.format("<target hotplug='off'/>"), arch="s390x"),
    good=_ROOT.format("<target hotplug='off'/>"),
)
def hotplug_can_be_switched(controller: PciController) -> Problems:
    """``<target hotplug='off'>`` of a PCI controller requires a QEMU that can disable hot-plug on
    that bus.
    """
    needed = ROOT_HOTPLUG if controller.model == "pci-root" else PORT_HOTPLUG
    world = controller.domain.world
    if controller.option("hotplug") is None or "hotplug" not in controller.takes.options:
        return
    if world.truth(needed) is Truth.NO:
        why = needed.explain(world)
        yield problem(
            "hot-plug cannot be disabled on this bus; remove 'hotplug'",
            controller,
            "target/@hotplug",
            reason=why,
        )


@rule(
    "controller-target-index-conflict",
    PciController,
    bad=Sample(_PHB.format(0), arch="ppc64"),
    good=Sample(_PHB.format(1), arch="ppc64"),
)
def first_host_bridge_is_the_first(controller: PciController) -> Problems:
    """Of the PCI host bridges, only the one with ``index='0'`` must and may have ``index='0'`` in
    its ``<target>``.
    """
    target = controller.number("index")
    if target is None or controller.index is None:
        return
    if (target == 0) != (controller.index == 0):
        what = (
            "<target index='0'> is reserved for the controller with index='0'; use another number"
        )
        fix = set_value("0" if controller.index == 0 else str(controller.index), "@index")
        yield problem(what, controller, "target/@index", fix=fix)
