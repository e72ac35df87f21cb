"""QEMU arguments for ``<iommu>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import ON_OFF, Line, Turn, options, untold

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

IOMMUS = {"intel": "intel-iommu", "virtio": "virtio-iommu-pci"}
"""IOMMUs of a guest, by model."""


def write_iommu(line: Line, node: Node) -> None:
    """Write what maps devices' addresses, before all devices."""
    reading = line.reading
    model = reading.get(node, "model", IOMMUS) or ""
    driver = reading.child(node, "driver")
    if model == "virtio":
        if driver is not None:
            raise untold(driver)
        line.plug(node, IOMMUS[model], id="iommu0")
        return
    told: dict[str, object] = {}
    if driver is not None:
        for name, option in (("intremap", "intremap"), ("caching_mode", "caching-mode"),
                             ("eim", "eim"), ("iotlb", "device-iotlb")):  # fmt: skip
            told[option] = reading.get(driver, name, ON_OFF)
        told["aw-bits"] = reading.number(driver, "aw_bits")
    line.device(Turn.BRIDGE, options(IOMMUS[model], id="iommu0", **told), order=-1)
