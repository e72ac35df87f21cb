"""What ``<driver>`` says to any virtio device, and where virtio devices can sit.

::

    <driver iommu='on' ats='on' packed='on' page_per_vq='on'/>
"""

from __future__ import annotations

from domcaps.language.changes.network import PAGE_PER_VQ
from domcaps.language.finding import Stage
from domcaps.language.part import Part, field
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import ON_OFF

NAMES = ("iommu", "ats", "packed", "page_per_vq")
BUSES = ("pci", "ccw", "virtio-mmio")


class VirtioOptions(Part):
    """Base of parts that are virtio devices, or can be: `is_virtio` tells.

    Their ``<driver>`` may carry the options of such devices.
    """

    iommu = field("driver/@iommu", ON_OFF)
    ats = field("driver/@ats", ON_OFF)
    packed = field("driver/@packed", ON_OFF)
    page_per_vq = field("driver/@page_per_vq", ON_OFF, since=PAGE_PER_VQ)

    @property
    def is_virtio(self) -> bool:
        """Whether it is a virtio device."""
        return True


def given_options(part: Part) -> Problems:
    """Report each such option that is given to a device that is not virtio."""
    driver = part.find("driver")
    if driver is None:
        return
    for name in NAMES:
        read = name != "page_per_vq" or libvirt_reads(part, PAGE_PER_VQ)
        if read and driver.get(name) is not None:
            yield problem(
                f"attribute {name!r} is only valid for virtio devices: remove it, or use "
                "a virtio model",
                part,
                f"driver/@{name}",
            )


@rule(
    "virtio-address-unsupported",
    VirtioOptions,
    bad="<memballoon model='virtio'><address type='usb' bus='0' port='1'/></memballoon>",
    good="<memballoon model='virtio'><address type='pci'/></memballoon>",
    stage=Stage.START,
)
def virtio_sits_on_pci(part: VirtioOptions) -> Problems:
    """The ``<address>`` of a virtio device must be of type ``pci``, ``ccw`` or ``virtio-mmio``."""
    address = part.find("address")
    kind = None if address is None else address.get("type")
    if kind is not None and kind not in BUSES and part.is_virtio:
        yield problem(
            f"a virtio device cannot have an address of type {kind!r}; use 'pci', "
            "'ccw' or 'virtio-mmio'",
            part,
            "address/@type",
            accepted=BUSES,
        )
