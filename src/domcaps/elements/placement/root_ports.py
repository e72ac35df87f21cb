"""Whether a device can be plugged into a running guest: on PCIe that takes a free root port."""

from __future__ import annotations

from domcaps.elements.placement.installed import PCIE_ROOT
from domcaps.elements.placement.pci_assignment import PciTopology
from domcaps.language.finding import Severity
from domcaps.language.rule import Problems, Sample, problem, rule

_FULL = (
    "<devices><controller type='usb' model='none'/><controller type='pci' index='0' "
    "model='pcie-root'/><controller type='pci' index='1' model='pcie-root-port'/>{}<memballoon "
    "model='virtio'><address type='pci' bus='1' slot='0'/></memballoon></devices>"
)
_PORT = "<controller type='pci' index='2' model='pcie-root-port'/>"


@rule(
    "pci-no-free-root-port",
    PciTopology,
    bad=Sample(_FULL.format(""), machine="q35"),
    good=Sample(_FULL.format(_PORT), machine="q35"),
    severity=Severity.NOTICE,
)
def a_port_is_free(topology: PciTopology) -> Problems:
    """A domain with PCIe should have a free root port, so that devices can be hot-plugged.

    Where libvirt adds root ports for devices, it adds a spare one. It adds none where all devices
    have addresses.
    """
    if not topology.holds(PCIE_ROOT) or topology.misplaced:
        return
    ports, free = topology.ports
    if not free:
        which = "the only PCIe root port is not"
        if ports != 1:
            which = f"none of the {ports} PCIe root ports is" if ports else "no PCIe root port is"
        yield problem(
            f"{which} "
            "free, so no device can be "
            "hot-plugged. Add <controller type='pci' model='pcie-root-port'/> for "
            "each device to hot-plug",
            topology,
            "devices",
        )
