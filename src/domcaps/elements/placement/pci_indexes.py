"""Numbers of PCI controllers: indexes and buses, of which there are so many and which grow.

::

    <controller type='pci' index='1' model='pci-bridge'>
      <address type='pci' bus='0x00' slot='0x09'/>          (a bus below its index)
    </controller>
    <controller type='pci' index='2' model='pci-expander-bus'><target busNr='254'/></controller>
    <controller type='pci' index='3' model='pci-root'><target index='3'/></controller>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import PSERIES
from domcaps.elements.placement.installed import InstalledControllers
from domcaps.elements.placement.pci_assignment import PciTopology
from domcaps.elements.placement.pci_controllers import EXPANDER, HOST_BRIDGES, PciController
from domcaps.language.rule import Problems, Sample, problem, rule

if TYPE_CHECKING:
    from domcaps.elements.placement.installed import InstalledController

_BRIDGE = "<controller type='pci' index='{}' model='pci-bridge'>{}</controller>"
_OPEN = "<controller type='pci' index='1' model='pci-expander-bus'/>"
_PHB = "<controller type='pci' index='1' model='pci-root'><target index='3'/></controller>"
_EXPANDERS = "".join(
    f"<controller type='pci' index='{index}' model='pci-expander-bus'>"
    f"<target busNr='{busy}'/></controller>"
    for index, busy in ((1, 2), (2, 254))
)


@rule(
    "controller-busnr-exhausted",
    InstalledControllers,
    bad=_EXPANDERS + "<controller type='pci' index='3' model='pci-expander-bus'/>",
    good=_OPEN,
)
def bus_numbers_suffice(hardware: InstalledControllers) -> Problems:
    """A PCI expander bus without ``busNr`` needs a free bus number below the lowest ``busNr`` of
    the other expander buses.
    """
    controllers = hardware.domain.all(PciController)
    given = {id(c.node): c.number("busNr") for c in controllers}
    lowest = min((number for number in given.values() if number is not None), default=256)
    for controller in controllers:
        if controller.takes.options is not EXPANDER or given[id(controller.node)] is not None:
            continue
        if lowest <= 2:
            what = (
                f"no bus number below {lowest} is free for this expander bus; set a "
                "higher 'busNr' for the other expander buses"
            )
            yield problem(what, controller, "target/@busNr")
            return
        lowest -= 2


def _wants_target(bridge: InstalledController) -> bool:
    """Tell whether no target index is left for it, or for those that libvirt adds below it."""
    named = bridge.part is not None and bridge.part.has("target[@index]")
    return not named or bridge.index > HOST_BRIDGES


@rule(
    "controller-target-index-exhausted",
    InstalledControllers,
    bad=Sample(
        "".join(f"<controller type='pci' index='{n}' model='pci-root'/>" for n in range(1, 34)),
        arch="ppc64",
    ),
    good=Sample(_PHB, arch="ppc64"),
)
def target_indexes_suffice(hardware: InstalledControllers) -> Problems:
    """A pseries machine may have at most 32 PCI host bridges."""
    if hardware.domain.world.truth(PSERIES):
        bridges = [c for c in hardware.of("pci") if c.index != 0 and c.model == "pci-root"]
        # libvirt adds those with lower indexes, too
        late = [b for b in bridges[:HOST_BRIDGES] if b.index >= HOST_BRIDGES and b.part]
        open_ = [b for b in late if _wants_target(b)]
        for bridge in (*open_, *bridges[HOST_BRIDGES:]):
            what = (
                f"a pseries machine has at most {HOST_BRIDGES} <controller model='pci-root'> "
                "besides the first; remove one"
            )
            yield problem(what, bridge.part or hardware)


@rule(
    "controller-pci-bridge-order",
    PciTopology,
    bad=_BRIDGE.format(1, "<address type='pci' bus='2' slot='1'/>") + _BRIDGE.format(2, ""),
    good=_BRIDGE.format(1, "<address type='pci' bus='0' slot='9'/>"),
)
def bridges_lead_upwards(topology: PciTopology) -> Problems:
    """A PCI bridge must be on a bus whose number is lower than its own ``index``.

    Of an address of another type, libvirt reads the second number as the bus.
    """
    for controller in topology.hardware.of("pci"):
        if controller.model != "pci-bridge" or controller.part is None:
            continue
        place = topology.place_of(controller)
        if controller.kind in {"", "pci"}:
            bus = -1 if place is None else place.bus
        else:
            address = controller.part.address
            bus = -1 if address is None else address.first_numbers[1]
        if controller.index <= bus:
            yield problem(
                f"the bridge with index {controller.index} sits on bus {bus}: use a bus "
                "with a lower number",
                controller.part,
                "address/@bus",
            )
