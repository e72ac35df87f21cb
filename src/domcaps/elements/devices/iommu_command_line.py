"""QEMU arguments for ``<iommu>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.command_line import ON_OFF, Line, Turn, options

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

IOMMUS = {"intel": "intel-iommu", "virtio": "virtio-iommu", "amd": "amd-iommu", "smmuv3": ""}
"""IOMMUs of a guest, by model; that of ARM's board is part of it."""
_OPTIONS = {
    "intel": (("intremap", "intremap"), ("caching_mode", "caching-mode"), ("eim", "eim"),
              ("iotlb", "device-iotlb"), ("dma_translation", "dma-translation")),
    "amd": (("intremap", "intremap"), ("iotlb", "device-iotlb"), ("xtsup", "xtsup"),
            ("passthrough", "pt")),
}  # fmt: skip


def write_iommu(line: Line, node: Node) -> None:
    """Write what maps devices' addresses, before all devices."""
    reading = line.reading
    model = reading.one(node, "model", IOMMUS)
    driver = reading.child(node, "driver")
    if model == "virtio":
        line.plug_virtio(node, IOMMUS[model], id=line.name(node, "iommu0"))
        return
    if model == "smmuv3":
        line.machine["iommu"] = "smmuv3"
        return
    told: dict[str, object] = {}
    if driver is not None:
        for name, option in _OPTIONS[model]:
            told[option] = reading.get(driver, name, ON_OFF)
        told["aw-bits"] = reading.positive(driver, "aw_bits")
    name = line.name(node, "iommu0")
    line.device(Turn.BRIDGE, options(IOMMUS[model], id=name, **told), order=-1)
