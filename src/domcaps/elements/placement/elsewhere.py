"""Where devices go on boards of x86 that have no PCI: to virtio-mmio, or with the board to PCI.

::

    <rng model='virtio'><backend model='random'/><address type='virtio-mmio'/></rng>   microvm
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import ISAPC, MICROVM
from domcaps.language.fix import Fix, set_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

    from domcaps.elements.placement.pci_devices import PciDevices

_MMIO = ("address/@type", "virtio-mmio")


def beside_pci(devices: PciDevices, node: Node | None) -> Iterator[Fix]:
    """Give a device of a board without PCI another place; libvirt looks for none itself.

    The board ``isapc`` becomes ``pc``, which is the same with PCI.
    """
    domain = devices.domain
    if node is None:
        return
    if domain.world.truth(ISAPC):
        yield set_value("pc", "/domain/os/type/@machine")
    elif domain.world.truth(MICROVM) and devices.is_virtio(str(node.tag), node, "virtio-mmio"):
        yield Fix(values=(_MMIO,))
    elif domain.world.truth(MICROVM) and node.tag == "interface":
        yield Fix(values=(("model/@type", "virtio"), _MMIO))
